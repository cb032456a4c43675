//! One worker's window: who is woken when, where readers begin, and that nothing stays behind. Everything is on one thread,
//! whose time the test holds; most tests keep the tape themselves, the others have a whole market.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::time::Duration;

use actix::Addr;
use tickgate_core::market::Topic;
use tickgate_core::tape::{Draft, Epoch, Gather, Identity, Kind, Limits, Mode, Position, Start, Tape};

use super::*;
use crate::Clock;
use crate::supervisor::WatchError;
use crate::test_support::{
    LINGER, Market, after, limits, next, on_paused_time, pass, read, read_all, settle, told, topic, watch,
};

/// Counts how often a task would have run.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A reader and the task that it would wake.
struct Sleeper {
    reader: TapeReader,
    wakes: Arc<Wakes>,
}

impl Sleeper {
    /// Reads what is due, as a task does: until there is nothing, and then it sleeps.
    fn read(&mut self) -> Vec<String> {
        let waker = Waker::from(Arc::clone(&self.wakes));
        let mut all = Vec::new();
        while let Poll::Ready(Some(next)) = self.reader.poll_next(&TaskContext::from_waker(&waker)) {
            all.push(told(&next));
        }
        all
    }

    fn wakes(&self) -> usize {
        self.wakes.0.load(Ordering::Relaxed)
    }
}

/// A window whose tape is in the test's hands.
struct Bench {
    tape: Tape,
    window: TapeWindow,
    actor: Addr<WindowActor>,
    clock: Clock,
}

const PRICES: [&str; 2] = ["prices:AAPL", "prices:MSFT"];

impl Bench {
    /// Every topic of the tests is recorded.
    async fn new() -> Self {
        Self::keeping(limits()).await
    }

    async fn keeping(limits: Limits) -> Self {
        let market = Market::open().await;
        let window = TapeWindow::new(limits, market.link, market.clock);
        let actor = WindowActor::new(window.clone()).start();
        let mut bench = Self { tape: Tape::new(Epoch(1), limits), window, actor, clock: market.clock };
        bench.watch_all();
        bench.tell().await;
        bench
    }

    fn watch_all(&mut self) {
        for watched in ["prices:AAPL", "prices:MSFT", "news:TSLA"] {
            self.tape.watch(topic(watched), false, self.clock.now());
        }
    }

    /// Begins the tape anew, as after a death.
    async fn begin_anew(&mut self) {
        let epoch = Epoch(self.tape.position().epoch.0 + 1);
        self.tape = Tape::new(epoch, limits());
        self.hear(WindowUpdate::Install(Box::new(self.tape.window().clone()))).await;
        self.watch_all();
        self.tell().await;
    }

    async fn hear(&self, update: WindowUpdate) {
        self.actor.send(update).await.unwrap();
    }

    /// Tells the window what happened, in one batch.
    async fn tell(&mut self) {
        let batch = self.tape.take_batch(self.clock.now()).unwrap();
        self.hear(WindowUpdate::Batch(Arc::new(batch))).await;
    }

    fn publish(&mut self, on: &str) -> Position {
        let (kind, key) = match topic(on) {
            Topic::Prices(_) => (Kind::Price, None),
            Topic::Status => (Kind::Status, None),
            _ => (Kind::News, Some(format!("n{}", self.tape.position().seq + 1))),
        };
        let identity = key.map(|key| Identity { key, fingerprint: 0 });
        let draft =
            Draft { kind, topics: vec![topic(on)], item: b"{}".to_vec(), as_of: self.clock.now(), identity, history: false };
        self.tape.publish(draft, self.clock.now());
        self.tape.position()
    }

    /// Publishes one event in a batch of its own.
    async fn happens(&mut self, on: &str) -> Position {
        let position = self.publish(on);
        self.tell().await;
        position
    }

