//! An event stream from anywhere, cut anywhere (the first byte says into how large pieces): reading never panics and does not depend on the cuts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tickgate_core::sse::Decoder;

fuzz_target!(|input: &[u8]| {
    let Some((size, bytes)) = input.split_first() else { return };
    let (mut whole, mut cut) = (Decoder::default(), Decoder::default());
    let at_once = whole.feed(bytes);
    let mut in_pieces = Vec::new();
    for piece in bytes.chunks(usize::from(*size).max(1)) {
        match cut.feed(piece) {
            Ok(events) => in_pieces.extend(events),
            Err(error) => return assert_eq!(at_once, Err(error)),
        }
    }
    assert_eq!(at_once.as_ref(), Ok(&in_pieces));
    assert_eq!((whole.last_event_id(), whole.retry_ms()), (cut.last_event_id(), cut.retry_ms()));
});
