//! US options: the chain with greeks, single contracts.

use super::ORDER;
use crate::tools::endpoint::{
    AsOf, Endpoint, Field, Kind, Literal, Parameter, in_path, in_query, integer, limit, number, object, ranged, text,
};
use crate::tools::toolset::Toolset::Options;
use tickgate_core::market::{CacheClass, Market};

const OPTION: Kind = Kind::SymbolOf(&[Market::Options]);
const UNDERLYING: Kind = Kind::SymbolOf(&[Market::Stocks, Market::Indices]);
const STRIKE: Kind = Kind::Number(0.0, 10_000_000.0);
const CONTRACT: &str = "O:AAPL271217C00240000";
const UNDERLYING_ASSET: Parameter =
    in_path("underlying_asset", UNDERLYING, "Symbol of the stock or index that the option is on").such_as("AAPL");
const CONTRACT_TYPE: Parameter = in_query("contract_type", Kind::Word(&["call", "put"]), "call or put");
const SORT: Parameter = in_query("sort", Kind::Word(&["ticker", "expiration_date", "strike_price"]), "Field to sort by");
const AS_OF: Parameter = in_query("as_of", Kind::Date, "As the contract was on this day");

const SNAPSHOT: &[Field] = &[
    object("details", "ticker, contract_type, strike_price, expiration_date, exercise_style, shares_per_contract"),
    number("break_even_price", "price of the underlying at which it pays for itself"),
    number("implied_volatility", "implied volatility as a fraction; may be absent"),
    object("greeks", "delta, gamma, theta, vega; may be empty"),
    number("open_interest", "open contracts at the end of the last day"),
    object("day", "today's bar, change and change_percent"),
    object("last_quote", "bid, ask, sizes, midpoint, last_updated in Unix ns; not in every plan"),
    object("last_trade", "price, size, sip_timestamp in Unix ns; not in every plan"),
    object("underlying_asset", "ticker, price and change_to_break_even of the underlying"),
];
const DETAILS: &[Field] = &[
    text("ticker", "symbol of the contract"),
    text("underlying_ticker", "symbol of the underlying"),
    text("contract_type", "call or put"),
    text("exercise_style", "american, european or bermudan"),
    text("expiration_date", "last day"),
    number("strike_price", "strike"),
    integer("shares_per_contract", "shares of one contract"),
    text("primary_exchange", "exchange"),
    text("cfi", "CFI code"),
];
const UPDATED: AsOf =
    AsOf::Newest(&[&["last_quote", "last_updated"], &["last_trade", "sip_timestamp"], &["day", "last_updated"]]);

pub(super) const ROWS: &[Endpoint] = &[
    Endpoint {
        description: "The option chain of a stock or index: every contract with quote, greeks, implied volatility and open interest. \
                      Narrow it with `expiration_date` and a range of `strike_price` around the price of the underlying.",
        parameters: &[
            UNDERLYING_ASSET,
            ranged!("strike_price", STRIKE, "Strike"),
            ranged!("expiration_date", Kind::Date, "Last day of the contract"),
            CONTRACT_TYPE,
            ORDER,
            limit(10, 250).like(Literal::Integer(5)),
            SORT,
        ],
        as_of: UPDATED,
        fields: SNAPSHOT,
        cache: CacheClass::Live,
        ..Endpoint::list("list_snapshot_options_chain", "Option chain", "/v3/snapshot/options/{underlying_asset}", Options)
    },
    Endpoint {
        description: "The present state of one option contract: quote, greeks, implied volatility, open interest, break-even.",
        parameters: &[
            UNDERLYING_ASSET,
            in_path(
                "option_contract",
                OPTION,
                "Symbol of the contract: O:, underlying, YYMMDD, C or P, strike times 1000 in 8 digits",
            )
            .such_as(CONTRACT),
        ],
        as_of: UPDATED,
        fields: SNAPSHOT,
        cache: CacheClass::Live,
        ..Endpoint::one(
            "get_snapshot_option",
            "Snapshot of an option contract",
            "/v3/snapshot/options/{underlying_asset}/{option_contract}",
            Options,
        )
    },
    Endpoint {
        description: "Finds option contracts by underlying, expiry, strike and type, expired ones too. Gives symbols and terms, no \
                      prices: for those use list_snapshot_options_chain.",
        parameters: &[
            ranged!("underlying_ticker", UNDERLYING, "Symbol of the underlying").such_as("AAPL"),
            CONTRACT_TYPE,
            ranged!("expiration_date", Kind::Date, "Last day of the contract"),
            ranged!("strike_price", STRIKE, "Strike"),
            AS_OF,
            in_query("expired", Kind::Boolean, "Contracts that have expired instead").or_theirs(Literal::Flag(false)),
            ORDER,
            limit(10, 1_000).like(Literal::Integer(5)),
            SORT,
        ],
        fields: DETAILS,
        ..Endpoint::list("list_options_contracts", "Find option contracts", "/v3/reference/options/contracts", Options)
    },
    Endpoint {
        description: "The terms of one option contract: underlying, type, strike, expiry, exercise style, deliverables.",
        parameters: &[in_path("ticker", OPTION, "Symbol of the contract").such_as(CONTRACT), AS_OF],
        fields: DETAILS,
        ..Endpoint::one(
            "get_options_contract",
            "Terms of an option contract",
            "/v3/reference/options/contracts/{ticker}",
            Options,
        )
    },
];
