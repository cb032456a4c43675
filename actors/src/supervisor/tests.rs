//! Life and death of the market, over a scripted upstream: all actors on one thread, whose time the test holds.

use std::time::Duration;

use actix::{Message, System};
use tickgate_core::budget::Payer;
use tickgate_core::market::{Article, MarketPhase, Source};
use tickgate_core::ports::UpstreamErrorKind;
use tickgate_core::tape::{Next, Start};

use super::*;
use crate::stream::Health;
use crate::test_support::{
    LINGER, Market, Turn, Upstream, after, article, limits, metrics, next, on_paused_time, pass, read, read_all, settle, told,
    topic, watch,
};
use crate::window::{Ready, TapeWindow, WindowActor, Wish};

/// Makes an actor of the market panic.
#[derive(Message)]
#[rtype(result = "()")]
struct Crash;

macro_rules! can_crash {
    ($($actor:ty),*) => {$(
        impl Handler<Crash> for $actor {
            type Result = ();

            fn handle(&mut self, _: Crash, _: &mut Self::Context) {
                panic!("as the test wants");
            }
        }
    )*};
}

can_crash!(TapeActor, QuotaActor, StreamActor, PollerActor);

enum Victim {
    Tape,
    Quota,
    Stream(&'static str),
    Quotes,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Kill(Victim);

impl Handler<Kill> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, Kill(victim): Kill, _: &mut Self::Context) {
        let sent = match victim {
            Victim::Tape => self.tape.get().unwrap().try_send(Crash),
            Victim::Quota => self.quota_slot.get().unwrap().try_send(Crash),
            Victim::Stream(of) => self.topics[&topic(of)].stream.try_send(Crash),
            Victim::Quotes => {
                self.pollers[&PollerKind::Quotes(tickgate_core::market::Market::Stocks)].get().unwrap().try_send(Crash)
            }
        };
        sent.unwrap();
    }
}

impl Market {
    /// Sends the order; whoever is told afterwards is told after the death.
    fn kill(&self, victim: Victim) {
        self.link.0.try_send(Kill(victim)).unwrap();
    }

    pub(crate) fn kill_tape(&self) {
        self.kill(Victim::Tape);
    }

    /// How many deaths were counted, of all actors.
    fn all_restarts(&self) -> u64 {
        ["poller", "stream", "tape", "quota"].map(|actor| self.restarts(actor)).iter().sum()
    }

    async fn watched(&self) -> Vec<String> {
        let mut topics = self.link.inspect().await.unwrap().topics;
        topics.sort();
        topics
    }
}

mod deaths {
    use super::*;

