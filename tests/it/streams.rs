//! `/events` and `/api/mcp/stream-*` as EventSource reads them.

use serde_json::{Value, json};

use crate::support::{Event, TestGateway, get, until};

fn place(event: &Event) -> u64 {
    event.id.as_ref().unwrap().split('-').nth(1).unwrap().split('~').next().unwrap().parse().unwrap()
}

#[test]
fn a_stream_begins_at_once_with_the_latest_and_goes_on_live_in_position_order() {
    let gateway = TestGateway::start();
    let mut stream = get("/events?topics=prices:AAPL,prices:MSFT,status").send(gateway.address);
    assert_eq!(stream.status, 200);
    assert_eq!(stream.header("content-type"), Some("text/event-stream"));
    assert_eq!(stream.header("cache-control"), Some("no-cache, no-transform"));
    assert_eq!(stream.header("x-accel-buffering"), Some("no"));
    let prelude = stream.event().unwrap();
    assert_eq!((prelude.retry.as_deref(), prelude.comment.as_deref()), (Some("3000"), Some("connected")));
    let (mut last, mut kinds) = (0, std::collections::HashSet::new());
    for _ in 0..6 {
        let event = stream.data().unwrap();
        assert!(place(&event) > last);
        last = place(&event);
        let data = event.json();
        assert_eq!(data["position"], json!(event.id));
        assert_eq!((&data["source"], &data["session"]), (&json!("simulated"), &json!("regular")));
        kinds.insert(event.name.unwrap());
    }
    assert!(kinds.contains("price") && kinds.contains("status"), "{kinds:?}");
}

#[test]
fn a_stream_of_news_shows_only_its_symbol_and_no_old_articles() {
    let gateway = TestGateway::with(&[("SIM_SPEED", "10")]);
    let mut stream = get("/events?topics=news:TSLA&interval=1000").send(gateway.address);
    assert!(stream.event().unwrap().retry.is_some());
    let mark = stream.event().unwrap();
    assert!(mark.data.is_none() && mark.id.is_some(), "{mark:?}");
    for _ in 0..3 {
        let event = stream.data().unwrap();
        let article = event.json();
        assert_eq!(event.name.as_deref(), Some("news"));
        assert!(article["tickers"].as_array().unwrap().contains(&json!("TSLA")), "{article}");
        assert!(place(&event) > place(&mark));
        for field in ["id", "title", "url", "publisher", "published_utc", "description", "untrusted", "as_of"] {
            assert!(!article[field].is_null(), "{field} in {article}");
        }
    }
}

