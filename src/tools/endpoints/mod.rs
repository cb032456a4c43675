//! The table of pass-through market tools (polygon.md §1), a file for each theme.
//!
//! A list asks for ten rows unless it is told otherwise, as the classic server did: what fits a model.

mod bars;
mod benzinga;
mod economy;
mod forex_crypto;
mod fundamentals;
mod futures;
mod indicators;
mod news;
mod options;
mod reference;
mod snapshots;
#[cfg(test)]
mod tests;
mod ticks;

use super::endpoint::{Endpoint, Field, Kind, Literal, Parameter, in_path, in_query, integer, number, object, text};

const FAMILIES: [&[Endpoint]; 12] = [
    reference::ROWS,
    snapshots::ROWS,
    ticks::ROWS,
    bars::ROWS,
    indicators::ROWS,
    options::ROWS,
    forex_crypto::ROWS,
    news::ROWS,
    fundamentals::ROWS,
    economy::ROWS,
    benzinga::ROWS,
    futures::ROWS,
];

const COUNT: usize = {
    let (mut count, mut family) = (0, 0);
    while family < FAMILIES.len() {
        count += FAMILIES[family].len();
        family += 1;
    }
    count
};

static TABLE: [Endpoint; COUNT] = {
    let mut table = [FAMILIES[0][0]; COUNT];
    let (mut at, mut family) = (0, 0);
    while family < FAMILIES.len() {
        let mut row = 0;
        while row < FAMILIES[family].len() {
            table[at] = FAMILIES[family][row];
            at += 1;
            row += 1;
        }
        family += 1;
    }
    table
};

/// Every row, in the order of the list.
pub static ENDPOINTS: &[Endpoint] = &TABLE;

/// The row of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Endpoint> {
    ENDPOINTS.iter().find(|endpoint| endpoint.name == name)
}

const TICKER: Parameter =
    in_path("ticker", Kind::Symbol, "Symbol, case-sensitive: AAPL, BRK.B, X:BTCUSD, C:EURUSD, I:SPX, O:AAPL260417C00240000")
        .such_as("AAPL");
const ADJUSTED: Parameter = in_query("adjusted", Kind::Boolean, "Adjusted for splits").or_theirs(Literal::Flag(true));
const INCLUDE_OTC: Parameter =
    in_query("include_otc", Kind::Boolean, "Also securities traded over the counter").or_theirs(Literal::Flag(false));
const ORDER: Parameter = in_query("order", Kind::Word(DIRECTIONS), "Order of the sort: asc or desc");
const SORT: Parameter = in_query("sort", Kind::SortBy, "Fields to sort by, each with .asc or .desc, such as date.desc");
const DIRECTIONS: &[&str] = &["asc", "desc"];

const BAR: &[Field] = &[
    text("T", "symbol, where the answer is of several"),
    number("o", "open"),
    number("h", "high"),
    number("l", "low"),
    number("c", "close"),
    number("v", "volume"),
    number("vw", "volume-weighted average price"),
    integer("n", "number of trades"),
    integer("t", "start of the bar, Unix ms"),
];

/// `/v2/snapshot`.
const SNAPSHOT: &[Field] = &[
    text("ticker", "symbol"),
    number("todaysChange", "change since the previous close"),
    number("todaysChangePerc", "the same in percent"),
    integer("updated", "time of the data, Unix ns"),
    object("day", "today's bar; all zeros before the open"),
    object("min", "the newest minute bar, t in Unix ms"),
    object("prevDay", "the previous day's bar"),
    object("lastTrade", "p price, s size, t Unix ns; not in every plan"),
    object("lastQuote", "p bid, P ask, s and S sizes, t Unix ns; not in every plan"),
    number("fmv", "fair market value; business plans only"),
];
