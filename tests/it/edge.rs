//! The layers of the edge: each in its place, the earliest answers, and nothing leaks.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::support::mcp::{initialize, message};
use crate::support::{McpClient, Request, TestGateway, get, post};

const KEY: &str = "a-key-for-the-tests-1";
const DATA_KEY: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

#[test]
fn the_earliest_layer_answers_a_request_that_breaks_several_rules() {
    let gateway =
        TestGateway::with(&[("AUTH", "required"), ("MCP_API_KEYS", KEY), ("RATE_LIMIT_MCP", "8/h"), ("MAX_BODY_BYTES", "2048")]);
    let big = "x".repeat(10_000);
    // From the outermost layer that is still kept to the innermost: each request also breaks every rule further in.
    let broken = |host: bool, origin: bool, key: bool, size: bool, json: bool| {
        let body = if !size {
            big.clone()
        } else if !json {
            "{".to_owned()
        } else {
            json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}).to_string()
        };
        let mut request = post("/mcp", body)
            .header("MCP-Protocol-Version", "1999-01-01")
            .header("Accept", "application/json, text/event-stream")
            .header("Content-Type", "application/json");
        request = request.header("Host", if host { "localhost" } else { "evil.example" });
        request = request.header("Origin", if origin { "http://localhost:3000" } else { "https://evil.example" });
        request.header("X-API-Key", if key { KEY } else { "wrong" })
    };
    let answers: Vec<(u16, i64)> = [
        broken(false, false, false, false, false),
        broken(true, false, false, false, false),
        broken(true, true, false, false, false),
        broken(true, true, true, false, false),
        broken(true, true, true, true, false),
        broken(true, true, true, true, true),
    ]
    .into_iter()
    .map(|request| {
        let answer = request.send(gateway.address);
        (answer.status, answer.json()["error"]["code"].as_i64().unwrap())
    })
    .collect();
    assert_eq!(answers, [(403, -32600), (403, -32600), (401, 401), (413, 413), (400, -32700), (400, -32022)]);
    // The limit by address stands before all of them: what is left of it is spent, then everything is 429.
    let limited = (0..10)
        .map(|_| broken(false, false, false, false, false).send(gateway.address))
        .find(|answer| answer.status == 429)
        .expect("429");
    assert!(limited.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(limited.header("ratelimit-limit"), Some("8"));
    let body = limited.json();
    assert_eq!(
        (body["error"]["message"].as_str(), body["error"]["data"]["reason"].as_str(), &body["id"]),
        (Some("Rate limit exceeded"), Some("rate_limited"), &json!(null))
    );
}

/// requirements.md W9: no key, a key, a bad origin, 101 requests, an old version.
#[test]
fn the_curl_cases_of_the_requirements_pass() {
    let gateway = TestGateway::with(&[
        ("APP_ENV", "production"),
        ("DATA_ENCRYPTION_KEY", DATA_KEY),
        ("MCP_API_KEYS", KEY),
        ("RATE_LIMIT_MCP", "100"),
        ("PUBLIC_URL", "https://gate.example"),
    ]);
    let own = |request: Request| request.header("Host", "gate.example");
    let answer = own(message(&initialize("2025-06-18"))).send(gateway.address);
    assert_eq!(answer.status, 401);
    assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer "));
    let body = answer.json();
    assert_eq!(
        (body["error"]["message"].as_str(), &body["id"]),
        (Some("Unauthorized: Invalid or missing API key"), &json!(null))
    );
    assert!(!body.to_string().contains(KEY));
    for (name, value) in [
        ("X-API-Key", KEY.to_owned()),
        ("x-api-key", KEY.to_owned()),
        ("Authorization", format!("Bearer {KEY}")),
        ("authorization", format!("bearer {KEY}")),
    ] {
        assert_eq!(own(message(&initialize("2025-06-18"))).header(name, &value).send(gateway.address).status, 200, "{name}");
    }
    let foreign = own(message(&initialize("2025-06-18")))
        .header("X-API-Key", KEY)
        .header("Origin", "https://evil.example")
        .send(gateway.address);
    assert_eq!(foreign.status, 403);
    assert_eq!(foreign.header("access-control-allow-origin"), None);
    assert_eq!(foreign.json()["error"]["message"], "Forbidden: Invalid origin");
    let old = own(message(&json!({"jsonrpc": "2.0", "id": 1, "method": "ping"})))
        .header("X-API-Key", KEY)
        .header("MCP-Protocol-Version", "1999-01-01")
        .send(gateway.address);
    assert_eq!((old.status, old.json()["error"]["data"]["supported"].as_array().unwrap().len()), (400, 5));
    // Without a key the address is charged: 100 in a burst, the next is refused.
    let statuses: Vec<u16> = (0..101).map(|_| own(get("/api/status")).send(gateway.address).status).collect();
    assert!(statuses.iter().filter(|status| **status == 401).count() >= 95, "{statuses:?}");
    assert_eq!(statuses.last(), Some(&429));
    // The known key is charged to its caller and goes on; health and preflight are free.
    assert_eq!(own(get("/api/status")).header("X-API-Key", KEY).send(gateway.address).status, 200);
    assert_eq!(get("/health").send(gateway.address).status, 200);
    assert_eq!(
        own(get("/mcp").method("OPTIONS"))
            .header("Origin", "https://gate.example")
            .header("Access-Control-Request-Method", "POST")
            .send(gateway.address)
            .status,
        204
    );
}

