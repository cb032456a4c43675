//! The feed over real sockets: the simulated upstream, the ordinary client and connector, and the actors between them.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::Actor as _;
use prometheus::Registry;
use secrecy::SecretString;
use tickgate_actors::feed::FeedSettings;
use tickgate_actors::quota::QuotaSettings;
use tickgate_actors::stream::MarketState;
use tickgate_actors::supervisor::{MarketDataFactory, MarketHandles, SupervisorActor, SupervisorSettings};
use tickgate_actors::window::{ReaderSettings, Ready, TapeReader, TapeWindow, WindowActor, Wish};
use tickgate_actors::{Clock, Metrics};
use tickgate_core::feed::{InboxLimits, Timing};
use tickgate_core::market::{Market, MarketPhase, Source, Topic};
use tickgate_core::ports::{FeedConnector, FeedRead, MarketData, UpstreamErrorKind};
use tickgate_core::tape::{Gather, Kind, Limits, Mode, Next, Start};

use super::{MAX_MESSAGE_BYTES, PolygonFeed, vendor_feed};
use crate::upstream::polygon::tests::secrecy::Log;
use crate::upstream::polygon::{Plan, PolygonClient, PolygonSettings, UpstreamMetrics};
use crate::upstream::simulated::{Simulator, SimulatorSettings};

const KEY: &str = "s3cretKey0fTheFeed";
const TAPE: Limits = Limits { max_events_per_topic: 10_000, max_bytes: 64 << 20, max_age_ms: 86_400_000 };
/// Longest wait for something that is to happen within a moment; a loaded machine is given time.
const PATIENCE: Duration = Duration::from_secs(20);

/// A market fed by a simulated upstream.
struct Bench {
    simulator: Simulator,
    registry: Registry,
    handles: MarketHandles,
    window: TapeWindow,
}

impl Bench {
    fn start(timing: Timing, inbox: InboxLimits) -> Self {
        let simulator = simulator();
        let (clock, registry) = (Clock::start(), Registry::new());
        let client = PolygonSettings {
            base_url: simulator.base_url().parse().unwrap(),
            key: SecretString::from(KEY),
            plan: Plan::Advanced,
            source: Source::Poll,
        };
        let upstream = UpstreamMetrics::register(&registry).unwrap();
        let factory: MarketDataFactory = Arc::new(move |quota| -> Rc<dyn MarketData> {
            Rc::new(PolygonClient::new(client.clone(), quota, clock, upstream.clone()))
        });
        let url = simulator.feed_url().parse().unwrap();
        let feed = FeedSettings {
            factory: Arc::new(move || -> Rc<dyn FeedConnector> { Rc::new(PolygonFeed::new(&url, SecretString::from(KEY))) }),
            source: Source::Ws,
            delayed: false,
            timing,
            inbox,
        };
        let settings =
            SupervisorSettings { tape: TAPE, quota: QuotaSettings { per_minute: 6_000 }, linger_ms: 200, feed: Some(feed) };
        let state = MarketState::new(MarketPhase::Regular, Source::Poll, false);
        let metrics = Metrics::register(&registry).unwrap();
        let handles = SupervisorActor::launch(settings, factory, state, clock, metrics);
        let window = TapeWindow::new(TAPE, handles.link.clone(), clock);
        handles.link.attach(WindowActor::new(window.clone()).start().recipient());
        Self { simulator, registry, handles, window }
    }

    fn quick() -> Self {
        let timing =
            Timing { first_pause: 200, longest_pause: 400, cool_down: 3_000, auth_pause: 60_000, idle: 300, ..Timing::default() };
        Self::start(timing, InboxLimits::default())
    }

    async fn read(&self, topics: &str) -> Prices {
        let topics = Topic::parse_list(topics).unwrap();
        let wish = Wish { topics: topics.clone(), interval_ms: None, ready: Ready::Recorded };
        let interest = self.window.watch(wish).await.unwrap();
        let settings = ReaderSettings { mode: Mode::All, gather: Gather::all(0), start: Start::Live };
        Prices { reader: TapeReader::join(&self.window, &topics, settings, interest), last_as_of: String::new() }
    }

    fn count(&self, name: &str, labels: &[&str]) -> u64 {
        let families = self.registry.gather();
        let metrics = families.iter().filter(|family| family.name() == name).flat_map(|family| family.get_metric());
        let of = |metric: &&prometheus::proto::Metric| {
            labels.iter().all(|label| metric.get_label().iter().any(|pair| pair.value() == *label))
        };
        metrics.filter(of).map(|metric| metric.get_counter().get_value() as u64).sum()
    }

