//! The present state of one symbol, of several, of a market.

use super::{INCLUDE_OTC, ORDER, SNAPSHOT};
use crate::tools::endpoint::Place::Query;
use crate::tools::endpoint::{
    AsOf, Endpoint, Field, Kind, Literal, Parameter, Shape, in_path, in_query, limit, number, object, text,
};
use crate::tools::toolset::Toolset::{Crypto, Forex, Indices, Options, Stocks};
use tickgate_core::market::{CacheClass, Market};

const MARKET_TYPE: Parameter =
    in_path("market_type", Kind::Word(&["stocks", "crypto", "forex"]), "The market: stocks, crypto or forex").such_as("stocks");
const UPDATED: AsOf = AsOf::At(&["updated"]);
/// A row of `/v3/snapshot` has what its kind of asset and the plan have.
const ANY_UPDATE: AsOf = AsOf::Newest(&[
    &["last_updated"],
    &["last_quote", "last_updated"],
    &["last_trade", "sip_timestamp"],
    &["last_trade", "participant_timestamp"],
    &["last_trade", "last_updated"],
    &["last_minute", "last_updated"],
]);
const UNIVERSAL: &[Field] = &[
    text("ticker", "symbol"),
    text("name", "name"),
    text("type", "stocks, options, fx, crypto or indices"),
    text("market_status", "open, closed, early_trading or late_trading"),
    number("value", "value of an index"),
    object("session", "change, change_percent, open, high, low, close, previous_close, volume"),
    object("last_trade", "newest trade; not in every plan"),
    object("last_quote", "newest quote; not in every plan"),
    object("last_minute", "newest minute bar"),
    text("error", "NOT_FOUND or NOT_ENTITLED, where this one symbol cannot be had"),
    text("message", "why it cannot be had"),
];
const V2: Endpoint = Endpoint {
    shape: Shape::List("tickers"),
    as_of: UPDATED,
    fields: SNAPSHOT,
    cache: CacheClass::Live,
    also: &[Crypto, Forex],
    ..Endpoint::list("", "", "", Stocks)
};

