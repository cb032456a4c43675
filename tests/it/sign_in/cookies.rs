//! The session's cookie: how it is set, what it holds, where it counts (requirements A8, A9; DESIGN §5).

use crate::api_keys::DATA_KEY;
use crate::support::browser::signing_in;
use crate::support::postgres::Server;
use crate::support::{Browser, OidcProvider, TestGateway, get, post};

const PUBLIC: [(&str, &str); 1] = [("PUBLIC_URL", "https://gate.example")];

#[test]
fn a8_a9_over_https_the_cookie_is_bound_to_the_host_and_holds_nothing_readable() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &PUBLIC));
    let mut browser = Browser::named(&gateway, "gate.example");
    assert_eq!(browser.sign_in(&provider).status, 303);
    assert_eq!(browser.get("/api/user").status, 200);
    assert_eq!(browser.set.len(), 3, "the sign-in's, its end, and the session's: {:?}", browser.set);
    for set in &browser.set {
        for part in ["__Host-tickgate", "; HttpOnly", "; Secure", "; SameSite=Lax", "; Path=/"] {
            assert!(set.contains(part), "{part} in {set}");
        }
        assert!(!set.contains("Domain"), "{set}");
        for canary in ["eyJ", "canary", "ada", "1089"] {
            assert!(!set.contains(canary), "{canary} in {set}");
        }
    }
    let form = provider.script().seen.last().unwrap().clone();
    assert_eq!(form["redirect_uri"], "https://gate.example/auth/callback");
}

#[test]
fn a8_a_cookie_that_was_changed_or_sent_twice_is_nobodys() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    let mut browser = Browser::of(&gateway);
    browser.sign_in(&provider);
    let (good, path) = browser.cookies["tickgate"].clone();
    for at in [3, 12, good.len() / 2, good.len() - 2] {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        browser.cookies.insert("tickgate".to_owned(), (String::from_utf8(bytes).unwrap(), path.clone()));
        assert_eq!(browser.get("/api/user").status, 401, "changed at {at}");
    }
    let twice = get("/api/user").header("Cookie", &format!("tickgate={good}; tickgate={good}")).send(gateway.address);
    assert_eq!(twice.status, 401, "of two, nobody knows whose");
    let good = get("/api/user").header("Cookie", &format!("a=b; tickgate={good}")).send(gateway.address);
    assert_eq!(good.status, 200);
}

#[test]
fn each_sign_in_has_a_new_session_and_ends_the_one_before_it() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    let mut browser = Browser::of(&gateway);
    // A session that somebody else planted in the browser is not taken over.
    let mut other = Browser::of(&gateway);
    other.sign_in(&provider);
    browser.cookies = other.cookies.clone();
    provider.script().person["sub"] = "2".into();
    browser.sign_in(&provider);
    assert_ne!(browser.cookies["tickgate"], other.cookies["tickgate"]);
    assert_eq!(browser.get("/api/user").status, 200);
    assert_eq!(other.get("/api/user").status, 401, "the planted session is over");
}

#[test]
fn a_cookie_counts_on_the_routes_of_pages_only() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[("METRICS_PUBLIC", "false"), ("ADMIN_EMAILS", "ada@example.com")]));
    let mut browser = Browser::of(&gateway);
    browser.sign_in(&provider);
    for path in ["/api/status", "/api/user", "/api/quotes/AAPL", "/events?topics=status"] {
        let answer = browser.get(path);
        assert_eq!(answer.status, 200, "{path}");
        answer.cut();
    }
    for path in ["/metrics", "/tools/list", "/mcp", "/API/user", "/api", "/eventsx"] {
        assert_eq!(browser.get(path).status, 401, "{path}");
    }
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    assert_eq!(browser.post("/mcp", body).status, 401, "a page of another site cannot speak MCP with a person's cookie");
    // The first credential that is present decides, and a bad one is refused.
    let bad = browser.send(get("/api/user").header("X-API-Key", "not-a-key-of-anybody"), "/api/user");
    assert_eq!(bad.status, 401);
}

