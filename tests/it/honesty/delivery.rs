//! How a subscriber may have its events: each or the newest, at once or gathered, at its own interval; and what of news comes twice.

use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::raw_upstream::{fixture, json_answer};
use crate::support::{Answer, RawUpstream, TestGateway, get};

/// What came within this time, with the moments of coming.
fn within(stream: &mut Answer, time: Duration, kind: &str) -> Vec<(Instant, Value)> {
    let (mut events, until) = (Vec::new(), Instant::now() + time);
    while Instant::now() < until {
        let event = stream.data().expect("the stream stays");
        if event.name.as_deref() == Some(kind) {
            events.push((Instant::now(), event.json()));
        }
    }
    events
}

/// Groups of events that came in one go.
fn writes(events: &[(Instant, Value)]) -> usize {
    let apart = events.windows(2).filter(|pair| pair[1].0 - pair[0].0 > Duration::from_millis(150)).count();
    apart + usize::from(!events.is_empty())
}

#[test]
fn a_window_gathers_what_is_due_into_one_write_and_mode_all_has_each_event_of_it() {
    let gateway = TestGateway::start();
    let stream = |window: u64, mode: &str| {
        let topics = "prices:AAPL,prices:MSFT,prices:X:BTCUSD,prices:X:ETHUSD";
        get(&format!("/events?topics={topics}&interval=250&window={window}&mode={mode}")).send(gateway.address)
    };
    let (mut each, mut gathered, mut newest) = (stream(0, "all"), stream(2_000, "all"), stream(2_000, "conflate"));
    for stream in [&mut each, &mut gathered, &mut newest] {
        stream.data().unwrap();
    }
    let time = Duration::from_secs(5);
    let (each, gathered, newest) = std::thread::scope(|scope| {
        let each = scope.spawn(|| within(&mut each, time, "price"));
        let gathered = scope.spawn(|| within(&mut gathered, time, "price"));
        let newest = scope.spawn(|| within(&mut newest, time, "price"));
        (each.join().unwrap(), gathered.join().unwrap(), newest.join().unwrap())
    });
    println!(
        "{} each in {} writes, {} gathered in {}, {} of the newest",
        each.len(),
        writes(&each),
        gathered.len(),
        writes(&gathered),
        newest.len()
    );
    assert!(gathered.len() * 2 > each.len(), "nothing is left out: {} of {}", gathered.len(), each.len());
    assert!(writes(&gathered) * 2 < writes(&each), "{} and {} writes", writes(&gathered), writes(&each));
    assert!(newest.len() < gathered.len(), "older prices of a symbol are left out: {} and {}", newest.len(), gathered.len());
    for events in [&gathered, &newest] {
        let mut last = std::collections::HashMap::new();
        for (_, price) in events {
            let as_of = price["as_of"].as_str().unwrap().to_owned();
            let before = last.insert(price["symbol"].to_string(), as_of.clone());
            assert!(before.is_none_or(|before| before <= as_of), "prices go forward");
        }
    }
}

#[test]
fn the_least_interval_that_is_asked_for_is_everyones_and_is_given_up_with_its_reader() {
    let gateway = TestGateway::with(&[("SSE_KEEPALIVE_SECS", "1"), ("POLL_LINGER_SECS", "0")]);
    let polls = |time: Duration| {
        let before = gateway.simulator().requests_to("/v2/snapshot");
        // The time itself is what is measured: requests within it.
        std::thread::park_timeout(time);
        gateway.simulator().requests_to("/v2/snapshot") - before
    };
    let mut slow = get("/events?topics=prices:AAPL&interval=5000").send(gateway.address);
    slow.data().unwrap();
    assert!(polls(Duration::from_secs(3)) <= 1);
    let mut quick = get("/events?topics=prices:AAPL&interval=500").send(gateway.address);
    quick.data().unwrap();
    let often = polls(Duration::from_secs(3));
    assert!((4..=7).contains(&often), "{often} polls in 3 s at an interval of 500 ms");
    quick.cut();
    crate::support::until("its place to be freed", || gateway.metric("tickgate_streams_open{kind=\"events\"}") == 1);
    assert!(polls(Duration::from_secs(3)) <= 2);
}

#[test]
fn bars_of_each_length_and_prices_of_one_symbol_share_one_poll() {
    let gateway = TestGateway::start();
    let mut stream = get("/events?topics=bars:AAPL:1s,bars:AAPL:2s,prices:AAPL&interval=1000&mode=all").send(gateway.address);
    stream.data().unwrap();
    let before = gateway.simulator().requests_to("/v2/snapshot");
    let events = within(&mut stream, Duration::from_secs(5), "bar");
    let polls = gateway.simulator().requests_to("/v2/snapshot") - before;
    assert!((3..=6).contains(&polls), "{polls} polls in 5 s");
    let of = |seconds: u64| events.iter().filter(|(_, bar)| bar["seconds"] == seconds).count();
    assert!(of(1) >= 2 && of(2) >= 1 && of(1) > of(2), "{} of a second, {} of two", of(1), of(2));
}

#[test]
fn a_second_poll_that_repeats_two_articles_brings_exactly_the_new_one_and_the_late_one() {
    // The fixtures' articles are old; a reader is told only of those that come after it.
    let upstream = RawUpstream::of_data(|target, socket| {
        let poll = if target.contains("published_utc.gte") { "poll2" } else { "poll1" };
        socket.write_all(&json_answer(200, &fixture(&format!("v2_reference_news_TSLA__{poll}.json"))))
    });
    let gateway = TestGateway::asking(&upstream, "key", &[]);
    let mut stream = get("/events?topics=news:TSLA&interval=1000").send(gateway.address);
    let mut titles = Vec::new();
    while titles.len() < 2 {
        let article = stream.data().expect("the stream stays").json();
        for field in ["title", "url", "publisher", "published_utc"] {
            assert!(article[field].is_string(), "{field} in {article}");
        }
        titles.push(article["title"].as_str().unwrap().to_owned());
    }
    titles.sort();
    assert_eq!(titles, ["Broker lifts rating after delivery update", "Regulator posts recall notice"]);
    // Two more polls say the same: nothing comes twice.
    let polls = upstream.asked_for_data().len();
    crate::support::until("two more polls", || upstream.asked_for_data().len() >= polls + 2);
    let read = json!({"topics": ["news:TSLA"], "limit": 50});
    let all = crate::support::McpClient::connect(gateway.address).call("read_tape", read);
    let ids: Vec<&Value> =
        all["structuredContent"]["events"].as_array().unwrap().iter().map(|event| &event["data"]["id"]).collect();
    let distinct: std::collections::BTreeSet<String> = ids.iter().map(|id| id.to_string()).collect();
    assert_eq!((ids.len(), distinct.len()), (5, 5), "{all}");
}
