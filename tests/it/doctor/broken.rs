//! Servers that are broken in one thing each: what is told, and what is to be done.

use serde_json::{Value, json};

use super::doctor;
use super::site::*;

fn whole(text: String) -> Option<Reply> {
    Some(Reply::Whole(text))
}

/// The answer to one question, changed.
fn instead(heard: &Heard, what: &str, reply: impl FnOnce() -> String) -> Option<Reply> {
    (heard.what == what).then(|| Reply::Whole(reply()))
}

/// The document at a place with a field changed.
fn changed(heard: &Heard, what: &str, document: fn(&str) -> Value, field: &str, value: Value) -> Option<Reply> {
    instead(heard, what, || {
        let mut document = document(&heard.base);
        document[field] = value;
        json_answer("200 OK", &document)
    })
}

const SERVER: &str = "GET /.well-known/oauth-authorization-server";

fn changed_server(heard: &Heard, field: &str, value: Value) -> Option<Reply> {
    changed(heard, SERVER, server, field, value)
}

fn changed_resource(heard: &Heard, field: &str, value: Value) -> Option<Reply> {
    let places = ["GET /.well-known/oauth-protected-resource/mcp", "GET /.well-known/oauth-protected-resource"];
    places.iter().find_map(|place| changed(heard, place, resource, field, value.clone()))
}

fn first(heard: &Heard, reply: String) -> Option<Reply> {
    (heard.what == "POST /mcp" && heard.body["method"] == "initialize").then_some(Reply::Whole(reply))
}

#[test]
fn a_server_of_somebody_else_that_does_all_right_has_no_fault() {
    let site = Site::start(|_| None);
    let told = doctor(&[&site.url()], &[("MCP_API_KEY", KEY)]);
    told.has_found_nothing();
    assert_eq!(told.all("warn"), Vec::<&str>::new(), "{}", told.printed);
    for (step, word) in [
        ("tools", "1 tools"),
        ("tool call", "look answers"),
        ("registration", "takes a client"),
        ("sign-in page", "/authorize shows a page"),
    ] {
        told.must_say("ok", step, word);
    }
    for step in ["health", "stateless era", "session stream", "streaming call", "event stream", "sign-in"] {
        assert!(told.all("skip").contains(&step), "what only we have is no fault of others: {step}\n{}", told.printed);
    }
}

#[test]
fn each_fault_of_the_first_answer_is_told_in_words_with_what_to_do() {
    let faults: [(Change, &str); 13] = [
        (|heard| first(heard, page("200 OK", "Welcome to the hotel")), "a login page or a proxy stands before the server"),
        (|heard| first(heard, page("403 Forbidden", "Attention required")), "a login page or a proxy"),
        (
            |heard| first(heard, json_answer("403 Forbidden", &json!({"error": {"message": "this Host is not served"}}))),
            "ALLOWED_HOSTS",
        ),
        (|heard| first(heard, json_answer("403 Forbidden", &json!({"message": "blocked"}))), "must get 401"),
        (|heard| first(heard, json_answer("403 Forbidden", &json!({"detail": "this request was forwarded"}))), "AUTH=required"),
        (|heard| first(heard, answer("404 Not Found", &[], "")), "look for the right one"),
        (|heard| first(heard, answer("405 Method Not Allowed", &[], "")), "no MCP at this path"),
        (|heard| first(heard, answer("421 Misdirected Request", &[], "")), "PUBLIC_URL"),
        (|heard| first(heard, answer("429 Too Many Requests", &[], "")), "wait"),
        (|heard| first(heard, page("502 Bad Gateway", "nginx")), "the server behind it is not"),
        (|heard| first(heard, json_answer("200 OK", &json!({"hello": "world"}))), "no answer of MCP"),
        (
            |heard| first(heard, answer("401 Unauthorized", &["WWW-Authenticate: Basic realm=\"proxy\""], "")),
            "a proxy asks for its own password",
        ),
        (|heard| first(heard, answer("302 Found", &["Location: https://login.invalid/"], "")), "a login page before the server"),
    ];
    for (change, word) in faults {
        let site = Site::start(change);
        let told = doctor(&[&site.url()], &[]);
        told.must_say("fail", "first request", word);
        assert_eq!(told.code, 1, "{}", told.printed);
    }
}

#[track_caller]
fn must_fail_with<const N: usize>(faults: [(Change, &str, &str); N]) {
    for (change, step, word) in faults {
        let site = Site::start(change);
        let told = doctor(&[&site.url()], &[]);
        told.must_say("fail", step, word);
        assert_eq!(told.code, 1, "{}", told.printed);
    }
}

