//! US futures.
//!
//! The vendor moves these from `vX` to `v1`, where the details of a contract, of a product and the schedules of a product are
//! gone: their list endpoints, filtered, take their place.

use super::SORT;
use crate::tools::endpoint::Place::Query;
use crate::tools::endpoint::{
    AsOf, Endpoint, Field, Kind, Literal, Parameter, Unit, filtered, flag, in_path, in_query, integer, limit, list, number,
    object, ranged, text,
};
use crate::tools::toolset::Toolset::Futures;
use tickgate_core::market::CacheClass;

/// A path of futures: the one place that says which version of the API is asked.
macro_rules! path {
    ($rest:literal) => {
        concat!("/futures/vX", $rest)
    };
}

const TICKER_KIND: Kind = Kind::Code(32);
const PRODUCT: Kind = Kind::Code(16);
const MOMENT: Kind = Kind::Time(Unit::Nanos);
const TICKER: Parameter = in_path("ticker", TICKER_KIND, "Symbol of a contract, such as ESZ7").such_as("ESZ7");
const PRODUCT_CODE: Parameter = in_path("product_code", PRODUCT, "Code of a product, such as ES").such_as("ES");
const AS_OF: Parameter = in_query("as_of", Kind::Date, "As of this day");
const LIMIT: Parameter = limit(10, 1_000).like(Literal::Integer(5));
const TICKS: Parameter = limit(10, 50_000).like(Literal::Integer(5));
const TIMESTAMP: Parameter = ranged!("timestamp", MOMENT, "Time: a day, an RFC 3339 time or a Unix time");
const SESSION_END: Parameter = ranged!("session_end_date", Kind::Date, "Trading day, by the day on which it ends");

const CODE: Field = text("product_code", "code of the product");
const SYMBOL: Field = text("ticker", "symbol of the contract");
const VENUE: Field = text("trading_venue", "exchange, ISO 10383 code");
const NAME: Field = text("name", "name");
const DAY: Field = text("session_end_date", "trading day");
const CONTRACT: &[Field] = &[
    SYMBOL,
    CODE,
    NAME,
    VENUE,
    text("type", "single or combo"),
    flag("active", "whether it trades"),
    text("first_trade_date", "first day of trading"),
    text("last_trade_date", "last day of trading"),
    text("settlement_date", "day of settlement"),
    integer("days_to_maturity", "days left"),
    number("trade_tick_size", "least step of the price"),
];
const PRODUCT_FIELDS: &[Field] = &[
    CODE,
    NAME,
    VENUE,
    text("type", "single or combo"),
    text("asset_class", "class of assets"),
    text("asset_sub_class", "finer"),
    text("sector", "sector"),
    text("sub_sector", "finer"),
    number("unit_of_measure_quantity", "quantity of one contract"),
    text("unit_of_measure", "unit of that quantity"),
    text("settlement_type", "how it is settled"),
];
const SCHEDULE: &[Field] = &[
    CODE,
    text("product_name", "name of the product"),
    VENUE,
    DAY,
    list("schedule", "event and timestamp: pre_open, open, pause, close"),
];