    #[test]
    fn a_poller_whose_upstream_client_panics_is_rebuilt_with_its_followers_and_prices_come_again() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let window = market.window();
            let mut reader = read(&window, "prices:AAPL,prices:MSFT", Start::Live).await;
            assert_eq!([next(&mut reader).await, next(&mut reader).await], ["price prices:AAPL", "price prices:MSFT"]);
            market.upstream.next([Turn::Panics]);
            pass(1.5).await;
            assert_eq!(market.upstream.turns_left(), 0);
            read_all(&mut reader);
            assert_eq!([next(&mut reader).await, next(&mut reader).await], ["price prices:AAPL", "price prices:MSFT"]);
            assert_eq!((market.restarts("poller"), market.all_restarts()), (1, 1));
        });
    }

    #[test]
    fn an_upstream_client_that_panics_whenever_it_is_asked_is_asked_no_oftener_than_one_that_answers() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let window = market.window();
            market.upstream.next([Turn::Panics; 1_000]);
            let mut reader = read(&window, "prices:AAPL", Start::Live).await;
            pass(10.0).await;
            let calls = market.upstream.quote_calls("AAPL");
            assert!((2..=11).contains(&calls), "{calls} calls in ten seconds");
            market.upstream.forget_turns();
            assert_eq!(next(&mut reader).await, "price prices:AAPL");
        });
    }

    #[test]
    fn what_is_wished_while_a_poller_lies_dead_is_not_lost() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let window = market.window();
            let _slow = read(&window, "prices:AAPL", Start::Live).await;
            settle().await;
            market.kill(Victim::Quotes);
            let wish = Wish { topics: vec![topic("prices:AAPL")], interval_ms: Some(250), ready: Ready::Recorded };
            let _quick = window.watch(wish).await.unwrap();
            pass(1.0).await;
            let before = market.upstream.quote_calls("AAPL");
            pass(10.0).await;
            let calls = market.upstream.quote_calls("AAPL") - before;
            assert!(calls >= 39, "{calls} calls in ten seconds, four a second were asked for");
        });
    }

    #[test]
    fn what_is_given_up_while_a_poller_lies_dead_is_polled_no_more() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let window = market.window();
            // Both calls end at one moment: the first says that there is no such symbol, the second kills the poller, which never
            // hears that the symbol is to be polled no more.
            market.upstream.knows_not("NOPE");
            market.upstream.takes(Duration::from_millis(900));
            let _nope = read(&window, "prices:NOPE", Start::Live).await;
            pass(0.45).await;
            market.upstream.takes(Duration::from_millis(450));
            market.upstream.next([Turn::Panics]);
            let mut reader = read(&window, "prices:AAPL", Start::Live).await;
            assert_eq!(next(&mut reader).await, "price prices:AAPL");
            pass(10.0).await;
            assert_eq!((market.restarts("poller"), market.upstream.quote_calls("NOPE")), (1, 1));
        });
    }

    #[test]
    fn a_stream_that_dies_is_rebuilt_with_the_interest_it_had_and_its_readers_see_no_gap() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let window = market.window();
            let mut reader = read(&window, "prices:AAPL", Start::Live).await;
            assert_eq!(next(&mut reader).await, "price prices:AAPL");
            market.kill(Victim::Stream("prices:AAPL"));
            for _ in 0..5 {
                assert_eq!(next(&mut reader).await, "price prices:AAPL");
            }
            assert_eq!((market.restarts("stream"), market.all_restarts()), (1, 1));
            drop(reader);
            pass(LINGER.as_secs_f64() + 1.0).await;
            assert_eq!(market.watched().await, ["status"], "and with its end");
        });
    }

    #[test]
    fn a_news_stream_that_dies_tells_no_article_twice_and_none_too_few() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let window = market.window();
            market.upstream.publishes([article("old", market.clock.now(), &["TSLA"])]);
            let mut reader = read(&window, "news:TSLA", Start::Live).await;
            pass(15.0).await;
            market.upstream.publishes([article("before", market.clock.now(), &["TSLA"])]);
            pass(15.0).await;
            market.upstream.publishes([article("meanwhile", market.clock.now(), &["TSLA"])]);
            market.kill(Victim::Stream("news:TSLA"));
            pass(15.0).await;
            market.upstream.publishes([article("since", market.clock.now(), &["TSLA"])]);
            pass(15.0).await;
            assert_eq!(read_all(&mut reader), ["mark", "news before", "news meanwhile", "news since"]);
        });
    }

    #[test]
    fn a_tape_that_dies_is_rebuilt_with_a_new_epoch_and_live_readers_see_a_gap_and_then_new_events() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let windows = [market.window(), market.window()];
            let mut readers = Vec::new();
            for window in &windows {
                readers.push(read(window, "prices:AAPL,status", Start::Live).await);
            }
            settle().await;
            let old = windows[0].position().epoch;
            market.kill(Victim::Tape);
            for reader in &mut readers {
                while reader.epoch() == old {
                    let told = next(reader).await;
                    assert!(told.starts_with("price ") || told == "gap epoch", "{told}");
                }
            }
            pass(2.5).await;
            for reader in &mut readers {
                let all = read_all(reader);
                assert_eq!(all.iter().filter(|told| *told == "price prices:AAPL").count(), 2, "{all:?}");
                assert!(!all.iter().any(|told| told.starts_with("gap")), "{all:?}");
            }
            assert_eq!((market.restarts("tape"), market.all_restarts()), (1, 1));
            assert_eq!(windows[0].position(), windows[1].position());
            pass(60.0).await;
            assert!(windows[0].latest(&Topic::Status).is_some(), "the status is told again");
        });
    }

    #[test]
    fn a_budget_that_dies_is_rebuilt_and_gives_again() {
        on_paused_time(|| async {
            let market = Market::open().await;
            market.kill(Victim::Quota);
            drop(market.quota.reserve(Payer::Polling, market.clock.now().plus(1_000)).await.unwrap());
            settle().await;
            drop(market.quota.reserve(Payer::Polling, market.clock.now().plus(1_000)).await.unwrap());
            assert_eq!((market.restarts("quota"), market.all_restarts()), (1, 1));
        });
    }

    #[test]
    fn whoever_waits_for_a_topic_is_answered_whoever_dies_meanwhile() {
        on_paused_time(|| async {
            for victim in [Victim::Stream("prices:AAPL"), Victim::Quotes, Victim::Tape, Victim::Quota] {
                let market = Market::open().await;
                let window = market.window();
                market.upstream.takes(Duration::from_secs(1));
                let watched = actix::spawn(async move { watch(&window, "prices:AAPL", Ready::Fetched).await.map(drop) });
                settle().await;
                market.kill(victim);
                assert_eq!(watched.await.unwrap(), Ok(()));
                assert_eq!(market.all_restarts(), 1);
            }
        });
    }

    #[test]
    fn on_its_own_arbiter_the_market_also_outlives_a_panic() {
        let (upstream, metrics) = (Upstream::default(), metrics());
        let counted = metrics.clone();
        upstream.next([Turn::Panics]);
        let test = async move {
            let clock = Clock::start();
            let settings =
                SupervisorSettings { tape: limits(), quota: QuotaSettings { per_minute: 600_000 }, linger_ms: 0, feed: None };
            let state = MarketState::new(MarketPhase::Closed, Source::Poll, false);
            let handles = SupervisorActor::launch(settings, upstream.factory(), state, clock, metrics);
            let window = TapeWindow::new(limits(), handles.link.clone(), clock);
            handles.link.attach(WindowActor::new(window.clone()).start().recipient());
            let mut reader = read(&window, "prices:AAPL", Start::Live).await;
            assert_eq!(next(&mut reader).await, "price prices:AAPL");
        };
        let within = async { tokio::time::timeout(Duration::from_secs(30), Box::pin(test)).await.unwrap() };
        System::new().block_on(within);
        assert_eq!(counted.actor_restarts.with_label_values(&["poller"]).get(), 1);
    }
}

