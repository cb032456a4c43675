//! Which articles does a query for news find? Articles are a pure function of the seed and of time slots; the only state
//! is the handful of extra ones that tests publish, and that comes in as an argument.
//!
//! | room | the question it answers |
//! |---|---|
//! | [`schedule`] | which articles appear when, late, twice or changed |
//! | [`article`] | what does an article say |

pub(crate) mod article;
pub(crate) mod schedule;
mod templates;

use std::cmp::Ordering;

use serde_json::Value;

use super::market::universe::Universe;
use schedule::{Headline, Schedule};

/// Upstream keeps years of news; the simulator keeps two days.
const KEPT_SECS: i64 = 48 * 3_600;

/// How far from the near end of a query to look at first: most polls are answered from the last quarter of an hour.
const REACHES_SECS: [i64; 2] = [900, 10_800];

/// An article published by a test.
#[derive(Debug, Clone)]
pub(crate) struct Extra {
    pub(crate) id: String,
    pub(crate) published_secs: i64,
    pub(crate) article: Value,
}

/// The place of an article in the order of the answer: by time, then by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) published_secs: i64,
    pub(crate) id: String,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct NewsQuery {
    pub(crate) ticker: Option<String>,
    /// Both ends belong to the range.
    pub(crate) from_secs: i64,
    pub(crate) to_secs: i64,
    pub(crate) descending: bool,
    /// Answers only what comes after this place.
    pub(crate) after: Option<Place>,
    pub(crate) limit: usize,
}

/// One page of news.
pub(crate) struct NewsPage {
    pub(crate) articles: Vec<Value>,
    /// The place of the last article, if there are more.
    pub(crate) next: Option<Place>,
}

/// An article that answers a query, before it is written out.
enum Found<'a> {
    Scheduled(Headline),
    Extra(&'a Extra),
}

impl Found<'_> {
    fn published_secs(&self) -> i64 {
        match self {
            Self::Scheduled(headline) => headline.published_secs,
            Self::Extra(extra) => extra.published_secs,
        }
    }

    fn id(&self) -> String {
        match self {
            Self::Scheduled(headline) => headline.id(),
            Self::Extra(extra) => extra.id.clone(),
        }
    }

    fn place(&self) -> Place {
        Place { published_secs: self.published_secs(), id: self.id() }
    }
}

/// The simulated news desk.
pub(crate) struct Newsroom {
    schedule: Schedule,
}

impl Newsroom {
    pub(crate) fn new(seed: u64, universe: &Universe) -> Self {
        Self { schedule: Schedule::new(seed, universe) }
    }

    /// Answers a query as it would be answered at a moment.
    pub(crate) fn page(&self, universe: &Universe, query: &NewsQuery, extras: &[Extra], now_ms: i64) -> NewsPage {
        let mut found = self.find(universe, query, extras, now_ms);
        found.sort_by(|left, right| in_order(query.descending, left, right));
        let more = found.len() > query.limit;
        found.truncate(query.limit);
        let next = if more { found.last().map(Found::place) } else { None };
        let write = |found: &Found<'_>| match found {
            Found::Scheduled(headline) => article::write(headline, universe, now_ms),
            Found::Extra(extra) => extra.article.clone(),
        };
        NewsPage { articles: found.iter().map(write).collect(), next }
    }

    /// Looks in growing windows from the near end of the range; a window that holds more than a page is enough, since
    /// whatever lies outside comes later in the order.
    fn find<'a>(&self, universe: &Universe, query: &NewsQuery, extras: &'a [Extra], now_ms: i64) -> Vec<Found<'a>> {
        let now_secs = now_ms.div_euclid(1_000);
        let (mut from, mut to) = (query.from_secs, query.to_secs);
        match &query.after {
            Some(place) if query.descending => to = to.min(place.published_secs),
            Some(place) => from = from.max(place.published_secs),
            None => {}
        }
        // Bounds for the windows only; the last look goes over the whole range.
        let (near_from, near_to) = (from.max(now_secs - KEPT_SECS), to.min(now_secs));
        for reach in REACHES_SECS {
            let window = if query.descending { (near_to - reach, to) } else { (from, near_from + reach) };
            let whole = if query.descending { window.0 <= near_from } else { window.1 >= near_to };
            if whole {
                break;
            }
            let found = self.find_within(universe, query, window, extras, now_ms);
            if found.len() > query.limit {
                return found;
            }
        }
        self.find_within(universe, query, (from, to), extras, now_ms)
    }

    fn find_within<'a>(
        &self,
        universe: &Universe,
        query: &NewsQuery,
        (from_secs, to_secs): (i64, i64),
        extras: &'a [Extra],
        now_ms: i64,
    ) -> Vec<Found<'a>> {
        let now_secs = now_ms.div_euclid(1_000);
        let place = query.ticker.as_deref().map(|ticker| universe.place_of(ticker));
        let scheduled = match place {
            Some(None) => Vec::new(),
            wanted => {
                let kept = from_secs.max(now_secs - KEPT_SECS)..=to_secs.min(now_secs);
                self.schedule.visible(kept, wanted.flatten(), now_ms)
            }
        };
        let extra = extras.iter().filter(|extra| {
            (from_secs..=to_secs).contains(&extra.published_secs)
                && query.ticker.as_deref().is_none_or(|ticker| article::names(&extra.article, ticker))
        });
        scheduled
            .into_iter()
            .map(Found::Scheduled)
            .chain(extra.map(Found::Extra))
            .filter(|found| query.after.as_ref().is_none_or(|place| comes_after(query.descending, found, place)))
            .collect()
    }
}

fn in_order(descending: bool, left: &Found<'_>, right: &Found<'_>) -> Ordering {
    let ascending = left.published_secs().cmp(&right.published_secs()).then_with(|| left.id().cmp(&right.id()));
    if descending { ascending.reverse() } else { ascending }
}

fn comes_after(descending: bool, found: &Found<'_>, place: &Place) -> bool {
    let ascending = found.published_secs().cmp(&place.published_secs).then_with(|| found.id().cmp(&place.id));
    ascending == if descending { Ordering::Less } else { Ordering::Greater }
}