#[test]
fn each_fault_of_the_resources_description_is_told() {
    let faults: [(Change, &str, &str); 8] = [
        (|heard| changed_resource(heard, "resource", json!("https://gate.invalid/mcp")), "resource metadata", "http and https"),
        (
            |heard| changed_resource(heard, "resource", json!(format!("{}/mcp/", heard.base))),
            "resource metadata",
            "a slash at the end",
        ),
        (|heard| changed_resource(heard, "resource", json!(heard.base)), "resource metadata", "path /mcp and /"),
        (
            |heard| changed_resource(heard, "resource", json!(format!("{}/mcp", heard.base.replace("127.0.0.1", "localhost")))),
            "resource metadata",
            "two names of this machine",
        ),
        (|heard| changed_resource(heard, "resource", Value::Null), "resource metadata", "no `resource`"),
        (|heard| changed_resource(heard, "authorization_servers", json!([])), "resource metadata", "who gives tokens"),
        (
            |heard| instead(heard, "GET /.well-known/oauth-protected-resource/mcp", || page("200 OK", "Our app")),
            "resource metadata",
            "send /.well-known/ on to the server",
        ),
        (
            |heard| instead(heard, "GET /.well-known/oauth-protected-resource/mcp", || answer("404 Not Found", &[], "")),
            "resource metadata",
            "status 404",
        ),
    ];
    must_fail_with(faults);
}

#[test]
fn each_fault_of_the_authorization_server_is_told() {
    let faults: [(Change, &str, &str); 9] = [
        (|heard| changed_server(heard, "issuer", json!("https://id.invalid")), "authorization server", "letter by letter"),
        (|heard| changed_server(heard, "code_challenge_methods_supported", Value::Null), "authorization server", "S256"),
        (|heard| changed_server(heard, "registration_endpoint", Value::Null), "authorization server", "entered by hand"),
        (
            |heard| changed_server(heard, "token_endpoint", json!("http://id.invalid/token")),
            "authorization server",
            "must be https",
        ),
        (|heard| instead(heard, SERVER, || answer("404 Not Found", &[], "")), "authorization server", "describes itself nowhere"),
        (|heard| instead(heard, SERVER, || answer("401 Unauthorized", &[], "")), "authorization server", "without a credential"),
        (
            |heard| {
                instead(heard, "POST /register", || json_answer("400 Bad Request", &json!({"error": "invalid_redirect_uri"})))
            },
            "registration",
            "allow http://127.0.0.1 with any port",
        ),
        (
            |heard| {
                instead(heard, "POST /register", || json_answer("201 Created", &json!({"client_id": "x", "client_uri": null})))
            },
            "registration",
            "client_uri",
        ),
        (
            |heard| {
                instead(heard, "GET /authorize", || {
                    answer("302 Found", &["Location: http://127.0.0.1:33418/callback?error=invalid_target"], "")
                })
            },
            "sign-in page",
            "does not know the resource",
        ),
    ];
    must_fail_with(faults);
}

#[test]
fn what_only_some_clients_stumble_over_is_a_warning() {
    let table: [(Change, &str, &str); 8] = [
        (|heard| first(heard, answer("401 Unauthorized", &[], "")), "first request", "401 without WWW-Authenticate"),
        (
            |heard| instead(heard, "GET /.well-known/oauth-protected-resource", || answer("404 Not Found", &[], "")),
            "resource metadata",
            "some clients look only there",
        ),
        (|heard| changed_resource(heard, "scopes_supported", Value::Null), "resource metadata", "scopes_supported"),
        (|heard| changed_server(heard, "token_endpoint_auth_methods_supported", Value::Null), "authorization server", "`none`"),
        (
            |heard| changed_server(heard, "grant_types_supported", json!(["authorization_code"])),
            "authorization server",
            "sign in again",
        ),
        (
            |heard| instead(heard, "OPTIONS /mcp", || answer("405 Method Not Allowed", &[], "")),
            "browser clients",
            "allow the origin",
        ),
        (|heard| instead(heard, "GET /jwks.json", || answer("404 Not Found", &[], "")), "signing keys", "has none"),
        (
            |heard| whole(usual(heard).replacen("\r\n", "\r\nDate: Tue, 01 Dec 2020 08:00:00 GMT\r\n", 1)),
            "clock",
            "set both by NTP",
        ),
    ];
    for (change, step, word) in table {
        let site = Site::start(change);
        let told = doctor(&[&site.url()], &[]);
        told.must_say("warn", step, word);
        told.has_found_nothing();
    }
}

#[test]
fn an_origin_that_must_get_through_and_does_not_is_a_fault() {
    let site =
        Site::start(|heard| instead(heard, "OPTIONS /mcp", || answer("204 No Content", &["Access-Control-Allow-Origin: *"], "")));
    let told = doctor(&[&site.url(), "--origin", "https://app.example"], &[]);
    told.must_say("fail", "browser clients", "the header authorization is not allowed");
}

#[test]
fn servers_that_know_only_the_first_revision_of_signing_in_are_walked_too() {
    let site = Site::start(|heard| match heard.what.as_str() {
        "POST /mcp" => whole(answer("401 Unauthorized", &["WWW-Authenticate: Bearer"], "")),
        what if what.contains("protected-resource") => whole(answer("404 Not Found", &[], "")),
        _ => None,
    });
    let told = doctor(&[&site.url()], &[]);
    told.must_say("warn", "resource metadata", "only clients of 2025-03-26");
    told.must_say("ok", "registration", "takes a client");
}

