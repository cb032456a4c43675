//! The symbols that are offered: a data file of well-known ones, one a line, `symbol<TAB>name`.

use std::sync::LazyLock;

const FILE: &str = include_str!("symbols.tsv");

static LISTINGS: LazyLock<Vec<Listing>> = LazyLock::new(|| FILE.lines().filter_map(Listing::read).collect());

/// A well-known instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// As upstream writes it: `AAPL`, `X:BTCUSD`.
    pub symbol: &'static str,
    /// Its name in English.
    pub name: &'static str,
    /// The name as it is searched.
    folded: String,
}

impl Listing {
    fn read(line: &'static str) -> Option<Self> {
        let (symbol, name) = line.split_once('\t')?;
        Some(Self { symbol, name, folded: name.to_lowercase() })
    }

    /// The symbol without the prefix of its market.
    fn root(&self) -> &'static str {
        self.symbol.split_once(':').map_or(self.symbol, |(_, root)| root)
    }

    /// How well it fits: the symbol first, then the symbol without its market, then a word of the name.
    fn rank(&self, upper: &str, lower: &str) -> Option<u8> {
        if self.symbol.starts_with(upper) {
            Some(0)
        } else if self.root().starts_with(upper) {
            Some(1)
        } else if word_starts(&self.folded).any(|rest| rest.starts_with(lower)) {
            Some(2)
        } else {
            None
        }
    }
}

/// Every well-known instrument, in the order of the file.
#[must_use]
pub fn listings() -> &'static [Listing] {
    &LISTINGS
}

/// Symbols that fit what was typed, best first, then by symbol.
pub(super) fn matching(typed: &str) -> Vec<String> {
    let (upper, lower) = (typed.to_uppercase(), typed.to_lowercase());
    let mut found: Vec<(u8, &str)> =
        listings().iter().filter_map(|listing| Some((listing.rank(&upper, &lower)?, listing.symbol))).collect();
    found.sort_unstable();
    found.into_iter().map(|(_, symbol)| symbol.to_owned()).collect()
}

/// What follows from the start of each word on, so that `bank of` finds `Bank of America`.
fn word_starts(text: &str) -> impl Iterator<Item = &str> {
    let mut before = ' ';
    text.char_indices().filter_map(move |(at, c)| {
        let starts = c.is_alphanumeric() && !before.is_alphanumeric();
        before = c;
        starts.then(|| &text[at..])
    })
}
