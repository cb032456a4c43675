//! `Last-Event-ID`: reading it never panics, and an id has one spelling only.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tickgate_core::sse::EventId;

fuzz_target!(|text: &str| {
    if let Ok(id) = text.parse::<EventId>() {
        assert_eq!(id.to_string(), text);
    }
});
