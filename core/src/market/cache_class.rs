//! How long an answer of the upstream may be shown again: by what kind of data it is, and by what the market does.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::hours::Session;
use super::status::MarketPhase;
use crate::time::Millis;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// After the last trade of a day its numbers still move, and a plan may show them a quarter of an hour late: only then does what
/// trading alone changes stand still.
const SETTLING_MS: u64 = 30 * MINUTE;

/// How long anything of a closed market is kept where nothing says when it opens, in ms: the upstream says once a minute.
const UNKNOWN_OPENING_MS: u64 = MINUTE;

/// Longest time that anything of a closed market is kept: a late correction shows within it.
const CLOSED_MS: u64 = 12 * HOUR;

/// What kind of data an endpoint gives, as far as its age matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CacheClass {
    /// What each trade changes: the last trade, the last quote, one symbol's snapshot.
    Live,
    /// What trading changes, seen as a whole: snapshots of all, movers, today's bars, indicators.
    Session,
    /// What changes with the day or less often, at no known time: news, dividends, ratings, the previous close.
    Daily,
    /// What seldom changes: companies, exchanges, conditions, types.
    Reference,
    /// What lies before today. A row of the endpoint table may say so itself; ranges that end before today are found to be.
    History,
    /// Never kept, never shared.
    None,
}

/// For how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ttl {
    /// It is shown without asking again, in ms.
    pub fresh_ms: u64,
    /// And this much longer where asking again fails, in ms.
    pub stale_ms: u64,
}

/// How long an answer that was fetched at `now` may be shown.
#[must_use]
pub fn ttl(class: CacheClass, session: &Session, now: Millis) -> Ttl {
    let until_reset = session.next_reset.map_or(DAY, |reset| reset.since(now).max(1));
    match class {
        CacheClass::None => Ttl { fresh_ms: 0, stale_ms: 0 },
        CacheClass::Live => by_session(session, now, Ttl { fresh_ms: SECOND, stale_ms: MINUTE }, 1),
        CacheClass::Session => by_session(session, now, Ttl { fresh_ms: 2 * SECOND, stale_ms: 5 * MINUTE }, 2),
        CacheClass::Daily => Ttl { fresh_ms: 5 * MINUTE, stale_ms: 6 * HOUR },
        CacheClass::Reference => Ttl { fresh_ms: 6 * HOUR, stale_ms: 2 * DAY },
        // A split that takes effect overnight changes adjusted prices of any age.
        CacheClass::History => Ttl { fresh_ms: until_reset.min(DAY), stale_ms: 7 * DAY },
    }
}

/// `open`: while the regular session runs; outside it, with less trading, `calm` times as long.
fn by_session(session: &Session, now: Millis, open: Ttl, calm: u64) -> Ttl {
    match session.phase {
        Some(MarketPhase::Pre | MarketPhase::After) => Ttl { fresh_ms: open.fresh_ms * calm, ..open },
        // Not known: as if it traded.
        Some(MarketPhase::Regular) | None => open,
        Some(MarketPhase::Closed) => {
            let settled = session.closed_since.is_some_and(|since| now.since(since) >= SETTLING_MS);
            let most = if settled && session.next_reset.is_some() { CLOSED_MS } else { UNKNOWN_OPENING_MS };
            let news = [session.next_reset, session.next_trading].into_iter().flatten().min();
            let fresh_ms = news.map_or(most, |news| news.since(now).clamp(1, most));
            Ttl { fresh_ms, stale_ms: open.stale_ms.max(HOUR) }
        }
    }
}

/// Whether what a path and query ask for stands still while the New York stock market is closed. `false` when in doubt:
/// crypto and currencies keep other hours, futures too, and news and the market's own state keep none.
#[must_use]
pub fn rests_with_stocks(target: &str) -> bool {
    const RESTLESS: [&str; 9] =
        ["X:", "C:", "crypto", "forex", "currencies", "conversion", "/futures/", "/news", "/marketstatus/"];
    if RESTLESS.iter().any(|word| target.contains(word)) || target.contains("=fx") {
        return false;
    }
    // All tickers of all markets unless it says which.
    match target.strip_prefix("/v3/snapshot") {
        Some(rest) if rest.is_empty() || rest.starts_with('?') => rest.contains("ticker"),
        _ => true,
    }
}

