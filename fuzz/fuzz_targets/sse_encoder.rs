//! Whatever text is framed as an event is what a reader reads of it, and nothing more: no text ends its frame early or adds a field.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tickgate_core::sse::{Decoder, EventId, StreamId, bare_message, message};

fuzz_target!(|text: &str| {
    let id = EventId { stream: StreamId(7), seq: 3 };
    // CR, CRLF and LF all end a line for a reader; it joins lines with LF.
    let expected = text.replace("\r\n", "\n").replace('\r', "\n");
    for (frame, name) in [(message(id, text.as_bytes()), Some(id.to_string())), (bare_message(text.as_bytes()), None)] {
        let mut decoder = Decoder::default();
        let events = decoder.feed(&frame).expect("it is UTF-8");
        assert_eq!(decoder.last_event_id(), name.as_deref());
        assert_eq!(decoder.retry_ms(), None);
        match events.as_slice() {
            [] => assert!(expected.is_empty()),
            [event] => assert_eq!((&event.data, &*event.name, &event.id), (&expected, "message", &name)),
            more => panic!("{} events of one", more.len()),
        }
    }
});