    async fn join(&self, topics: &[&str], mode: Mode, gather: Gather, start: Start) -> Sleeper {
        let topics: Vec<Topic> = topics.iter().map(|text| topic(text)).collect();
        let interest = self.window.watch(Wish { topics: Vec::new(), interval_ms: None, ready: Ready::Recorded }).await.unwrap();
        let reader = TapeReader::join(&self.window, &topics, ReaderSettings { mode, gather, start }, interest);
        Sleeper { reader, wakes: Arc::default() }
    }

    /// A reader of everything that has read up to now and sleeps.
    async fn sleeper(&self, topics: &[&str], gather: Gather) -> Sleeper {
        let mut sleeper = self.join(topics, Mode::All, gather, Start::Live).await;
        sleeper.read();
        sleeper
    }

    /// Waits for a moment at which a window of this length begins, and a little more.
    async fn window_begins(&self, ms: u64) {
        let rest = ms - self.clock.now().0 % ms;
        tokio::time::sleep(Duration::from_millis(rest + 1)).await;
    }
}

mod waking {
    use super::*;

    #[test]
    fn a_reader_is_woken_once_per_batch_however_much_it_holds() {
        on_paused_time(|| async {
            let mut bench = Bench::new().await;
            let mut sleeper = bench.sleeper(&["prices:AAPL", "news:TSLA"], Gather::all(0)).await;
            for on in ["prices:AAPL", "news:TSLA", "prices:AAPL", "prices:MSFT"] {
                bench.publish(on);
            }
            bench.tell().await;
            assert_eq!(sleeper.wakes(), 1);
            bench.happens("prices:AAPL").await;
            assert_eq!(sleeper.wakes(), 1, "who is awake is not woken");
            assert_eq!(sleeper.read(), ["price prices:AAPL", "news n5", "price prices:AAPL", "price prices:AAPL"]);
            bench.happens("prices:AAPL").await;
            assert_eq!(sleeper.wakes(), 2);
        });
    }

    #[test]
    fn a_reader_sleeps_through_what_is_not_its_own() {
        on_paused_time(|| async {
            let mut bench = Bench::new().await;
            let sleeper = bench.sleeper(&["prices:AAPL"], Gather::all(0)).await;
            for on in ["prices:MSFT", "news:TSLA", "status"] {
                bench.happens(on).await;
            }
            assert_eq!(sleeper.wakes(), 0);
        });
    }

    #[test]
    fn an_event_on_two_topics_of_a_reader_wakes_it_once_and_is_read_once() {
        on_paused_time(|| async {
            let mut bench = Bench::new().await;
            let mut sleeper = bench.sleeper(&PRICES, Gather::all(0)).await;
            let draft = Draft {
                kind: Kind::News,
                topics: PRICES.map(topic).to_vec(),
                item: b"{}".to_vec(),
                as_of: bench.clock.now(),
                identity: None,
                history: false,
            };
            bench.tape.publish(draft, bench.clock.now());
            bench.tell().await;
            assert_eq!((sleeper.wakes(), sleeper.read().len()), (1, 1));
        });
    }

    #[test]
    fn ten_prices_within_a_window_of_a_tenth_of_a_second_are_one_waking() {
        on_paused_time(|| async {
            let mut bench = Bench::new().await;
            let mut every = bench.sleeper(&["prices:AAPL"], Gather::default()).await;
            let mut newest = bench.join(&["prices:AAPL"], Mode::Conflate, Gather::default(), Start::Live).await;
            newest.read();
            bench.window_begins(100).await;
            for _ in 0..10 {
                bench.happens("prices:AAPL").await;
                tokio::time::sleep(Duration::from_millis(9)).await;
            }
            assert_eq!((every.wakes(), every.read().len()), (0, 0), "nothing is due yet");
            tokio::time::sleep(Duration::from_millis(10)).await;
            assert_eq!((every.wakes(), newest.wakes()), (1, 1));
            assert_eq!((every.read().len(), newest.read().len()), (10, 1));
            pass(1.0).await;
            assert_eq!((every.wakes(), newest.wakes()), (1, 1));
        });
    }

