//! What the tests of the actors share: a thread of its own with a paused clock for each test, a scripted upstream, and a
//! market whose actors all run there.

mod catalog;
mod store;
mod upstream;

use std::future::Future;
use std::sync::mpsc;
use std::time::Duration;

use actix::{Actor, Arbiter, System};
use tickgate_core::market::{Calendar, MarketPhase, MarketStatus, Source, Topic};
use tickgate_core::tape::{Gather, Limits, Mode, Next, Position, Start};

use crate::feed::FeedSettings;
use crate::quota::{Quota, QuotaSettings};
use crate::supervisor::{MarketHandles, MarketLink, SupervisorActor, SupervisorSettings};
use crate::window::{Interest, ReaderSettings, Ready, TapeReader, TapeWindow, WindowActor, Wish};
use crate::{Clock, Metrics};
use crate::{stream::MarketState, supervisor::WatchError};

pub(crate) use catalog::{Ask, PlainSeal, Scripted, caller, principal, result, says, server_info};
pub(crate) use store::MemoryStore;
pub(crate) use upstream::{Turn, Upstream, article};

/// How long a test may take by the clock on the wall: one that spins forever fails too.
const REAL_DEADLINE: Duration = Duration::from_secs(60);
/// How long a test may take by its own clock: one that waits for what never comes fails at once.
const PAUSED_DEADLINE: Duration = Duration::from_secs(30 * 86_400);
/// How long a topic of [`Market`] goes on after its last subscriber.
pub(crate) const LINGER: Duration = Duration::from_secs(30);

