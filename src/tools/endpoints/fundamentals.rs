//! Corporate actions, statements, short interest.

use super::{DIRECTIONS, ORDER, SORT};
use crate::tools::endpoint::Place::Query;
use crate::tools::endpoint::{Endpoint, Kind, Literal, Parameter, in_query, integer, limit, number, object, ranged, text};
use crate::tools::toolset::Toolset::{Fundamentals, Stocks};
use tickgate_core::market::CacheClass;

const IPO_STATUSES: &[&str] = &["direct_listing_process", "history", "new", "pending", "postponed", "rumor", "withdrawn"];
const OF_APPLE: Parameter = in_query("ticker", Kind::Symbol, "Of this symbol").such_as("AAPL");
const FEW: Literal = Literal::Integer(5);

pub(super) const ROWS: &[Endpoint] = &[
    Endpoint {
        description: "Stock splits, newest first: on that day `split_from` shares became `split_to`. Use it to explain a price that \
                      jumped by a factor.",
        parameters: &[
            OF_APPLE,
            ranged!("execution_date", Kind::Date, "Day of the split"),
            in_query("reverse_split", Kind::Boolean, "Only splits that make fewer shares, or only those that do not"),
            limit(10, 1_000).like(FEW),
        ],
        fields: &[
            text("id", "id"),
            text("ticker", "symbol"),
            text("execution_date", "day of the split"),
            number("split_from", "shares before"),
            number("split_to", "shares after"),
        ],
        cache: CacheClass::Daily,
        also: &[Stocks],
        ..Endpoint::list("list_splits", "Stock splits", "/v3/reference/splits", Fundamentals)
    },
    Endpoint {
        description: "Cash dividends, newest first: amount, frequency, ex-dividend and pay day. A yield is the amounts of a year \
                      divided by the price.",
        parameters: &[
            OF_APPLE,
            ranged!("ex_dividend_date", Kind::Date, "First day without the dividend"),
            in_query("frequency", Kind::Choice(&[0, 1, 2, 4, 12, 24, 52]), "Times a year; 0: once only"),
            in_query("dividend_type", Kind::Word(&["CD", "SC", "LT", "ST"]), "CD regular, SC special, LT and ST capital gains"),
            limit(10, 1_000).like(FEW),
        ],
        fields: &[
            text("id", "id"),
            text("ticker", "symbol"),
            number("cash_amount", "per share"),
            text("currency", "currency"),
            text("dividend_type", "CD regular, SC special, LT and ST capital gains"),
            integer("frequency", "times a year; 0: once only"),
            text("declaration_date", "day it was declared"),
            text("ex_dividend_date", "first day without it"),
            text("record_date", "day on which holders are counted"),
            text("pay_date", "day it is paid"),
        ],
        cache: CacheClass::Daily,
        also: &[Stocks],
        ..Endpoint::list("list_dividends", "Dividends", "/v3/reference/dividends", Fundamentals)
    },
    Endpoint {
        description: "Balance sheet, income statement, cash flow and comprehensive income of a company, from its filings with the SEC. \
                      Use `timeframe` annual, quarterly or ttm (the last twelve months).",
        parameters: &[
            OF_APPLE,
            in_query("cik", Kind::Code(16), "Of the company with this CIK"),
            in_query("company_name", Kind::Text(128), "Of the company with exactly this name"),
            in_query("company_name_search", Kind::Text(128), "Of companies with this in their name")
                .to(Query("company_name.search")),
            in_query("sic", Kind::Code(8), "Of companies of this industry code"),
            ranged!("filing_date", Kind::Date, "Day of the filing"),
            ranged!("period_of_report_date", Kind::Date, "Last day of the period"),
            in_query("timeframe", Kind::Word(&["annual", "quarterly", "ttm"]), "Length of the period"),
            in_query("include_sources", Kind::Boolean, "Also say where in the filing each number stands")
                .or_theirs(Literal::Flag(false)),
            limit(10, 100).like(Literal::Integer(2)),
            in_query("sort", Kind::Word(&["filing_date", "period_of_report_date"]), "Field to sort by"),
            ORDER,
        ],
        fields: &[
            text("company_name", "name"),
            text("cik", "CIK"),
            text("start_date", "first day of the period"),
            text("end_date", "last day of the period"),
            text("filing_date", "day of the filing"),
            text("fiscal_period", "Q1 to Q4, FY or TTM"),
            text("fiscal_year", "year"),
            text("timeframe", "annual, quarterly or ttm"),
            object(
                "financials",
                "balance_sheet, income_statement, cash_flow_statement, comprehensive_income: each label, value, unit, order",
            ),
        ],
        cache: CacheClass::Daily,
        also: &[Stocks],
        ..Endpoint::list("list_stock_financials", "Financial statements", "/vX/reference/financials", Fundamentals)
    },
    Endpoint {
        description: "Initial public offerings: past, pending, rumoured. For what comes next say ipo_status=pending.",
        parameters: &[
            in_query("ticker", Kind::Symbol, "Of this symbol"),
            ranged!("listing_date", Kind::Date, "First day of trading"),
            in_query("ipo_status", Kind::Word(IPO_STATUSES), "State of the offering").such_as("pending"),
            limit(10, 1_000).like(FEW),
            in_query("sort", Kind::SortBy, "Field to sort by, such as listing_date"),
            in_query("order", Kind::Word(DIRECTIONS), "Order of the sort"),
        ],
        fields: &[
            text("ticker", "symbol"),
            text("issuer_name", "company"),
            text("listing_date", "first day of trading"),
            text("ipo_status", "state of the offering"),
            text("announced_date", "day it was announced"),
            number("final_issue_price", "price"),
            number("lowest_offer_price", "lower end of the range"),
            number("highest_offer_price", "upper end of the range"),
            number("total_offer_size", "size in the currency"),
            text("primary_exchange", "exchange"),
            text("security_description", "what is offered; text from outside"),
        ],
        untrusted: &["security_description"],
        cache: CacheClass::Daily,
        also: &[Stocks],
        ..Endpoint::list("list_ipos", "Initial public offerings", "/vX/reference/ipos", Fundamentals)
    },
    Endpoint {
        description: "Short interest of a stock as reported twice a month: shares sold short, and the days it would take to cover \
                      them. For the newest first say sort=settlement_date.desc.",
        parameters: &[
            OF_APPLE,
            ranged!("settlement_date", Kind::Date, "Day of the report"),
            limit(10, 50_000).like(FEW),
            SORT.such_as("settlement_date.desc"),
            ORDER,
        ],
        fields: &[
            text("ticker", "symbol"),
            text("settlement_date", "day of the report"),
            number("short_interest", "shares sold short"),
            number("avg_daily_volume", "shares traded on a day"),
            number("days_to_cover", "the former divided by the latter"),
        ],
        cache: CacheClass::Daily,
        also: &[Stocks],
        ..Endpoint::list("list_short_interest", "Short interest", "/stocks/v1/short-interest", Fundamentals)
    },
    Endpoint {
        description: "How much of a day's volume of a stock was sold short, in all and by venue. For the newest first say \
                      sort=date.desc.",
        parameters: &[
            OF_APPLE,
            ranged!("date", Kind::Date, "Day"),
            limit(10, 50_000).like(FEW),
            SORT.such_as("date.desc"),
            ORDER,
        ],
        fields: &[
            text("ticker", "symbol"),
            text("date", "day"),
            number("short_volume", "shares sold short"),
            number("total_volume", "shares reported"),
            number("short_volume_ratio", "percent sold short"),
        ],
        cache: CacheClass::Daily,
        also: &[Stocks],
        ..Endpoint::list("list_short_volume", "Short volume", "/stocks/v1/short-volume", Fundamentals)
    },
];