#[test]
fn streams_have_a_limit_of_their_own_and_a_replayable_cursor_a_larger_one() {
    let gateway = TestGateway::with(&[("RATE_LIMIT_STREAM", "10"), ("MAX_STREAMS_PER_CALLER", "1000")]);
    let mut first = get("/api/mcp/stream-news?symbol=TSLA").send(gateway.address);
    let id = std::iter::from_fn(|| first.event()).find_map(|event| event.id).unwrap();
    let opened = (0..10).map(|_| get("/api/mcp/stream-news?symbol=TSLA").send(gateway.address).status).collect::<Vec<_>>();
    assert_eq!((opened.iter().filter(|status| **status == 200).count(), opened.last()), (9, Some(&429)));
    for _ in 0..20 {
        assert_eq!(get("/api/mcp/stream-news?symbol=TSLA").header("Last-Event-ID", &id).send(gateway.address).status, 200);
    }
    let forged = get("/api/mcp/stream-news?symbol=TSLA").header("Last-Event-ID", "1-1~99999999999999").send(gateway.address);
    assert_eq!(forged.status, 429);
}

#[test]
fn every_route_that_is_not_public_needs_a_credential() {
    let gateway = TestGateway::with(&[
        ("APP_ENV", "production"),
        ("DATA_ENCRYPTION_KEY", DATA_KEY),
        ("MCP_API_KEYS", "reader-reader-reader:read"),
        ("PUBLIC_URL", "https://gate.example"),
    ]);
    let with = |path: &str, key: Option<&str>| {
        let request = get(path).header("Host", "gate.example");
        key.map_or_else(|| get(path).header("Host", "gate.example"), |key| request.header("X-API-Key", key))
            .send(gateway.address)
            .status
    };
    for path in [
        "/mcp",
        "/events?topics=status",
        "/api/status",
        "/api/quotes/AAPL",
        "/api/news/AAPL",
        "/api/bars/AAPL",
        "/api/mcp/stream-news",
        "/api/mcp/stream-prices?symbols=AAPL",
        "/metrics",
        "/docs",
        "/docs/index.html",
        "/openapi.json",
        "/test-error",
        "/nosuch",
        "/MCP",
        "//mcp",
        "/api/../api/status",
        "/health/",
        "/assets",
    ] {
        assert_eq!(with(path, None), 401, "{path}");
        assert_eq!(with(path, Some("wrong-wrong-wrong-wrong")), 401, "{path}");
    }
    for path in ["/", "/assets/app.js", "/favicon.ico", "/health", "/healthz", "/readyz"] {
        assert_eq!(with(path, None), 200, "{path}");
    }
    // A path that is written in two ways could pass a layer in one and a route in the other.
    for path in ["/%6detrics", "/%6fpenapi.json", "/%64ocs", "/%65vents?topics=status", "/%6dcp", "/%zz"] {
        assert_eq!(with(path, Some("reader-reader-reader")), 400, "{path}");
    }
    // A reader may read, but administration is not for readers.
    assert_eq!(with("/api/status", Some("reader-reader-reader")), 200);
    for path in ["/metrics", "/docs/index.html", "/openapi.json"] {
        assert_eq!(with(path, Some("reader-reader-reader")), 403, "{path}");
    }
}

