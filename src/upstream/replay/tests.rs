//! Files that are whole, cut, damaged, of another kind; and how they are played.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use tempfile::TempDir;
use tickgate_core::market::{Market, MarketPhase, Source, Symbol, Topic};
use tickgate_core::ports::{MarketData as _, NewsQuery};
use tickgate_core::sse::DecodedEvent;
use tickgate_core::tape::Kind;
use tickgate_core::time::Millis;

use super::*;

fn event(id: &str, name: &str, data: &str) -> DecodedEvent {
    DecodedEvent { id: Some(id.to_owned()), name: name.to_owned(), data: data.to_owned() }
}

fn price(seq: u32, symbol: &str, price: f64) -> DecodedEvent {
    let id = format!("e-{seq}");
    let data = format!(
        r#"{{"symbol":"{symbol}","price":{price},"change":1.0,"change_percent":0.5,"volume":10.0,"as_of":"2026-03-10T14:00:0{seq}.000Z","source":"poll","delayed":false,"session":"regular","position":"{id}"}}"#
    );
    event(&id, "price", &data)
}

fn article(seq: u32, tickers: &str) -> DecodedEvent {
    let id = format!("e-{seq}");
    let data = format!(
        r#"{{"id":"n{seq}","title":"It says \"delayed\":false","url":"","publisher":"Wire","published_utc":"2026-03-10T14:00:0{seq}.000Z","tickers":[{tickers}],"description":"","untrusted":["title"],"as_of":"2026-03-10T14:00:0{seq}.000Z","source":"poll","delayed":false,"session":"regular","updated":true,"position":"{id}"}}"#
    );
    event(&id, "news", &data)
}

fn status(seq: u32) -> DecodedEvent {
    let id = format!("e-{seq}");
    let data = format!(
        r#"{{"state":"ok","market":"extended-hours","as_of":"2026-03-10T14:00:0{seq}.000Z","source":"poll","delayed":false,"session":"after","position":"{id}"}}"#
    );
    event(&id, "status", &data)
}

fn written(events: &[(u64, DecodedEvent)]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tape.jsonl");
    let topics = vec!["prices:AAPL".to_owned(), "news:*".to_owned()];
    let mut recorder = Recorder::create(&path, "2026-03-10T14:00:00.000Z".to_owned(), Source::Poll, topics).unwrap();
    for (at_ms, event) in events {
        recorder.write(*at_ms, event).unwrap();
    }
    recorder.finish().unwrap();
    (folder, path)
}

