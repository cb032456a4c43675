//! The economy: yields and inflation.

use super::{DIRECTIONS, SORT};
use crate::tools::endpoint::{Endpoint, Kind, Literal, filtered, in_query, limit, number, text};
use crate::tools::toolset::Toolset::Economy;
use tickgate_core::market::CacheClass;

pub(super) const ROWS: &[Endpoint] = &[
    Endpoint {
        description: "US Treasury yields by day, from one month to thirty years. Use it for interest rates, the yield curve and its \
                      inversion. For the newest days first say sort=date.desc.",
        parameters: &[
            filtered!("date", Kind::Date, "Day of the curve"),
            limit(10, 50_000).like(Literal::Integer(5)),
            SORT.such_as("date.desc"),
            in_query("order", Kind::Word(DIRECTIONS), "Order of the sort"),
        ],
        fields: &[
            text("date", "day"),
            number("yield_1_month", "percent a year"),
            number("yield_3_month", "percent a year"),
            number("yield_6_month", "percent a year"),
            number("yield_1_year", "percent a year"),
            number("yield_2_year", "percent a year"),
            number("yield_3_year", "percent a year"),
            number("yield_5_year", "percent a year"),
            number("yield_7_year", "percent a year"),
            number("yield_10_year", "percent a year"),
            number("yield_20_year", "percent a year"),
            number("yield_30_year", "percent a year"),
        ],
        cache: CacheClass::Daily,
        ..Endpoint::list("list_treasury_yields", "Treasury yields", "/fed/v1/treasury-yields", Economy)
    },
    Endpoint {
        description: "US inflation by month: consumer prices (CPI) and personal consumption (PCE), whole and core. For the newest \
                      months first say sort=date.desc.",
        parameters: &[
            filtered!("date", Kind::Date, "Month, by its first day"),
            limit(10, 50_000).like(Literal::Integer(5)),
            SORT.such_as("date.desc"),
        ],
        fields: &[
            text("date", "month, by its first day"),
            number("cpi", "consumer price index"),
            number("cpi_core", "the same without food and energy"),
            number("cpi_year_over_year", "change over a year, percent"),
            number("pce", "price index of personal consumption"),
            number("pce_core", "the same without food and energy"),
            number("pce_spending", "personal consumption, billions of dollars"),
        ],
        cache: CacheClass::Daily,
        ..Endpoint::list("list_inflation", "Inflation", "/fed/v1/inflation", Economy)
    },
];