#[test]
fn the_first_credential_decides_and_a_bad_one_does_not_fall_through() {
    let gateway = TestGateway::with(&[("AUTH", "optional"), ("MCP_API_KEYS", KEY)]);
    let status = |headers: &[(&str, &str)]| {
        headers.iter().fold(get("/api/status"), |request, (name, value)| request.header(name, value)).send(gateway.address).status
    };
    let bearer = format!("Bearer {KEY}");
    assert_eq!(status(&[]), 200);
    assert_eq!(status(&[("X-API-Key", KEY)]), 200);
    assert_eq!(status(&[("Authorization", "Bearer wrong-wrong-wrong"), ("X-API-Key", KEY)]), 401);
    for bad in ["Bearer", "Bearer ", "Basic abc", &bearer.replace("Bearer", "Token"), "a.b.c"] {
        assert_eq!(status(&[("Authorization", bad)]), 401, "{bad}");
    }
    assert_eq!(status(&[("X-API-Key", KEY), ("X-API-Key", KEY)]), 401);
    assert_eq!(get(&format!("/api/status?api_key={KEY}")).send(gateway.address).status, 400);
}

#[test]
fn a_token_that_the_command_line_makes_lets_its_user_in() {
    let secret = "3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs=";
    let settings = [("AUTH", "required"), ("JWT_SECRET_KEY", secret), ("PUBLIC_URL", "https://gate.example")];
    let gateway = TestGateway::with(&settings);
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_tickgate"))
        .args(["token", "create", "--user", "ada", "--scope", "read"])
        .env_clear()
        .envs(settings)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let token = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    let with = |token: &str| {
        get("/api/status")
            .header("Host", "gate.example")
            .header("Authorization", &format!("Bearer {token}"))
            .send(gateway.address)
            .status
    };
    assert_eq!((with(&token), with(&token)), (200, 200));
    let (head, rest) = token.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    assert_eq!(with(&format!("{head}.{claims}.{}", signature.chars().rev().collect::<String>())), 401);
    assert_eq!(with(&format!("eyJhbGciOiJub25lIn0.{claims}.")), 401);
}

#[test]
fn auth_off_is_refused_to_forwarded_requests() {
    let gateway = TestGateway::start();
    for name in ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Fly-Client-IP"] {
        assert_eq!(get("/api/status").header(name, "203.0.113.9").send(gateway.address).status, 403, "{name}");
    }
    assert_eq!(get("/api/status").send(gateway.address).status, 200);
}

#[test]
fn hosts_and_origins_are_checked_exactly() {
    let gateway = TestGateway::with(&[("ALLOWED_ORIGINS", "https://app.example"), ("ALLOWED_HOSTS", "gate.example")]);
    for (host, origin, status) in [
        ("localhost", None, 200),
        ("127.0.0.1:1234", None, 200),
        ("gate.example", Some("https://app.example"), 200),
        ("localhost", Some("http://localhost:5174"), 200),
        ("localhost", Some("null"), 403),
        ("localhost", Some("https://app.example.evil"), 403),
        ("localhost", Some("http://app.example"), 403),
        ("localhost", Some("https://app.example:444"), 403),
        ("localhost.evil", None, 403),
        ("gate.example.", None, 403),
        ("evil.example", None, 403),
    ] {
        let mut request = get("/api/status").header("Host", host);
        if let Some(origin) = origin {
            request = request.header("Origin", origin);
        }
        let answer = request.send(gateway.address);
        assert_eq!(answer.status, status, "{host} {origin:?}");
        let allowed = origin.filter(|_| status == 200);
        assert_eq!(answer.header("access-control-allow-origin"), allowed, "{host} {origin:?}");
    }
    let twice =
        get("/api/status").header("Origin", "https://app.example").header("Origin", "https://evil.example").send(gateway.address);
    assert_eq!(twice.status, 403);
    // Refusals to allowed origins carry CORS headers too, so that a page can read them.
    let refused = get("/api/quotes/nosuch").header("Origin", "https://app.example").send(gateway.address);
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (400, Some("https://app.example")));
    assert_eq!(refused.header("vary"), Some("Origin"));
    let preflight = get("/mcp")
        .method("OPTIONS")
        .header("Origin", "https://app.example")
        .header("Access-Control-Request-Method", "POST")
        .send(gateway.address);
    assert_eq!(preflight.status, 204);
    let headers = preflight.header("access-control-allow-headers").unwrap();
    for name in ["Content-Type", "Mcp-Session-Id", "X-API-Key", "Authorization", "MCP-Protocol-Version", "Last-Event-ID"] {
        assert!(headers.contains(name), "{name}");
    }
}

