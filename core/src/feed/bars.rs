//! Which bars are known, each in its newest version: a bar that comes again replaces the one before it.

use std::collections::{BTreeMap, HashMap};

use super::event::{Bar, Span};
use crate::market::Symbol;
use crate::time::Millis;

/// What became of a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upsert {
    /// It is new.
    New,
    /// It replaces an earlier version of itself.
    Replaced,
    /// It is the same again.
    Same,
    /// It is older than all that are kept.
    TooOld,
}

/// The newest bars of each symbol and span.
#[derive(Debug, Default)]
pub struct BarBook {
    kept: HashMap<(Symbol, Span), BTreeMap<Millis, Bar>>,
}

impl BarBook {
    /// Bars kept per symbol and span: five minutes of seconds, five hours of minutes; late trades change none older.
    pub const MAX_BARS: usize = 300;

    /// Takes a bar.
    pub fn upsert(&mut self, symbol: &Symbol, bar: Bar) -> Upsert {
        let bars = self.kept.entry((symbol.clone(), bar.span)).or_default();
        if let Some(known) = bars.get_mut(&bar.start) {
            let same = *known == bar;
            *known = bar;
            return if same { Upsert::Same } else { Upsert::Replaced };
        }
        if bars.len() == Self::MAX_BARS {
            if bars.first_key_value().is_some_and(|(oldest, _)| bar.start < *oldest) {
                return Upsert::TooOld;
            }
            bars.pop_first();
        }
        bars.insert(bar.start, bar);
        Upsert::New
    }

    /// The known bars of a symbol, oldest first.
    pub fn bars(&self, symbol: &Symbol, span: Span) -> impl Iterator<Item = &Bar> {
        self.kept.get(&(symbol.clone(), span)).into_iter().flat_map(BTreeMap::values)
    }

    /// Forgets a symbol.
    pub fn forget(&mut self, symbol: &Symbol) {
        self.kept.retain(|(kept, _), _| kept != symbol);
    }
}
