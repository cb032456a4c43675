//! The one place where bars are fetched: the newest of a symbol, or those of a range, over as many pages as it takes.

use serde::Deserialize;
use serde_json::value::RawValue;
use tickgate_core::analytics::{Bar, Timespan};
use tickgate_core::budget::Payer;
use tickgate_core::market::{CacheClass, Symbol};
use tickgate_core::ports::{UpstreamError, UpstreamErrorKind};
use tickgate_core::time::Millis;

use super::context::ToolContext;
use crate::upstream::cache::Hit;
use crate::upstream::polygon::{PageCall, Path, UpstreamCall};
use crate::upstream::shared::SharedUpstream;

/// Where bars come from.
pub(super) const ENDPOINT: &str = "/v2/aggs/ticker/{ticker}/range/{multiplier}/{timespan}/{from}/{to}";
/// Longest time that the upstream may take for all pages, in ms: well below the minute after which clients give up.
const DEADLINE_MS: u64 = 20_000;
/// Base bars (seconds, minutes, days) that one upstream call gives at most.
const MAX_BASE_BARS: u64 = 50_000;
/// Upstream calls for one series: 5,000 bars of an hour take six, and a free plan has five a minute.
const MAX_PAGES: usize = 12;
const DAY_MS: u64 = 86_400_000;
/// How far back is ever looked, in days: longer than the upstream's history.
const MAX_REACH_DAYS: u64 = 14_600;

/// Which bars.
#[derive(Clone, Debug)]
pub(crate) struct BarQuery {
    pub(crate) symbol: Symbol,
    pub(crate) timespan: Timespan,
    /// How many timespans one bar covers, at least 1.
    pub(crate) multiplier: u64,
    /// As the upstream takes it: a day or Unix ms. `None`: as far back as `most` bars surely reach.
    pub(crate) from: Option<String>,
    /// The same; `None`: now.
    pub(crate) to: Option<String>,
    /// How many at most; the newest ones of the range.
    pub(crate) most: u64,
    /// Adjusted for splits.
    pub(crate) adjusted: bool,
}

/// Bars as the upstream wrote them, oldest first.
#[derive(Debug)]
pub(crate) struct RawBars {
    pub(crate) rows: Vec<Box<RawValue>>,
    /// Start of the newest bar, or when nothing was found.
    pub(crate) as_of: Millis,
    pub(crate) delayed: bool,
    /// How they were come by; of several pages the one that was kept longest.
    pub(crate) hit: Hit,
    /// The range has older bars than these.
    pub(crate) cut: bool,
}

/// Bars that can be calculated with, oldest first.
#[derive(Clone, Debug)]
pub(crate) struct BarSeries {
    pub(crate) symbol: Symbol,
    pub(crate) bars: Vec<Bar>,
    /// How many made no sense and were left out.
    pub(crate) left_out: usize,
    pub(crate) as_of: Millis,
    pub(crate) delayed: bool,
    pub(crate) hit: Hit,
    pub(crate) cut: bool,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    results: Option<Vec<Box<RawValue>>>,
}

#[derive(Deserialize)]
struct Row {
    t: u64,
    o: f64,
    h: f64,
    l: f64,
    c: f64,
    #[serde(default)]
    v: Option<f64>,
    #[serde(default)]
    vw: Option<f64>,
}

#[derive(Deserialize)]
struct RowTime {
    t: u64,
}

/// Bars as numbers.
///
/// # Errors
/// As [`fetch`].
pub(super) async fn series(
    context: &ToolContext,
    query: BarQuery,
    payer: Payer,
    request_id: String,
) -> Result<BarSeries, UpstreamError> {
    let RawBars { rows, as_of, delayed, hit, cut } = fetch(context, &query, payer, request_id).await?;
    let (bars, left_out) = numbers(&rows);
    Ok(BarSeries { symbol: query.symbol, bars, left_out, as_of, delayed, hit, cut })
}