#[test]
fn a_write_by_cookie_needs_an_allowed_origin_or_a_page_of_ours() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    let mut browser = Browser::of(&gateway);
    browser.sign_in(&provider);
    let path = "/auth/stream-ticket";
    let mut status = |headers: &[(&str, &str)]| {
        let request = headers.iter().fold(post(path, ""), |request, (name, value)| request.header(name, value));
        browser.send(request, path).status
    };
    let own = gateway.url("");
    assert_eq!(status(&[]), 403);
    for site in ["cross-site", "same-site", "none", "same-origin, cross-site"] {
        assert_eq!(status(&[("Sec-Fetch-Site", site)]), 403, "{site}");
    }
    for origin in ["https://evil.example", "null", ""] {
        assert_eq!(status(&[("Origin", origin)]), 403, "{origin}");
        assert_eq!(status(&[("Origin", origin), ("Sec-Fetch-Site", "same-origin")]), 403, "{origin}");
    }
    assert_eq!(status(&[("Sec-Fetch-Site", "same-origin")]), 200);
    assert_eq!(status(&[("Origin", &own)]), 200);
    // Methods that only read are not asked, and whoever shows a key is no browser.
    assert_eq!(browser.get("/api/user").status, 200);
    assert_eq!(post(path, "").header("X-API-Key", "a-key-for-the-tests-1").send(gateway.address).status, 200);
}

#[test]
fn pages_of_sign_in_are_kept_by_nobody_and_shown_in_no_frame() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    let mut browser = Browser::of(&gateway);
    let callback = browser.reach_provider(&provider, "/auth/login");
    let answers = [
        browser.get("/auth/login"),
        browser.get(&callback),
        browser.get(&callback),
        browser.post("/auth/refresh", ""),
        browser.post("/auth/stream-ticket", ""),
        browser.post("/auth/logout", ""),
    ];
    for answer in answers {
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{}", answer.status);
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    let page = browser.get("/auth/callback?state=%3Cscript%3Ealert(1)%3C/script%3E&error=%3Cb%3E");
    assert_eq!((page.status, page.header("content-type")), (400, Some("text/html; charset=utf-8")));
    let page = page.text();
    assert!(!page.contains("script") && !page.contains("<b>") && page.contains("/auth/login"), "{page}");
}

#[test]
fn a_sign_out_ends_streams_and_tokens_of_the_session_on_every_gateway_of_the_database() {
    let provider = OidcProvider::start();
    let (issuer, url) = (provider.issuer(), Server::shared().database());
    let shared = [
        ("DATABASE_URL", url.as_str()),
        ("PUBLIC_URL", "http://127.0.0.1:9"),
        ("DATA_ENCRYPTION_KEY", DATA_KEY),
        ("SESSION_SECRET_KEY", "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"),
        ("JWT_SECRET_KEY", "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"),
    ];
    let settings = signing_in(&issuer, &shared);
    let (here, there) = (TestGateway::with(&settings), TestGateway::with(&settings));
    let mut browser = Browser::of(&here);
    browser.sign_in(&provider);
    let refreshed = browser.send(post("/auth/refresh", "").header("Sec-Fetch-Site", "same-origin"), "/auth/refresh").json();
    let token = format!("Bearer {}", refreshed["access_token"].as_str().unwrap());
    let with_token = |gateway: &TestGateway| get("/api/status").header("Authorization", &token).send(gateway.address).status;
    assert_eq!((with_token(&here), with_token(&there)), (200, 200));
    let mut same = Browser::of(&there);
    same.cookies = browser.cookies.clone();
    let mut streams =
        [same.get("/events?topics=status"), get("/events?topics=status").header("Authorization", &token).send(there.address)];
    let out = browser.send(post("/auth/logout", "").header("Sec-Fetch-Site", "same-origin"), "/auth/logout");
    assert_eq!(out.status, 204);
    for stream in &mut streams {
        assert_eq!(stream.status, 200);
        let bye = std::iter::from_fn(|| stream.data()).last().unwrap();
        assert_eq!((bye.name.as_deref(), &bye.json()["reason"]), (Some("bye"), &"credential_revoked".into()));
    }
    assert_eq!((with_token(&here), with_token(&there), same.get("/api/user").status), (401, 401, 401));
    // A gateway that starts afterwards knows it too.
    assert_eq!(with_token(&TestGateway::with(&settings)), 401);
}