pub(super) const ROWS: &[Endpoint] = &[
    Endpoint {
        name: "get_snapshot_ticker",
        title: "Snapshot of one symbol",
        description: "The present state of one symbol: last trade and quote, minute and day bars, previous day, change. The best first \
                      answer to \"how is X doing now\". For several symbols use list_universal_snapshots.",
        path: "/v2/snapshot/locale/{locale}/markets/{market_type}/tickers/{ticker}",
        parameters: &[MARKET_TYPE, in_path("ticker", Kind::Symbol, "Symbol, case-sensitive; of that market").such_as("AAPL")],
        shape: Shape::Object("ticker"),
        ..V2
    },
    Endpoint {
        description: "The present state of several symbols in one call, of any kind: stocks, option contracts, crypto, currencies, \
                      indices. Prefer it to many single snapshots. A symbol that cannot be had carries `error` in its row.",
        parameters: &[
            in_query("type", Kind::Word(&["stocks", "options", "crypto", "fx", "indices"]), "Kind of asset")
                .required()
                .such_as("stocks"),
            in_query("ticker_any_of", Kind::List(&Kind::Symbol), "These symbols")
                .to(Query("ticker.any_of"))
                .like(Literal::Texts(&["AAPL", "TSLA"])),
            ORDER,
            limit(10, 250),
            in_query("sort", Kind::Word(&["ticker"]), "Field to sort by"),
        ],
        as_of: ANY_UPDATE,
        fields: UNIVERSAL,
        cache: CacheClass::Live,
        also: &[Options, Crypto, Forex, Indices],
        ..Endpoint::list("list_universal_snapshots", "Snapshots of several symbols", "/v3/snapshot", Stocks)
    },
    Endpoint {
        name: "get_snapshot_direction",
        title: "Gainers and losers",
        description: "The twenty symbols of a market that rose or fell most today. Use it for movers; symbols of little volume are left \
                      out by the upstream.",
        path: "/v2/snapshot/locale/{locale}/markets/{market_type}/{direction}",
        parameters: &[
            MARKET_TYPE,
            in_path("direction", Kind::Word(&["gainers", "losers"]), "gainers or losers").such_as("gainers"),
            INCLUDE_OTC,
        ],
        cache: CacheClass::Session,
        ..V2
    },
    Endpoint {
        name: "get_snapshot_all",
        title: "Snapshot of a market",
        description: "The present state of every symbol of a market, or of those in `tickers`. A whole market is more than 10,000 rows: \
                      name the symbols, or use get_snapshot_direction for movers.",
        path: "/v2/snapshot/locale/{locale}/markets/{market_type}/tickers",
        parameters: &[
            MARKET_TYPE,
            in_query("tickers", Kind::List(&Kind::Symbol), "Only these symbols").like(Literal::Texts(&["AAPL", "TSLA"])),
            INCLUDE_OTC,
        ],
        ..V2
    },
    Endpoint {
        description: "What is worth showing of several symbols: name, price, change, session, logo. For a watch list; prefer \
                      list_universal_snapshots for numbers alone.",
        parameters: &[in_query("ticker_any_of", Kind::List(&Kind::Symbol), "These symbols")
            .to(Query("ticker.any_of"))
            .required()
            .like(Literal::Texts(&["AAPL", "TSLA"]))],
        as_of: AsOf::At(&["last_updated"]),
        fields: &[
            text("ticker", "symbol"),
            text("name", "name"),
            text("type", "kind of asset"),
            text("market_status", "state of its market"),
            number("price", "newest price"),
            object("session", "change, change_percent, open, high, low, close, previous_close, volume"),
            object("branding", "links to logo and icon"),
            text("error", "NOT_FOUND or NOT_ENTITLED, where this one symbol cannot be had"),
            text("message", "why it cannot be had"),
        ],
        cache: CacheClass::Live,
        ..Endpoint::list("get_summaries", "Summaries of several symbols", "/v1/summaries", Stocks)
    },
    Endpoint {
        description: "The present value and session of indices such as I:SPX, I:NDX, I:VIX. An index that cannot be had carries \
                      `error` in its row.",
        parameters: &[
            in_query("ticker_any_of", Kind::List(&Kind::SymbolOf(&[Market::Indices])), "These indices")
                .to(Query("ticker.any_of"))
                .like(Literal::Texts(&["I:SPX"])),
            limit(10, 250),
        ],
        as_of: ANY_UPDATE,
        fields: &[
            text("ticker", "symbol"),
            text("name", "name"),
            number("value", "present value"),
            text("market_status", "regular_trading, closed, early_trading or late_trading"),
            text("timeframe", "REAL-TIME or DELAYED"),
            object("session", "change, change_percent, open, high, low, close, previous_close"),
            text("error", "NOT_FOUND or NOT_ENTITLED, where this one index cannot be had"),
            text("message", "why it cannot be had"),
        ],
        cache: CacheClass::Live,
        ..Endpoint::list("get_snapshot_indices", "Snapshots of indices", "/v3/snapshot/indices", Indices)
    },
    Endpoint {
        description: "The order book of a crypto pair: bids and asks, with the size that each exchange offers at each price.",
        parameters: &[in_path("ticker", Kind::SymbolOf(&[Market::Crypto]), "Symbol of a pair").such_as("X:BTCUSD")],
        shape: Shape::Object("data"),
        as_of: UPDATED,
        fields: super::forex_crypto::BOOK,
        cache: CacheClass::Live,
        ..Endpoint::one(
            "get_snapshot_crypto_book",
            "Crypto order book",
            "/v2/snapshot/locale/global/markets/crypto/tickers/{ticker}/book",
            Crypto,
        )
    },
];
