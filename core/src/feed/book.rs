//! What a symbol costs now: trades, quotes and bars laid over the last polled observation, which alone knows the previous close.

use std::collections::HashMap;

use super::event::{FeedEvent, Told};
use crate::market::digits::beside;
use crate::market::{Market, Quote, Source, Symbol};
use crate::time::Millis;

/// The state of every symbol that is followed.
#[derive(Debug)]
pub struct Book {
    source: Source,
    delayed: bool,
    entries: HashMap<Symbol, Entry>,
}

/// What is known of one symbol.
#[derive(Debug, Default)]
struct Entry {
    quote: Option<Quote>,
    previous_close: Option<f64>,
    /// Time of the price, of the bid and ask, and of the volume: each moves forward by itself.
    traded: Millis,
    quoted: Millis,
    counted: Millis,
}

impl Book {
    /// An empty book. `source`, `delayed`: how what it says is marked.
    #[must_use]
    pub fn new(source: Source, delayed: bool) -> Self {
        Self { source, delayed, entries: HashMap::new() }
    }

    /// Takes a polled observation: where a symbol begins, and what corrects its volume and its previous close from then on.
    /// The price goes back to it only when it is newer than what the feed told.
    pub fn polled(&mut self, polled: &Quote) {
        let entry = self.entries.entry(polled.symbol.clone()).or_default();
        let previous_close = polled.price - polled.change;
        let new_day = entry.previous_close.is_some_and(|known| (known - previous_close).abs() > known.abs() * 1e-6);
        entry.previous_close = Some(previous_close);
        let quote = entry.quote.get_or_insert_with(|| polled.clone());
        if polled.as_of >= entry.traded {
            entry.traded = polled.as_of;
            (quote.price, quote.size) = (polled.price, polled.size.or(quote.size));
        }
        if polled.as_of >= entry.quoted && (polled.bid.is_some() || polled.ask.is_some()) {
            entry.quoted = polled.as_of;
            (quote.bid, quote.ask) = (polled.bid, polled.ask);
        }
        let newer = polled.as_of >= quote.as_of;
        quote.volume = if new_day || newer { polled.volume } else { quote.volume.max(polled.volume) };
        quote.as_of = quote.as_of.max(polled.as_of);
        entry.counted = entry.counted.max(polled.as_of);
    }

    /// What is known of a symbol.
    #[must_use]
    pub fn quote(&self, symbol: &Symbol) -> Option<&Quote> {
        self.entries.get(symbol)?.quote.as_ref()
    }

    /// Takes an event, heard at `now`, and says what the symbol looks like then, if that is something new. Nothing is said of a
    /// symbol before it was polled once: its change could not be told. An event ahead of its time is taken for one of now.
    pub fn take(&mut self, event: &FeedEvent, now: Millis) -> Option<&Quote> {
        let at = if self.source.believes(event.at, now) { event.at } else { now };
        let entry = self.entries.get_mut(&event.symbol)?;
        let previous = entry.previous_close?;
        let quote = entry.quote.as_mut()?;
        let changed = match &event.told {
            Told::Trade { price, size } => {
                let counts = at > entry.counted;
                if let Some(size) = size.filter(|_| counts) {
                    quote.volume += size;
                }
                let newest = at >= entry.traded;
                if newest {
                    entry.traded = at;
                    (quote.price, quote.size) = (*price, size.or(quote.size));
                }
                newest || counts
            }
            Told::Quote { bid, ask } if at >= entry.quoted => {
                entry.quoted = at;
                (quote.bid, quote.ask) = (*bid, *ask);
                if let (Market::Forex, Some(bid), Some(ask)) = (event.symbol.market(), bid, ask) {
                    // Currencies have no trades: their price lies between bid and ask, and is as new as they are.
                    quote.price = middle(*bid, *ask);
                    entry.traded = event.at;
                }
                true
            }
            Told::Bar(bar) => match bar.day_volume.filter(|volume| at >= entry.counted && *volume > quote.volume) {
                Some(volume) => {
                    entry.counted = at;
                    quote.volume = volume;
                    // The bar's end is no moment of a trade, so the quote keeps its time.
                    true
                }
                None => false,
            },
            Told::Quote { .. } | Told::FairValue(_) => false,
        };
        if !changed {
            return None;
        }
        quote.as_of = quote.as_of.max(entry.traded).max(entry.quoted);
        quote.change = quote.price - previous;
        quote.change_percent = if previous == 0.0 { 0.0 } else { quote.change / previous * 100.0 };
        (quote.source, quote.delayed) = (self.source, self.delayed);
        Some(quote)
    }

    /// Forgets a symbol.
    pub fn forget(&mut self, symbol: &Symbol) {
        self.entries.remove(symbol);
    }
}

/// Half way between bid and ask, without the noise of binary fractions.
fn middle(bid: f64, ask: f64) -> f64 {
    beside(bid, (bid + ask) / 2.0)
}
