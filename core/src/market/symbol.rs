//! The strict grammar of symbols: what does not match is refused before it reaches a path, a log label or a key.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest symbol accepted, in bytes: an option contract (`O:` + root of 6 + 15) needs 23.
pub const MAX_SYMBOL_BYTES: usize = 24;

/// A class of instruments; decides the upstream path and the trading hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Market {
    /// US equities: `AAPL`, `BRK.B`.
    Stocks,
    /// US option contracts: `O:AAPL260417C00240000`.
    Options,
    /// Crypto pairs: `X:BTCUSD`.
    Crypto,
    /// Currency pairs: `C:EURUSD`.
    Forex,
    /// Indices: `I:SPX`.
    Indices,
}

impl Market {
    /// The name used in upstream paths and tool arguments.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stocks => "stocks",
            Self::Options => "options",
            Self::Crypto => "crypto",
            Self::Forex => "forex",
            Self::Indices => "indices",
        }
    }
}

/// One instrument, case-sensitive as upstream: `AAPL`, `BRK.B`, `X:BTCUSD`, `C:EURUSD`, `I:SPX`, `O:AAPL260417C00240000`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Symbol(Arc<str>);

/// Why a text is no symbol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{shown:?} is not a symbol: use AAPL, BRK.B, X:BTCUSD, C:EURUSD, I:SPX or O:AAPL260417C00240000 (upper case){hint}")]
pub struct SymbolError {
    shown: String,
    hint: String,
}

impl Symbol {
    /// The symbol as upstream writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The market that the symbol's prefix names.
    #[must_use]
    pub fn market(&self) -> Market {
        market_of(&self.0)
    }
}

fn market_of(text: &str) -> Market {
    match text.as_bytes() {
        [b'X', b':', ..] => Market::Crypto,
        [b'C', b':', ..] => Market::Forex,
        [b'I', b':', ..] => Market::Indices,
        [b'O', b':', ..] => Market::Options,
        _ => Market::Stocks,
    }
}

fn is_symbol(text: &str) -> bool {
    if text.len() > MAX_SYMBOL_BYTES || !text.is_ascii() {
        return false;
    }
    match market_of(text) {
        Market::Stocks => is_stock(text),
        Market::Options => is_option(&text[2..]),
        Market::Crypto => within(&text[2..], 4, 16, |c| c.is_ascii_uppercase() || c.is_ascii_digit()),
        Market::Forex => within(&text[2..], 6, 6, |c| c.is_ascii_uppercase()),
        Market::Indices => within(&text[2..], 1, 16, |c| c.is_ascii_uppercase() || c.is_ascii_digit()),
    }
}

fn within(text: &str, least: usize, most: usize, allowed: impl Fn(u8) -> bool) -> bool {
    (least..=most).contains(&text.len()) && text.bytes().all(allowed)
}

/// `BRK.B`, `BACpK` (a preferred share: one lower-case p, r or w), `ZVZZT`.
fn is_stock(text: &str) -> bool {
    let (root, class) = text.split_once('.').map_or((text, None), |(root, class)| (root, Some(class)));
    if !class.is_none_or(|class| within(class, 1, 3, |c| c.is_ascii_uppercase())) {
        return false;
    }
    let lower = root.bytes().filter(u8::is_ascii_lowercase).count();
    root.as_bytes().first().is_some_and(u8::is_ascii_uppercase)
        && within(root, 1, 10, |c| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, b'p' | b'r' | b'w'))
        && lower <= 1
}

/// Root, expiry as YYMMDD, C or P, strike times 1000 in eight digits.
fn is_option(text: &str) -> bool {
    let Some(split) = text.len().checked_sub(15).filter(|root| (1..=6).contains(root)) else { return false };
    let (root, contract) = text.split_at(split);
    within(root, 1, 6, |c| c.is_ascii_uppercase() || c.is_ascii_digit())
        && contract.bytes().enumerate().all(|(at, c)| if at == 6 { matches!(c, b'C' | b'P') } else { c.is_ascii_digit() })
}

impl FromStr for Symbol {
    type Err = SymbolError;

    fn from_str(text: &str) -> Result<Self, SymbolError> {
        if is_symbol(text) {
            return Ok(Self(text.into()));
        }
        let upper = text.trim().to_ascii_uppercase();
        let hint = if is_symbol(&upper) { format!("; did you mean {upper}?") } else { String::new() };
        Err(SymbolError { shown: text.chars().take(MAX_SYMBOL_BYTES).collect(), hint })
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Symbol {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Symbol {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Symbol".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A symbol, case-sensitive: AAPL, BRK.B, X:BTCUSD (crypto), C:EURUSD (forex), I:SPX (index), O:AAPL260417C00240000 (option)",
            "maxLength": MAX_SYMBOL_BYTES,
            "examples": ["AAPL", "BRK.B", "X:BTCUSD"],
        })
    }

    fn inline_schema() -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_symbols_of_every_market_are_accepted() {
        for (text, market) in [
            ("A", Market::Stocks),
            ("AAPL", Market::Stocks),
            ("BRK.B", Market::Stocks),
            ("BACpK", Market::Stocks),
            ("X:BTCUSD", Market::Crypto),
            ("C:EURUSD", Market::Forex),
            ("I:SPX", Market::Indices),
            ("O:AAPL260417C00240000", Market::Options),
        ] {
            assert_eq!(text.parse::<Symbol>().unwrap().market(), market, "{text}");
        }
    }

    #[test]
    fn hostile_and_sloppy_symbols_are_refused() {
        for text in [
            "",
            " ",
            "aapl",
            "AAPL ",
            "../v2",
            "AAPL/..",
            "A%2e",
            "AAPL?apiKey=x",
            "AA\r\nPL",
            "AA\0",
            "ＡＡＰＬ",
            "AАPL",
            "X:",
            "X:B",
            "C:EUR",
            "O:AAPL",
            "BRK.",
            ".B",
            "BRK.B.C",
            "BACppK",
            "1AAPL",
            "*",
            "AAPL,MSFT",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert!(text.parse::<Symbol>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_lower_case_symbol_is_refused_with_the_spelling_that_works() {
        let error = "aapl".parse::<Symbol>().unwrap_err().to_string();
        assert!(error.contains("did you mean AAPL?"), "{error}");
    }

    proptest! {
        #[test]
        fn no_accepted_symbol_can_leave_its_path_segment(text in "\\PC{0,30}") {
            if let Ok(symbol) = text.parse::<Symbol>() {
                prop_assert!(symbol.as_str().bytes().all(|c| c.is_ascii_alphanumeric() || c == b'.' || c == b':'));
                prop_assert!(!symbol.as_str().contains(".."));
                prop_assert_eq!(symbol.as_str(), text);
            }
        }
    }
}
