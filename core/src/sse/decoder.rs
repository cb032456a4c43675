//! Reads an event stream, cut into chunks anywhere (WHATWG HTML §9.2.6). For clients.

use std::mem;

/// Longest event read, in bytes; a stream with a longer one is given up.
pub const MAX_EVENT_BYTES: usize = 4 << 20;

/// One event, as a reader dispatches it; comments and empty events leave none, but their id counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecodedEvent {
    /// The newest id of the stream, this event's or an earlier one's.
    pub id: Option<String>,
    /// The event's name; `message` when it has none.
    pub name: String,
    /// Its data, lines joined by line feeds.
    pub data: String,
}

/// The stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// An event is longer than [`MAX_EVENT_BYTES`].
    #[error("an event of the stream is longer than {MAX_EVENT_BYTES} bytes")]
    TooLong,
    /// A line is not UTF-8.
    #[error("the stream is not UTF-8")]
    NotUtf8,
}

/// Turns bytes into events.
#[derive(Debug, Default)]
pub struct Decoder {
    line: Vec<u8>,
    after_return: bool,
    id: Option<String>,
    retry_ms: Option<u64>,
    name: String,
    data: Option<String>,
}

impl Decoder {
    /// The newest id: where to resume.
    #[must_use]
    pub fn last_event_id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// How long to wait before reconnecting, if the stream said so.
    #[must_use]
    pub const fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    /// Reads a chunk and gives the events that it completes.
    ///
    /// # Errors
    /// When the stream cannot be read on.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<Vec<DecodedEvent>, DecodeError> {
        let mut events = Vec::new();
        for &byte in chunk {
            let after_return = mem::take(&mut self.after_return);
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => {
                    self.after_return = byte == b'\r';
                    let line = mem::take(&mut self.line);
                    let line = std::str::from_utf8(&line).map_err(|_| DecodeError::NotUtf8)?;
                    events.extend(self.line(line));
                }
                byte => self.line.push(byte),
            }
            if self.line.len() + self.data.as_ref().map_or(0, String::len) > MAX_EVENT_BYTES {
                return Err(DecodeError::TooLong);
            }
        }
        Ok(events)
    }

    /// What a connection left unfinished is not an event.
    pub fn reconnected(&mut self) {
        *self = Self { id: self.id.take(), retry_ms: self.retry_ms, ..Self::default() };
    }

    fn line(&mut self, line: &str) -> Option<DecodedEvent> {
        if line.is_empty() {
            let name = mem::take(&mut self.name);
            let data = self.data.take().filter(|data| !data.is_empty())?;
            let name = if name.is_empty() { "message".to_owned() } else { name };
            return Some(DecodedEvent { id: self.id.clone(), name, data });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            "event" => value.clone_into(&mut self.name),
            "retry" => self.retry_ms = value.parse().ok().or(self.retry_ms),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn comments_and_empty_events_are_not_dispatched_but_their_id_counts() {
        let mut decoder = Decoder::default();
        let events = decoder.feed(b": hi\n\nid: 1\nretry: 5\ndata:\n\nid: 2\nevent: price\ndata: a\ndata: b\n\n").unwrap();
        assert_eq!(events, [DecodedEvent { id: Some("2".into()), name: "price".into(), data: "a\nb".into() }]);
        assert_eq!(decoder.retry_ms(), Some(5));
        decoder.feed(b"id: 3\n\ndata: unfinished").unwrap();
        assert_eq!(decoder.last_event_id(), Some("3"));
        decoder.reconnected();
        assert!(decoder.feed(b"\n\n").unwrap().is_empty());
    }

    #[test]
    fn an_endless_event_is_given_up() {
        let mut decoder = Decoder::default();
        let chunk = vec![b'x'; MAX_EVENT_BYTES / 4];
        assert_eq!((0..5).find_map(|_| decoder.feed(&chunk).err()), Some(DecodeError::TooLong));
    }

    proptest! {
        #[test]
        fn chunks_may_be_cut_anywhere(
            texts in proptest::collection::vec("[^\\r\\n\\u{0}]{1,20}", 1..8), cuts in proptest::collection::vec(0usize..400, 0..20), crlf: bool,
        ) {
            let end = if crlf { "\r\n" } else { "\n" };
            let stream: String = texts.iter().enumerate().map(|(n, text)| format!("id: {n}{end}data: {text}{end}{end}")).collect();
            let bytes = stream.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < bytes.len()).chain([0, bytes.len()]).collect();
            cuts.sort_unstable();
            let mut decoder = Decoder::default();
            let mut got = Vec::new();
            for pair in cuts.windows(2) {
                got.extend(decoder.feed(&bytes[pair[0]..pair[1]]).unwrap().into_iter().map(|event| event.data));
            }
            // One blank after the colon belongs to the field's form.
            prop_assert_eq!(got, texts);
        }

        #[test]
        fn no_bytes_make_the_decoder_panic(chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 0..10)) {
            let mut decoder = Decoder::default();
            for chunk in chunks {
                if decoder.feed(&chunk).is_err() {
                    break;
                }
            }
        }
    }
}
