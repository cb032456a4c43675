//! Which articles appear when? Time is cut into slots, and each slot of each desk holds one article, sometimes two.

use std::ops::RangeInclusive;

use super::super::market::universe::{Market, Universe};
use super::super::noise::{below, mix};

/// How many of the first symbols the news is about.
const COVERED: usize = 60;

/// A late article is visible at most this long after its `published_utc`.
pub(crate) const MAX_LATE_SECS: i64 = 20;

/// A desk writes one article per slot, about one symbol or (no ticker) about any of the covered ones.
const DESKS: [(Option<&str>, i64); 3] = [(None, 5_000), (Some("TSLA"), 8_000), (Some("AAPL"), 8_000)];

/// An article before it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Headline {
    /// The seed of everything the article says.
    pub(crate) key: u64,
    pub(crate) visible_ms: i64,
    pub(crate) published_secs: i64,
    places: [usize; 3],
    named: usize,
    /// From when on a changed version is answered under the same id.
    pub(crate) revised_ms: Option<i64>,
}

impl Headline {
    /// Gives the places of the symbols it names in the universe; the first is what it is about.
    pub(crate) fn places(&self) -> &[usize] {
        &self.places[..self.named]
    }

    pub(crate) fn id(&self) -> String {
        (0..4).map(|part| format!("{:016x}", mix(&[self.key, 900 + part]))).collect()
    }
}

/// The timetable of all desks.
pub(crate) struct Schedule {
    seed: u64,
    covered: usize,
    desks: Vec<Desk>,
}

struct Desk {
    number: u64,
    lead: Option<usize>,
    slot_ms: i64,
}

impl Schedule {
    pub(crate) fn new(seed: u64, universe: &Universe) -> Self {
        let covered = universe.of(Market::Stocks).take(COVERED).count();
        let desks = DESKS.iter().zip(0..).filter_map(|(&(ticker, slot_ms), number)| {
            let lead = ticker.map(|ticker| universe.place_of(ticker));
            // A universe too small for the symbol has no desk for it.
            (lead != Some(None)).then_some(Desk { number, lead: lead.flatten(), slot_ms })
        });
        Self { seed, covered, desks: desks.collect() }
    }

    /// Lists, in no order, the articles published in a range of seconds that can be seen at a moment.
    pub(crate) fn visible(&self, published_secs: RangeInclusive<i64>, place: Option<usize>, now_ms: i64) -> Vec<Headline> {
        let first_ms = published_secs.start().saturating_mul(1_000);
        let last_ms = (published_secs.end().saturating_add(MAX_LATE_SECS + 1)).saturating_mul(1_000).min(now_ms);
        let mut found = Vec::new();
        for desk in &self.desks {
            for slot in first_ms.div_euclid(desk.slot_ms)..=last_ms.div_euclid(desk.slot_ms) {
                found.extend(self.slot(desk, slot).into_iter().flatten().filter(|headline| {
                    headline.visible_ms <= now_ms
                        && published_secs.contains(&headline.published_secs)
                        && place.is_none_or(|place| headline.places().contains(&place))
                }));
            }
        }
        found
    }

    fn slot(&self, desk: &Desk, slot: i64) -> [Option<Headline>; 2] {
        let key = mix(&[self.seed, 0x6e65_7773, desk.number, slot as u64]);
        let visible_ms = slot * desk.slot_ms + below(mix(&[key, 1]), desk.slot_ms as u64) as i64;
        let late = below(mix(&[key, 2]), 10) == 0;
        let late_secs = if late { 5 + below(mix(&[key, 3]), 16) as i64 } else { 0 };
        let published_secs = visible_ms.div_euclid(1_000) - late_secs;
        let first = self.headline(key, desk.lead, visible_ms, published_secs);
        let twin = desk.lead.is_none() && below(mix(&[key, 4]), 6) == 0;
        let second = twin.then(|| self.headline(mix(&[key, 5]), None, visible_ms, published_secs));
        [Some(first), second]
    }

    fn headline(&self, key: u64, lead: Option<usize>, visible_ms: i64, published_secs: i64) -> Headline {
        let any = |salt| below(mix(&[key, salt]), self.covered as u64) as usize;
        let lead = lead.unwrap_or_else(|| any(10));
        let mut headline = Headline { key, visible_ms, published_secs, places: [lead; 3], named: 1, revised_ms: None };
        let companions = match below(mix(&[key, 11]), 12) {
            0 => 2,
            1 | 2 => 1,
            _ => 0,
        };
        for salt in 0..companions {
            let place = any(12 + salt);
            if !headline.places().contains(&place) {
                headline.places[headline.named] = place;
                headline.named += 1;
            }
        }
        if below(mix(&[key, 20]), 5) == 0 {
            headline.revised_ms = Some(visible_ms + 30_000 + below(mix(&[key, 21]), 60_000) as i64);
        }
        headline
    }
}