    #[test]
    fn news_is_due_at_once_and_what_was_gathered_goes_before_it() {
        on_paused_time(|| async {
            let mut bench = Bench::new().await;
            let mut sleeper = bench.sleeper(&["news:TSLA", "prices:AAPL", "prices:MSFT"], Gather::default()).await;
            bench.window_begins(100).await;
            for on in ["prices:MSFT", "prices:AAPL"] {
                bench.happens(on).await;
            }
            assert_eq!(sleeper.wakes(), 0);
            bench.happens("news:TSLA").await;
            assert_eq!(sleeper.wakes(), 1);
            assert_eq!(sleeper.read(), ["price prices:MSFT", "price prices:AAPL", "news n6"]);
            bench.happens("prices:AAPL").await;
            assert_eq!(sleeper.wakes(), 1, "and gathering goes on");
            pass(0.1).await;
            assert_eq!(sleeper.read(), ["price prices:AAPL"]);
        });
    }

    #[test]
    fn each_reader_gathers_as_long_as_it_asked() {
        on_paused_time(|| async {
            let mut bench = Bench::new().await;
            let mut long = bench.sleeper(&["prices:AAPL"], Gather::all(10_000)).await;
            let mut short = bench.sleeper(&["prices:AAPL"], Gather::all(1_000)).await;
            let none = bench.sleeper(&["prices:AAPL"], Gather::all(0)).await;
            bench.window_begins(10_000).await;
            bench.happens("prices:AAPL").await;
            assert_eq!((none.wakes(), short.wakes(), long.wakes()), (1, 0, 0));
            pass(1.0).await;
            assert_eq!((short.wakes(), long.wakes(), short.read().len()), (1, 0, 1));
            pass(9.0).await;
            assert_eq!((short.wakes(), long.wakes(), long.read().len()), (1, 1, 1));
        });
    }

    #[test]
    fn a_reader_is_not_woken_by_the_tick_of_one_that_had_its_place_before() {
        on_paused_time(|| async {
            let mut bench = Bench::new().await;
            bench.window_begins(10_000).await;
            let gone = bench.sleeper(&["prices:AAPL"], Gather::all(1_000)).await;
            bench.happens("prices:AAPL").await;
            drop(gone);
            let sleeper = bench.sleeper(&["prices:AAPL"], Gather::all(10_000)).await;
            bench.happens("prices:AAPL").await;
            pass(9.0).await;
            assert_eq!(sleeper.wakes(), 0);
            pass(1.0).await;
            assert_eq!(sleeper.wakes(), 1);
        });
    }
}

mod beginning {
    use super::*;

    async fn told_from(bench: &Bench, topics: &[&str], start: Start) -> Vec<String> {
        bench.join(topics, Mode::All, Gather::default(), start).await.read()
    }

    #[test]
    fn a_reader_begins_with_the_latest_or_with_what_comes_or_after_its_position() {
        on_paused_time(|| async {
            const TOPICS: [&str; 4] = ["prices:AAPL", "prices:MSFT", "news:TSLA", "status"];
            let mut bench = Bench::new().await;
            let first = bench.happens("prices:AAPL").await;
            for on in ["status", "news:TSLA", "prices:AAPL"] {
                bench.happens(on).await;
            }
            assert_eq!(told_from(&bench, &TOPICS, Start::Latest).await, ["status status", "price prices:AAPL", "mark"]);
            assert_eq!(told_from(&bench, &TOPICS, Start::Live).await, ["mark"]);
            assert_eq!(told_from(&bench, &TOPICS, after(first)).await, ["status status", "news n6", "price prices:AAPL"]);
            assert_eq!(told_from(&bench, &TOPICS, after(bench.tape.position())).await, [""; 0]);
            let elsewhere = Position { epoch: Epoch(99), seq: 3 };
            let all = told_from(&bench, &TOPICS, after(elsewhere)).await;
            assert_eq!(all, ["gap epoch", "price prices:AAPL", "status status", "news n6", "price prices:AAPL"]);
            assert_eq!(told_from(&bench, &["prices:TSLA"], after(first)).await, ["gap unrecorded"]);
        });
    }

