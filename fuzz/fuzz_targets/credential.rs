//! What a stranger shows as a credential, and the addresses and forms of a client: whatever is read is written as we write it, and nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tickgate_core::identity::api_key::PresentedKey;
use tickgate_core::identity::oauth::{Asked, ClientUrl, Params, RedirectUri, TokenRequest};
use tickgate_core::identity::refresh::PresentedRefresh;
use tickgate_core::identity::{Once, PresentedOnce};

fuzz_target!(|text: &str| {
    if PresentedKey::read(text).is_some() {
        assert!(text.is_ascii() && text.starts_with("tg_") && text.len() == 65);
    }
    if PresentedRefresh::read(text).is_some() {
        assert!(text.is_ascii() && text.starts_with("tgr_"));
    }
    for what in [Once::Code, Once::Ticket, Once::Link, Once::Browser, Once::SignIn] {
        if PresentedOnce::read(what, text).is_some() {
            assert!(text.is_ascii() && text.starts_with("tg"));
        }
    }
    if let Ok(address) = RedirectUri::read(text) {
        assert!(address.is_meant_by(text), "an address that was registered is meant by itself");
        assert!(!address.shown().contains(['<', '>', '"', '\n']));
    }
    if let Ok(url) = ClientUrl::read(text) {
        assert_eq!(url.as_str(), text);
        assert!(text.starts_with("https://") && !text.contains('#'));
    }
    if let Ok(params) = Params::read(text) {
        let _ = Asked::read(&params);
        let _ = TokenRequest::read(&params, None);
        let _ = TokenRequest::read(&params, Some(text));
    }
});