/// Fetches bars.
///
/// # Errors
/// The upstream's, worded for the caller.
pub(super) async fn fetch(
    context: &ToolContext,
    query: &BarQuery,
    payer: Payer,
    request_id: String,
) -> Result<RawBars, UpstreamError> {
    fetch_from(&context.upstream, context.clock.now(), query, (payer, request_id)).await
}

/// `caller`: who pays, and the id of the request.
async fn fetch_from(
    upstream: &SharedUpstream,
    now: Millis,
    query: &BarQuery,
    caller: (Payer, String),
) -> Result<RawBars, UpstreamError> {
    let deadline = now.plus(DEADLINE_MS);
    let wanted = usize::try_from(query.most).unwrap_or(usize::MAX);
    let mut cached = upstream.get(first_page(query, now, deadline, caller.clone())?, CacheClass::Session).await?;
    let (fetched_at, mut delayed, mut hit) = (cached.answer.fetched, cached.answer.delayed, cached.hit);
    let mut rows = rows_of(&cached.answer.body)?;
    for _ in 1..MAX_PAGES {
        let Some(next) = cached.answer.next.clone().filter(|_| rows.len() < wanted) else { break };
        let (payer, request_id) = caller.clone();
        let page = PageCall { next, payer, deadline, request_id: Some(request_id) };
        cached = upstream.get_page(page, CacheClass::Session).await?;
        delayed |= cached.answer.delayed;
        hit = hit.older(cached.hit);
        rows.extend(rows_of(&cached.answer.body)?);
    }
    let more = rows.len() > wanted || cached.answer.next.is_some();
    // Without a beginning nobody asked for more than so many.
    let cut = more && (query.from.is_some() || rows.len() < wanted);
    rows.truncate(wanted);
    rows.reverse();
    let newest = rows.last().and_then(|row| serde_json::from_str::<RowTime>(row.get()).ok());
    Ok(RawBars { rows, as_of: newest.map_or(fetched_at, |row| Millis::from_any_unit(row.t)), delayed, hit, cut })
}

/// The newest bars of the range come first, so that what does not fit is the oldest.
fn first_page(query: &BarQuery, now: Millis, deadline: Millis, caller: (Payer, String)) -> Result<UpstreamCall, UpstreamError> {
    let multiplier = query.multiplier.to_string();
    // Whole days: who asks the same a moment later is answered by the cache.
    let from = query.from.clone().unwrap_or_else(|| day(now.minus(reach_days(query) * DAY_MS)));
    let to = query.to.clone().unwrap_or_else(|| day(now.plus(DAY_MS)));
    let values = [
        ("ticker", query.symbol.as_str()),
        ("multiplier", &multiplier),
        ("timespan", query.timespan.as_str()),
        ("from", &from),
        ("to", &to),
    ];
    let base_bars = query.most.saturating_mul(query.timespan.base_bars()).saturating_mul(query.multiplier).min(MAX_BASE_BARS);
    let query = vec![("adjusted", query.adjusted.to_string()), ("sort", "desc".to_owned()), ("limit", base_bars.to_string())];
    let (payer, request_id) = caller;
    Ok(UpstreamCall { path: Path::new(ENDPOINT, &values)?, query, payer, deadline, request_id: Some(request_id) })
}

/// The day of a moment, UTC.
fn day(moment: Millis) -> String {
    moment.to_string().chars().take(10).collect()
}

/// How many days back the bars surely reach, nights, weekends and holidays included.
fn reach_days(query: &BarQuery) -> u64 {
    let span = query.timespan.least_ms().saturating_mul(query.multiplier);
    let days = query.most.saturating_mul(span) / DAY_MS;
    let reach = match query.timespan {
        // A trading day has 6.5 of 24 hours, and a week has five of them.
        Timespan::Second | Timespan::Minute | Timespan::Hour => days * 8 + 7,
        Timespan::Day => days * 2 + 14,
        Timespan::Week | Timespan::Month | Timespan::Quarter | Timespan::Year => days * 5 / 4 + 2 * span / DAY_MS,
    };
    reach.min(MAX_REACH_DAYS)
}