fn some() -> Vec<(u64, DecodedEvent)> {
    vec![
        (0, price(1, "AAPL", 1.5)),
        (1_000, article(2, r#""TSLA","F""#)),
        (1_000, status(3)),
        (2_500, price(4, "AAPL", 1.75)),
        (5_000, price(5, "TSLA", 9.0)),
    ]
}

fn bodies(recording: &Recording) -> Vec<&str> {
    recording.events.iter().map(|event| event.body.as_str()).collect()
}

#[test]
fn a_recording_reads_back_as_it_was_written_only_delayed() {
    let (_folder, path) = written(&some());
    let recording = Recording::read(&path).unwrap();
    assert_eq!((recording.source(), recording.gaps, recording.cut), (Source::Poll, 0, false));
    let shown: Vec<_> = recording.events.iter().map(|event| (event.at_ms, event.kind, event.topics.len(), event.as_of)).collect();
    let at = |second: u64| Millis::parse_rfc3339(&format!("2026-03-10T14:00:0{second}.000Z")).unwrap();
    assert_eq!(
        shown,
        [
            (0, Kind::Price, 1, at(1)),
            (1_000, Kind::News, 3, at(2)),
            (1_000, Kind::Status, 1, at(3)),
            (2_500, Kind::Price, 1, at(4)),
            (5_000, Kind::Price, 1, at(5)),
        ]
    );
    assert_eq!(
        bodies(&recording)[0],
        r#"{"symbol":"AAPL","price":1.5,"change":1.0,"change_percent":0.5,"volume":10.0,"as_of":"2026-03-10T14:00:01.000Z","source":"poll","delayed":true,"session":"regular"}"#
    );
    let news = bodies(&recording)[1];
    assert!(news.contains(r#"It says \"delayed\":false"#), "text is not touched: {news}");
    assert!(news.ends_with(r#""delayed":true,"session":"regular","updated":true}"#), "{news}");
    assert!(!recording.topics().contains(&Topic::Status), "the gateway says its own");
    assert_eq!(recording.topics().len(), 5);
}

#[test]
fn bars_of_seconds_are_recorded_like_all_that_was_asked_for() {
    let data = r#"{"symbol":"X:BTCUSD","seconds":5,"start":"2026-03-10T14:00:00.000Z","open":1.0,"close":2.0,"as_of":"2026-03-10T14:00:04.000Z","source":"ws","delayed":false,"session":"regular","position":"e-1"}"#;
    let (_folder, path) = written(&[(0, event("e-1", "bar", data))]);
    let recording = Recording::read(&path).unwrap();
    assert_eq!(recording.events.iter().map(|event| event.kind).collect::<Vec<_>>(), [Kind::Bar]);
    assert!(recording.topics().contains(&"bars:X:BTCUSD:5s".parse().unwrap()));
}

#[test]
fn gaps_are_counted_and_goodbyes_passed_over() {
    let gap = event("e-9", "gap", r#"{"from":"e-1","to":"e-9","reason":"evicted","snapshot":[]}"#);
    let (_folder, path) = written(&[(0, price(1, "AAPL", 1.0)), (1, gap), (2, event("e-9", "bye", r#"{"reason":"rotation"}"#))]);
    let recording = Recording::read(&path).unwrap();
    assert_eq!((recording.events.len(), recording.gaps), (1, 1));
}

#[test]
fn a_last_line_that_was_cut_off_anywhere_is_left_out() {
    let (_folder, path) = written(&some());
    let whole = fs::read(&path).unwrap();
    let text = String::from_utf8(whole.clone()).unwrap();
    let last_line = text.trim_end().rfind('\n').unwrap() + 1;
    for end in last_line..whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        let recording = Recording::read(&path).unwrap();
        // Without its line feed alone a line is still whole.
        let events = if end == whole.len() - 1 { 5 } else { 4 };
        assert_eq!(recording.events.len(), events, "cut at {end}");
        assert_eq!(recording.cut, events == 4 && end > last_line, "cut at {end}");
    }
}

#[test]
fn damage_is_named_with_its_line() {
    let (_folder, path) = written(&some());
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let with = |at: usize, line: &str| {
        let mut lines = lines.clone();
        lines[at - 1] = line;
        lines.join("\n") + "\n"
    };
    let topicless = r#"{"at_ms":0,"position":"e-1","topics":[],"kind":"price","as_of":"2026-03-10T14:00:01Z","body":{}}"#;
    for (text, names) in [
        (with(3, "{\"at_ms\":"), "line 3: it is no event"),
        (with(2, ""), "line 2: it is no event"),
        (with(4, topicless), "line 4: it has no topic"),
        (with(2, &topicless.replace("[]", "[\"x\"]")), "line 2: \"x\" is not a topic"),
        (with(2, &topicless.replace("price", "rumour")), "line 2: there is no kind \"rumour\""),
        (with(2, &topicless.replace("[]", "[\"status\"]").replace("{}", "5")), "line 2: its body is no JSON object"),
        (
            with(2, &topicless.replace("[]", "[\"status\"]").replace("2026-03-10T14:00:01Z", "noon")),
            "line 2: its as_of is no time",
        ),
        (with(5, &lines[4].replace("2500", "1")), "line 5: its at_ms is less"),
        (with(1, "{}"), "line 1: this is no recording"),
        (with(1, &lines[0].replace("recording\":1", "recording\":7")), "line 1: the recording has version 7"),
        (String::new(), "line 1: this is no recording"),
    ] {
        fs::write(&path, text).unwrap();
        let error = Recording::read(&path).unwrap_err().to_string();
        assert!(error.starts_with(names), "{names}: {error}");
    }
    fs::write(&path, [text.as_bytes(), b"\xff\xfe\n"].concat()).unwrap();
    assert_eq!(Recording::read(&path).unwrap_err().to_string().split(": the file").next(), Some("line 7: it is not UTF-8"));
    assert!(Recording::read(&path.with_extension("none")).unwrap_err().to_string().starts_with("it cannot be read"));
}

#[actix_web::test]
async fn events_happen_in_their_order_and_never_before_their_time_over_the_speed() {
    let (_folder, path) = written(&some());
    let recording = Recording::read(&path).unwrap();
    for (speed, least) in [(1_000.0, Duration::from_millis(5)), (250.0, Duration::from_millis(20))] {
        let (playhead, began) = (Playhead::default(), Instant::now());
        let mut happened = Vec::new();
        play(&recording, speed, &playhead, |event| happened.push((event.clone(), playhead.played(), began.elapsed()))).await;
        assert!(began.elapsed() >= least);
        assert_eq!(happened.iter().map(|(event, _, _)| event.clone()).collect::<Vec<_>>(), recording.events);
        assert_eq!(happened.iter().map(|(_, played, _)| *played).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        for (event, _, at) in &happened {
            assert!(*at >= Duration::from_millis(event.at_ms).div_f64(speed), "{at:?} {}", event.at_ms);
        }
    }
}

#[actix_web::test]
async fn the_port_tells_of_what_has_been_played_and_of_nothing_later() {
    let (_folder, path) = written(&some());
    let recording = Arc::new(Recording::read(&path).unwrap());
    let playhead = Playhead::default();
    let market = ReplayMarket::new(Arc::clone(&recording), playhead.clone());
    let symbols: Vec<Symbol> = ["AAPL", "TSLA", "NVDA"].map(|symbol| symbol.parse().unwrap()).into();
    assert!(market.quotes(Market::Stocks, &symbols).await.unwrap().is_empty());
    assert_eq!(market.market_status().await.unwrap().phase, MarketPhase::After, "until one is played, the first one");
    let mut seen = Vec::new();
    let everything = || NewsQuery { symbol: None, from: None, limit: 10 };
    play(&recording, 1_000.0, &playhead, |_| {
        let quotes = market.quotes(Market::Stocks, &symbols[..1]).now_or_never().unwrap().unwrap();
        seen.push(quotes[0].price);
    })
    .await;
    assert_eq!(seen, [1.5, 1.5, 1.5, 1.75, 1.75]);
    let quotes = market.quotes(Market::Stocks, &symbols).await.unwrap();
    let shown: Vec<_> = quotes.iter().map(|quote| (quote.symbol.as_str(), quote.price, quote.source, quote.delayed)).collect();
    assert_eq!(shown, [("AAPL", 1.75, Source::Poll, true), ("TSLA", 9.0, Source::Poll, true)]);
    assert_eq!(market.news(everything()).await.unwrap()[0].tickers.len(), 2);
    let of_f = NewsQuery { symbol: Some("F".parse().unwrap()), ..everything() };
    assert_eq!(market.news(of_f).await.unwrap().len(), 1);
    let later = NewsQuery { from: Millis::parse_rfc3339("2026-03-10T14:00:03Z"), ..everything() };
    assert!(market.news(later).await.unwrap().is_empty());
}