#[test]
fn every_answer_has_security_headers_and_a_request_id() {
    let gateway = TestGateway::start();
    for path in ["/", "/health", "/api/status", "/nosuch", "/events", "/docs/index.html", "/metrics", "/mcp"] {
        let answer = get(path).header("X-Request-Id", "my-id.1_2").send(gateway.address);
        assert_eq!(answer.header("x-request-id"), Some("my-id.1_2"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.contains("frame-ancestors 'none'")
                && policy.contains("script-src 'self'")
                && !policy.contains("script-src 'self' 'unsafe"),
            "{path}"
        );
        assert_eq!(answer.header("strict-transport-security"), None, "{path}");
    }
    for bad in ["", "a b", &"x".repeat(65), "ä", "<script>"] {
        let id = get("/health").header("X-Request-Id", bad).send(gateway.address).header("x-request-id").unwrap().to_owned();
        assert!(id != bad && id.len() == 32, "{bad}");
    }
    let https = TestGateway::with(&[("PUBLIC_URL", "https://gate.example")]);
    assert!(get("/health").send(https.address).header("strict-transport-security").is_some());
}

#[test]
fn oversized_heads_and_bodies_are_refused_and_nothing_else_is_disturbed() {
    let gateway = TestGateway::start();
    let client = McpClient::connect(gateway.address);
    let large = message(&json!({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"pad": "x".repeat(2 << 20)}}))
        .send(gateway.address);
    assert_eq!(large.status, 413);
    let header = get("/health").header("X-Pad", &"x".repeat(10_000)).send(gateway.address);
    assert_eq!(header.status, 200);
    let endless = "x".repeat(200_000);
    let refused = std::panic::catch_unwind(|| get("/health").header("X-Pad", &endless).send(gateway.address).status);
    assert!(refused.map_or(true, |status| status >= 400), "a head of 200 KB is not taken");
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"get_aggs","arguments":{deep}}}}}"#);
    let answer = post("/mcp", body)
        .header("Content-Type", "application/json")
        .header("Accept", "*/*")
        .header("Mcp-Session-Id", &client.session)
        .send(gateway.address);
    assert!(matches!(answer.status, 200 | 400));
    assert_eq!(client.post(&json!({"jsonrpc": "2.0", "id": 2, "method": "ping"})).json()["result"], json!({}));
}

#[test]
fn a_trusted_proxy_names_the_client_and_anyone_else_does_not() {
    let limited = [("AUTH", "insecure-off"), ("RATE_LIMIT_MCP", "2/h")];
    let as_client =
        |gateway: &TestGateway, ip: &str| get("/api/status").header("X-Forwarded-For", ip).send(gateway.address).status;
    let open = TestGateway::with(&limited);
    let statuses: Vec<u16> = (0..3).map(|n| as_client(&open, &format!("203.0.113.{n}"))).collect();
    assert_eq!(statuses, [200, 200, 429], "a forged address does not escape the limit");
    let mut trusted = limited.to_vec();
    trusted.push(("TRUSTED_PROXIES", "127.0.0.0/8"));
    let behind = TestGateway::with(&trusted);
    let statuses: Vec<u16> = (0..3).map(|n| as_client(&behind, &format!("203.0.113.{n}"))).collect();
    assert_eq!(statuses, [200, 200, 200]);
    let spoofed: Vec<u16> = (0..3).map(|n| as_client(&behind, &format!("198.51.100.{n}, 203.0.113.77"))).collect();
    assert_eq!(spoofed, [200, 200, 429], "what stands before the last foreign address is the client's own word");
}

#[test]
fn a_connection_whose_body_never_ends_is_closed_after_its_answer() {
    let gateway = TestGateway::with(&[("AUTH", "required"), ("MCP_API_KEYS", "a-key-that-is-adas-alone:write:ada")]);
    for path in ["GET /healthz", "POST /mcp", "GET /nowhere"] {
        let mut socket = TcpStream::connect(gateway.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let head = format!("{path} HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\r\n28\r\nx", gateway.address);
        socket.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).unwrap_or_else(|error| panic!("{path} stays open: {error}"));
        assert!(answer.starts_with(b"HTTP/1.1 "), "{path}");
    }
    // A body that did arrive leaves the connection open for the next request.
    let mut socket = TcpStream::connect(gateway.address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    for _ in 0..2 {
        let request = format!(
            "POST /mcp HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer a-key-that-is-adas-alone\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n",
            gateway.address
        );
        socket.write_all(request.as_bytes()).unwrap();
        let mut head = [0; 12];
        socket.read_exact(&mut head).unwrap();
        assert_eq!(&head, b"HTTP/1.1 400");
        let mut rest = vec![0; 64 * 1024];
        let _ = socket.read(&mut rest).unwrap();
    }
}