    #[test]
    fn nothing_is_lost_and_nothing_comes_twice_between_the_backlog_and_what_comes() {
        on_paused_time(|| async {
            let mut bench = Bench::new().await;
            let first = bench.happens("prices:AAPL").await;
            bench.happens("prices:AAPL").await;
            let mut sleeper = bench.join(&["prices:AAPL"], Mode::All, Gather::all(0), after(first)).await;
            bench.happens("prices:AAPL").await;
            assert_eq!(sleeper.read().len(), 2);
            bench.happens("prices:AAPL").await;
            assert_eq!((sleeper.wakes(), sleeper.read().len()), (1, 1));
            assert_eq!(sleeper.reader.position(), bench.tape.position());
        });
    }

    #[test]
    fn a_reader_that_falls_out_of_the_window_is_told_so_and_resumes_behind_the_hole() {
        on_paused_time(|| async {
            let mut bench = Bench::keeping(Limits { max_events_per_topic: 3, ..limits() }).await;
            let mut sleeper = bench.sleeper(&["prices:AAPL"], Gather::all(0)).await;
            for _ in 0..5 {
                bench.happens("prices:AAPL").await;
            }
            assert_eq!(sleeper.reader.try_next().map(|next| told(&next)).as_deref(), Some("fallen"));
            let all = told_from(&bench, &["prices:AAPL"], after(sleeper.reader.position())).await;
            assert_eq!(all, ["gap evicted", "price prices:AAPL", "price prices:AAPL", "price prices:AAPL"]);
        });
    }

    #[test]
    fn a_window_that_is_attached_late_shows_what_an_early_one_shows() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let early = market.window();
            settle().await;
            let start = early.position();
            let msft = read(&early, "prices:MSFT", Start::Live).await;
            let _aapl = read(&early, "prices:AAPL,status", Start::Live).await;
            pass(5.0).await;
            drop(msft);
            pass(LINGER.as_secs_f64() + 5.0).await;
            let late = market.window();
            pass(2.5).await;
            assert_eq!(late.position(), early.position());
            let topics = ["prices:AAPL", "prices:MSFT", "status"].map(topic);
            let seen =
                |window: &TapeWindow| window.newest(&topics, 1_000).iter().map(|event| event.frame().clone()).collect::<Vec<_>>();
            assert!(seen(&early).len() > 70, "{} events", seen(&early).len());
            assert_eq!(seen(&late), seen(&early));
            let mut told = Vec::new();
            for window in [&early, &late] {
                let mut reader = read(window, "prices:AAPL,prices:MSFT,status", after(start)).await;
                told.push(read_all(&mut reader));
            }
            assert!(told[0].contains(&"gap unrecorded".to_owned()), "{:?}", told[0]);
            assert_eq!(told[0], told[1]);
        });
    }
}

mod places {
    use super::*;

    #[test]
    fn a_wait_for_a_place_ends_when_the_window_is_there() {
        on_paused_time(|| async {
            let mut bench = Bench::new().await;
            bench.window.reached(bench.tape.position()).await;
            let ahead = Position { seq: bench.tape.position().seq + 2, ..bench.tape.position() };
            let window = bench.window.clone();
            let waits = actix::spawn(async move { window.reached(ahead).await });
            bench.happens("status").await;
            settle().await;
            assert!(!waits.is_finished());
            bench.happens("status").await;
            waits.await.unwrap();
        });
    }

    #[test]
    fn a_wait_for_a_place_of_a_tape_that_dies_ends_with_it() {
        on_paused_time(|| async {
            let mut bench = Bench::new().await;
            let ahead = Position { seq: 1_000, ..bench.tape.position() };
            let window = bench.window.clone();
            let waits = actix::spawn(async move { window.reached(ahead).await });
            settle().await;
            bench.begin_anew().await;
            settle().await;
            assert!(waits.is_finished(), "who waited before");
            tokio::time::timeout(Duration::from_secs(1), bench.window.reached(ahead)).await.expect("and who waits only now");
        });
    }