/// The class of one question: what its endpoint's row says, unless the path itself names days that are all over.
#[must_use]
pub fn class_of(class: CacheClass, target: &str, now: Millis, new_york: &TimeZone) -> CacheClass {
    if matches!(class, CacheClass::None | CacheClass::Reference) {
        return class;
    }
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let last = match segments.as_slice() {
        ["v2", "aggs", "ticker", _, "range", _, _, _, to] => to,
        ["v2", "aggs", "grouped", "locale", _, "market", _, date] | ["v1", "open-close", _, date] => date,
        ["v1", "open-close", "crypto", _, _, date] => date,
        _ => return class,
    };
    // The UTC day of a currency ends before New York's does, so a day that is over here is over everywhere.
    let over = date_of(last, new_york).zip(date(now, new_york)).is_some_and(|(last, today)| last < today);
    if over { CacheClass::History } else { class }
}

/// Reads a day as the upstream takes it: a date, or milliseconds of the epoch.
fn date_of(text: &str, new_york: &TimeZone) -> Option<Date> {
    match text.parse::<u64>() {
        Ok(ms) => date(Millis(ms), new_york),
        Err(_) => text.parse().ok(),
    }
}

fn date(moment: Millis, new_york: &TimeZone) -> Option<Date> {
    let moment = i64::try_from(moment.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok())?;
    Some(new_york.to_datetime(moment).date())
}

#[cfg(test)]
mod tests {
    use super::super::calendar::Calendar;
    use super::super::hours::Hours;
    use super::super::status::MarketStatus;
    use super::*;
    use proptest::prelude::*;

    const CLASSES: [CacheClass; 6] =
        [CacheClass::Live, CacheClass::Session, CacheClass::Daily, CacheClass::Reference, CacheClass::History, CacheClass::None];

    fn at(text: &str) -> Millis {
        Millis::parse_rfc3339(text).unwrap()
    }

    fn new_york() -> TimeZone {
        TimeZone::get("America/New_York").unwrap()
    }

    /// The market by the calendar, confirmed by the upstream.
    fn session(now: Millis) -> Session {
        let mut hours = Hours::new(Calendar::weekly(new_york()));
        let (market, early) = match hours.phase(now) {
            MarketPhase::Regular => ("open", false),
            MarketPhase::Pre => ("extended-hours", true),
            MarketPhase::After => ("extended-hours", false),
            MarketPhase::Closed => ("closed", false),
        };
        hours.hear(&MarketStatus::new(market, early, !early, now), now);
        hours.session(now)
    }

    fn fresh(class: CacheClass, now: &str) -> u64 {
        ttl(class, &session(at(now)), at(now)).fresh_ms
    }

    #[test]
    fn what_trading_changes_is_kept_for_a_second_or_two_while_there_is_trading() {
        assert_eq!(fresh(CacheClass::Live, "2026-03-10T15:00:00Z"), SECOND);
        assert_eq!(fresh(CacheClass::Session, "2026-03-10T15:00:00Z"), 2 * SECOND);
        assert_eq!(fresh(CacheClass::Session, "2026-03-10T21:00:00Z"), 4 * SECOND);
    }

    #[test]
    fn what_trading_changes_is_kept_until_the_reset_once_the_close_has_settled() {
        assert_eq!(fresh(CacheClass::Live, "2026-03-11T00:10:00Z"), MINUTE, "ten minutes after the last trade");
        assert_eq!(fresh(CacheClass::Live, "2026-03-11T00:30:00Z"), 7 * HOUR, "until 03:30");
        assert_eq!(fresh(CacheClass::Session, "2026-03-14T15:00:00Z"), CLOSED_MS, "Saturday");
        // 03:30 has passed: the next reset is tomorrow's, but trading begins at four.
        let before_four = fresh(CacheClass::Live, "2026-03-11T07:59:50Z");
        assert!(before_four <= 10 * SECOND, "{before_four}");
    }

    #[test]
    fn a_closure_that_nobody_announced_keeps_nothing_for_long() {
        let (noon, mut hours) = (at("2026-03-10T16:00:00Z"), Hours::new(Calendar::weekly(new_york())));
        assert_eq!(ttl(CacheClass::Live, &hours.session(noon), noon).fresh_ms, SECOND, "not known yet");
        hours.hear(&MarketStatus::new("closed", false, false, noon), noon);
        assert_eq!(ttl(CacheClass::Live, &hours.session(noon), noon).fresh_ms, MINUTE);
    }