mod interest {
    use super::*;

    #[test]
    fn a_topic_is_polled_once_per_interval_however_many_watch_it() {
        on_paused_time(|| async {
            let mut calls = Vec::new();
            for watchers in [1, 100] {
                let market = Market::open().await;
                let windows = [market.window(), market.window()];
                let mut readers = Vec::new();
                for n in 0..watchers {
                    readers.push(read(&windows[n % 2], "prices:AAPL", Start::Live).await);
                }
                pass(20.0).await;
                calls.push(market.upstream.quote_calls("AAPL"));
            }
            assert_eq!(calls[0], calls[1]);
            assert!((20..=21).contains(&calls[0]), "{} calls in twenty seconds", calls[0]);
        });
    }

    #[test]
    fn the_least_interval_that_anyone_asks_for_is_the_rhythm_of_all() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let windows = [market.window(), market.window()];
            let wish = |ms| Wish { topics: vec![topic("prices:AAPL")], interval_ms: Some(ms), ready: Ready::Recorded };
            let slow = windows[0].watch(wish(5_000)).await.unwrap();
            let quick = windows[1].watch(wish(500)).await.unwrap();
            assert_eq!((slow.effective_interval_ms, quick.effective_interval_ms), (5_000, 500));
            pass(0.3).await;
            let mut rates = Vec::new();
            for given_up in [Some(quick), None] {
                let before = market.upstream.quote_calls("AAPL");
                pass(20.0).await;
                rates.push(market.upstream.quote_calls("AAPL") - before);
                drop(given_up);
            }
            assert_eq!(rates, [40, 4]);
        });
    }

    #[test]
    fn a_topic_is_polled_until_the_linger_after_its_last_watcher_and_then_no_more() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let window = market.window();
            let readers = [read(&window, "prices:AAPL", Start::Live).await, read(&window, "prices:AAPL", Start::Live).await];
            assert_eq!(market.watched().await, ["prices:AAPL", "status"]);
            for reader in readers {
                drop(reader);
                pass(LINGER.as_secs_f64() - 1.0).await;
            }
            let before = market.upstream.quote_calls("AAPL");
            assert!(before >= 57, "{before} calls");
            pass(3.0).await;
            let calls = market.upstream.quote_calls("AAPL");
            assert!((before..=before + 1).contains(&calls));
            assert_eq!(market.watched().await, ["status"]);
            assert_eq!(market.metrics.topics_watched.get(), 1);
            pass(120.0).await;
            assert_eq!(market.upstream.quote_calls("AAPL"), calls);
        });
    }

    #[test]
    fn a_watcher_that_comes_back_within_the_linger_has_missed_nothing() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let window = market.window();
            let mut reader = read(&window, "prices:AAPL", Start::Live).await;
            assert_eq!(next(&mut reader).await, "price prices:AAPL");
            let position = reader.position();
            drop(reader);
            pass(LINGER.as_secs_f64() - 1.0).await;
            let mut reader = read(&window, "prices:AAPL", after(position)).await;
            pass(2.0 * LINGER.as_secs_f64()).await;
            let all = read_all(&mut reader);
            assert!(all.iter().all(|told| told == "price prices:AAPL"), "{all:?}");
            assert!((88..=90).contains(&all.len()), "{} prices in 89 seconds", all.len());
        });
    }

    #[test]
    fn a_watcher_that_comes_back_just_as_the_topic_rests_is_served() {
        on_paused_time(|| async {
            for late_ms in 0..4 {
                let market = Market::open().await;
                let window = market.window();
                drop(read(&window, "prices:AAPL", Start::Live).await);
                tokio::time::sleep(LINGER + Duration::from_millis(late_ms)).await;
                let mut reader = read(&window, "prices:AAPL", Start::Live).await;
                let price = tokio::time::timeout(Duration::from_secs(5), next(&mut reader)).await;
                assert_eq!(price.as_deref(), Ok("price prices:AAPL"), "{late_ms} ms late");
            }
        });
    }

    #[test]
    fn after_the_linger_a_price_cursor_is_told_of_the_hole_and_goes_on() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let window = market.window();
            let mut reader = read(&window, "prices:AAPL", Start::Live).await;
            assert_eq!(next(&mut reader).await, "price prices:AAPL");
            let position = reader.position();
            drop(reader);
            pass(LINGER.as_secs_f64() + 60.0).await;
            let mut reader = read(&window, "prices:AAPL", after(position)).await;
            let mut all = Vec::new();
            while all.last().is_none_or(|told| told != "gap unrecorded") {
                all.push(next(&mut reader).await);
            }
            all.pop();
            assert!(
                all.len() >= 29 && all.iter().all(|told| told == "price prices:AAPL"),
                "what was recorded is replayed: {all:?}"
            );
            assert_eq!(next(&mut reader).await, "price prices:AAPL");
        });
    }

    #[test]
    fn after_the_linger_a_news_cursor_has_no_hole_and_gets_what_was_published_meanwhile_exactly_once() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let window = market.window();
            market.upstream.publishes([article("old", market.clock.now(), &["TSLA"])]);
            let mut reader = read(&window, "news:TSLA", Start::Live).await;
            pass(1.0).await;
            assert_eq!(read_all(&mut reader), ["mark"]);
            let position = reader.position();
            drop(reader);
            for id in ["a", "b", "c"] {
                pass(LINGER.as_secs_f64()).await;
                market.upstream.publishes([article(id, market.clock.now(), &["TSLA"])]);
            }
            pass(3_600.0).await;
            assert_eq!(market.watched().await, ["status"]);
            let mut reader = read(&window, "news:TSLA", after(position)).await;
            pass(60.0).await;
            market.upstream.publishes([article("d", market.clock.now(), &["TSLA"])]);
            pass(60.0).await;
            assert_eq!(read_all(&mut reader), ["news a", "news b", "news c", "news d"]);
        });
    }

    #[test]
    fn a_reader_that_begins_after_the_catch_up_gets_only_what_comes() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let window = market.window();
            market.upstream.publishes([article("old", market.clock.now(), &["TSLA"])]);
            drop(read(&window, "news:TSLA", Start::Live).await);
            pass(LINGER.as_secs_f64() + 1.0).await;
            market.upstream.publishes([article("meanwhile", market.clock.now(), &["TSLA"])]);
            let interest = watch(&window, "news:TSLA", Ready::Recorded).await.unwrap();
            window.settle(&[topic("news:TSLA")]).await;
            let mut reader = read(&window, "news:TSLA", Start::Latest).await;
            drop(interest);
            market.upstream.publishes([article("since", market.clock.now(), &["TSLA"])]);
            assert_eq!(next(&mut reader).await, "news since");
            let newest: Vec<_> =
                window.newest(&[topic("news:TSLA")], 10).iter().map(|event| told(&Next::Event(Arc::clone(event)))).collect();
            assert_eq!(newest, ["news old", "news meanwhile", "news since"]);
        });
    }
}

