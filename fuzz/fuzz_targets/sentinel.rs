//! A value of `Mcp-Name`: decoding never panics, a literal stays as it is, and a wrapped text has one spelling only.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use tickgate_core::mcp::decode_sentinel;

fuzz_target!(|value: &str| {
    let wrapped = value.strip_prefix("=?base64?").is_some_and(|rest| rest.ends_with("?="));
    match decode_sentinel(value) {
        Some(text) if wrapped => assert_eq!(value, format!("=?base64?{}?=", STANDARD.encode(&*text))),
        Some(text) => assert_eq!(value, text),
        None => assert!(wrapped),
    }
    assert_eq!(decode_sentinel(&format!("=?base64?{}?=", STANDARD.encode(value))).as_deref(), Some(value));
});
