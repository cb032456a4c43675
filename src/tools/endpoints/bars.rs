//! Bars: open, high, low, close and volume of a length of time.

use super::{ADJUSTED, BAR, DIRECTIONS, INCLUDE_OTC, TICKER};
use crate::tools::endpoint::Place::Path;
use crate::tools::endpoint::{
    AsOf, Endpoint, Fallback, Kind, Literal, Parameter, Shape, Unit, flag, in_path, in_query, number, text,
};
use crate::tools::toolset::Toolset::{Analytics, Crypto, Forex, Indices, Options, Stocks};
use tickgate_core::market::CacheClass;

const TIMESPANS: &[&str] = &["second", "minute", "hour", "day", "week", "month", "quarter", "year"];
const WINDOW: &[Parameter] = &[
    TICKER,
    in_path("multiplier", Kind::Integer(1, 10_000), "How many timespans one bar covers").like(Literal::Integer(1)),
    in_path("timespan", Kind::Word(TIMESPANS), "Unit of a bar's length").such_as("day"),
    in_path("from_", Kind::Time(Unit::Millis), "Start: a day (2026-03-02), an RFC 3339 time or Unix ms")
        .to(Path("from"))
        .such_as("2026-03-02"),
    in_path("to", Kind::Time(Unit::Millis), "End, included: a day (2026-03-10), an RFC 3339 time or Unix ms")
        .such_as("2026-03-10"),
    ADJUSTED,
    in_query("sort", Kind::Word(DIRECTIONS), "By time").or_theirs(Literal::Text("asc")),
    in_query("limit", Kind::Integer(1, 50_000), "Bound on base bars (minutes, days) before they are merged into longer ones")
        .or_theirs(Literal::Integer(5_000)),
];
/// Bars of today change; windows that are over are found to be history by their path.
const ANY_ASSET: Endpoint = Endpoint {
    as_of: AsOf::At(&["t"]),
    fields: BAR,
    cache: CacheClass::Session,
    also: &[Options, Indices, Forex, Crypto, Analytics],
    ..Endpoint::list("", "", "", Stocks)
};

pub(super) const ROWS: &[Endpoint] = &[
    Endpoint {
        name: "get_aggs",
        title: "Bars",
        description: "OHLCV bars (candles) of a symbol within a window of time, oldest first. Use it for history, charts, returns and \
                      anything over more than today. Times without trades have no bar.",
        path: "/v2/aggs/ticker/{ticker}/range/{multiplier}/{timespan}/{from}/{to}",
        parameters: WINDOW,
        ..ANY_ASSET
    },
    Endpoint {
        name: "list_aggs",
        title: "Bars, page by page",
        description: "The same bars as get_aggs, meant for windows so long that they come in pages.",
        path: "/v2/aggs/ticker/{ticker}/range/{multiplier}/{timespan}/{from}/{to}",
        parameters: WINDOW,
        ..ANY_ASSET
    },
    Endpoint {
        name: "get_previous_close_agg",
        title: "Previous day's bar",
        description: "The bar of the last finished session of a symbol: yesterday's open, high, low, close and volume. Works on every \
                      plan, also where snapshots do not.",
        path: "/v2/aggs/ticker/{ticker}/prev",
        parameters: &[TICKER, ADJUSTED],
        cache: CacheClass::Daily,
        ..ANY_ASSET
    },
    Endpoint {
        description: "Open, high, low, close, pre-market and after-hours price of a symbol on one day. Use it when the extended hours \
                      matter, else get_aggs.",
        parameters: &[TICKER, in_path("date", Kind::Date, "The day").such_as("2026-03-10"), ADJUSTED],
        shape: Shape::Flat,
        fields: &[
            text("symbol", "symbol"),
            text("from", "the day"),
            number("open", "open"),
            number("high", "high"),
            number("low", "low"),
            number("close", "close"),
            number("volume", "volume"),
            number("preMarket", "first price before the session"),
            number("afterHours", "last price after the session"),
            flag("otc", "whether it trades over the counter"),
        ],
        cache: CacheClass::Session,
        also: &[Options, Indices, Crypto],
        ..Endpoint::list("get_daily_open_close_agg", "Open and close of a day", "/v1/open-close/{ticker}/{date}", Stocks)
    },
    Endpoint {
        name: "get_grouped_daily_aggs",
        title: "A day's bars of a whole market",
        description: "The daily bar of every symbol of a market, about 10,000 rows for stocks. Use it to screen a whole market on one \
                      day; for a few symbols use get_aggs.",
        path: "/v2/aggs/grouped/locale/{locale}/market/{market_type}/{date}",
        parameters: &[
            in_path("date", Kind::Date, "The day").such_as("2026-03-10"),
            ADJUSTED,
            INCLUDE_OTC,
            Parameter {
                required: false,
                default: Fallback::None,
                ..in_path("locale", Kind::Word(&["us", "global"]), "Without it: us for stocks, global for crypto and fx")
            },
            in_path("market_type", Kind::Word(&["stocks", "crypto", "fx"]), "The market").or_ours(Literal::Text("stocks")),
        ],
        also: &[Forex, Crypto],
        ..ANY_ASSET
    },
];