mod upstream {
    use super::*;

    #[test]
    fn an_unknown_symbol_is_polled_once_and_remembered() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let windows = [market.window(), market.window()];
            market.upstream.knows_not("NOPE");
            for window in &windows {
                let watched = watch(window, "prices:NOPE", Ready::Fetched).await.map(drop);
                assert_eq!(watched, Err(WatchError::UnknownSymbol(topic("prices:NOPE"))));
                pass(60.0).await;
            }
            assert_eq!(market.upstream.quote_calls("NOPE"), 1);
            pass(3_600.0).await;
            watch(&windows[0], "prices:NOPE", Ready::Fetched).await.map(drop).unwrap_err();
            assert_eq!(market.upstream.quote_calls("NOPE"), 2, "but not for ever");
        });
    }

    #[test]
    fn a_reader_that_waits_for_the_first_price_learns_that_there_is_no_such_symbol_and_others_are_served() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let window = market.window();
            market.upstream.knows_not("NOPE");
            let mut reader = read(&window, "prices:AAPL,prices:NOPE", Start::Live).await;
            pass(3.5).await;
            let all = read_all(&mut reader);
            assert_eq!(all.iter().filter(|told| *told == "status prices:NOPE").count(), 1, "{all:?}");
            assert_eq!(all.iter().filter(|told| *told == "price prices:AAPL").count(), 4, "{all:?}");
            let watched = watch(&window, "prices:AAPL,prices:NOPE", Ready::Fetched).await.map(drop);
            assert_eq!(watched, Err(WatchError::UnknownSymbol(topic("prices:NOPE"))));
            assert_eq!(market.upstream.quote_calls("NOPE"), 1);
        });
    }

    #[test]
    fn an_upstream_that_fails_is_told_once_and_told_once_when_it_is_back() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let window = market.window();
            settle().await;
            let mut reader = read(&window, "status", Start::Live).await;
            assert_eq!(market.state.health(), Health::Ok);
            let _prices = read(&window, "prices:AAPL", Start::Live).await;
            pass(2.5).await;
            market.upstream.next([Turn::Fails(UpstreamErrorKind::Unavailable); 4]);
            pass(4.0).await;
            assert_eq!(market.state.health(), Health::Degraded(UpstreamErrorKind::Unavailable));
            pass(120.0).await;
            assert_eq!(market.state.health(), Health::Ok);
            let states: Vec<String> = std::iter::from_fn(|| reader.try_next())
                .filter_map(|next| if let Next::Event(event) = next { Some(event) } else { None })
                .map(|event| serde_json::from_slice::<serde_json::Value>(&event.item()).unwrap())
                .map(|item| format!("{} {}", item["state"].as_str().unwrap(), item["reason"].as_str().unwrap_or("-")))
                .collect();
            assert_eq!(states, ["degraded unavailable", "ok -"]);
        });
    }

    #[test]
    fn an_upstream_that_keeps_failing_is_asked_less_and_less() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let window = market.window();
            market.upstream.next([Turn::Fails(UpstreamErrorKind::RateLimited); 1_000]);
            let mut reader = read(&window, "prices:AAPL", Start::Live).await;
            pass(600.0).await;
            let calls = market.upstream.quote_calls("AAPL");
            assert!((4..=8).contains(&calls), "{calls} calls in ten minutes");
            market.upstream.forget_turns();
            assert_eq!(next(&mut reader).await, "price prices:AAPL", "and goes on when it answers");
        });
    }

    #[test]
    fn when_an_upstream_that_was_left_alone_answers_again_prices_come_at_their_rhythm_at_once() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let window = market.window();
            let mut reader = read(&window, "prices:AAPL", Start::Live).await;
            // It fails until it is left alone; then another's call finds out that it is well.
            market.upstream.next([Turn::Fails(UpstreamErrorKind::Unavailable); 5]);
            market.upstream.next([Turn::LeftAlone(30_000), Turn::LeftAlone(2_000)]);
            until_no_turn_is_left(&market).await;
            read_all(&mut reader);
            pass(2.5).await;
            assert_eq!(read_all(&mut reader).len(), 1, "as soon as it was told to ask again");
            pass(3.0).await;
            assert_eq!(read_all(&mut reader).len(), 3, "and then every second");
        });
    }

    #[test]
    fn what_failed_and_is_wanted_by_nobody_any_more_is_no_failure_that_stays() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let window = market.window();
            let reader = read(&window, "prices:AAPL", Start::Live).await;
            market.upstream.next([Turn::Fails(UpstreamErrorKind::Unavailable); 1_000]);
            pass(5.0).await;
            assert_eq!(market.state.health(), Health::Degraded(UpstreamErrorKind::Unavailable));
            drop(reader);
            pass(LINGER.as_secs_f64() + 2.0).await;
            assert_eq!(market.state.health(), Health::Ok);
        });
    }

    async fn until_no_turn_is_left(market: &Market) {
        for _ in 0..1_000 {
            if market.upstream.turns_left() == 0 {
                return;
            }
            pass(0.1).await;
        }
        panic!("turns are left");
    }

    #[test]
    fn whoever_waits_for_the_first_price_gets_the_failure() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let window = market.window();
            market.upstream.next([Turn::Fails(UpstreamErrorKind::Auth)]);
            let watched = watch(&window, "prices:AAPL", Ready::Fetched).await.map(drop);
            assert!(matches!(&watched, Err(WatchError::Upstream(error)) if error.kind == UpstreamErrorKind::Auth), "{watched:?}");
        });
    }
}