#[test]
fn a_stranger_who_gets_a_code_is_told() {
    let site = Site::start(|heard| {
        let stranger = heard.what == "GET /authorize" && heard.head.contains("stranger.invalid");
        stranger.then(|| Reply::Whole(answer("302 Found", &["Location: https://stranger.invalid/callback?code=x"], "")))
    });
    doctor(&[&site.url()], &[]).must_say("fail", "redirect check", "codes can be stolen");
}

#[test]
fn a_missing_path_a_slash_too_many_and_a_redirect_are_told_and_the_walk_goes_on() {
    let site = Site::start(|heard| match heard.what.as_str() {
        "POST /mcp/" => whole(answer("404 Not Found", &[], "")),
        "POST /" => whole(page("405 Method Not Allowed", "Hello")),
        "POST /old" => whole(answer("308 Permanent Redirect", &["Location: /mcp"], "")),
        "POST /loop" => whole(answer("307 Temporary Redirect", &["Location: /loop"], "")),
        _ => None,
    });
    let base = site.url().replace("/mcp", "");
    for typed in ["", "/", "/mcp/", "/old"] {
        let told = doctor(&[&format!("{base}{typed}")], &[("MCP_API_KEY", KEY)]);
        told.must_say("fail", "first request", &format!("{base}/mcp"));
        assert_eq!(told.all("fail"), ["first request"], "{}", told.printed);
        told.must_say("ok", "tool call", "look answers");
    }
    let told = doctor(&[&format!("{base}/loop")], &[]);
    assert_eq!(told.all("fail").len(), 4, "a loop ends: {}", told.printed);
}

#[test]
fn streams_that_are_held_back_packed_or_cut_for_ever_are_told() {
    const EVENTS: [&str; 2] = ["Content-Type: text/event-stream", "X-Accel-Buffering: no"];
    fn unfinished(heard: &Heard, what: &str, text: String) -> Option<Reply> {
        (heard.what == what).then_some(Reply::Unfinished(text))
    }
    let faults: [(Change, &str, &str); 7] = [
        (|heard| unfinished(heard, "GET /events", in_parts(&EVENTS)), "event stream", "no byte within"),
        (|heard| unfinished(heard, "GET /events", String::new()), "event stream", "not even the head"),
        (
            |heard| {
                let head = in_parts(&[&EVENTS[..], &["Content-Encoding: gzip"]].concat());
                unfinished(heard, "GET /events", head + &part("\x1f"))
            },
            "event stream",
            "packed (gzip)",
        ),
        (|heard| unfinished(heard, "GET /mcp", String::new()), "session stream", "proxy_buffering off"),
        (
            |heard| {
                let again = heard.head.to_ascii_lowercase().contains("last-event-id: e-1");
                let event = if again {
                    "id: f-1\nevent: gap\ndata: {\"reason\":\"epoch\"}\n\n"
                } else {
                    "id: e-1\nevent: price\ndata: {}\n\n"
                };
                unfinished(heard, "GET /events", in_parts(&EVENTS) + &part(event))
            },
            "resume",
            "REDIS_URL",
        ),
        (
            |heard| {
                let event = "id: e-1\nevent: price\ndata: {}\n\n";
                unfinished(heard, "GET /events", in_parts(&EVENTS) + &part(event))
            },
            "resume",
            "comes twice",
        ),
        (
            |heard| (heard.body["method"] == "server/discover").then(|| Reply::Whole(answer("500 Oh", &[], ""))),
            "stateless era",
            "not after 5xx",
        ),
    ];
    for (change, step, word) in faults {
        let site = Site::start(change);
        let told = doctor(&[&site.url(), "--timeout", "2"], &[("MCP_API_KEY", KEY_OF_OURS)]);
        told.must_say("fail", step, word);
        assert_eq!(told.all("fail"), [step], "{}", told.printed);
    }
}

#[test]
fn a_call_whose_events_come_in_one_heap_at_its_end_is_told() {
    let site = Site::start(|heard| {
        let calls = heard.body["params"]["name"] == "stream_stock_prices";
        if heard.body["method"] == "tools/list" {
            let tools = json!([{"name": "stream_stock_prices", "inputSchema": {"required": ["symbols"]}}]);
            return whole(json_answer("200 OK", &json!({"jsonrpc": "2.0", "id": 2, "result": {"tools": tools}})));
        }
        calls.then(|| {
            // The proxy of this test gathers for as long as the call lasts.
            std::thread::park_timeout(std::time::Duration::from_secs(2));
            let end = "data: {\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{}}\n\n";
            Reply::Whole(in_parts(&["Content-Type: text/event-stream", "X-Accel-Buffering: no"]) + &part(end) + "0\r\n\r\n")
        })
    });
    let told = doctor(&[&site.url()], &[("MCP_API_KEY", KEY_OF_OURS)]);
    told.must_say("fail", "streaming call", "with the end");
    told.must_say("skip", "tool call", "no tool says that it only reads");
}
