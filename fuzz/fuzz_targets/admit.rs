//! A stateless request with its routing headers (three lines before the body; `-` for none): admitting never panics, each refusal echoes the id, and what is admitted is what
//! its headers say.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tickgate_core::mcp::{Asked, Era, HeaderValue, RoutingHeaders, admit, classify, decode_sentinel};
use tickgate_core::rpc::{Body, ClientMessage};

fn header(sent: &str) -> HeaderValue<'_> {
    HeaderValue::of((sent != "-").then_some(Some(sent)).into_iter())
}

fuzz_target!(|input: &str| {
    let mut lines = input.splitn(4, '\n');
    let (Some(version), Some(named), Some(name), Some(body)) = (lines.next(), lines.next(), lines.next(), lines.next()) else {
        return;
    };
    let headers = RoutingHeaders { version: header(version), method: header(named), name: header(name) };
    let Ok(body) = Body::parse(body.as_bytes()) else { return };
    let Era::Modern(ClientMessage::Request { id, method, params }, envelope) = classify(headers.version.text(), body, false)
    else {
        return;
    };
    // Some transports have no headers.
    let sent = (version, named, name) != ("-", "-", "-");
    match admit(id.clone(), &method, params.as_deref(), *envelope, sent.then_some(&headers)) {
        Err(refusal) => {
            assert_eq!(refusal.id, Some(id));
            assert!(matches!(refusal.status, 200 | 400 | 404));
        }
        Ok(request) => {
            assert_eq!(request.id, id);
            if let (true, Asked::Feature(feature, _)) = (sent, &request.asked) {
                assert_eq!(headers.method.text(), Some(&*method));
                if let Some(named) = feature.name() {
                    assert_eq!(headers.name.text().and_then(decode_sentinel).as_deref(), Some(named));
                }
            }
        }
    }
});