    fn gauge(&self, name: &str) -> u64 {
        let families = self.registry.gather();
        let metrics = families.iter().filter(|family| family.name() == name).flat_map(|family| family.get_metric());
        metrics.map(|metric| metric.get_gauge().get_value() as u64).sum()
    }

    async fn until(&self, what: &str, happened: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !happened(self) {
            assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
            actix_rt::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn until_subscribed(&self, channel: &str) {
        self.until(channel, |bench| bench.simulator.feed().subscribed().iter().any(|held| held == channel)).await;
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.handles.link.drain();
    }
}

/// Prices as a reader of the tape gets them, in their order.
struct Prices {
    reader: TapeReader,
    last_as_of: String,
}

impl Prices {
    /// The next price or status; prices of one symbol never go back in time.
    async fn next(&mut self) -> serde_json::Value {
        loop {
            let next = actix_rt::time::timeout(PATIENCE, self.reader.next())
                .await
                .unwrap_or_else(|_| panic!("no event for too long after {}", self.last_as_of));
            let Some(Next::Event(event)) = next else { continue };
            let item: serde_json::Value = serde_json::from_slice(&event.item()).unwrap();
            if event.kind == Kind::Price {
                let as_of = item["as_of"].as_str().unwrap().to_owned();
                assert!(as_of >= self.last_as_of, "{as_of} after {}", self.last_as_of);
                self.last_as_of = as_of;
            }
            return item;
        }
    }

    async fn until_source(&mut self, source: &str) -> serde_json::Value {
        let begun = Instant::now();
        loop {
            let item = self.next().await;
            if item["source"] == source && item["price"].is_f64() {
                return item;
            }
            assert!(begun.elapsed() < PATIENCE, "no price by {source}");
        }
    }
}

fn simulator() -> Simulator {
    let settings = SimulatorSettings { symbols: 50, ..SimulatorSettings::default() };
    let (simulator, server) = Simulator::start(settings, SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    actix_rt::spawn(server);
    simulator
}

#[actix_rt::test]
async fn prices_of_every_market_come_by_its_feed() {
    let bench = Bench::quick();
    for topic in ["prices:AAPL", "prices:X:BTCUSD", "prices:C:EURUSD", "prices:I:SPX"] {
        let mut prices = bench.read(topic).await;
        let price = prices.until_source("ws").await;
        assert_eq!(topic, format!("prices:{}", price["symbol"].as_str().unwrap()));
        assert!(price["price"].as_f64().unwrap() > 0.0 && price["delayed"] == false, "{price}");
    }
    assert_eq!(bench.simulator.feed().opened(), 4, "a connection per market");
}

#[actix_rt::test]
async fn a_price_by_the_feed_agrees_with_one_that_is_polled() {
    let bench = Bench::quick();
    bench.simulator.set_price("AAPL", 321.5);
    let mut prices = bench.read("prices:AAPL").await;
    let fed = prices.until_source("ws").await;
    assert_eq!(fed["price"], 321.5);
    assert!(fed["bid"].as_f64().unwrap() < 321.5 && fed["ask"].as_f64().unwrap() > 321.5, "{fed}");
    assert!(fed["size"].as_f64().unwrap() > 0.0 && fed["volume"].as_f64().unwrap() > 0.0, "{fed}");
    assert!(fed["change"].as_f64().unwrap() != 0.0, "{fed}");
}

#[actix_rt::test]
async fn while_the_feed_brings_a_price_it_is_hardly_polled() {
    let bench = Bench::quick();
    let mut prices = bench.read("prices:AAPL").await;
    prices.until_source("ws").await;
    let polled = bench.simulator.requests_to("/v2/snapshot");
    for _ in 0..4 {
        assert_eq!(prices.until_source("ws").await["symbol"], "AAPL");
    }
    assert!(bench.simulator.requests_to("/v2/snapshot") <= polled + 1);
}

#[actix_rt::test]
async fn a_symbol_is_subscribed_once_for_all_its_readers_and_given_back_with_the_last() {
    let bench = Bench::quick();
    let first = bench.read("prices:AAPL").await;
    let second = bench.read("prices:AAPL,prices:MSFT").await;
    bench.until_subscribed("T.AAPL").await;
    bench.until_subscribed("T.MSFT").await;
    assert_eq!(bench.simulator.feed().subscribed().iter().filter(|channel| *channel == "T.AAPL").count(), 1);
    assert_eq!(bench.simulator.feed().opened(), 1);
    drop(second);
    bench.until("MSFT to be given back", |bench| !bench.simulator.feed().subscribed().contains(&"T.MSFT".to_owned())).await;
    assert!(bench.simulator.feed().subscribed().contains(&"T.AAPL".to_owned()));
    drop(first);
    bench.until("the connection to be closed", |bench| bench.simulator.feed().connected() == 0).await;
}

#[actix_rt::test]
async fn bars_are_made_from_the_trades_of_the_feed_and_share_the_subscription_of_the_price() {
    let bench = Bench::quick();
    let prices = bench.read("prices:AAPL").await;
    let mut bars = bench.read("bars:AAPL:1s").await;
    let begun = Instant::now();
    loop {
        let bar = bars.next().await;
        if bar["source"] == "ws" && bar["ticks"].as_u64().unwrap() > 1 {
            assert_eq!((bar["symbol"].as_str(), bar["seconds"].as_u64()), (Some("AAPL"), Some(1)), "{bar}");
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "no bar of several trades: {bar}");
    }
    assert_eq!(bench.simulator.feed().subscribed().iter().filter(|channel| *channel == "T.AAPL").count(), 1);
    drop(prices);
    // The price rests after a moment; the bars go on without it.
    bench.until("the price to rest", |bench| bench.gauge("tickgate_topics_watched") == 2).await;
    assert_eq!(bars.next().await["source"], "ws");
    assert!(bench.simulator.feed().subscribed().contains(&"T.AAPL".to_owned()));
    drop(bars);
    bench.until("the connection to be closed", |bench| bench.simulator.feed().connected() == 0).await;
}

#[actix_rt::test]
async fn when_the_feed_is_cut_prices_are_polled_within_a_moment_and_come_by_the_feed_again_and_never_go_back() {
    let bench = Bench::quick();
    let mut prices = bench.read("prices:AAPL").await;
    prices.until_source("ws").await;
    for _ in 0..2 {
        bench.simulator.feed().set_down(true);
        bench.simulator.feed().cut();
        let cut = Instant::now();
        prices.until_source("poll").await;
        assert!(cut.elapsed() < Duration::from_secs(5), "{:?}", cut.elapsed());
        bench.simulator.feed().set_down(false);
        prices.until_source("ws").await;
    }
    assert!(bench.count("tickgate_feed_connections_total", &["stocks", "closed"]) >= 2);
}

#[actix_rt::test]
async fn the_status_says_how_the_feed_does_and_nothing_is_degraded_while_polling_works() {
    let bench = Bench::quick();
    let mut prices = bench.read("prices:AAPL,status").await;
    let mut seen = Vec::new();
    let begun = Instant::now();
    while !seen.contains(&"lost".to_owned()) {
        let item = prices.next().await;
        if let Some(feed) = item["feeds"]["stocks"].as_str() {
            assert_eq!(item["state"], "ok", "{item}");
            seen.push(feed.to_owned());
        }
        if seen.last().is_some_and(|state| state == "live") {
            bench.simulator.feed().set_down(true);
            bench.simulator.feed().cut();
        }
        assert!(begun.elapsed() < PATIENCE, "{seen:?}");
    }
    assert!(seen.contains(&"live".to_owned()), "{seen:?}");
}

#[actix_rt::test]
async fn garbage_is_counted_and_costs_neither_the_connection_nor_a_price() {
    let bench = Bench::quick();
    let mut prices = bench.read("prices:AAPL").await;
    prices.until_source("ws").await;
    let garbage = ["", "not json", "[", "7", "[7,null,{}]", r#"[{"ev":"T"}]"#, r#"[{"ev":"T","sym":"../../x","p":1,"t":1}]"#];
    for garbage in garbage {
        bench.simulator.feed().send(garbage);
    }
    bench.simulator.feed().send(&format!("[{}7]", "7,".repeat(100_000)));
    bench
        .until("the garbage to be counted", |bench| bench.count("tickgate_feed_events_total", &["stocks", "malformed"]) > 100_000)
        .await;
    prices.until_source("ws").await;
    assert_eq!(bench.simulator.feed().opened(), 1);
}

#[actix_rt::test]
async fn a_message_of_a_megabyte_in_one_frame_is_read_and_one_beyond_the_bound_ends_the_connection() {
    let simulator = simulator();
    let feed = PolygonFeed::new(&simulator.feed_url().parse().unwrap(), SecretString::from(KEY));
    let mut link = feed.connect(Market::Stocks).await.unwrap();
    assert!(matches!(link.reader.next().await, FeedRead::Text(_)));
    simulator.feed().send(&"x".repeat(1 << 20));
    assert!(matches!(link.reader.next().await, FeedRead::Text(text) if text.len() == 1 << 20));
    link.writer.ping().await.unwrap();
    assert_eq!(link.reader.next().await, FeedRead::Beat);
    simulator.feed().send(&"x".repeat(MAX_MESSAGE_BYTES + 1));
    assert_eq!(link.reader.next().await, FeedRead::Closed("a message is larger than 8 MiB"));
}

#[actix_rt::test]
async fn a_frame_that_never_ends_is_not_collected_until_the_memory_is_full() {
    use futures_util::StreamExt as _;
    use tokio::io::AsyncWriteExt as _;
    // What is left of a connection after its handshake: the head of a text of 2^40 bytes, and then bytes for ever.
    let (ours, mut theirs) = tokio::io::duplex(1 << 20);
    let sending = actix_rt::spawn(async move {
        theirs.write_all(&[0x81, 127, 0, 0, 1, 0, 0, 0, 0, 0]).await.unwrap();
        let mut sent = 0_usize;
        while theirs.write_all(&[b'x'; 65_536]).await.is_ok() {
            sent += 65_536;
        }
        sent
    });
    let meter = super::Meter::default();
    let socket = super::Metered::new(ours, meter, MAX_MESSAGE_BYTES + super::SLACK_BYTES);
    let codec = awc::ws::Codec::new().max_size(MAX_MESSAGE_BYTES).client_mode();
    let mut framed = actix_codec::Framed::new(socket, codec);
    assert!(framed.next().await.unwrap().is_err());
    drop(framed);
    assert!(sending.await.unwrap() < 16 << 20);
}

#[actix_rt::test]
async fn a_message_in_fragments_is_joined_and_one_beyond_the_bound_ends_the_connection() {
    let simulator = simulator();
    let feed = PolygonFeed::new(&simulator.feed_url().parse().unwrap(), SecretString::from(KEY));
    let mut link = feed.connect(Market::Stocks).await.unwrap();
    assert!(matches!(link.reader.next().await, FeedRead::Text(_)));
    let parts = ["[{\"ev\":", "\"status\"", "}]"];
    simulator.feed().send_in_parts(&parts);
    assert_eq!(link.reader.next().await, FeedRead::Text(bytes::Bytes::from(parts.concat())));
    let large = "x".repeat(MAX_MESSAGE_BYTES / 2);
    simulator.feed().send_in_parts(&[&large, &large, "x"]);
    assert_eq!(link.reader.next().await, FeedRead::Closed("a message is larger than 8 MiB"));
}

#[actix_rt::test]
async fn a_connection_that_another_one_of_the_account_takes_over_is_left_alone_for_a_while_and_prices_are_polled() {
    let bench = Bench::quick();
    let mut prices = bench.read("prices:AAPL").await;
    prices.until_source("ws").await;
    let other = PolygonFeed::new(&bench.simulator.feed_url().parse().unwrap(), SecretString::from(KEY));
    let mut link = other.connect(Market::Stocks).await.unwrap();
    link.writer.authenticate().await.unwrap();
    prices.until_source("poll").await;
    assert_eq!(bench.count("tickgate_feed_connections_total", &["stocks", "max_connections"]), 1);
    assert_eq!(bench.simulator.feed().opened(), 2, "it does not fight for its place");
    prices.until_source("ws").await;
    assert_eq!(bench.simulator.feed().opened(), 3);
}

#[actix_rt::test]
async fn a_refused_key_is_not_shown_again_and_prices_are_polled() {
    let bench = Bench::quick();
    bench.simulator.feed().set_refuses_keys(true);
    let mut prices = bench.read("prices:AAPL").await;
    prices.until_source("poll").await;
    bench.until("the refusal", |bench| bench.count("tickgate_feed_connections_total", &["stocks", "auth_failed"]) == 1).await;
    for _ in 0..3 {
        assert_eq!(prices.next().await["source"], "poll");
    }
    assert_eq!(bench.simulator.feed().opened(), 1);
}

#[actix_rt::test]
async fn a_channel_that_the_plan_lacks_leaves_the_others_and_a_symbol_without_trades_is_polled() {
    let bench = Bench::quick();
    bench.simulator.feed().deny("Q");
    bench.simulator.feed().deny("XT");
    let mut prices = bench.read("prices:AAPL").await;
    prices.until_source("ws").await;
    let mut coin = bench.read("prices:X:BTCUSD").await;
    bench.until_subscribed("XQ.BTC-USD").await;
    for _ in 0..3 {
        assert_eq!(coin.next().await["source"], "poll");
    }
}

#[actix_rt::test]
async fn a_feed_that_has_nothing_to_say_in_an_open_session_is_left_and_polling_takes_over() {
    let timing = Timing { first_pause: 5_000, data_silence: 2_000, ..Timing::default() };
    let bench = Bench::start(timing, InboxLimits::default());
    let mut prices = bench.read("prices:AAPL").await;
    prices.until_source("ws").await;
    bench.simulator.feed().set_stalled(true);
    prices.until_source("poll").await;
    assert_eq!(bench.count("tickgate_feed_connections_total", &["stocks", "stuck"]), 1);
}

#[actix_rt::test]
async fn when_parsing_cannot_keep_up_the_newest_of_each_symbol_stays() {
    let bench = Bench::start(Timing::default(), InboxLimits { frames: 2, bytes: 1 << 20 });
    let mut prices = bench.read("prices:AAPL").await;
    let known = prices.until_source("ws").await["as_of"].as_str().unwrap().to_owned();
    let at = tickgate_core::time::Millis::parse_rfc3339(&known).unwrap().0 + 5_000;
    for number in 1..=2_000_u64 {
        bench.simulator.feed().send(&format!(r#"[{{"ev":"T","sym":"AAPL","p":{},"s":1,"t":{}}}]"#, 100 + number, at + number));
    }
    let begun = Instant::now();
    while prices.next().await["price"] != 2_100.0 {
        assert!(begun.elapsed() < PATIENCE, "the newest never came");
    }
    let conflated = bench.count("tickgate_feed_events_total", &["stocks", "conflated"]);
    let read = bench.count("tickgate_feed_events_total", &["stocks", "read"]);
    assert!(conflated > 0 && conflated + read >= 2_000, "{conflated} conflated, {read} read");
}

#[actix_rt::test]
async fn the_key_and_the_address_are_in_no_log_and_no_error() {
    let log = Log::default();
    let _collecting = tracing::subscriber::set_default(log.clone());
    // While there is one subscriber alone, a test on another thread that first reaches an event can switch it off for all.
    let _second = tracing::Dispatch::new(Log::default());
    let simulator = simulator();
    let feed = PolygonFeed::new(&simulator.feed_url().parse().unwrap(), SecretString::from(KEY));
    let mut texts = format!("{feed:?}");
    let mut link = feed.connect(Market::Stocks).await.unwrap();
    link.writer.authenticate().await.unwrap();
    link.writer.send("{}".to_owned()).await.unwrap();
    write!(texts, "{:?}", link.reader.next().await).unwrap();
    simulator.feed().set_down(true);
    let refused = feed.connect(Market::Stocks).await.err().unwrap();
    let nobody = PolygonFeed::new(&"ws://127.0.0.1:9/".parse().unwrap(), SecretString::from(KEY));
    let gone = nobody.connect(Market::Stocks).await.err().unwrap();
    assert_eq!((refused.kind, gone.kind), (UpstreamErrorKind::Unavailable, UpstreamErrorKind::Unavailable));
    write!(texts, "{refused} {refused:?} {gone} {gone:?}").unwrap();
    assert!(gone.to_string().contains("MASSIVE_WS_URL"), "{gone}");
    let logged = log.everything();
    assert!(!texts.contains(KEY) && !logged.contains(KEY), "{texts} {logged}");
    assert!(!texts.contains("127.0.0.1"), "{texts}");
}

#[test]
fn the_vendors_feed_follows_the_plan() {
    assert_eq!(vendor_feed(Plan::Free), None);
    assert_eq!(vendor_feed(Plan::Developer).unwrap().as_str(), "wss://delayed.massive.com/");
    assert_eq!(vendor_feed(Plan::Advanced).unwrap().as_str(), "wss://socket.massive.com/");
}
