//! What is remembered between questions: markets without snapshots, and previous closes, which change once a day and are
//! dear where every one takes a call.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use tickgate_core::market::{Market, Quote, Symbol};
use tickgate_core::time::Millis;

/// How long a refused snapshot is not asked for again: a plan that was changed shows within this time.
const DENIED_MS: u64 = 600_000;

/// How long a previous close is good: half an hour is little against a day, and enough for a hundred symbols at 5 calls a
/// minute to be gathered in one or two polls.
const CLOSE_MS: u64 = 1_800_000;

/// How long it is remembered that a symbol has none: it may be listed any day, and is asked for again and again by who waits for it.
const NO_CLOSE_MS: u64 = 60_000;

/// Previous closes kept: more than a plan without snapshots can poll.
const MAX_CLOSES: usize = 1_000;

/// How long the closures to come are good (polygon.md §5.5), and how soon they are asked for again when they could not be had.
const SPECIAL_DAYS_MS: u64 = 43_200_000;
const SPECIAL_DAYS_AGAIN_MS: u64 = 600_000;

/// The memory of one client.
#[derive(Default)]
pub(in super::super) struct Memory {
    denied: RefCell<HashMap<Market, Millis>>,
    closes: RefCell<HashMap<Symbol, (Option<Quote>, Millis)>>,
    special_days_until: Cell<Millis>,
    has_asked_for_status: Cell<bool>,
}

impl Memory {
    /// Notes that the plan has no snapshots of a market.
    pub(super) fn deny(&self, market: Market, now: Millis) {
        self.denied.borrow_mut().insert(market, now.plus(DENIED_MS));
    }

    /// Whether it was said lately that the plan has no snapshots of a market.
    pub(super) fn is_denied(&self, market: Market, now: Millis) -> bool {
        self.denied.borrow().get(&market).is_some_and(|until| *until > now)
    }

    /// The same of any market.
    pub(super) fn is_any_denied(&self, now: Millis) -> bool {
        self.denied.borrow().values().any(|until| *until > now)
    }

    /// Keeps a previous close, or that there is none.
    pub(super) fn keep_close(&self, symbol: &Symbol, close: Option<&Quote>, now: Millis) {
        let kept_ms = if close.is_some() { CLOSE_MS } else { NO_CLOSE_MS };
        let mut closes = self.closes.borrow_mut();
        if closes.len() >= MAX_CLOSES {
            closes.retain(|_, (_, until)| *until > now);
        }
        if closes.len() < MAX_CLOSES {
            closes.insert(symbol.clone(), (close.cloned(), now.plus(kept_ms)));
        }
    }

    /// Whether it is time to ask for the closures to come. Where calls are few they are not asked for with the first status: at a
    /// start every topic waits for its first poll, and the status itself says whether the market is open.
    pub(super) fn wants_special_days(&self, calls_are_few: bool, now: Millis) -> bool {
        let is_first = !self.has_asked_for_status.replace(true);
        !(is_first && calls_are_few) && self.special_days_until.get() <= now
    }

    /// Notes that they were asked for.
    pub(super) fn asked_for_special_days(&self, had: bool, now: Millis) {
        self.special_days_until.set(now.plus(if had { SPECIAL_DAYS_MS } else { SPECIAL_DAYS_AGAIN_MS }));
    }

    /// What is known of a previous close, if it is still good.
    pub(super) fn close(&self, symbol: &Symbol, now: Millis) -> Option<Option<Quote>> {
        self.closes.borrow().get(symbol).filter(|(_, until)| *until > now).map(|(quote, _)| quote.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_snapshot_is_asked_for_again_after_ten_minutes() {
        let memory = Memory::default();
        assert!(!memory.is_any_denied(Millis(0)));
        memory.deny(Market::Crypto, Millis(0));
        assert!(memory.is_denied(Market::Crypto, Millis(599_999)) && memory.is_any_denied(Millis(599_999)));
        assert!(!memory.is_denied(Market::Stocks, Millis(0)));
        assert!(!memory.is_denied(Market::Crypto, Millis(600_000)) && !memory.is_any_denied(Millis(600_000)));
    }
}