mod news {
    use super::*;

    /// The articles of an answer of the upstream.
    fn fixture(text: &str) -> Vec<Article> {
        let answer: serde_json::Value = serde_json::from_str(text).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let article = |result: &serde_json::Value| {
            let symbols: Vec<String> = result["tickers"].as_array().unwrap().iter().map(text).collect();
            let symbols: Vec<&str> = symbols.iter().map(String::as_str).collect();
            let published = Millis::parse_rfc3339(&text(&result["published_utc"])).unwrap();
            Article { title: text(&result["title"]), ..article(&text(&result["id"]), published, &symbols) }
        };
        answer["results"].as_array().unwrap().iter().map(article).collect()
    }

    const POLL_1: &str = include_str!("../../../tests/fixtures/polygon/v2_reference_news_TSLA__poll1.json");
    const POLL_2: &str = include_str!("../../../tests/fixtures/polygon/v2_reference_news_TSLA__poll2.json");

    #[test]
    fn a_second_poll_tells_exactly_the_new_and_the_late_article_with_one_position_on_all_topics() {
        on_paused_time(|| async {
            const TOPICS: &str = "news:TSLA,news:F,news:*";
            let market = Market::open().await;
            let window = market.window();
            market.upstream.publishes(fixture(POLL_1));
            let mut all = read(&window, TOPICS, Start::Live).await;
            let mut ford = read(&window, "news:F", Start::Live).await;
            let mut tesla = read(&window, "news:TSLA", Start::Live).await;
            pass(5.0).await;
            for reader in [&mut all, &mut ford, &mut tesla] {
                assert_eq!(read_all(reader), ["mark"], "what a first look finds is history");
            }
            let topics = Topic::parse_list(TOPICS).unwrap();
            let newest = window.newest(&topics, 10);
            assert_eq!(newest.len(), 3, "each article has one position");
            let shared = newest.iter().find(|event| event.topics.len() == 4).unwrap();
            assert_eq!(shared.topics[..], ["news:TSLA", "news:F", "news:GM", "news:*"].map(topic));
            assert_eq!(window.newest(&topics[1..2], 10)[0].seq, shared.seq);

            market.upstream.publishes(fixture(POLL_2));
            pass(60.0).await;
            let (new, late) = (
                "news e6ada796c62471e96f056495a895b61045c0e3d39469ff1f45b1bf3a3d293ae1",
                "news 44029ecc062473129aa2379e25b50b90dfe1f2bf5cd7cda6c20065a9acba29b0",
            );
            for reader in [&mut all, &mut tesla] {
                assert_eq!(read_all(reader), [late, new]);
            }
            assert_eq!(read_all(&mut ford), [""; 0]);
            assert_eq!(window.newest(&topics, 10).len(), 5);
        });
    }

