//! Which bars does a call want, and are there enough of them?

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::civil::Date;
use tickgate_core::analytics::{Timespan, TooFew};
use tickgate_core::budget::Payer;
use tickgate_core::market::Symbol;
use tickgate_core::time::Millis;

use crate::tools::bar_series::{self, BarQuery, BarSeries};
use crate::tools::context::ToolContext;
use crate::tools::{ToolFailure, arguments as checks};

/// Symbols of one call.
const MAX_SYMBOLS: usize = 20;
/// Upstream calls of one call of ours that run at once: the budget is shared with others.
const AT_ONCE: usize = 4;
/// Bounds of `bars`.
const BAR_BOUNDS: std::ops::RangeInclusive<u64> = 1..=5_000;
/// Bounds of `multiplier`.
const MULTIPLIER_BOUNDS: std::ops::RangeInclusive<u64> = 1..=1_000;
/// Points of all series of an answer together: at about 60 bytes each, twice, they leave room for the rest in what a model can read.
const ANSWER_POINTS: usize = 800;
/// Bounds of `max_points`.
const POINT_BOUNDS: std::ops::RangeInclusive<u64> = 1..=5_000;

/// Declares the arguments of a tool: its own, then those that say which bars.
macro_rules! arguments {
    ($(#[$meta:meta])* struct $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            $($(#[$field_meta])* $field: $type,)*
            /// Unit of a bar's length; day by default.
            #[serde(default = "crate::tools::analytics::asked::day")]
            timespan: tickgate_core::analytics::Timespan,
            /// How many timespans one bar covers: 1 to 1000.
            #[serde(default = "crate::tools::analytics::asked::one")]
            #[schemars(range(min = 1, max = 1_000))]
            multiplier: u64,
            /// Start: a day (2026-03-10), an RFC 3339 time or Unix ms. Without it: as far back as `bars` says.
            #[serde(default)]
            from: Option<String>,
            /// End, the same; now by default.
            #[serde(default)]
            to: Option<String>,
            /// How many of the newest bars of the range: 1 to 5000; by default 250, or all that fit when there is a `from`.
            #[serde(default)]
            #[schemars(range(min = 1, max = 5_000))]
            bars: Option<u64>,
            /// Adjusted for splits; true by default.
            #[serde(default = "crate::tools::analytics::asked::yes")]
            adjusted: bool,
        }

        impl $name {
            fn bars_of(&self, symbols: &[&str]) -> Result<crate::tools::analytics::asked::Wanted, crate::tools::ToolFailure> {
                crate::tools::analytics::asked::Wanted {
                    symbols: Vec::new(),
                    timespan: self.timespan,
                    multiplier: self.multiplier,
                    from: self.from.clone(),
                    to: self.to.clone(),
                    most: self.bars.unwrap_or(if self.from.is_some() { 5_000 } else { 250 }),
                    adjusted: self.adjusted,
                }
                .checked(symbols)
            }
        }
    };
}
pub(super) use arguments;

pub(super) const fn day() -> Timespan {
    Timespan::Day
}

pub(super) const fn one() -> u64 {
    1
}

pub(super) const fn yes() -> bool {
    true
}

pub(super) const fn points() -> u64 {
    200
}

/// The bars that a call wants.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) symbols: Vec<Symbol>,
    pub(super) timespan: Timespan,
    pub(super) multiplier: u64,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) most: u64,
    pub(super) adjusted: bool,
}

