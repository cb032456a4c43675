//! Half an hour of the market with everything that can go wrong upstream: no article is lost or doubled, and it is said how things are.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{TestGateway, get, until_within};

/// Simulated seconds in a second.
const SPEED: &str = "60";
/// How long everything goes wrong: half an hour of the market.
const STORM_SECS: u64 = 30;
/// What goes wrong, and how often; 429 comes apart, because it pauses everything until the next minute.
const FAULTS: &str = "500:0.08,502:0.04,503:0.04,slow:0.02,malformed:0.06,html:0.04,noresults:0.04,wrongtype:0.06,cut:0.06";

#[derive(Default)]
struct Heard {
    /// How often each article came as new.
    articles: HashMap<String, usize>,
    /// What the newest status says.
    state: String,
    was_degraded: bool,
    prices: usize,
    last_price: HashMap<String, String>,
    backwards: usize,
}

impl Heard {
    fn event(&mut self, name: Option<&str>, data: &Value) {
        match name {
            Some("news") if data["updated"] != true => {
                *self.articles.entry(data["id"].as_str().unwrap().to_owned()).or_default() += 1;
            }
            Some("status") => {
                data["state"].as_str().unwrap_or_default().clone_into(&mut self.state);
                self.was_degraded |= self.state == "degraded";
            }
            Some("price") => {
                self.prices += 1;
                let as_of = data["as_of"].as_str().unwrap().to_owned();
                let last = self.last_price.insert(data["symbol"].as_str().unwrap().to_owned(), as_of.clone());
                self.backwards += usize::from(last.is_some_and(|last| last > as_of));
            }
            _ => {}
        }
    }
}

#[test]
fn half_an_hour_of_faults_loses_and_doubles_no_article_and_the_stream_says_how_things_are() {
    let gateway = TestGateway::with(&[("SIM_SPEED", SPEED), ("STREAM_MAX_SECS", "0"), ("MASSIVE_WS_URL", "simulated")]);
    let base = gateway.simulator().base_url();
    let heard = Arc::new(Mutex::new(Heard::default()));
    let mut stream = get("/events?topics=news:*,status,prices:AAPL,prices:X:BTCUSD&interval=250").send(gateway.address);
    let listening = Arc::clone(&heard);
    std::thread::spawn(move || {
        while let Some(event) = stream.data() {
            listening.lock().unwrap().event(event.name.as_deref(), &event.json());
        }
    });
    until_within("the first articles", 20, || !heard.lock().unwrap().articles.is_empty());
    let began = newest(&base);
    gateway.simulator().set_faults(FAULTS.parse().unwrap());
    let (storm, mut turn) = (Instant::now(), 0);
    until_within("half an hour of the market to pass", 2 * STORM_SECS, || {
        disturb_feed(&gateway, turn);
        turn += 1;
        storm.elapsed() >= Duration::from_secs(STORM_SECS)
    });
    gateway.simulator().feed().set_down(false);
    // A storm of 429: everything pauses, nothing ends.
    gateway.simulator().set_faults(String::new().parse().unwrap());
    until_within("the storm to pass", 60, || heard.lock().unwrap().state == "ok");
    assert!(heard.lock().unwrap().was_degraded);
    gateway.simulator().set_faults("429:1,429empty:0.5".parse().unwrap());
    until_within("the storm of 429 to be said", 60, || heard.lock().unwrap().state == "degraded");
    gateway.simulator().set_faults(String::new().parse().unwrap());
    let ended = newest(&base);
    let expected = published(&base, &began, &ended);
    assert!(expected.len() > 500, "half an hour of news, and not {} articles", expected.len());
    until_within("everything that was published to come", 150, || {
        let heard = heard.lock().unwrap();
        expected.iter().all(|id| heard.articles.contains_key(id))
    });
    until_within("all to be well again", 60, || heard.lock().unwrap().state == "ok");
    let heard = heard.lock().unwrap();
    let doubled: Vec<_> = heard.articles.iter().filter(|(_, times)| **times > 1).collect();
    assert!(doubled.is_empty(), "{doubled:?}");
    assert_eq!(heard.backwards, 0);
    assert!(heard.prices > 20, "{} prices", heard.prices);
    assert_eq!(get("/healthz").send(gateway.address).status, 200);
}

/// The feed is cut twice, sends garbage and is away for a while; then again. A turn is about 5 ms.
fn disturb_feed(gateway: &TestGateway, turn: usize) {
    let simulator = gateway.simulator();
    let feed = simulator.feed();
    match turn % 1_200 {
        200 | 800 => feed.cut(),
        400 => feed.send(r#"[{"ev":"T"},7,null,{"ev":"T","sym":"../../x","p":1,"t":1}]"#),
        600 => {
            feed.set_down(true);
            feed.cut();
        }
        1_000 => feed.set_down(false),
        _ => {}
    }
}

fn news(base: &str, query: &str) -> Value {
    let address = base.strip_prefix("http://").unwrap().parse().unwrap();
    get(&format!("/v2/reference/news?{query}")).header("Authorization", "Bearer any").send(address).json()
}

/// When the newest article was published.
fn newest(base: &str) -> String {
    news(base, "limit=1")["results"][0]["published_utc"].as_str().unwrap().to_owned()
}

/// Every article of that time, as the upstream itself has it.
fn published(base: &str, from: &str, to: &str) -> HashSet<String> {
    let (mut ids, mut from) = (HashSet::new(), from.to_owned());
    loop {
        let page =
            news(base, &format!("limit=1000&order=asc&sort=published_utc&published_utc.gte={from}&published_utc.lte={to}"));
        let rows = page["results"].as_array().cloned().unwrap_or_default();
        let before = ids.len();
        ids.extend(rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
        match rows.last() {
            Some(last) if ids.len() > before => last["published_utc"].as_str().unwrap().clone_into(&mut from),
            _ => return ids,
        }
    }
}