    #[test]
    fn an_article_that_comes_again_changed_is_told_again_as_an_update() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let window = market.window();
            let first = article("a", market.clock.now(), &["TSLA"]);
            market.upstream.publishes([article("old", market.clock.now(), &["TSLA"])]);
            let mut reader = read(&window, "news:TSLA", Start::Live).await;
            pass(1.0).await;
            market.upstream.publishes([first.clone()]);
            pass(10.0).await;
            market.upstream.publishes([Article { title: "better".into(), ..first }]);
            pass(30.0).await;
            assert_eq!(read_all(&mut reader), ["mark", "news a", "news a"]);
            let latest = window.latest(&topic("news:TSLA")).unwrap();
            assert!(String::from_utf8_lossy(latest.frame()).contains("\"updated\":true"));
        });
    }

    #[test]
    fn the_first_article_ever_of_a_symbol_is_told_to_those_who_waited_for_it() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let window = market.window();
            let mut reader = read(&window, "news:TSLA", Start::Live).await;
            pass(15.0).await;
            assert_eq!(read_all(&mut reader), ["mark"]);
            market.upstream.publishes([article("first", market.clock.now(), &["TSLA"])]);
            pass(15.0).await;
            assert_eq!(read_all(&mut reader), ["news first"]);
        });
    }

    #[test]
    fn an_article_that_another_topics_first_look_finds_before_is_told_to_those_who_waited_for_it() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let window = market.window();
            market.upstream.publishes([article("old", market.clock.now(), &["F"])]);
            let mut reader = read(&window, "news:*", Start::Live).await;
            pass(5.0).await;
            market.upstream.publishes([article("new", market.clock.now(), &["TSLA"])]);
            let _other = read(&window, "news:TSLA", Start::Live).await;
            pass(30.0).await;
            assert_eq!(read_all(&mut reader), ["mark", "news new"]);
        });
    }
}