/// Runs a test on a thread of its own, whose clock moves only when everything on it waits.
pub(crate) fn on_paused_time<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    let (done, finished) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let test = async { tokio::time::timeout(PAUSED_DEADLINE, Box::pin(test())).await.expect("the test waits for ever") };
        System::with_tokio_rt(runtime).block_on(test);
        let _ = done.send(());
    });
    if finished.recv_timeout(REAL_DEADLINE) == Err(mpsc::RecvTimeoutError::Timeout) {
        panic!("the test spins for ever");
    }
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Lets `seconds` of the test's own clock pass, and all that happens meanwhile.
pub(crate) async fn pass(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

/// Lets everything that is due now happen.
pub(crate) async fn settle() {
    // The timer's resolution: whoever has something to do does it before time moves.
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Metrics of a registry of their own.
pub(crate) fn metrics() -> Metrics {
    Metrics::register(&prometheus::Registry::new()).unwrap()
}

pub(crate) fn topic(text: &str) -> Topic {
    text.parse().unwrap()
}

/// A supervisor and all that it owns, on the test's own thread, over a scripted upstream.
pub(crate) struct Market {
    pub(crate) upstream: Upstream,
    pub(crate) link: MarketLink,
    pub(crate) quota: Quota,
    pub(crate) state: MarketState,
    pub(crate) metrics: Metrics,
    pub(crate) clock: Clock,
}

impl Market {
    /// Opens with a budget that stretches nothing.
    pub(crate) async fn open() -> Self {
        Self::with_budget(600_000).await
    }

    pub(crate) async fn with_budget(per_minute: u32) -> Self {
        Self::by_clock(Clock::start(), per_minute).await
    }

    /// Opens with a feed beside the polls.
    pub(crate) async fn with_feed(feed: FeedSettings) -> Self {
        let state = MarketState::new(MarketPhase::Closed, Source::Poll, false);
        Self::over(Upstream::default(), state, Clock::start(), (600_000, Some(feed))).await
    }

    /// Another one after this one, as after a restart: by the same clock, with newer data.
    pub(crate) async fn successor(&self) -> Self {
        let market = Self::by_clock(self.clock, 600_000).await;
        market.upstream.begins(self.clock.now());
        market
    }

    /// A market by New York hours, about which the upstream says this at first.
    pub(crate) async fn by_hours(clock: Clock, status: MarketStatus) -> Self {
        let new_york = jiff::tz::TimeZone::get("America/New_York").unwrap();
        let upstream = Upstream::default();
        upstream.says(status);
        Self::over(upstream, MarketState::by(Calendar::weekly(new_york), clock, Source::Poll, false), clock, (600_000, None))
            .await
    }

    /// The same as a plan shows it that delays it by a quarter of an hour, with a feed that is as late.
    pub(crate) async fn late_by_hours(clock: Clock, status: MarketStatus, feed: FeedSettings) -> Self {
        let new_york = jiff::tz::TimeZone::get("America/New_York").unwrap();
        let upstream = Upstream::default();
        upstream.says(status);
        let state = MarketState::by(Calendar::weekly(new_york), clock, Source::Poll, true);
        Self::over(upstream, state, clock, (600_000, Some(feed))).await
    }

    async fn by_clock(clock: Clock, per_minute: u32) -> Self {
        let state = MarketState::new(MarketPhase::Closed, Source::Poll, false);
        Self::over(Upstream::default(), state, clock, (per_minute, None)).await
    }

    /// `means`: calls a minute, and the feed.
    async fn over(upstream: Upstream, state: MarketState, clock: Clock, means: (u32, Option<FeedSettings>)) -> Self {
        let metrics = metrics();
        let linger_ms = u64::try_from(LINGER.as_millis()).unwrap();
        let (per_minute, feed) = means;
        let settings = SupervisorSettings { tape: limits(), quota: QuotaSettings { per_minute }, linger_ms, feed };
        let MarketHandles { link, quota, state } =
            SupervisorActor::launch_on(Arbiter::current(), settings, upstream.factory(), state, clock, metrics.clone());
        link.inspect().await.expect("the supervisor has begun");
        Self { upstream, link, quota, state, metrics, clock }
    }

    /// One more worker's window.
    pub(crate) fn window(&self) -> TapeWindow {
        let window = TapeWindow::new(limits(), self.link.clone(), self.clock);
        self.link.attach(WindowActor::new(window.clone()).start().recipient());
        window
    }

    pub(crate) fn restarts(&self, actor: &str) -> u64 {
        self.metrics.actor_restarts.with_label_values(&[actor]).get()
    }
}

pub(crate) const fn limits() -> Limits {
    Limits { max_events_per_topic: 10_000, max_bytes: usize::MAX, max_age_ms: u64::MAX }
}

/// Declares interest in a comma-separated list of topics.
pub(crate) async fn watch(window: &TapeWindow, topics: &str, ready: Ready) -> Result<Interest, WatchError> {
    window.watch(Wish { topics: Topic::parse_list(topics).unwrap(), interval_ms: None, ready }).await
}

/// Reads every event of a comma-separated list of topics, each as soon as it comes.
pub(crate) async fn read(window: &TapeWindow, topics: &str, start: Start) -> TapeReader {
    let interest = watch(window, topics, Ready::Recorded).await.unwrap();
    let settings = ReaderSettings { mode: Mode::All, gather: Gather::all(0), start };
    TapeReader::join(window, &Topic::parse_list(topics).unwrap(), settings, interest)
}

/// What a reader was given, in a few words: `price prices:AAPL`, `news a`, `gap epoch`, `mark`, `fallen`.
pub(crate) fn told(next: &Next) -> String {
    match next {
        Next::Event(event) => match &event.identity {
            Some(identity) => format!("{} {}", event.kind.as_str(), identity.key),
            None => format!("{} {}", event.kind.as_str(), event.topics[0]),
        },
        Next::Gap(gap) => format!("gap {}", gap.reason.as_str()),
        Next::Mark(_) => "mark".into(),
        Next::Idle => "idle".into(),
        Next::Fallen => "fallen".into(),
    }
}

/// Everything that a reader has before it now.
pub(crate) fn read_all(reader: &mut TapeReader) -> Vec<String> {
    std::iter::from_fn(|| reader.try_next()).map(|next| told(&next)).collect()
}

/// The next event or gap that a reader waits for, marks left out.
pub(crate) async fn next(reader: &mut TapeReader) -> String {
    loop {
        let next = reader.next().await.expect("nothing is shutting down");
        if !matches!(next, Next::Mark(_)) {
            return told(&next);
        }
    }
}

pub(crate) fn after(position: Position) -> Start {
    Start::After(position)
}
