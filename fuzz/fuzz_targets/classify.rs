//! A version header (the first line; `-` for none) and a body: classifying never panics, refusals are 400, and a modern header never leads into
//! a session but with a handshake or a plain notification.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tickgate_core::mcp::{Era, Refusal, classify};
use tickgate_core::rpc::Body;

fuzz_target!(|input: &str| {
    let Some((header, body)) = input.split_once('\n') else { return };
    let header = (header != "-").then_some(header);
    let Ok(body) = Body::parse(body.as_bytes()) else { return };
    match classify(header, body, input.len() % 2 == 0) {
        Era::Refused(Refusal { status, error, .. }) => {
            assert_eq!(status, 400);
            assert!(error.code.0 < 0 && !error.message.is_empty());
        }
        Era::Legacy(_) | Era::LegacyBatch(_) => assert_ne!(header.map(str::trim), Some("2026-07-28")),
        Era::Modern(..) | Era::ModernNotification => {}
    }
});
