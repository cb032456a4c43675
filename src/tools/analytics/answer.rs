//! How is a result said? Points, the source of the bars, and their freshness. Numbers have nine significant digits.

use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use tickgate_core::analytics::Bar;
use tickgate_core::mcp::ToolOutput;
use tickgate_core::tape::Position;
use tickgate_core::time::Millis;

use super::asked::Wanted;
use crate::tools::bar_series::{self, BarSeries};
use crate::tools::context::ToolContext;
use crate::tools::outcome::structured;
use crate::tools::schema;
use crate::upstream::cache::Hit;

/// Digits that are kept: more than any price has, fewer than a sum has noise.
const DIGITS: i32 = 9;

/// A number as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, JsonSchema)]
#[schemars(transparent, inline)]
pub(super) struct Shown(pub(super) f64);

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(rounded(self.0))
    }
}

fn rounded(value: f64) -> f64 {
    // Written and read again: a power of ten times a number is not exactly that number.
    format!("{value:.*e}", usize::try_from(DIGITS - 1).unwrap_or(0)).parse().unwrap_or(value)
}

/// A moment as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String", inline)]
pub(super) struct At(pub(super) Millis);

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// One value of a series.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct Point {
    /// Start of the bar, RFC 3339.
    pub(super) at: At,
    /// The value at its end.
    pub(super) value: Shown,
}

/// Some of the values of a series: every so many, the newest always.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct Points {
    /// Oldest first; those before there were bars enough are left out.
    pub(super) points: Vec<Point>,
    /// How many are shown.
    pub(super) shown: usize,
    /// How many there are: more than are shown when every so many was taken; ask for fewer series, or raise `max_points`.
    pub(super) of: usize,
}

/// The values that there are, thinned to `most`. `bars`: one per value.
pub(super) fn points<'a>(
    bars: impl IntoIterator<Item = &'a Bar>,
    values: impl IntoIterator<Item = Option<f64>>,
    most: usize,
) -> Points {
    let all: Vec<(Millis, f64)> =
        bars.into_iter().zip(values).filter_map(|(bar, value)| value.map(|value| (bar.at, value))).collect();
    let points: Vec<Point> =
        thinned(all.len(), most).map(|place| Point { at: At(all[place].0), value: Shown(all[place].1) }).collect();
    Points { shown: points.len(), of: all.len(), points }
}

/// `most` of so many places, evenly, the last one always.
pub(super) fn thinned(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let kept = most.min(count);
    (0..kept).map(move |place| count - 1 - (kept - 1 - place) * count / kept.max(1))
}

/// Where the bars of a symbol came from.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct SeriesSource {
    symbol: String,
    /// How many bars were calculated with.
    bars: usize,
    /// Start of the first one, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<At>,
    /// Start of the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<At>,
    /// true: the last bar may still change.
    unfinished: bool,
    /// Bars that made no sense and were left out.
    left_out: usize,
    /// true: the range has older bars, which were too many.
    cut: bool,
}

/// Where the numbers come from.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Source {
    /// The upstream's endpoint; the calculation is the gateway's.
    endpoint: &'static str,
    /// Whether prices are adjusted for splits.
    adjusted: bool,
    timespan: &'static str,
    multiplier: u64,
    series: Vec<SeriesSource>,
}

fn source(wanted: &Wanted, series: &[BarSeries], now: Millis) -> Source {
    let length = wanted.timespan.least_ms() * wanted.multiplier;
    let one = |series: &BarSeries| SeriesSource {
        symbol: series.symbol.to_string(),
        bars: series.bars.len(),
        first: series.bars.first().map(|bar| At(bar.at)),
        last: series.bars.last().map(|bar| At(bar.at)),
        unfinished: series.bars.last().is_some_and(|bar| bar.at.plus(length) > now),
        left_out: series.left_out,
        cut: series.cut,
    };
    Source {
        endpoint: bar_series::ENDPOINT,
        adjusted: wanted.adjusted,
        timespan: wanted.timespan.as_str(),
        multiplier: wanted.multiplier,
        series: series.iter().map(one).collect(),
    }
}

/// The answer without its freshness.
pub(super) fn content<R: Serialize>(wanted: &Wanted, series: &[BarSeries], results: &R, now: Millis) -> Value {
    let mut content = json!({ "results": results, "source": source(wanted, series, now) });
    if let Some(count) = content["results"].as_array().map(Vec::len) {
        content["count"] = json!(count);
    }
    content
}

/// The answer: as fresh as the least fresh of its series.
pub(super) fn answer<R: Serialize>(
    context: &ToolContext,
    position: Position,
    wanted: &Wanted,
    series: &[BarSeries],
    results: &R,
) -> ToolOutput {
    let now = context.clock.now();
    let as_of = series.iter().map(|series| series.as_of).min().unwrap_or(now);
    let delayed = series.iter().any(|series| series.delayed);
    let mut content = content(wanted, series, results, now);
    let hit = series.iter().map(|series| series.hit).fold(Hit::Miss, Hit::older);
    content["_freshness"] = json!(context.freshness_asked(hit, as_of, delayed, position));
    structured(content.to_string().as_bytes())
}

/// The JSON Schema of an answer.
pub(super) fn schema<R: JsonSchema>() -> Value {
    json!({
        "type": "object",
        "properties": {
            "results": schema::of::<R>(),
            "count": {"type": "integer", "minimum": 0, "description": "Number of results, when they are an array"},
            "source": schema::of::<Source>(),
            "_freshness": schema::freshness(),
        },
        "required": ["results", "source", "_freshness"],
    })
}