    #[test]
    fn a_wait_for_a_place_of_a_tape_that_this_window_does_not_know_yet_is_not_cut_short() {
        on_paused_time(|| async {
            let mut bench = Bench::new().await;
            let next_life = Position { epoch: Epoch(bench.tape.position().epoch.0 + 1), seq: 4 };
            let window = bench.window.clone();
            let waits = actix::spawn(async move { window.reached(next_life).await });
            bench.happens("status").await;
            bench.begin_anew().await;
            settle().await;
            assert!(!waits.is_finished());
            bench.happens("status").await;
            waits.await.unwrap();
        });
    }

    #[test]
    fn a_new_life_of_the_tape_wakes_every_reader_and_is_told_as_a_gap() {
        on_paused_time(|| async {
            let mut bench = Bench::new().await;
            let mut sleeper = bench.sleeper(&["prices:AAPL"], Gather::default()).await;
            bench.happens("prices:MSFT").await;
            bench.begin_anew().await;
            assert_eq!((sleeper.wakes(), sleeper.read()), (1, vec!["gap epoch".to_owned()]));
            bench.happens("prices:AAPL").await;
            pass(0.1).await;
            assert_eq!(sleeper.read(), ["price prices:AAPL"]);
        });
    }
}

mod ending {
    use super::*;

    #[test]
    fn a_drain_ends_every_reader_also_one_that_sleeps_and_one_that_comes_late() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let window = market.window();
            let mut reader = read(&window, "prices:AAPL", Start::Live).await;
            let sleeps = actix::spawn(async move { while reader.next().await.is_some() {} });
            pass(3.0).await;
            assert!(!sleeps.is_finished());
            market.link.drain();
            sleeps.await.unwrap();
            assert!(read(&window, "prices:AAPL", Start::Latest).await.next().await.is_none());
            assert_eq!(window.readers(), 0);
        });
    }

    #[test]
    fn readers_that_are_gone_leave_nothing_behind() {
        on_paused_time(|| async {
            let mut bench = Bench::new().await;
            let mut sleepers = Vec::new();
            for ms in [0, 100, 1_000] {
                sleepers.push(bench.sleeper(&["prices:AAPL", "prices:MSFT"], Gather::all(ms)).await);
            }
            assert_eq!(bench.window.readers(), 3);
            bench.happens("prices:AAPL").await;
            let wakes: Vec<_> = sleepers.iter().map(|sleeper| Arc::clone(&sleeper.wakes)).collect();
            drop(sleepers);
            assert_eq!(bench.window.readers(), 0);
            bench.happens("prices:MSFT").await;
            pass(2.0).await;
            assert_eq!(wakes.iter().map(|wakes| wakes.0.load(Ordering::Relaxed)).collect::<Vec<_>>(), [1, 0, 0]);
            assert!(wakes.iter().all(|wakes| Arc::strong_count(wakes) == 1), "no waker is kept");
        });
    }

    /// Whether anybody is told to want a topic.
    async fn is_watched(market: &Market, of: &str) -> bool {
        market.link.inspect().await.unwrap().topics.iter().any(|topic| topic == of)
    }

    #[test]
    fn a_windows_interest_is_taken_back_once_with_its_last_subscriber() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let (one, other) = (market.window(), market.window());
            let first = read(&one, "prices:AAPL", Start::Live).await;
            let second = watch(&one, "prices:AAPL", Ready::Fetched).await.unwrap();
            let third = read(&other, "prices:AAPL", Start::Live).await;
            drop(first);
            drop(second);
            pass(LINGER.as_secs_f64() * 2.0).await;
            assert!(is_watched(&market, "prices:AAPL").await, "the other window's interest is its own");
            drop(third);
            pass(LINGER.as_secs_f64() + 1.0).await;
            assert!(!is_watched(&market, "prices:AAPL").await);
        });
    }

    #[test]
    fn interest_goes_on_while_any_subscriber_of_the_window_is_left() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let window = market.window();
            let first = read(&window, "prices:AAPL", Start::Live).await;
            let mut second = read(&window, "prices:AAPL", Start::Live).await;
            drop(first);
            pass(LINGER.as_secs_f64() * 2.0).await;
            read_all(&mut second);
            assert_eq!(next(&mut second).await, "price prices:AAPL");
        });
    }

    #[test]
    fn a_watch_that_fails_takes_back_the_interest_in_all_its_topics() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let window = market.window();
            market.upstream.knows_not("NOPE");
            let watched = watch(&window, "prices:AAPL,prices:NOPE,prices:MSFT", Ready::Fetched).await.map(drop);
            assert_eq!(watched, Err(WatchError::UnknownSymbol(topic("prices:NOPE"))));
            pass(LINGER.as_secs_f64() + 1.0).await;
            assert_eq!(market.link.inspect().await.unwrap().topics, ["status"]);
        });
    }

    #[test]
    fn whoever_goes_away_while_waiting_takes_the_interest_back() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let window = market.window();
            market.upstream.takes(Duration::from_secs(5));
            let waiting = tokio::time::timeout(Duration::from_secs(1), watch(&window, "prices:AAPL", Ready::Fetched));
            assert!(waiting.await.is_err());
            assert!(is_watched(&market, "prices:AAPL").await);
            pass(LINGER.as_secs_f64() + 1.0).await;
            assert!(!is_watched(&market, "prices:AAPL").await);
        });
    }

    #[test]
    fn a_watch_that_the_supervisor_has_no_room_for_takes_back_nobody_elses_interest() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let (window, other) = (market.window(), market.window());
            let mut reader = read(&other, "prices:AAPL", Start::Live).await;
            for _ in 0..20_000 {
                market.link.unwatch(topic("alerts:nobody"), 1);
            }
            // The mailbox takes one more of each sender.
            assert_eq!(watch(&window, "prices:MSFT,prices:AAPL", Ready::Recorded).await.map(drop), Err(WatchError::Busy));
            pass(LINGER.as_secs_f64() * 2.0).await;
            read_all(&mut reader);
            assert_eq!(next(&mut reader).await, "price prices:AAPL");
            let mut reader = read(&window, "prices:AAPL", Start::Live).await;
            assert_eq!(next(&mut reader).await, "price prices:AAPL", "and there is room again");
            assert!(!is_watched(&market, "prices:MSFT").await);
        });
    }
}

