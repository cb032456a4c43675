//! The formats that a schema of ours may name: the check, and the words for it.

use tickgate_core::market::{Market, Symbol};

/// A `format` of a JSON Schema.
pub(super) struct Format {
    pub(super) name: &'static str,
    pub(super) fits: fn(&str) -> bool,
    /// What is allowed, for people.
    pub(super) rule: &'static str,
    /// The same for the entries of a list.
    pub(super) plural: &'static str,
}

/// All of them; a schema that names another one does not compile.
pub(super) const FORMATS: &[Format] = &[
    Format {
        name: "symbol",
        fits: |text| text.parse::<Symbol>().is_ok(),
        rule: "a symbol such as AAPL, BRK.B, X:BTCUSD, C:EURUSD or I:SPX",
        plural: "symbols such as AAPL, BRK.B, X:BTCUSD, C:EURUSD or I:SPX",
    },
    Format {
        name: "stock-symbol",
        fits: |text| is_of(text, &[Market::Stocks]),
        rule: "the symbol of a stock or ETF, such as AAPL or BRK.B",
        plural: "symbols of stocks or ETFs, such as AAPL or BRK.B",
    },
    Format {
        name: "underlying-symbol",
        fits: |text| is_of(text, &[Market::Stocks, Market::Indices]),
        rule: "the symbol of a stock, ETF or index, such as SPY or I:SPX",
        plural: "symbols of stocks, ETFs or indices, such as SPY or I:SPX",
    },
    Format {
        name: "time-zone",
        fits: is_time_zone,
        rule: "an IANA time zone such as America/New_York, Europe/Berlin or UTC",
        plural: "IANA time zones such as America/New_York, Europe/Berlin or UTC",
    },
];

pub(super) fn find(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// The upper-case spelling, if it is the one that fits.
pub(super) fn meant(format: &Format, text: &str) -> Option<String> {
    Some(text.to_ascii_uppercase()).filter(|upper| upper != text && (format.fits)(upper))
}

fn is_of(text: &str, markets: &[Market]) -> bool {
    text.parse::<Symbol>().is_ok_and(|symbol| markets.contains(&symbol.market()))
}

/// The name is checked before it is looked up: the database may be a folder of files.
fn is_time_zone(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+'))
        && jiff::tz::TimeZone::get(text).is_ok()
}