impl Wanted {
    /// The same with symbols, once all of it is allowed.
    pub(super) fn checked(mut self, symbols: &[&str]) -> Result<Self, ToolFailure> {
        checks::within("multiplier", self.multiplier, &MULTIPLIER_BOUNDS)?;
        checks::within("bars", self.most, &BAR_BOUNDS)?;
        let name = if symbols.len() == 1 { "symbol" } else { "symbols" };
        for text in symbols {
            let symbol: Symbol = text.parse().map_err(|error| ToolFailure::argument(name, error))?;
            if !self.symbols.contains(&symbol) {
                self.symbols.push(symbol);
            }
            // At once: a list as long as a body may be would be compared with itself for a minute.
            if self.symbols.len() > MAX_SYMBOLS {
                break;
            }
        }
        if !(1..=MAX_SYMBOLS).contains(&self.symbols.len()) {
            return Err(ToolFailure::argument("symbols", format!("name 1 to {MAX_SYMBOLS}")));
        }
        self.from = self.from.map(|text| moment("from", &text)).transpose()?;
        self.to = self.to.map(|text| moment("to", &text)).transpose()?;
        Ok(self)
    }

    /// Fetches them, a series per symbol.
    pub(super) async fn fetch(
        &self,
        context: &ToolContext,
        payer: &Payer,
        request_id: &str,
    ) -> Result<Vec<BarSeries>, ToolFailure> {
        let one = |symbol: &Symbol| {
            let query = BarQuery {
                symbol: symbol.clone(),
                timespan: self.timespan,
                multiplier: self.multiplier,
                from: self.from.clone(),
                to: self.to.clone(),
                most: self.most,
                adjusted: self.adjusted,
            };
            bar_series::series(context, query, payer.clone(), request_id.to_owned())
        };
        Ok(stream::iter(self.symbols.iter().map(one)).buffered(AT_ONCE).try_collect().await?)
    }
}

/// A moment as the upstream takes it: a day, or Unix ms.
fn moment(name: &str, text: &str) -> Result<String, ToolFailure> {
    if text.len() == 10 && text.parse::<Date>().is_ok() {
        return Ok(text.to_owned());
    }
    let at = text.parse().ok().map(Millis::from_any_unit).or_else(|| Millis::parse_rfc3339(text));
    let problem = "it must be a day such as 2026-03-10, an RFC 3339 time, or Unix milliseconds";
    at.map(|at| at.0.to_string()).ok_or_else(|| ToolFailure::argument(name, problem))
}

/// Checks `max_points`, and gives how many one series may have of the answer when so many share it.
pub(super) fn max_points(value: u64, series: usize) -> Result<usize, ToolFailure> {
    let asked = checks::within("max_points", value, &POINT_BOUNDS)?;
    Ok(usize::try_from(asked).unwrap_or(usize::MAX).min(ANSWER_POINTS / series.max(1)).max(1))
}

/// Checks a window, in bars, and gives it as a count.
pub(super) fn window(value: u64, least: u64) -> Result<usize, ToolFailure> {
    let bounds = least..=1_000;
    checks::within("window", value, &bounds).map(|value| usize::try_from(value).unwrap_or(usize::MAX))
}

/// Checks how many bars make a year, or takes the market's own number.
pub(super) fn per_year(said: Option<f64>, timespan: Timespan, multiplier: u64, symbol: &Symbol) -> Result<f64, ToolFailure> {
    match said {
        Some(said) if said > 0.0 && said <= 1e8 => Ok(said),
        Some(said) => {
            Err(ToolFailure::argument("periods_per_year", format!("{said} is not greater than 0 and at most 100000000")))
        }
        #[expect(clippy::cast_precision_loss, reason = "a multiplier is at most 1000")]
        None => Ok(timespan.per_year(symbol.market()) / multiplier as f64),
    }
}

/// Says what is missing when there are not bars enough.
pub(super) fn too_few(series: &BarSeries, what: &str, TooFew { needed, have }: TooFew) -> ToolFailure {
    let symbol = &series.symbol;
    if have == 0 {
        let message = format!("there are no bars of {symbol} in this range: check the symbol, or ask for an earlier `from`");
        return ToolFailure::new("not_found", message);
    }
    let message = format!(
        "{what} of {symbol} needs {needed} bars and there are {have}: ask for more `bars`, an earlier `from`, a shorter \
         `timespan` or a smaller `window`"
    );
    ToolFailure::new("too_few_bars", message)
}
