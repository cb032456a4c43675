//! Single trades and quotes.

use super::ORDER;
use crate::tools::endpoint::{
    AsOf, Endpoint, Field, Kind, Literal, Unit, in_path, in_query, integer, limit, list, number, ranged, text,
};
use crate::tools::toolset::Toolset::{Crypto, Forex, Options, Stocks};
use tickgate_core::market::{CacheClass, Market};

const TRADE: &[Field] = &[
    number("price", "price"),
    number("size", "shares, contracts or units"),
    integer("exchange", "exchange, by the ids of get_exchanges"),
    list("conditions", "condition codes, by list_conditions"),
    text("id", "id within symbol and exchange"),
    integer("sip_timestamp", "when the feed published it, Unix ns"),
    integer("participant_timestamp", "when the exchange made it, Unix ns"),
    integer("sequence_number", "order within the day"),
    integer("tape", "1 NYSE, 2 others, 3 Nasdaq"),
];
const QUOTE: &[Field] = &[
    number("bid_price", "best bid"),
    number("bid_size", "its size"),
    number("ask_price", "best offer"),
    number("ask_size", "its size"),
    integer("bid_exchange", "exchange of the bid"),
    integer("ask_exchange", "exchange of the offer"),
    integer("sip_timestamp", "when the feed published it, Unix ns"),
    integer("participant_timestamp", "when the exchange made it, Unix ns"),
    integer("sequence_number", "order within the day"),
];
const TICK_TIME: AsOf = AsOf::Newest(&[&["sip_timestamp"], &["participant_timestamp"]]);

pub(super) const ROWS: &[Endpoint] = &[
    Endpoint {
        description: "The newest trade of a stock or option contract: price, size, exchange, time. For crypto use \
                      get_last_crypto_trade.",
        parameters: &[in_path(
            "ticker",
            Kind::SymbolOf(&[Market::Stocks, Market::Options]),
            "Symbol of a stock or option contract",
        )
        .such_as("AAPL")],
        as_of: AsOf::At(&["t"]),
        fields: &[
            text("T", "symbol"),
            number("p", "price"),
            number("s", "size"),
            integer("x", "exchange, by the ids of get_exchanges"),
            list("c", "condition codes, by list_conditions"),
            text("i", "id"),
            integer("q", "order within the day"),
            integer("t", "when the feed published it, Unix ns"),
            integer("y", "when the exchange made it, Unix ns"),
        ],
        cache: CacheClass::Live,
        also: &[Options],
        ..Endpoint::one("get_last_trade", "Last trade", "/v2/last/trade/{ticker}", Stocks)
    },
    Endpoint {
        description: "The newest best bid and offer (NBBO) of a stock. Lower-case letters are the bid, capitals the offer. For \
                      currencies use get_last_forex_quote.",
        parameters: &[in_path("ticker", Kind::SymbolOf(&[Market::Stocks]), "Symbol of a stock").such_as("AAPL")],
        as_of: AsOf::At(&["t"]),
        fields: &[
            text("T", "symbol"),
            number("p", "bid"),
            number("s", "its size"),
            integer("x", "its exchange"),
            number("P", "offer"),
            number("S", "its size"),
            integer("X", "its exchange"),
            integer("t", "when the feed published it, Unix ns"),
            integer("y", "when the exchange made it, Unix ns"),
        ],
        cache: CacheClass::Live,
        ..Endpoint::one("get_last_quote", "Last quote", "/v2/last/nbbo/{ticker}", Stocks)
    },
    Endpoint {
        description: "Single trades of a stock, option contract or crypto pair, newest first unless said otherwise. Narrow it with \
                      `timestamp_gte` and `timestamp_lt`; for anything longer than minutes use get_aggs.",
        parameters: &[
            in_path(
                "ticker",
                Kind::SymbolOf(&[Market::Stocks, Market::Options, Market::Crypto]),
                "Symbol of a stock, option contract or crypto pair",
            )
            .such_as("AAPL"),
            ranged!("timestamp", Kind::Time(Unit::Nanos), "Time of the trade: a day, an RFC 3339 time or a Unix time"),
            limit(10, 50_000).like(Literal::Integer(5)),
            in_query("sort", Kind::Word(&["timestamp"]), "Field to sort by"),
            ORDER,
        ],
        as_of: TICK_TIME,
        fields: TRADE,
        cache: CacheClass::Live,
        also: &[Options, Crypto],
        ..Endpoint::list("list_trades", "Trades", "/v3/trades/{ticker}", Stocks)
    },
    Endpoint {
        description: "Single quotes of a stock, option contract or currency pair, newest first unless said otherwise. Narrow it with \
                      `timestamp_gte` and `timestamp_lt`: there are thousands a minute.",
        parameters: &[
            in_path(
                "ticker",
                Kind::SymbolOf(&[Market::Stocks, Market::Options, Market::Forex]),
                "Symbol of a stock, option contract or currency pair",
            )
            .such_as("AAPL"),
            ranged!("timestamp", Kind::Time(Unit::Nanos), "Time of the quote: a day, an RFC 3339 time or a Unix time"),
            limit(10, 50_000).like(Literal::Integer(5)),
            in_query("sort", Kind::Word(&["timestamp"]), "Field to sort by"),
            ORDER,
        ],
        as_of: TICK_TIME,
        fields: QUOTE,
        cache: CacheClass::Live,
        also: &[Options, Forex],
        ..Endpoint::list("list_quotes", "Quotes", "/v3/quotes/{ticker}", Stocks)
    },
];
