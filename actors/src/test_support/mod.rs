//! What the tests of the actors share: a thread of its own with a paused clock for each test, a scripted upstream, and a
//! market whose actors all run there.

mod catalog;
mod store;

use std::collections::{HashMap, HashSet, VecDeque};
use std::future::Future;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use actix::{Actor, Arbiter, System};
use tickgate_core::market::{Article, Calendar, Market as MarketOf, MarketPhase, MarketStatus, Quote, Source, Symbol, Topic};
use tickgate_core::ports::{MarketData, NewsQuery, PortFuture, UpstreamError, UpstreamErrorKind};
use tickgate_core::tape::{Gather, Limits, Mode, Next, Position, Start};
use tickgate_core::time::Millis;

use crate::feed::FeedSettings;
use crate::quota::{Quota, QuotaSettings};
use crate::supervisor::{MarketDataFactory, MarketHandles, MarketLink, SupervisorActor, SupervisorSettings};
use crate::window::{Interest, ReaderSettings, Ready, TapeReader, TapeWindow, WindowActor, Wish};
use crate::{Clock, Metrics};
use crate::{stream::MarketState, supervisor::WatchError};

pub(crate) use catalog::{Ask, PlainSeal, Scripted, caller, principal, result, says, server_info};
pub(crate) use store::MemoryStore;

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

/// What an upstream does instead of answering.
#[derive(Clone, Copy)]
pub(crate) enum Turn {
    Fails(UpstreamErrorKind),
    /// It is not asked: it is left alone for so many ms.
    LeftAlone(u64),
    Panics,
}

/// One call of the upstream.
#[derive(PartialEq, Eq)]
enum Call {
    Quotes(Vec<Symbol>),
    News,
    Status,
}

#[derive(Default)]
struct Script {
    calls: Vec<Call>,
    turns: VecDeque<Turn>,
    unknown: HashSet<Symbol>,
    prices: HashMap<Symbol, f64>,
    begins: u64,
    articles: Vec<Article>,
    latency: Duration,
    status: Option<MarketStatus>,
}

/// A scripted upstream: it knows every symbol but those that it was told not to know, every price that was not set differs from
/// the one before, and it has the articles that were published. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Upstream(Arc<Mutex<Script>>);

impl Upstream {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the next calls for quotes or news do instead of answering.
    pub(crate) fn next(&self, turns: impl IntoIterator<Item = Turn>) {
        self.script().turns.extend(turns);
    }

    pub(crate) fn knows_not(&self, symbol: &str) {
        self.script().unknown.insert(symbol.parse().unwrap());
    }

    /// It knows the symbol after all.
    pub(crate) fn knows(&self, symbol: &str) {
        self.script().unknown.remove(&symbol.parse().unwrap());
    }

    /// What the symbol costs from now on.
    pub(crate) fn sets(&self, symbol: &str, price: f64) {
        self.script().prices.insert(symbol.parse().unwrap(), price);
    }

    /// Its data is from after this moment; each call's is a millisecond newer than that of the one before.
    pub(crate) fn begins(&self, at: Millis) {
        self.script().begins = at.0;
    }

    /// Publishes articles, or new versions of them.
    pub(crate) fn publishes(&self, articles: impl IntoIterator<Item = Article>) {
        for article in articles {
            let mut script = self.script();
            script.articles.retain(|known| known.id != article.id);
            script.articles.push(article);
        }
    }

    /// It answers again from now on.
    pub(crate) fn forget_turns(&self) {
        self.script().turns.clear();
    }

    pub(crate) fn turns_left(&self) -> usize {
        self.script().turns.len()
    }

    /// Makes clients of this upstream.
    pub(crate) fn factory(&self) -> MarketDataFactory {
        let upstream = self.clone();
        Arc::new(move |_| Rc::new(upstream.clone()))
    }

    /// Each call takes this long.
    pub(crate) fn takes(&self, latency: Duration) {
        self.script().latency = latency;
    }

    /// What it says of the market from now on.
    pub(crate) fn says(&self, status: MarketStatus) {
        self.script().status = Some(status);
    }

