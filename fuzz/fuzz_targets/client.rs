//! What a client says of itself, registered or in its metadata document: what is taken has addresses that browsers may be sent to, and a name
//! that people can be shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tickgate_core::identity::oauth::{ClientUrl, Registration, read_document};
use tickgate_core::time::Millis;

fuzz_target!(|body: &[u8]| {
    let url = ClientUrl::read("https://client.example/metadata.json").expect("an address of a document");
    if let Ok(client) = read_document(&url, body, Millis(1_773_167_467_294)) {
        assert_eq!(client.id, url.as_str());
        assert!(!client.redirect_uris.is_empty() && client.redirect_uris.len() <= 20);
        assert!(!client.name.chars().any(char::is_control));
    }
    let Ok(body) = serde_json::from_slice(body) else { return };
    let _ = Registration::read(&body);
});
