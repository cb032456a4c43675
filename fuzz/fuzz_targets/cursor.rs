//! A cursor of a list: no text is one that we did not make, and whatever was sealed as one never panics.
#![no_main]

mod own;
#[path = "../../src/registry/pages.rs"]
mod pages;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use own::{sealer, sealing::Purpose};
use pages::Pages;
use serde_json::json;
use tickgate_core::access::Principal;

/// What the sealing takes from the product's settings.
mod settings {
    pub(crate) use crate::own::secret_bytes;
}

fuzz_target!(|input: &[u8]| {
    static PAGES: OnceLock<Pages> = OnceLock::new();
    let pages = PAGES.get_or_init(|| Pages::new("tools", (0..120).map(|number| json!({ "name": number })).collect()));
    let reader = Principal::new("user", "ada");
    let text = String::from_utf8_lossy(input);
    assert!(pages.page(Some(&text), &reader, sealer()).is_err());
    let sealed = sealer().seal(Purpose::Cursor, &[reader.as_str().as_bytes(), b"tools"], input);
    assert!(pages.page(Some(&sealed), &reader, sealer()).is_err(), "the list's version is missing");
});