mod hours {
    use tickgate_core::market::MarketStatus;

    use super::*;
    use crate::clock::Clock;

    fn at(text: &str) -> Millis {
        Millis::parse_rfc3339(text).unwrap()
    }

    fn says(market: &str) -> MarketStatus {
        MarketStatus::new(market, market == "extended-hours", false, Millis(0))
    }

    fn statuses(reader: &mut crate::window::TapeReader) -> Vec<serde_json::Value> {
        std::iter::from_fn(|| reader.try_next())
            .filter_map(|next| if let Next::Event(event) = next { Some(event) } else { None })
            .map(|event| serde_json::from_slice(&event.item()).unwrap())
            .collect()
    }

    #[test]
    fn a_closed_market_is_asked_for_its_last_price_and_then_rests_until_it_trades_again() {
        on_paused_time(|| async {
            // Monday, seventy seconds before trading begins at four in New York.
            let clock = Clock::starting_at(at("2026-03-16T07:58:50Z"));
            let market = Market::by_hours(clock, says("closed")).await;
            let window = market.window();
            settle().await;
            let mut reader = read(&window, "prices:AAPL", Start::Live).await;
            let _crypto = read(&window, "prices:X:BTCUSD", Start::Live).await;
            assert_eq!(next(&mut reader).await, "price prices:AAPL", "a newcomer sees the last price");
            pass(61.0).await;
            assert_eq!(market.upstream.quote_calls("AAPL"), 1);
            assert!(market.upstream.quote_calls("X:BTCUSD") >= 60, "crypto never rests");
            market.upstream.says(says("extended-hours"));
            pass(9.5).await;
            assert_eq!(market.upstream.quote_calls("AAPL"), 2, "to the second, whatever the rhythm was");
            pass(30.0).await;
            let calls = market.upstream.quote_calls("AAPL");
            assert!((11..=13).contains(&calls), "a third of the rhythm before the bell: {calls}");
        });
    }