#[test]
fn an_article_on_several_topics_of_a_stream_comes_once() {
    let gateway = TestGateway::start();
    let mut stream = get("/events?topics=news:F,news:GM,news:*&interval=1000").send(gateway.address);
    assert!(stream.event().is_some() && stream.event().is_some());
    gateway.simulator().publish_article(json!({"id": "both", "title": "Both", "tickers": ["F", "GM"], "published_utc": now()}));
    gateway.simulator().publish_article(json!({"id": "end", "title": "End", "tickers": ["F", "GM"], "published_utc": now()}));
    let mut seen = Vec::new();
    while !seen.contains(&"end".to_owned()) {
        seen.push(stream.data().unwrap().json()["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(seen.iter().filter(|id| *id == "both").count(), 1, "{seen:?}");
}

fn now() -> String {
    let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    tickgate_core::time::Millis(time.as_millis().try_into().unwrap()).to_string()
}

#[test]
fn a_changed_article_comes_again_marked_as_updated() {
    let gateway = TestGateway::start();
    let mut stream = get("/events?topics=news:GM&interval=1000").send(gateway.address);
    assert!(stream.event().is_some() && stream.event().is_some());
    let published = now();
    let article = |title: &str| json!({"id": "again", "title": title, "tickers": ["GM"], "published_utc": published});
    gateway.simulator().publish_article(article("First"));
    let wait = |stream: &mut crate::support::Answer| loop {
        let data = stream.data().unwrap().json();
        if data["id"] == "again" {
            return data;
        }
    };
    let first = wait(&mut stream);
    assert_eq!((&first["title"], first.get("updated")), (&json!("First"), None));
    gateway.simulator().publish_article(article("Second"));
    let second = wait(&mut stream);
    assert_eq!((&second["title"], &second["updated"]), (&json!("Second"), &json!(true)));
}

#[test]
fn refusals_are_answers_that_name_the_parameter() {
    let gateway = TestGateway::with(&[("MAX_TOPICS_PER_STREAM", "3"), ("MAX_STREAMS_PER_CALLER", "1")]);
    let long = "a".repeat(200);
    for (path, status, name) in [
        ("/events".to_owned(), 400, "`topics`"),
        ("/events?topics=".to_owned(), 400, "`topics`"),
        ("/events?topics=nosuch:AAPL".to_owned(), 400, "`topics`"),
        ("/events?topics=prices:aapl".to_owned(), 400, "did you mean AAPL"),
        ("/events?topics=prices:A,prices:B,prices:C,prices:D".to_owned(), 400, "at most 3"),
        ("/events?topics=status&mode=fast".to_owned(), 400, "`mode`"),
        ("/events?topics=status&interval=100".to_owned(), 400, "`interval`"),
        ("/events?topics=status&window=60001".to_owned(), 400, "`window`"),
        ("/events?topics=status&last_event_id=x".to_owned(), 400, "`last_event_id`"),
        (format!("/events?topics=status&last_event_id={long}"), 400, "128 bytes"),
        ("/events?topics=status&apiKey=x".to_owned(), 400, "`apiKey`"),
        ("/events?topics=status&topics=status".to_owned(), 400, "`topics`"),
        ("/api/mcp/stream-news?symbol=no+symbol".to_owned(), 400, "`symbol`"),
        ("/api/mcp/stream-news?duration=999".to_owned(), 400, "`duration`"),
        ("/api/mcp/stream-news?interval=0".to_owned(), 400, "`interval`"),
        ("/api/mcp/stream-prices".to_owned(), 400, "`symbols`"),
        ("/api/mcp/stream-prices?symbols=AAPL&last_event_id=1-1".to_owned(), 400, "`last_event_id`"),
    ] {
        let answer = get(&path).send(gateway.address);
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
        let problem = answer.json();
        assert!(problem["detail"].as_str().unwrap().contains(name), "{path}: {problem}");
        assert_eq!(problem["status"], status);
    }
    let _open = get("/events?topics=status").send(gateway.address);
    let second = get("/events?topics=status").send(gateway.address);
    assert_eq!(second.status, 429);
    assert!(second.header("retry-after").is_some());
}

#[test]
fn an_unknown_symbol_is_told_on_the_stream_and_refused_from_then_on() {
    let gateway = TestGateway::start();
    let mut stream = get("/events?topics=prices:NOSUCH").send(gateway.address);
    assert_eq!(stream.status, 200);
    let event = stream.data().unwrap();
    assert_eq!((event.name.as_deref(), &event.json()["state"]), (Some("status"), &json!("unknown_symbol")));
    assert_eq!(get("/events?topics=prices:NOSUCH").send(gateway.address).status, 404);
}

#[test]
fn a_degraded_upstream_is_said_and_the_stream_stays() {
    let gateway = TestGateway::start();
    let mut stream = get("/events?topics=prices:AAPL,status").send(gateway.address);
    let next = |stream: &mut crate::support::Answer, wanted: &dyn Fn(&Event, &Value) -> bool| loop {
        let event = stream.data().expect("the stream stays");
        let data = event.json();
        if wanted(&event, &data) {
            return data;
        }
    };
    next(&mut stream, &|event, _| event.name.as_deref() == Some("price"));
    gateway.simulator().set_down(true);
    let degraded = next(&mut stream, &|_, data| data["state"] == "degraded");
    assert_eq!(degraded["reason"], "unavailable");
    assert_eq!(get("/health").send(gateway.address).json()["status"], "degraded");
    gateway.simulator().set_down(false);
    next(&mut stream, &|_, data| data["state"] == "ok");
    next(&mut stream, &|event, _| event.name.as_deref() == Some("price"));
    until("health to be good again", || get("/health").send(gateway.address).json()["status"] == "healthy");
}

#[test]
fn the_older_form_carries_items_as_progress_and_ends_with_a_result_and_then_204() {
    let gateway = TestGateway::with(&[("SIM_SPEED", "10")]);
    for path in [
        "/api/mcp/stream-news?symbol=TSLA&interval=1000&duration=2500",
        "/api/mcp/stream-prices?symbols=AAPL,MSFT&interval=1000&duration=2500",
    ] {
        let mut stream = get(path).send(gateway.address);
        let (mut items, mut progress, mut last) = (0, 0, None);
        let result = loop {
            let event = stream.data().expect("a result at the end");
            last = event.id.clone().or(last);
            let message = event.json();
            if let Some(result) = message.get("result") {
                break result.clone();
            }
            assert_eq!(message["method"], "notifications/progress");
            let item: Value = serde_json::from_str(message["params"]["message"].as_str().unwrap()).unwrap();
            assert!(item.get("title").is_some() || item.get("price").is_some(), "{item}");
            assert!(message["params"]["progress"].as_u64().unwrap() > progress);
            progress = message["params"]["progress"].as_u64().unwrap();
            items += 1;
        };
        assert_eq!(result, json!({"content": [{"type": "text", "text": "Stream complete"}], "isError": false}));
        assert!(items >= 1, "{path}");
        assert!(stream.event().is_none() && stream.ended_cleanly());
        assert_eq!(get(path).header("Last-Event-ID", &last.unwrap()).send(gateway.address).status, 204, "{path}");
    }
}

#[test]
fn a_stream_rotates_with_a_goodbye_from_which_it_resumes() {
    let gateway = TestGateway::with(&[("STREAM_MAX_SECS", "1")]);
    let mut stream = get("/events?topics=prices:AAPL").send(gateway.address);
    let bye = loop {
        let event = stream.data().expect("a goodbye");
        if event.name.as_deref() == Some("bye") {
            break event;
        }
    };
    assert_eq!(bye.json()["reason"], "rotation");
    assert!(bye.retry.is_some());
    assert!(stream.event().is_none() && stream.ended_cleanly());
    let mut resumed = get("/events?topics=prices:AAPL").header("Last-Event-ID", &bye.id.clone().unwrap()).send(gateway.address);
    let event = resumed.data().unwrap();
    assert_ne!(event.name.as_deref(), Some("gap"));
    // The resumed stream rotates too: on a busy machine its own goodbye may come before the next price.
    let again = event.name.as_deref() == Some("bye");
    assert!(place(&event) > place(&bye) || (again && place(&event) == place(&bye)), "{event:?}");
}

#[test]
fn a_silent_stream_gets_comments() {
    let gateway = TestGateway::with(&[("SSE_KEEPALIVE_SECS", "1")]);
    // An alert that will not fire has the most silent of topics.
    let mut client = crate::support::McpClient::connect(gateway.address);
    let alert = serde_json::json!({"symbol": "AAPL", "condition": "above", "target_price": 1e9});
    let alert = client.call("set_price_alert", alert)["structuredContent"]["alert"]["alert_id"].as_str().unwrap().to_owned();
    let mut stream = get(&format!("/events?topics=alerts:{alert}")).send(gateway.address);
    let comments = std::iter::from_fn(|| stream.event()).filter(|event| event.comment.as_deref() == Some("ping")).take(2).count();
    assert_eq!(comments, 2);
}

#[test]
fn a_shutdown_says_goodbye_ends_cleanly_and_loses_no_request() {
    let mut gateway = TestGateway::start();
    let mut stream = get("/events?topics=prices:AAPL").send(gateway.address);
    stream.data().unwrap();
    let client = crate::support::McpClient::connect(gateway.address);
    let mut standalone = client.open_stream(None);
    standalone.event().unwrap();
    gateway.begin_to_stop();
    let bye = loop {
        let event = stream.data().expect("a goodbye");
        if event.name.as_deref() == Some("bye") {
            break event;
        }
    };
    assert_eq!(bye.json()["reason"], "draining");
    while stream.event().is_some() {}
    while standalone.event().is_some() {}
    assert!(stream.ended_cleanly() && standalone.ended_cleanly());
    gateway.wait_until_stopped();
}

#[test]
fn plain_answers_name_a_position_from_which_a_stream_goes_on_without_a_gap() {
    let gateway = TestGateway::start();
    let news = get("/api/news/TSLA?limit=5").send(gateway.address).json();
    assert_eq!(news["results"].as_array().unwrap().len(), 5);
    let position = news["position"].as_str().unwrap();
    gateway.simulator().publish_article(json!({"id": "next", "title": "Next", "tickers": ["TSLA"], "published_utc": now()}));
    let mut stream = get(&format!("/events?topics=news:TSLA&interval=1000&last_event_id={position}")).send(gateway.address);
    loop {
        let event = stream.data().unwrap();
        assert_eq!(event.name.as_deref(), Some("news"));
        if event.json()["id"] == "next" {
            break;
        }
    }
    let quote = get("/api/quotes/X:BTCUSD").send(gateway.address).json();
    assert!(quote["results"]["price"].as_f64().unwrap() > 0.0);
    let bars = get("/api/bars/AAPL?limit=10").send(gateway.address).json();
    let times: Vec<u64> = bars["results"].as_array().unwrap().iter().map(|bar| bar["t"].as_u64().unwrap()).collect();
    assert_eq!(times.len(), 10);
    assert!(times.is_sorted());
    assert_eq!(get("/api/status").send(gateway.address).json()["session"], "regular");
}

#[test]
fn bars_of_seconds_are_made_from_ticks_and_each_is_told_once() {
    let gateway = TestGateway::start();
    let mut stream = get("/events?topics=bars:X:BTCUSD:1s,prices:X:BTCUSD&interval=250").send(gateway.address);
    let mut bars = Vec::new();
    while bars.len() < 3 {
        let event = stream.data().unwrap();
        if event.name.as_deref() == Some("bar") {
            bars.push(event.json());
        }
    }
    assert!(bars.windows(2).all(|pair| pair[0]["start"].as_str() < pair[1]["start"].as_str()), "{bars:?}");
    for bar in &bars {
        assert_eq!((&bar["symbol"], &bar["seconds"], &bar["source"]), (&"X:BTCUSD".into(), &1.into(), &"simulated".into()));
        assert!(bar["low"].as_f64() <= bar["high"].as_f64() && bar["ticks"].as_u64() > Some(0) && bar["position"].is_string());
    }
    let wrong = get("/events?topics=bars:AAPL:7s").send(gateway.address);
    assert!(wrong.status == 400 && wrong.json()["detail"].as_str().unwrap().contains("a day has a whole number"));
}
