//! Technical indicators, worked out by the upstream from bars. The values alone are given: the bars are those of `get_aggs`.

use super::{DIRECTIONS, TICKER};
use crate::tools::endpoint::{
    AsOf, Endpoint, Field, Kind, Literal, Parameter, Shape, Unit, in_query, integer, limit, number, ranged,
};
use crate::tools::toolset::Toolset::{Analytics, Crypto, Forex, Indices, Options, Stocks};
use tickgate_core::market::CacheClass;

const TIMESPANS: &[&str] = &["minute", "hour", "day", "week", "month", "quarter", "year"];
const TIMESPAN: Parameter =
    in_query("timespan", Kind::Word(TIMESPANS), "Length of the bars it is made from").or_theirs(Literal::Text("day"));
const SERIES_TYPE: Parameter =
    in_query("series_type", Kind::Word(&["open", "high", "low", "close"]), "Which price of a bar counts")
        .or_theirs(Literal::Text("close"));
const ADJUSTED: Parameter = super::ADJUSTED;
const ORDER: Parameter = in_query("order", Kind::Word(DIRECTIONS), "By time").or_theirs(Literal::Text("desc"));
const LIMIT: Parameter = limit(10, 5_000);
/// Longest window, in bars: more than twenty years of days.
const MAX_WINDOW: i64 = 5_000;

const VALUE: &[Field] = &[integer("timestamp", "start of the bar, Unix ms"), number("value", "value of the indicator")];
const MACD: &[Field] = &[
    integer("timestamp", "start of the bar, Unix ms"),
    number("value", "MACD line"),
    number("signal", "signal line"),
    number("histogram", "MACD line less signal line"),
];

/// What every indicator takes, around what is its own.
macro_rules! parameters {
    ($($own:expr),+) => {
        &[
            TICKER,
            ranged!("timestamp", Kind::Time(Unit::Millis), "Time of the value: a day, an RFC 3339 time or a Unix time"),
            TIMESPAN,
            ADJUSTED,
            $($own,)+
            SERIES_TYPE,
            ORDER,
            LIMIT,
        ]
    };
}

const fn bars(name: &'static str, default: i64, help: &'static str) -> Parameter {
    in_query(name, Kind::Integer(1, MAX_WINDOW), help).or_theirs(Literal::Integer(default))
}

const INDICATOR: Endpoint = Endpoint {
    shape: Shape::Nested("results", "values"),
    as_of: AsOf::At(&["timestamp"]),
    fields: VALUE,
    cache: CacheClass::Session,
    also: &[Stocks, Options, Indices, Forex, Crypto],
    ..Endpoint::one("", "", "", Analytics)
};

pub(super) const ROWS: &[Endpoint] = &[
    Endpoint {
        name: "get_sma",
        title: "Simple moving average",
        description: "Simple moving average of a symbol, newest first. Use it for trend, and compare windows of 50 and 200 days for \
                      crosses.",
        path: "/v1/indicators/sma/{ticker}",
        parameters: parameters!(bars("window", 50, "Bars in the average")),
        ..INDICATOR
    },
    Endpoint {
        name: "get_ema",
        title: "Exponential moving average",
        description: "Exponential moving average of a symbol, newest first. Follows the price faster than get_sma.",
        path: "/v1/indicators/ema/{ticker}",
        parameters: parameters!(bars("window", 50, "Bars in the average")),
        ..INDICATOR
    },
    Endpoint {
        name: "get_rsi",
        title: "Relative strength index",
        description: "Relative strength index of a symbol, 0 to 100, newest first. Above 70 is called overbought, below 30 oversold.",
        path: "/v1/indicators/rsi/{ticker}",
        parameters: parameters!(bars("window", 14, "Bars in the average of gains and losses")),
        ..INDICATOR
    },
    Endpoint {
        name: "get_macd",
        title: "Moving average convergence/divergence",
        description: "MACD line, signal line and histogram of a symbol, newest first. Use it for momentum and its turns.",
        path: "/v1/indicators/macd/{ticker}",
        parameters: parameters!(
            bars("short_window", 12, "Bars in the short average"),
            bars("long_window", 26, "Bars in the long average"),
            bars("signal_window", 9, "Bars in the signal line")
        ),
        fields: MACD,
        ..INDICATOR
    },
];
