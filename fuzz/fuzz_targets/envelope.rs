//! `_meta` of a request, whatever JSON it is: reading it never panics, and a claim makes the request a stateless one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use serde_json::value::RawValue;
use tickgate_core::mcp::{Era, classify};
use tickgate_core::rpc::Body;

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";

fuzz_target!(|meta: &str| {
    if serde_json::from_str::<&RawValue>(meta).is_err() {
        return;
    }
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{"_meta":{meta}}}}}"#);
    let era = classify(None, Body::parse(body.as_bytes()).expect("it is a request"), false);
    let claims = serde_json::from_str::<Value>(meta).is_ok_and(|meta| meta.get(VERSION).is_some());
    assert!(!claims || matches!(era, Era::Modern(..)), "a claim is not heard");
});