mod readiness {
    use super::*;

    #[test]
    fn a_topic_that_was_fetched_is_in_the_window_when_its_watch_is_answered() {
        on_paused_time(|| async {
            let market = Market::open().await;
            let (window, other) = (market.window(), market.window());
            let _held = watch(&other, "prices:AAPL", Ready::Fetched).await.unwrap();
            market.upstream.takes(Duration::from_millis(100));
            // A task of its own runs as soon as the answer is there.
            let latest = actix::spawn(async move {
                let _interest = watch(&window, "prices:MSFT,prices:AAPL", Ready::Fetched).await.unwrap();
                PRICES.map(|on| window.latest(&topic(on)).is_some())
            });
            assert_eq!(latest.await.unwrap(), [true, true], "whichever of them came last");
        });
    }

    #[test]
    fn the_interval_that_is_announced_is_the_one_that_the_budget_allows() {
        on_paused_time(|| async {
            let market = Market::with_budget(5).await;
            let window = market.window();
            let interest = watch(&window, "news:TSLA", Ready::Recorded).await.unwrap();
            assert_eq!(interest.effective_interval_ms, 20_334);
            let wish = Wish { topics: vec![topic("news:TSLA")], interval_ms: Some(60_000), ready: Ready::Recorded };
            assert_eq!(window.watch(wish).await.unwrap().effective_interval_ms, 20_334);
            pass(1.0).await;
            let before = market.upstream.news_calls();
            pass(61.0).await;
            assert_eq!(market.upstream.news_calls() - before, 3);
        });
    }
}
