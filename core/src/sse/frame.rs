//! Frames. A message is one line of JSON, so one `data:` line carries it; other text is split into lines.

use bytes::{BufMut, Bytes, BytesMut};

use super::event_id::EventId;

/// A JSON-RPC message as an event.
#[must_use]
pub fn message(id: EventId, json: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(json.len() + 96);
    frame.put_slice(b"event: message\nid: ");
    frame.put_slice(id.to_string().as_bytes());
    frame.put_u8(b'\n');
    put_data(&mut frame, json);
    frame.put_u8(b'\n');
    frame.freeze()
}

/// The same without an id, for streams that cannot be resumed.
#[must_use]
pub fn bare_message(json: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(json.len() + 32);
    frame.put_slice(b"event: message\n");
    put_data(&mut frame, json);
    frame.put_u8(b'\n');
    frame.freeze()
}

/// The first event of a stream from 2025-11-25 on: an id to resume from and no data (SEP-1699).
#[must_use]
pub fn priming(id: EventId, retry_ms: u64) -> Bytes {
    Bytes::from(format!("id: {id}\nretry: {retry_ms}\ndata:\n\n"))
}

/// The last event before a connection is closed and its stream goes on: come back after `retry_ms` (SEP-1699).
#[must_use]
pub fn pause(id: EventId, retry_ms: u64) -> Bytes {
    priming(id, retry_ms)
}

/// A comment, which clients skip: keeps proxies and sockets alive. `text` must have no line break.
#[must_use]
pub fn comment(text: &str) -> Bytes {
    debug_assert!(!text.contains(['\n', '\r']));
    Bytes::from(format!(": {text}\n\n"))
}

/// CR, LF and CRLF all end a line for a reader, so each starts a `data:` line of its own.
fn put_data(frame: &mut BytesMut, data: &[u8]) {
    let mut rest = data;
    loop {
        frame.put_slice(b"data: ");
        let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        frame.put_slice(&rest[..end.unwrap_or(rest.len())]);
        frame.put_u8(b'\n');
        let Some(end) = end else { return };
        let crlf = rest[end] == b'\r' && rest.get(end + 1) == Some(&b'\n');
        rest = &rest[end + if crlf { 2 } else { 1 }..];
    }
}

#[cfg(test)]
mod tests {
    use super::super::StreamId;
    use super::*;
    use proptest::prelude::*;

    const ID: EventId = EventId { stream: StreamId(0xf), seq: 3 };

    /// What a reader makes of a frame, after WHATWG HTML §9.2.6.
    fn read(frame: &[u8]) -> (String, String) {
        let text = std::str::from_utf8(frame).unwrap().replace("\r\n", "\n").replace('\r', "\n");
        let (mut id, mut data) = (String::new(), Vec::new());
        for line in text.lines() {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "id" => id = value.to_owned(),
                "data" => data.push(value.to_owned()),
                _ => {}
            }
        }
        (id, data.join("\n"))
    }

    #[test]
    fn a_message_is_framed_byte_for_byte() {
        assert_eq!(
            &message(ID, b"{\"a\":1}")[..],
            b"event: message\nid: 0000000000000000000000000000000f.3\ndata: {\"a\":1}\n\n"
        );
        assert_eq!(&priming(ID, 2_000)[..], b"id: 0000000000000000000000000000000f.3\nretry: 2000\ndata:\n\n");
        assert_eq!(&comment("ping")[..], b": ping\n\n");
    }

    proptest! {
        #[test]
        fn what_is_framed_is_what_a_reader_reads(text in "[^\\r]*") {
            prop_assert_eq!(read(&message(ID, text.as_bytes())), (ID.to_string(), text));
        }

        #[test]
        fn no_text_can_end_its_frame_early(text in ".*[\\r\\n]{0,3}.*") {
            let frame = message(ID, text.as_bytes());
            let lines = std::str::from_utf8(&frame).unwrap().replace("\r\n", "\n").replace('\r', "\n");
            prop_assert_eq!(lines.matches("\n\n").count(), 1);
            prop_assert!(lines.ends_with("\n\n"));
        }
    }
}