    /// How many calls asked for prices.
    pub(crate) fn all_quote_calls(&self) -> usize {
        self.script().calls.iter().filter(|call| matches!(call, Call::Quotes(_))).count()
    }

    /// How many calls asked for this symbol's price.
    pub(crate) fn quote_calls(&self, symbol: &str) -> usize {
        let symbol: Symbol = symbol.parse().unwrap();
        self.script().calls.iter().filter(|call| matches!(call, Call::Quotes(symbols) if symbols.contains(&symbol))).count()
    }

    pub(crate) fn news_calls(&self) -> usize {
        self.script().calls.iter().filter(|call| matches!(call, Call::News)).count()
    }

    async fn take_turn(&self, call: Call) -> Result<u64, UpstreamError> {
        let (latency, turn, number) = {
            let mut script = self.script();
            let turn = if call == Call::Status { None } else { script.turns.pop_front() };
            script.calls.push(call);
            (script.latency, turn, script.calls.len() as u64)
        };
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        match turn {
            None => Ok(number),
            Some(Turn::Fails(kind)) => Err(UpstreamError::new(kind, "as the script says")),
            Some(Turn::LeftAlone(ms)) => {
                Err(UpstreamError::new(UpstreamErrorKind::Unavailable, "as the script says").retry_after(ms))
            }
            Some(Turn::Panics) => panic!("the upstream client panics, as the script says"),
        }
    }
}

impl MarketData for Upstream {
    fn quotes<'a>(&'a self, _: MarketOf, symbols: &'a [Symbol]) -> PortFuture<'a, Result<Vec<Quote>, UpstreamError>> {
        Box::pin(async move {
            let number = self.take_turn(Call::Quotes(symbols.to_vec())).await?;
            let script = self.script();
            let known = symbols.iter().filter(|symbol| !script.unknown.contains(symbol));
            let price = |symbol| script.prices.get(symbol).copied().unwrap_or_else(|| f64::from(u32::try_from(number).unwrap()));
            Ok(known.map(|symbol| quote(symbol, Millis(script.begins + number), price(symbol))).collect())
        })
    }

    fn quote_calls(&self, symbols: usize) -> u64 {
        symbols.div_ceil(100) as u64
    }

    fn news(&self, query: NewsQuery) -> PortFuture<'_, Result<Vec<Article>, UpstreamError>> {
        Box::pin(async move {
            self.take_turn(Call::News).await?;
            let mut articles = self.script().articles.clone();
            articles.retain(|article| query.symbol.as_ref().is_none_or(|symbol| article.tickers.contains(symbol)));
            articles.sort_by_key(|article| article.published);
            match query.from {
                Some(from) => {
                    articles.retain(|article| article.published >= from);
                    articles.truncate(query.limit);
                }
                None => drop(articles.drain(..articles.len().saturating_sub(query.limit))),
            }
            Ok(articles)
        })
    }

    fn market_status(&self) -> PortFuture<'_, Result<MarketStatus, UpstreamError>> {
        Box::pin(async move {
            self.take_turn(Call::Status).await?;
            Ok(self.script().status.clone().unwrap_or_else(|| MarketStatus::new("open", false, false, Millis(0))))
        })
    }
}

fn quote(symbol: &Symbol, as_of: Millis, price: f64) -> Quote {
    Quote {
        symbol: symbol.clone(),
        price,
        size: None,
        bid: None,
        ask: None,
        change: 0.0,
        change_percent: 0.0,
        volume: 0.0,
        as_of,
        source: Source::Poll,
        delayed: false,
    }
}

/// An article that names these symbols.
pub(crate) fn article(id: &str, published: Millis, symbols: &[&str]) -> Article {
    Article {
        id: id.into(),
        title: format!("title of {id}"),
        url: String::new(),
        publisher: "Wire".into(),
        published,
        tickers: symbols.iter().map(|symbol| symbol.parse().unwrap()).collect(),
        sentiment: None,
        description: String::new(),
        image_url: None,
        source: Source::Poll,
    }
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