    #[test]
    fn days_that_are_over_are_history() {
        let now = at("2026-03-10T03:00:00Z"); // still 9 March in New York
        for (target, class) in [
            ("/v2/aggs/ticker/AAPL/range/1/day/2026-01-01/2026-03-08?adjusted=true", CacheClass::History),
            ("/v2/aggs/ticker/AAPL/range/1/day/2026-01-01/2026-03-09", CacheClass::Session),
            ("/v2/aggs/ticker/AAPL/range/1/minute/1773000000000/1773028799999", CacheClass::History),
            ("/v2/aggs/ticker/AAPL/range/1/minute/1773000000000/1773110000000", CacheClass::Session),
            ("/v2/aggs/grouped/locale/us/market/stocks/2026-03-06", CacheClass::History),
            ("/v1/open-close/AAPL/2026-03-06", CacheClass::History),
            ("/v1/open-close/crypto/BTC/USD/2026-03-06", CacheClass::History),
            ("/v2/aggs/ticker/AAPL/prev", CacheClass::Session),
            ("/v2/aggs/grouped/locale/us/market/stocks/yesterday", CacheClass::Session),
        ] {
            assert_eq!(class_of(CacheClass::Session, target, now, &new_york()), class, "{target}");
        }
        let old = "/v1/open-close/AAPL/2026-03-06";
        assert_eq!(class_of(CacheClass::None, old, now, &new_york()), CacheClass::None);
    }

    #[test]
    fn what_does_not_rest_with_the_stock_market_is_known() {
        for target in [
            "/v2/last/trade/AAPL",
            "/v3/snapshot?ticker.any_of=AAPL,I:SPX",
            "/v3/snapshot/options/AAPL",
            "/v2/snapshot/locale/us/markets/stocks/tickers",
            "/v2/aggs/ticker/AAPL/range/1/day/2026-03-01/2026-03-10",
        ] {
            assert!(rests_with_stocks(target), "{target}");
        }
        for target in [
            "/v2/aggs/ticker/X:BTCUSD/prev",
            "/v3/snapshot?ticker.any_of=AAPL,C:EURUSD",
            "/v3/snapshot",
            "/v3/snapshot?limit=10&type=fx",
            "/v2/snapshot/locale/global/markets/crypto/tickers",
            "/v1/conversion/EUR/USD",
            "/v1/last_quote/currencies/EUR/USD",
            "/v2/reference/news?ticker=AAPL",
            "/v1/marketstatus/now",
            "/futures/vX/snapshot",
        ] {
            assert!(!rests_with_stocks(target), "{target}");
        }
    }

    proptest! {
        #[test]
        fn nothing_of_a_trading_day_outlives_the_reset_and_nothing_lives_a_week(
            ms in 1_700_000_000_000u64..1_900_000_000_000, place in 0usize..6,
        ) {
            let (class, now) = (CLASSES[place], Millis(ms));
            let session = session(now);
            let kept = ttl(class, &session, now);
            prop_assert!(kept.fresh_ms <= DAY && kept.stale_ms <= 7 * DAY);
            prop_assert_eq!(kept.fresh_ms == 0, class == CacheClass::None);
            if matches!(class, CacheClass::Live | CacheClass::Session | CacheClass::History) {
                prop_assert!(now.plus(kept.fresh_ms) <= session.next_reset.unwrap());
            }
            // Whatever trading changes is asked for again when trading begins.
            if matches!(class, CacheClass::Live | CacheClass::Session) && session.is_closed() {
                prop_assert!(now.plus(kept.fresh_ms) <= session.next_trading.unwrap());
            }
        }

        #[test]
        fn more_trading_never_means_keeping_longer(ms in 1_700_000_000_000u64..1_900_000_000_000) {
            let now = Millis(ms);
            let session = session(now);
            for class in [CacheClass::Live, CacheClass::Session] {
                let of = |phase| ttl(class, &Session { phase: Some(phase), ..session }, now).fresh_ms;
                prop_assert!(of(MarketPhase::Regular) <= of(MarketPhase::Pre));
                prop_assert_eq!(of(MarketPhase::Pre), of(MarketPhase::After));
            }
        }
    }
}
