//! Tickets for EventSource (DESIGN §5; attack 39): one use, one path, a minute; then a cookie for that path.

use serde_json::json;

use crate::support::browser::signing_in;
use crate::support::{Browser, OidcProvider, TestGateway, get, post};

const KEY: &str = "a-key-for-the-tests-1";

fn ticket(gateway: &TestGateway, path: &str) -> String {
    let body = json!({ "path": path }).to_string();
    let request = post("/auth/stream-ticket", body).header("X-API-Key", KEY).header("Content-Type", "application/json");
    let answer = request.send(gateway.address);
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    let answer = answer.json();
    assert_eq!((&answer["path"], answer["expires_in"].as_u64()), (&json!(path), Some(60)));
    answer["ticket"].as_str().unwrap().to_owned()
}

#[test]
fn a_ticket_opens_one_stream_once_and_its_cookie_brings_the_event_source_back() {
    let gateway = TestGateway::with(&[("AUTH", "required"), ("MCP_API_KEYS", KEY)]);
    let ticket = ticket(&gateway, "/events");
    let address = format!("/events?topics=status&ticket={ticket}");
    let mut browser = Browser::of(&gateway);
    let mut stream = browser.get(&address);
    assert_eq!(stream.status, 200);
    assert!(stream.event().is_some());
    stream.cut();
    let set = browser.set[0].clone();
    for part in ["tickgate-stream=v1.", "HttpOnly", "SameSite=Lax", "Path=/events", "Max-Age=3"] {
        assert!(set.contains(part), "{part} in {set}");
    }
    assert!(!set.contains(&ticket) && !set.contains("key:"), "{set}");
    // As EventSource does: the same address, ticket and all, and the cookie.
    let again = browser.get(&address);
    assert_eq!((again.status, again.all("set-cookie").len()), (200, 0));
    again.cut();
    assert_eq!(Browser::of(&gateway).get(&address).status, 401, "without the cookie a used ticket is worth nothing");
    // The cookie is of this ticket and this path.
    assert_eq!(browser.get("/events?topics=status&ticket=nonsense").status, 401);
    let moved = format!("tickgate-stream={}", browser.cookies["tickgate-stream"].0);
    let other = get("/api/mcp/stream-news?symbol=TSLA").header("Cookie", &moved).send(gateway.address);
    assert_eq!(other.status, 401);
    assert_eq!(get("/api/user").header("Cookie", &moved).send(gateway.address).status, 401);
}

#[test]
fn attack_39_a_ticket_is_for_its_path_and_no_other_credential_is_read_from_an_address() {
    let gateway = TestGateway::with(&[("AUTH", "required"), ("MCP_API_KEYS", KEY)]);
    let one = ticket(&gateway, "/api/mcp/stream-news");
    assert_eq!(get(&format!("/events?topics=status&ticket={one}")).send(gateway.address).status, 401);
    let used = get(&format!("/api/mcp/stream-news?symbol=TSLA&ticket={one}")).send(gateway.address);
    assert_eq!(used.status, 401, "it was lost at the wrong door");
    let one = ticket(&gateway, "/api/mcp/stream-prices");
    let good = get(&format!("/api/mcp/stream-prices?symbols=AAPL&ticket={one}")).send(gateway.address);
    assert_eq!(good.status, 200);
    good.cut();
    for path in ["/api/status", "/mcp", "/api/user", "/tools/list"] {
        let one = ticket(&gateway, "/events");
        assert_eq!(get(&format!("{path}?ticket={one}")).send(gateway.address).status, 401, "{path}");
    }
    for name in ["token", "access_token", "api_key", "apiKey", "key", "ticket", "X-API-Key"] {
        assert_eq!(get(&format!("/events?topics=status&{name}={KEY}")).send(gateway.address).status, 401, "{name}");
    }
    for bad in [r#"{"path":"/mcp"}"#, r#"{"path":"//events"}"#, r#"{"path":5}"#, "[]", "{", r#"{"path":"/events","x":1}"#] {
        let request = post("/auth/stream-ticket", bad).header("X-API-Key", KEY).header("Content-Type", "application/json");
        assert_eq!(request.send(gateway.address).status, 400, "{bad}");
    }
    assert_eq!(post("/auth/stream-ticket", "").send(gateway.address).status, 401, "nobody gets none");
}

#[test]
fn attack_6_streams_of_a_session_end_at_sign_out_with_a_clear_event() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    let mut browser = Browser::of(&gateway);
    browser.sign_in(&provider);
    let ticket = browser.post("/auth/stream-ticket", "").json()["ticket"].as_str().unwrap().to_owned();
    let by_cookie = browser.get("/events?topics=status");
    let by_ticket = get(&format!("/events?topics=status&ticket={ticket}")).send(gateway.address);
    let mut other = get("/events?topics=status").header("X-API-Key", KEY).send(gateway.address);
    assert_eq!((by_cookie.status, by_ticket.status, other.status), (200, 200, 200));
    assert_eq!(browser.post("/auth/logout", "").status, 204);
    let begun = std::time::Instant::now();
    for mut stream in [by_cookie, by_ticket] {
        let mut last = None;
        while let Some(event) = stream.event() {
            last = event.name.clone().map(|name| (name, event.json())).or(last);
        }
        let (name, data) = last.unwrap();
        assert_eq!((name.as_str(), &data["reason"]), ("bye", &json!("credential_revoked")), "{data}");
    }
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(other.event().is_some(), "nobody else's stream ends");
}

#[test]
fn attack_6_whoever_signs_out_takes_their_tickets_and_their_streams_cookies_with_them() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    let mut browser = Browser::of(&gateway);
    browser.sign_in(&provider);
    let ticket = |browser: &mut Browser| browser.post("/auth/stream-ticket", "").json()["ticket"].as_str().unwrap().to_owned();
    let (used, unused) = (ticket(&mut browser), ticket(&mut browser));
    let mut page = Browser::of(&gateway);
    let address = format!("/events?topics=status&ticket={used}");
    for _ in 0..2 {
        let stream = page.get(&address);
        assert_eq!(stream.status, 200);
        stream.cut();
    }
    assert_eq!(browser.post("/auth/logout", "").status, 204);
    assert_eq!(page.get(&address).status, 401, "the cookie");
    assert_eq!(page.get(&format!("/events?topics=status&ticket={unused}")).status, 401, "the ticket");
}
