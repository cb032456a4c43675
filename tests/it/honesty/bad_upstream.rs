//! An upstream that fails, lies, never ends or leads astray: each call ends in time with a class, a sentence and something to do, the
//! streams stay, the memory stays bounded, and the key goes nowhere else.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::reports::Program;
use crate::support::raw_upstream::{answer, fixture, fixture_answer, gzip_bomb, json_answer};
use crate::support::{McpClient, RawUpstream, TestGateway, get, until};

/// Stands for the vendor's key: it must be seen nowhere but in the header of requests to the one upstream.
const CANARY: &str = "cAnaryKey7f3a9d21";

/// How an upstream answers.
type Says = fn(&mut TcpStream) -> std::io::Result<()>;

/// Each way of failing, with the class that a caller is told.
const FAILURES: &[(&str, &str, Says)] = &[
    ("400", "invalid_argument", |s| s.write_all(&fixture_answer("errors.json", "400_bad_parameter"))),
    ("400 for a missing key", "upstream_auth", |s| {
        s.write_all(&json_answer(400, r#"{"status":"ERROR","request_id":"a","error":"API Key was not provided"}"#))
    }),
    ("401 unknown key", "upstream_auth", |s| s.write_all(&fixture_answer("errors.json", "401_unknown_key"))),
    ("401 no key", "upstream_auth", |s| s.write_all(&fixture_answer("errors.json", "401_no_key"))),
    ("403", "not_entitled", |s| s.write_all(&fixture_answer("errors.json", "403_not_entitled"))),
    ("403 by error", "not_entitled", |s| s.write_all(&fixture_answer("errors.json", "403_error_key_variant"))),
    ("404", "not_found", |s| s.write_all(&fixture_answer("errors.json", "404_not_found"))),
    ("409", "invalid_argument", |s| s.write_all(&json_answer(409, r#"{"status":"ERROR","error":"Conflict"}"#))),
    ("429", "rate_limited", |s| s.write_all(&fixture_answer("errors.json", "429_rate_limited"))),
    ("429 without a body", "rate_limited", |s| s.write_all(&fixture_answer("errors.json", "429_empty_body"))),
    ("500 as JSON", "unavailable", |s| s.write_all(&json_answer(500, r#"{"status":"ERROR","error":"boom"}"#))),
    ("500 as HTML", "unavailable", |s| s.write_all(&answer(500, "text/html", b"<html><h1>500</h1></html>"))),
    ("502 as HTML", "unavailable", |s| s.write_all(&fixture_answer("errors.json", "502_html"))),
    ("200 as HTML", "invalid_response", |s| s.write_all(&answer(200, "text/html", b"<html>please log in</html>"))),
    ("JSON as text/plain", "invalid_response", |s| s.write_all(&answer(200, "text/plain", br#"{"status":"OK","results":{}}"#))),
    ("truncated JSON", "invalid_response", |s| s.write_all(&json_answer(200, r#"{"status":"OK","results":{"p":24"#))),
    ("a cut body", "unavailable", |s| {
        s.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"status\"")
    }),
    ("results of another type", "invalid_response", |s| s.write_all(&json_answer(200, r#"{"status":"OK","results":"x"}"#))),
    ("results as a list", "invalid_response", |s| s.write_all(&json_answer(200, r#"{"status":"OK","results":[1,2]}"#))),
    ("no results", "not_found", |s| s.write_all(&json_answer(200, r#"{"status":"OK"}"#))),
    ("a body that is no text", "invalid_response", |s| s.write_all(&answer(200, "application/json", &[0xff, 0xfe, 0, 1]))),
    ("nothing", "unavailable", |_| Ok(())),
    ("what is not HTTP", "invalid_response", |s| s.write_all(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")),
    ("a huge header", "invalid_response", |s| {
        s.write_all(b"HTTP/1.1 200 OK\r\n")?;
        s.write_all(format!("x-a: {}\r\n\r\n{{}}", "a".repeat(2 << 20)).as_bytes())
    }),
    ("ten thousand headers", "invalid_response", |s| {
        s.write_all(format!("HTTP/1.1 200 OK\r\n{}\r\n{{}}", "x-a: b\r\n".repeat(10_000)).as_bytes())
    }),
    ("a gzip bomb", "too_large", |s| {
        let bomb = gzip_bomb(400 << 20);
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
            bomb.len()
        );
        s.write_all(head.as_bytes())?;
        s.write_all(&bomb)
    }),
    ("a body that never ends", "too_large", |s| {
        s.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")?;
        let chunk = format!("100000\r\n{}\r\n", " ".repeat(0x0010_0000));
        loop {
            s.write_all(chunk.as_bytes())?;
        }
    }),
    ("what claims to be gzip", "invalid_response", |s| {
        s.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: 22\r\n\r\nthis is no gzip at all")
    }),
];

fn resident_kib(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A failed result: marked, classed, worded for people, with nothing of the inside in it.
fn check(name: &str, result: &Value, class: &str) {
    let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{name}: {result}"));
    assert_eq!(result["isError"], true, "{name}: {result}");
    let (told, sentence) = text.split_once(": ").unwrap_or_else(|| panic!("{name}: {text}"));
    assert_eq!(told, class, "{name}: {text}");
    assert!(sentence.len() > 30 && text.len() < 600, "{name}: {text}");
    let advice = ["try again", "correct it", "check the", "ask for", "operator", "wait", "retry"];
    assert!(advice.iter().any(|word| sentence.contains(word)), "{name} says nothing to do: {text}");
    for inside in [CANARY, "127.0.0.1", "http://", "/v2/", "Bearer", "panicked", ".rs:"] {
        assert!(!text.contains(inside), "{name}: {inside} in {text}");
    }
}

#[test]
fn every_failure_is_a_tool_error_with_its_class_and_something_to_do_and_the_gateway_goes_on() {
    for (name, class, says) in FAILURES {
        let upstream = RawUpstream::of_data(move |_, socket| says(socket));
        let gateway = TestGateway::asking(&upstream, CANARY, &[]);
        let mut client = McpClient::connect(gateway.address);
        let begun = Instant::now();
        let result = client.call("get_last_trade", json!({"ticker": "AAPL"}));
        check(name, &result, class);
        assert!(begun.elapsed() < Duration::from_secs(15), "{name} took {:?}", begun.elapsed());
        let asked = upstream.asked_for_data();
        assert!((1..=3).contains(&asked.len()), "{name}: {} attempts", asked.len());
        assert_eq!(get("/healthz").send(gateway.address).status, 200, "{name}");
    }
}

#[test]
fn heads_and_bodies_that_come_a_byte_at_a_time_cost_no_more_than_the_deadline_of_a_call() {
    fn drip(socket: &mut TcpStream, text: &str) -> std::io::Result<()> {
        for byte in text.bytes().cycle() {
            socket.write_all(&[byte])?;
            std::thread::park_timeout(Duration::from_millis(100));
        }
        Ok(())
    }
    let slow: [(&str, Says); 2] = [
        ("a slow head", |s| drip(s, "HTTP/1.1 200 OK and so on ")),
        ("a slow body", |s| {
            s.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")?;
            drip(s, "1\r\n \r\n")
        }),
    ];
    let waiting = slow.map(|(name, says)| {
        std::thread::spawn(move || {
            let upstream = RawUpstream::of_data(move |_, socket| says(socket));
            let gateway = TestGateway::asking(&upstream, CANARY, &[]);
            let mut client = McpClient::connect(gateway.address);
            let begun = Instant::now();
            let answer = client.ask("tools/call", json!({"name": "get_last_trade", "arguments": {"ticker": "AAPL"}}));
            let text = answer.text();
            assert!(begun.elapsed() < Duration::from_secs(21), "{name} took {:?}", begun.elapsed());
            assert!(text.contains("timeout: ") && text.contains("isError\":true"), "{name}: {text}");
        })
    });
    waiting.into_iter().for_each(|one| one.join().unwrap());
}

#[test]
fn a_redirect_to_another_host_is_not_followed_and_the_key_does_not_go_there() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = RawUpstream::start(|_, socket| socket.write_all(&json_answer(200, r#"{"status":"OK"}"#)));
        let location = format!("{}/v2/last/trade/AAPL", elsewhere.base());
        let upstream = RawUpstream::of_data(move |_, socket| {
            let head =
                format!("HTTP/1.1 {status} Found\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            socket.write_all(head.as_bytes())
        });
        let gateway = TestGateway::asking(&upstream, CANARY, &[]);
        let result = McpClient::connect(gateway.address).call("get_last_trade", json!({"ticker": "AAPL"}));
        check("a redirect", &result, "invalid_response");
        assert!(elsewhere.asked().is_empty(), "{status}: {:?}", elsewhere.asked());
    }
}

#[test]
fn while_every_poll_fails_a_stream_stays_says_degraded_and_delivers_again_when_it_is_over() {
    for says in [
        |socket: &mut TcpStream| socket.write_all(&answer(500, "text/html", b"<html></html>")),
        |socket: &mut TcpStream| socket.write_all(&json_answer(200, r#"{"status":"OK","tickers":{"a":7}}"#)),
        |socket: &mut TcpStream| socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"tick"),
    ] {
        let bad = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let is_bad = std::sync::Arc::clone(&bad);
        let price = std::sync::atomic::AtomicU64::new(0);
        let upstream = RawUpstream::of_data(move |_, socket| {
            if is_bad.load(std::sync::atomic::Ordering::Relaxed) {
                return says(socket);
            }
            let n = price.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let trade = json!({"p": 200 + n, "s": 1, "t": 1_773_167_467_294_080_343_u64 + n * 1_000_000_000});
            let row = json!({"ticker": "AAPL", "updated": trade["t"], "lastTrade": trade, "prevDay": {"c": 199}});
            socket.write_all(&json_answer(200, &json!({"status": "OK", "tickers": [row]}).to_string()))
        });
        let gateway = TestGateway::asking(&upstream, CANARY, &[]);
        let mut stream = get("/events?topics=prices:AAPL,status&interval=250").send(gateway.address);
        let mut next = |wanted: &dyn Fn(&str, &Value) -> bool| loop {
            let event = stream.data().expect("the stream stays");
            if wanted(event.name.as_deref().unwrap_or_default(), &event.json()) {
                break;
            }
        };
        next(&|name, _| name == "price");
        bad.store(true, std::sync::atomic::Ordering::Relaxed);
        next(&|name, data| name == "status" && data["state"] == "degraded" && data["reason"].is_string());
        bad.store(false, std::sync::atomic::Ordering::Relaxed);
        next(&|name, _| name == "price");
        until("health to be good again", || get("/health").send(gateway.address).json()["status"] == "healthy");
    }
}

#[test]
fn bombs_and_endless_bodies_leave_the_memory_bounded_and_the_key_is_in_no_log_answer_or_metric() {
    let upstream = RawUpstream::of_data(|target, socket| {
        // Bodies that say the key and the address, refusals, bombs: by the symbol that is asked for.
        let wanted = target.split(['/', '?']).nth(4).unwrap_or_default();
        let number: usize = wanted.trim_start_matches('A').parse().unwrap_or(0);
        if number >= FAILURES.len() {
            let told = format!("key {CANARY} at http://127.0.0.1/v2?apiKey={CANARY}");
            return socket
                .write_all(&json_answer(400, &json!({"status": "ERROR", "error": told, "request_id": CANARY}).to_string()));
        }
        FAILURES[number].2(socket)
    });
    let base = upstream.base();
    let mut program = Program::start(&[
        ("MASSIVE_API_KEY", CANARY),
        ("MASSIVE_API_BASE_URL", &base),
        ("UPSTREAM_PLAN", "advanced"),
        ("MASSIVE_WS_URL", "off"),
        ("RATE_LIMIT_MCP", "0"),
        ("LOG_LEVEL", "DEBUG"),
    ]);
    let mut answers = String::new();
    let mut client = McpClient::connect(program.address);
    let memory = resident_kib(program.id());
    let bombs: Vec<usize> =
        FAILURES.iter().enumerate().filter(|(_, failure)| failure.1 == "too_large").map(|(number, _)| number).collect();
    let most = std::sync::atomic::AtomicU64::new(memory);
    let (address, id) = (program.address, program.id());
    std::thread::scope(|scope| {
        for number in bombs.iter().cycle().take(8) {
            let most = &most;
            scope.spawn(move || {
                let arguments = json!({"ticker": format!("A{number}")});
                let result = McpClient::connect(address).call("get_last_trade", arguments);
                most.fetch_max(resident_kib(id), std::sync::atomic::Ordering::Relaxed);
                assert_eq!(result["isError"], true);
            });
        }
    });
    let grown = most.into_inner().saturating_sub(memory);
    println!("8 calls at once answered with bombs: {grown} KiB more at most");
    // 8 bodies of at most 16 MiB, which grow by doubling.
    assert!(grown < 8 * 2 * 16 * 1_024 + 32 * 1_024, "{grown} KiB more");
    for number in (0..=FAILURES.len()).filter(|number| !bombs.contains(number)) {
        let result = client.call("get_last_trade", json!({"ticker": format!("A{number}")}));
        answers.push_str(&result.to_string());
    }
    for path in ["/metrics", "/health", "/api/quotes/AAPL", "/api/news/TSLA", "/api/bars/AAPL", "/openapi.json"] {
        answers.push_str(&get(path).send(program.address).text());
    }
    assert!(!answers.contains(CANARY), "the key is in an answer");
    program.signal("-TERM");
    program.wait_for(|line| line["message"].as_str().is_some_and(|message| message.contains("shutting down")));
    assert_eq!(program.wait(), 0);
    assert!(program.log.len() > 20, "the log was collected");
    assert!(program.log.iter().all(|line| !line.to_string().contains(CANARY)), "the key is in the log");
    let asked = upstream.asked();
    let bearer = format!("authorization: bearer {}", CANARY.to_ascii_lowercase());
    assert!(asked.iter().all(|asked| asked.head.to_ascii_lowercase().contains(&bearer) && !asked.target.contains(CANARY)));
}

#[test]
fn a_fixture_of_each_shape_is_served_as_it_came() {
    let upstream = RawUpstream::of_data(|target, socket| {
        let file = if target.starts_with("/v1/open-close") {
            "v1_open-close_AAPL_2026-03-10.json"
        } else if target.contains("gainers") {
            "v2_snapshot_us_stocks_gainers.json"
        } else {
            "v2_reference_news_TSLA__poll1.json"
        };
        socket.write_all(&json_answer(200, &fixture(file)))
    });
    let gateway = TestGateway::asking(&upstream, CANARY, &[]);
    let mut client = McpClient::connect(gateway.address);
    for (name, arguments) in [
        ("get_daily_open_close_agg", json!({"ticker": "AAPL", "date": "2026-03-10"})),
        ("get_snapshot_direction", json!({"market_type": "stocks", "direction": "gainers"})),
        ("list_ticker_news", json!({"ticker": "TSLA"})),
        ("get_market_status", json!({})),
        ("get_market_holidays", json!({})),
    ] {
        let result = client.call(name, arguments);
        assert_eq!(result["isError"], false, "{name}: {result}");
    }
}