    #[test]
    fn at_night_too_a_tape_and_a_stream_that_were_rebuilt_have_a_price() {
        on_paused_time(|| async {
            let clock = Clock::starting_at(at("2026-03-14T15:00:00Z"));
            let market = Market::by_hours(clock, says("closed")).await;
            let window = market.window();
            settle().await;
            let mut reader = read(&window, "prices:AAPL", Start::Live).await;
            assert_eq!(next(&mut reader).await, "price prices:AAPL");
            pass(60.0).await;
            for victim in [Victim::Tape, Victim::Stream("prices:AAPL")] {
                let calls = market.upstream.quote_calls("AAPL");
                market.kill(victim);
                pass(60.0).await;
                assert_eq!(market.upstream.quote_calls("AAPL"), calls + 1);
                let told = read_all(&mut reader);
                assert!(told.contains(&"price prices:AAPL".to_owned()), "{told:?}");
            }
        });
    }

    #[test]
    fn a_failure_at_the_close_is_mended_before_the_market_rests() {
        on_paused_time(|| async {
            let clock = Clock::starting_at(at("2026-03-14T15:00:00Z"));
            let market = Market::by_hours(clock, says("closed")).await;
            let window = market.window();
            settle().await;
            market.upstream.next([Turn::Fails(UpstreamErrorKind::Unavailable); 3]);
            let _reader = read(&window, "prices:AAPL", Start::Live).await;
            pass(300.0).await;
            assert_eq!(market.upstream.quote_calls("AAPL"), 4);
            assert_eq!(market.state.health(), Health::Ok);
        });
    }

    #[test]
    fn the_close_is_told_once_with_the_next_opening_and_the_opening_with_the_next_close() {
        on_paused_time(|| async {
            // Friday, half a minute before trading ends at eight in New York.
            let clock = Clock::starting_at(at("2026-03-13T23:59:30Z"));
            let after = MarketStatus::new("extended-hours", false, true, Millis(0));
            let market = Market::by_hours(clock, after).await;
            let window = market.window();
            settle().await;
            let mut reader = read(&window, "status", Start::Live).await;
            market.upstream.says(says("closed"));
            pass(600.0).await;
            let told = statuses(&mut reader);
            assert_eq!(told.len(), 1, "{told:?}");
            assert_eq!(told[0]["state"], "market_closed");
            assert_eq!((&told[0]["session"], &told[0]["next_open"]), (&"closed".into(), &"2026-03-16T13:30:00.000Z".into()));
            assert!(market.state.session().is_closed());
            market.upstream.says(says("open"));
            pass(60.0).await;
            let told = statuses(&mut reader);
            assert_eq!((&told[0]["state"], &told[0]["session"]), (&"ok".into(), &"regular".into()));
            assert_eq!(told[0]["next_close"], "2026-03-16T20:00:00.000Z");
        });
    }

    #[test]
    fn news_is_asked_for_less_often_at_night_but_never_stops() {
        on_paused_time(|| async {
            let clock = Clock::starting_at(at("2026-03-14T15:00:00Z"));
            let market = Market::by_hours(clock, says("closed")).await;
            let window = market.window();
            settle().await;
            let _reader = read(&window, "news:*", Start::Live).await;
            let wish = Wish { topics: vec![topic("news:*")], interval_ms: None, ready: Ready::Recorded };
            assert_eq!(window.watch(wish).await.unwrap().effective_interval_ms, 60_000, "and says so");
            pass(600.0).await;
            assert!((10..=12).contains(&market.upstream.news_calls()), "{}", market.upstream.news_calls());
        });
    }
}
