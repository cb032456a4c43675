//! Currencies and coins by their codes.

use crate::tools::endpoint::Place::Path;
use crate::tools::endpoint::{
    AsOf, Endpoint, Field, Kind, Literal, Parameter, Shape, in_path, in_query, integer, list, number, object, text,
};
use crate::tools::toolset::Toolset::{Crypto, Forex};
use tickgate_core::market::CacheClass;

const FROM: Parameter =
    in_path("from_", Kind::Currency, "Code of the first of the pair, such as EUR").to(Path("from")).such_as("EUR");
const COIN: Parameter = in_path("from_", Kind::Currency, "Code of the coin, such as BTC").to(Path("from")).such_as("BTC");
const TO: Parameter = in_path("to", Kind::Currency, "Code of the second of the pair, such as USD").such_as("USD");

/// `get_snapshot_crypto_book`.
pub(super) const BOOK: &[Field] = &[
    text("ticker", "symbol"),
    list("bids", "p price, x size by exchange; best first"),
    list("asks", "p price, x size by exchange; best first"),
    number("bidCount", "size of all bids"),
    number("askCount", "size of all asks"),
    number("spread", "best ask less best bid"),
    integer("updated", "time of the data, Unix ms"),
];

pub(super) const ROWS: &[Endpoint] = &[
    Endpoint {
        description: "The newest trade of a crypto pair: price, size, exchange, time.",
        parameters: &[COIN, TO],
        shape: Shape::Object("last"),
        as_of: AsOf::At(&["timestamp"]),
        fields: &[
            number("price", "price"),
            number("size", "size"),
            integer("exchange", "exchange, by the ids of get_exchanges"),
            list("conditions", "condition codes"),
            integer("timestamp", "Unix ms"),
        ],
        cache: CacheClass::Live,
        ..Endpoint::one("get_last_crypto_trade", "Last crypto trade", "/v1/last/crypto/{from}/{to}", Crypto)
    },
    Endpoint {
        description: "The newest bid and offer of a currency pair. To convert an amount use get_real_time_currency_conversion.",
        parameters: &[FROM, TO],
        shape: Shape::Object("last"),
        as_of: AsOf::At(&["timestamp"]),
        fields: &[
            number("bid", "bid"),
            number("ask", "offer"),
            integer("exchange", "exchange, by the ids of get_exchanges"),
            integer("timestamp", "Unix ms"),
        ],
        cache: CacheClass::Live,
        ..Endpoint::one("get_last_forex_quote", "Last currency quote", "/v1/last_quote/currencies/{from}/{to}", Forex)
    },
    Endpoint {
        description: "Converts an amount from one currency to another at the present rate, and says the rate.",
        parameters: &[
            FROM,
            TO,
            in_query("amount", Kind::Number(0.0, 1e15), "How much to convert")
                .or_theirs(Literal::Integer(1))
                .like(Literal::Integer(100)),
            in_query("precision", Kind::Integer(0, 4), "Decimals of the result").or_theirs(Literal::Integer(2)),
        ],
        shape: Shape::Flat,
        as_of: AsOf::At(&["last", "timestamp"]),
        fields: &[
            number("converted", "the amount in the other currency"),
            number("initialAmount", "the amount as given"),
            text("from", "from"),
            text("to", "to"),
            text("symbol", "the pair"),
            object("last", "bid, ask and timestamp (Unix ms) of the rate"),
        ],
        cache: CacheClass::Live,
        ..Endpoint::one("get_real_time_currency_conversion", "Convert currencies", "/v1/conversion/{from}/{to}", Forex)
    },
];