fn rows_of(body: &[u8]) -> Result<Vec<Box<RawValue>>, UpstreamError> {
    let envelope: Envelope = serde_json::from_slice(body).map_err(|_| {
        UpstreamError::new(UpstreamErrorKind::InvalidResponse, "the upstream's answer makes no sense: try again later")
    })?;
    Ok(envelope.results.unwrap_or_default())
}

/// The rows as numbers, and how many are none that can be calculated with.
fn numbers(rows: &[Box<RawValue>]) -> (Vec<Bar>, usize) {
    let bar = |row: &RawValue| {
        let row: Row = serde_json::from_str(row.get()).ok()?;
        let bar = Bar {
            at: Millis::from_any_unit(row.t),
            open: row.o,
            high: row.h,
            low: row.l,
            close: row.c,
            volume: row.v.unwrap_or(0.0),
            vwap: row.vw.filter(|price| *price > 0.0),
        };
        bar.is_sane().then_some(bar)
    };
    let mut bars: Vec<Bar> = rows.iter().filter_map(|row| bar(row)).collect();
    let left_out = rows.len() - bars.len();
    // A page may begin with the bar that the one before ended with.
    bars.sort_by_key(|bar| bar.at);
    bars.dedup_by_key(|bar| bar.at);
    (bars, left_out)
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::sync::Arc;

    use tickgate_actors::quota::QuotaSettings;
    use tickgate_actors::stream::MarketState;
    use tickgate_actors::supervisor::{SupervisorActor, SupervisorSettings};
    use tickgate_actors::{Clock, Metrics};
    use tickgate_core::market::{MarketPhase, Source};
    use tickgate_core::tape::Limits;

    use super::*;
    use crate::upstream::cache::{CacheMetrics, UpstreamCache};
    use crate::upstream::polygon::{Plan, PolygonClient, PolygonSettings, UpstreamMetrics};
    use crate::upstream::replay::{Header, Playhead, Recording, ReplayMarket};
    use crate::upstream::simulated::{Simulator, SimulatorSettings};

    /// A client of a simulated market, with a budget that nobody else spends.
    fn simulated(clock: Clock) -> SharedUpstream {
        let (simulator, server) = Simulator::start(SimulatorSettings::default(), ([127, 0, 0, 1], 0).into()).unwrap();
        actix_rt::spawn(server);
        let header = Header { tickgate_recording: 1, recorded_at: String::new(), source: Source::Simulated, topics: Vec::new() };
        let silent = Arc::new(Recording { header, events: Vec::new(), gaps: 0, cut: false });
        let settings = SupervisorSettings {
            tape: Limits { max_events_per_topic: 10, max_bytes: 10_000, max_age_ms: 10_000 },
            quota: QuotaSettings { per_minute: 6_000 },
            linger_ms: 0,
            feed: None,
        };
        let market = SupervisorActor::launch(
            settings,
            Arc::new(move |_| Rc::new(ReplayMarket::new(Arc::clone(&silent), Playhead::default()))),
            MarketState::new(MarketPhase::Closed, Source::Simulated, false),
            clock,
            Metrics::register(&prometheus::Registry::new()).unwrap(),
        );
        let settings = PolygonSettings {
            base_url: simulator.base_url().parse().unwrap(),
            key: "simulated".into(),
            plan: Plan::Advanced,
            source: Source::Simulated,
        };
        let metrics = UpstreamMetrics::register(&prometheus::Registry::new()).unwrap();
        let client = Rc::new(PolygonClient::new(settings, market.quota, clock, metrics));
        let new_york = jiff::tz::TimeZone::get("America/New_York").unwrap();
        let cache = UpstreamCache::new(0, new_york, clock, CacheMetrics::register(&prometheus::Registry::new()).unwrap());
        SharedUpstream::new(client, cache, market.state)
    }

    #[actix_web::test]
    async fn many_bars_come_over_several_pages_without_a_hole_and_the_newest_count() {
        let clock = Clock::start();
        let (upstream, now) = (simulated(clock), clock.now());
        let fetched = async |query: &BarQuery| {
            let raw = fetch_from(&upstream, now, query, (Payer::Polling, "r".to_owned())).await.unwrap();
            (numbers(&raw.rows).0, raw)
        };
        let hours = query(Timespan::Hour, 1, 2_000);
        let (bars, raw) = fetched(&hours).await;
        assert_eq!((bars.len(), raw.cut), (2_000, false), "120,000 base bars are three pages");
        assert!(bars.windows(2).all(|pair| pair[1].at.since(pair[0].at) == 3_600_000));
        assert_eq!(raw.as_of, bars[1_999].at);
        assert!(now.since(raw.as_of) < 2 * 3_600_000);

        let from = Some(now.minus(10 * DAY_MS).0.to_string());
        let (range, raw) = fetched(&BarQuery { from: from.clone(), most: 5_000, ..hours.clone() }).await;
        assert!((240..=241).contains(&range.len()) && !raw.cut, "{}", range.len());
        let (newest, raw) = fetched(&BarQuery { from, most: 24, ..hours.clone() }).await;
        assert!(raw.cut, "older ones were asked for and did not fit");
        assert_eq!((newest.len(), &newest[..23]), (24, &bars[1_976..1_999]), "the last one still changes");

        let unknown = BarQuery { symbol: "NOSUCHQ".parse().unwrap(), ..hours };
        assert!(fetched(&unknown).await.0.is_empty());
    }

    fn query(timespan: Timespan, multiplier: u64, most: u64) -> BarQuery {
        BarQuery { symbol: "X:BTCUSD".parse().unwrap(), timespan, multiplier, from: None, to: None, most, adjusted: true }
    }

    #[test]
    fn the_upstream_is_asked_for_enough_base_bars_and_far_enough_back() {
        for (asked, base, days) in [
            (query(Timespan::Day, 1, 250), "250", 514),
            (query(Timespan::Hour, 1, 500), "30000", 167),
            (query(Timespan::Hour, 1, 5_000), "50000", 1_671),
            (query(Timespan::Minute, 5, 390), "1950", 15),
            (query(Timespan::Year, 1, 50), "18300", MAX_REACH_DAYS),
        ] {
            let call = first_page(&asked, Millis(DAY_MS * 20_000), Millis(0), (Payer::Polling, String::new())).unwrap();
            assert_eq!(call.query.last().unwrap().1, base, "{asked:?}");
            assert_eq!(reach_days(&asked), days, "{asked:?}");
        }
    }

    #[test]
    fn rows_that_make_no_sense_are_left_out_and_counted() {
        let body = br#"{"results":[
            {"t":2000000000000,"o":1,"h":2,"l":1,"c":2,"v":5.5,"vw":1.5},
            {"t":1900000000000,"o":1,"h":2,"l":1,"c":2},
            {"t":1800000000000,"o":0,"h":2,"l":0,"c":2},
            {"t":1700000000000,"o":1,"h":1,"l":2,"c":1},
            {"t":1600000000000,"o":"x","h":1,"l":2,"c":1},
            {"t":1900000000000,"o":1,"h":2,"l":1,"c":2}
        ]}"#;
        let (bars, left_out) = numbers(&rows_of(body).unwrap());
        assert_eq!(left_out, 3);
        let shown: Vec<_> = bars.iter().map(|bar| (bar.at.0, bar.volume, bar.vwap)).collect();
        assert_eq!(shown, [(1_900_000_000_000, 0.0, None), (2_000_000_000_000, 5.5, Some(1.5))]);
    }

    #[test]
    fn no_results_are_no_bars_and_nonsense_is_an_error() {
        for body in [&br#"{"status":"OK"}"#[..], br#"{"results":null}"#, br#"{"results":[]}"#] {
            assert!(rows_of(body).unwrap().is_empty());
        }
        assert_eq!(rows_of(br#"{"results":5}"#).unwrap_err().kind, UpstreamErrorKind::InvalidResponse);
    }
}
