//! Which redirect addresses may be registered, and which are meant.

use proptest::prelude::*;

use super::RedirectFault::{Characters, DotSegments, Fragment, Host, Length, NotAbsolute, Query, Scheme, UserInfo};
use super::*;

#[test]
fn the_callbacks_of_real_clients_may_be_registered() {
    let table = [
        ("https://claude.ai/api/mcp/auth_callback", RedirectKind::Https),
        ("https://vscode.dev/redirect", RedirectKind::Https),
        ("https://chatgpt.com/connector_platform_oauth_redirect", RedirectKind::Https),
        ("https://app.example:8443/cb?tenant=1", RedirectKind::Https),
        ("https://192.0.2.1/cb", RedirectKind::Https),
        ("https://host", RedirectKind::Https),
        ("http://127.0.0.1/", RedirectKind::Loopback),
        ("http://127.0.0.1:33418/", RedirectKind::Loopback),
        ("http://localhost:6274/oauth/callback", RedirectKind::Loopback),
        ("http://[::1]:1/cb", RedirectKind::Loopback),
        ("cursor://anysphere.cursor-retrieval/oauth/user-x/callback", RedirectKind::PrivateUse),
        ("vscode://vendor.app/cb", RedirectKind::PrivateUse),
        ("com.example.app:/oauth2redirect", RedirectKind::PrivateUse),
    ];
    for (text, kind) in table {
        let uri = RedirectUri::read(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        assert_eq!((uri.as_str(), uri.kind()), (text, kind));
        assert_eq!(serde_json::from_value::<RedirectUri>(serde_json::to_value(&uri).unwrap()).unwrap(), uri);
    }
}

const REFUSED: &[(&str, RedirectFault)] = &[
    ("", Length),
    ("https://a/ b", Characters),
    (" https://a/", Characters),
    ("https://a\\@evil.example/", Characters),
    ("https://ä.example/", Characters),
    ("https://a/\"><script>", Characters),
    ("https://a/\r\nSet-Cookie:x", Characters),
    ("java\tscript:alert(1)", Characters),
    ("/callback", NotAbsolute),
    ("callback", NotAbsolute),
    ("//a/b", NotAbsolute),
    ("1http://a/", NotAbsolute),
    ("https://[::1/", NotAbsolute),
    ("https://a/#x", Fragment),
    ("https://a/#", Fragment),
    ("https://user@a/", UserInfo),
    ("https://good.example:x@evil.example/", UserInfo),
    ("https://@a/", UserInfo),
    ("cursor://u@a/b", UserInfo),
    ("https://good.example%22.evil.example/", Characters),
    ("https://go%6fd.example/", Characters),
    ("https:a/b", Host),
    ("https:///a/b", Host),
    ("https:/a/b", Host),
    ("http://evil.example/", Scheme),
    ("http://localhost.evil.example/", Scheme),
    ("http://127.0.0.1.evil.example/", Scheme),
    ("http://127.0.0.2/", Scheme),
    ("http://0.0.0.0/", Scheme),
    ("http://0x7f000001/", Scheme),
    ("http://2130706433/", Scheme),
    ("http://LOCALHOST/", Scheme),
    ("http://localhost:0/", Scheme),
    ("http://localhost:99999/", NotAbsolute),
    ("http://localhost:/", Scheme),
    ("javascript:alert(1)", Scheme),
    ("javascript://a/%0aalert(1)", Scheme),
    ("JavaScript:/alert(1)", Scheme),
    ("data:text/html,x", Scheme),
    ("data:/x", Scheme),
    ("vbscript:/x", Scheme),
    ("file:///etc/passwd", Scheme),
    ("blob:https://a/b", Scheme),
    ("about:/blank", Scheme),
    ("view-source:/x", Scheme),
    ("ftp://a/b", Scheme),
    ("ws://a/b", Scheme),
    ("myapp:callback", Scheme),
    ("MyApp:/callback", Scheme),
    ("https://a/b/../c", DotSegments),
    ("https://a/%2e%2E/c", DotSegments),
    ("http://localhost/./c", DotSegments),
    ("https://a/?code=x", Query),
    ("https://a/?x=1&state=y", Query),
    ("https://a/?%69ss=z", Query),
    ("http://localhost/?error=x", Query),
];

#[test]
fn attack_19_addresses_that_lead_elsewhere_are_refused_at_registration() {
    let long = format!("https://a/{}", "x".repeat(2_048));
    assert_eq!(RedirectUri::read(&long), Err(Length));
    for (text, fault) in REFUSED {
        assert_eq!(RedirectUri::read(text), Err(*fault), "{text:?}");
    }
}

#[test]
fn attack_19_only_the_very_address_is_meant_but_for_the_port_of_the_loopback() {
    let table = [
        ("https://a/cb", "https://a/cb", true),
        ("https://a/cb", "https://a/cb/", false),
        ("https://a/cb", "https://a/CB", false),
        ("https://a/cb", "https://A/cb", false),
        ("https://a/cb", "https://a:443/cb", false),
        ("https://a/cb", "https://a/cb?x=1", false),
        ("https://a/cb", "https://a/cb#x", false),
        ("https://a/cb", "https://a/cb/../evil", false),
        ("https://a/cb", "https://a.evil.example/cb", false),
        ("https://a/cb", "http://a/cb", false),
        ("https://a/cb?x=1", "https://a/cb", false),
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", true),
        ("http://127.0.0.1:33418/cb", "http://127.0.0.1:1/cb", true),
        ("http://127.0.0.1:33418/cb", "http://127.0.0.1/cb", true),
        ("http://127.0.0.1/", "http://127.0.0.1:33418", true),
        ("http://[::1]/cb?x=1", "http://[::1]:9/cb?x=1", true),
        ("http://localhost/cb", "http://localhost:9/cb", true),
        ("http://localhost/cb", "http://127.0.0.1:9/cb", false),
        ("http://127.0.0.1/cb", "http://127.0.0.1:9/cb/x", false),
        ("http://127.0.0.1/cb", "http://127.0.0.1:9/cb#x", false),
        ("http://127.0.0.1/cb", "http://127.0.0.1:9@evil.example/cb", false),
        ("http://127.0.0.1/cb", "http://127.0.0.1:99999/cb", false),
        ("http://127.0.0.1/cb", "http://127.0.0.1:+9/cb", false),
        ("http://127.0.0.1/cb", "http://127.0.0.1.evil.example/cb", false),
        ("http://127.0.0.1/cb", "https://127.0.0.1/cb", false),
        ("app.example:/cb", "app.example:/cb", true),
        ("app.example:/cb", "app.example:/cb/x", false),
    ];
    for (registered, presented, meant) in table {
        assert_eq!(RedirectUri::read(registered).unwrap().is_meant_by(presented), meant, "{registered} {presented}");
    }
}

#[test]
fn a_person_is_shown_where_it_leads() {
    let shown = |text: &str| RedirectUri::read(text).unwrap().shown();
    assert_eq!(shown("https://claude.ai/cb"), "claude.ai");
    assert_eq!(shown("http://127.0.0.1:1/"), "this computer");
    assert_eq!(shown("cursor://x/y"), "cursor:");
}

#[test]
fn the_answer_has_each_thing_once_and_keeps_what_was_there() {
    let to = |text: &str| success_redirect(&RedirectUri::read(text).unwrap(), "c+1", Some("a&b=c"), ISSUER);
    let said = "code=c%2B1&state=a%26b%3Dc&iss=https%3A%2F%2Fhost";
    assert_eq!(to("https://a/cb"), format!("https://a/cb?{said}"));
    assert_eq!(to("https://a/cb?x=1"), format!("https://a/cb?x=1&{said}"));
    assert_eq!(to("https://a/cb?"), format!("https://a/cb?{said}"));
    assert_eq!(to("http://127.0.0.1:1"), format!("http://127.0.0.1:1?{said}"));
    assert_eq!(to("app.example:/cb"), format!("app.example:/cb?{said}"));
    let error = OAuthError::told(OAuthCode::AccessDenied, "the person said no");
    let denied = error_redirect(&RedirectUri::read("https://a/cb").unwrap(), &error, None, ISSUER);
    assert_eq!(denied, "https://a/cb?error=access_denied&error_description=the+person+said+no&iss=https%3A%2F%2Fhost");
}

proptest! {
    #[test]
    fn whatever_is_registered_the_answer_says_each_thing_once_and_leads_to_the_same_place(
        path in "[a-z/]{0,8}", query in proptest::option::of("[a-z]{1,3}=[a-z0-9%]{0,3}"), state in "\\PC{0,20}", code in "[A-Za-z0-9_]{1,20}"
    ) {
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let uri = RedirectUri::read(&format!("https://app.example/{path}{query}")).unwrap();
        let address = success_redirect(&uri, &code, Some(&state), ISSUER);
        prop_assert!(address.starts_with(uri.as_str()) && address.is_ascii());
        let said = parameters(&address);
        for (name, value) in [("code", code.as_str()), ("state", state.as_str()), ("iss", ISSUER)] {
            let found: Vec<&str> = said.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect();
            prop_assert_eq!(found, vec![value]);
        }
        let url = url::Url::parse(&address).unwrap();
        prop_assert_eq!(url.host_str(), Some("app.example"));
    }

    #[test]
    fn no_text_of_a_stranger_makes_it_fail(text in ".*") {
        if let Ok(uri) = RedirectUri::read(&text) {
            prop_assert!(uri.is_meant_by(&text) && RedirectUri::read(uri.as_str()).is_ok());
        }
    }
}