pub(super) const ROWS: &[Endpoint] = &[
    Endpoint {
        description: "Bars of a futures contract, of a length such as 1min, 1hour or 1session. Prices are per unit; times Unix ns.",
        parameters: &[
            TICKER,
            in_query(
                "resolution",
                Kind::Code(16),
                "Length of a bar: a number and sec, min, hour, session, week, month, quarter or year",
            )
            .required()
            .such_as("1session"),
            ranged!("window_start", MOMENT, "Start of the bar: a day, an RFC 3339 time or a Unix time"),
            TICKS,
            SORT,
        ],
        as_of: AsOf::At(&["window_start"]),
        fields: &[
            SYMBOL,
            number("open", "open"),
            number("high", "high"),
            number("low", "low"),
            number("close", "close"),
            number("volume", "contracts traded"),
            number("dollar_volume", "the same in dollars"),
            number("settlement_price", "settlement, of whole sessions"),
            integer("window_start", "start of the bar, Unix ns"),
            DAY,
        ],
        cache: CacheClass::Session,
        ..Endpoint::list("list_futures_aggregates", "Futures bars", path!("/aggs/{ticker}"), Futures)
    },
    Endpoint {
        description: "Finds futures contracts by product, day of trading and state. Use it to find the symbol of the front month.",
        parameters: &[
            in_query("product_code", PRODUCT, "Code of the product, such as ES").such_as("ES"),
            in_query("first_trade_date", Kind::Date, "First day of trading"),
            in_query("last_trade_date", Kind::Date, "Last day of trading"),
            AS_OF,
            in_query("active", Kind::Boolean, "Whether it trades"),
            in_query("type", Kind::Code(16), "single, combo or all"),
            LIMIT,
            SORT,
        ],
        fields: CONTRACT,
        ..Endpoint::list("list_futures_contracts", "Find futures contracts", path!("/contracts"), Futures)
    },
    Endpoint {
        description: "The terms of one futures contract: product, first and last day, settlement, tick size.",
        parameters: &[TICKER, AS_OF],
        fields: CONTRACT,
        ..Endpoint::one("get_futures_contract_details", "Terms of a futures contract", path!("/contracts/{ticker}"), Futures)
    },
    Endpoint {
        description: "Finds futures products (what contracts are on) by name, exchange, sector or class of assets.",
        parameters: &[
            in_query("name", Kind::Text(128), "Exactly this name"),
            in_query("name_search", Kind::Text(128), "Text in the name").to(Query("name.search")).such_as("gold"),
            AS_OF,
            in_query("trading_venue", Kind::Code(16), "Exchange, ISO 10383 code, such as XCME"),
            in_query("sector", Kind::Text(64), "Sector"),
            in_query("sub_sector", Kind::Text(64), "Finer"),
            in_query("asset_class", Kind::Text(64), "Class of assets"),
            in_query("asset_sub_class", Kind::Text(64), "Finer"),
            in_query("type", Kind::Code(16), "single or combo"),
            LIMIT,
            SORT,
        ],
        fields: PRODUCT_FIELDS,
        ..Endpoint::list("list_futures_products", "Find futures products", path!("/products"), Futures)
    },
    Endpoint {
        description: "What one futures product is: quantity, unit, settlement, sector.",
        parameters: &[PRODUCT_CODE, in_query("type", Kind::Code(16), "single or combo"), AS_OF],
        fields: PRODUCT_FIELDS,
        ..Endpoint::one("get_futures_product_details", "A futures product", path!("/products/{product_code}"), Futures)
    },
    Endpoint {
        description: "Single quotes of a futures contract. Narrow it with `timestamp_gte` and `timestamp_lt`.",
        parameters: &[TICKER, TIMESTAMP, SESSION_END, TICKS, SORT],
        as_of: AsOf::At(&["timestamp"]),
        fields: &[
            SYMBOL,
            number("bid_price", "best bid"),
            number("bid_size", "its size"),
            number("ask_price", "best offer"),
            number("ask_size", "its size"),
            integer("timestamp", "Unix ns"),
            DAY,
        ],
        cache: CacheClass::Live,
        ..Endpoint::list("list_futures_quotes", "Futures quotes", path!("/quotes/{ticker}"), Futures)
    },
    Endpoint {
        description: "Single trades of a futures contract. Narrow it with `timestamp_gte` and `timestamp_lt`.",
        parameters: &[TICKER, TIMESTAMP, SESSION_END, TICKS, SORT],
        as_of: AsOf::At(&["timestamp"]),
        fields: &[SYMBOL, number("price", "price"), number("size", "contracts"), integer("timestamp", "Unix ns"), DAY],
        cache: CacheClass::Live,
        ..Endpoint::list("list_futures_trades", "Futures trades", path!("/trades/{ticker}"), Futures)
    },
    Endpoint {
        description: "When futures products trade on a day: opening, pauses, closing. For one product use \
                      list_futures_schedules_by_product_code.",
        parameters: &[
            in_query("session_end_date", Kind::Date, "Trading day, by the day on which it ends"),
            in_query("trading_venue", Kind::Code(16), "Exchange, ISO 10383 code, such as XCME"),
            LIMIT,
            SORT,
        ],
        fields: SCHEDULE,
        ..Endpoint::list("list_futures_schedules", "Futures trading hours", path!("/schedules"), Futures)
    },
    Endpoint {
        description: "When one futures product trades, day by day: opening, pauses, closing.",
        parameters: &[PRODUCT_CODE, SESSION_END, LIMIT, SORT],
        fields: SCHEDULE,
        ..Endpoint::list(
            "list_futures_schedules_by_product_code",
            "Trading hours of a futures product",
            path!("/products/{product_code}/schedules"),
            Futures,
        )
    },
    Endpoint {
        description: "Whether futures products are open, paused or closed right now.",
        parameters: &[
            in_query("product_code_any_of", Kind::List(&PRODUCT), "Codes of products").to(Query("product_code.any_of")),
            in_query("product_code", PRODUCT, "Code of a product").such_as("ES"),
            LIMIT,
            SORT,
        ],
        as_of: AsOf::At(&["timestamp"]),
        fields: &[CODE, NAME, VENUE, DAY, text("market_event", "pre_open, open, pause or close")],
        cache: CacheClass::Session,
        ..Endpoint::list("list_futures_market_statuses", "State of futures markets", path!("/market-status"), Futures)
    },
    Endpoint {
        description: "The present state of futures contracts: session, last trade, quote and minute. Filter it by symbol or product.",
        parameters: &[
            filtered!("ticker", TICKER_KIND, "Symbol of a contract"),
            filtered!("product_code", PRODUCT, "Code of a product").such_as("ES"),
            LIMIT,
            SORT,
        ],
        as_of: AsOf::Newest(&[
            &["last_quote", "last_updated"],
            &["last_trade", "last_updated"],
            &["last_minute", "last_updated"],
        ]),
        fields: &[
            SYMBOL,
            CODE,
            object("details", "terms of the contract"),
            object("session", "open, high, low, close, change, settlement_price, volume"),
            object("last_trade", "newest trade"),
            object("last_quote", "newest quote"),
            object("last_minute", "newest minute bar"),
        ],
        cache: CacheClass::Live,
        ..Endpoint::list("get_futures_snapshot", "Snapshots of futures", path!("/snapshot"), Futures)
    },
];
