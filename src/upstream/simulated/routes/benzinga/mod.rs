//! What Benzinga writes about companies: ratings and those who give them, results and what was expected, its own news.
//!
//! | room | the question it answers |
//! |---|---|
//! | `analysts` | who rates, and how |
//! | `results` | what did a company earn, and what does it expect |
//! | `articles` | what is written |

mod analysts;
mod articles;
mod results;

use jiff::civil::Date;
use serde_json::Value;

use super::super::market::universe::Instrument;
use super::super::noise::Dice;
use super::super::table::{Filter, Table, date, number, text, time};

const INSIGHTS: &[Filter] = &[
    date("date"),
    text("ticker"),
    time("last_updated"),
    text("firm"),
    text("rating_action"),
    text("benzinga_firm_id"),
    text("benzinga_rating_id"),
];
const ANALYSTS: &[Filter] = &[text("benzinga_id"), text("benzinga_firm_id"), text("firm_name"), text("full_name")];
const EARNINGS: &[Filter] = &[
    date("date"),
    text("ticker"),
    number("importance"),
    time("last_updated"),
    text("date_status"),
    number("eps_surprise_percent"),
    number("revenue_surprise_percent"),
    number("fiscal_year"),
    text("fiscal_period"),
];
const GUIDANCE: &[Filter] = &[
    date("date"),
    text("ticker"),
    text("positioning"),
    number("importance"),
    time("last_updated"),
    number("fiscal_year"),
    text("fiscal_period"),
];
const NEWS: &[Filter] =
    &[time("published"), time("last_updated"), text("tickers"), text("channels"), text("tags"), text("author")];
const RATINGS: &[Filter] = &[
    date("date"),
    text("ticker"),
    number("importance"),
    time("last_updated"),
    text("rating_action"),
    text("price_target_action"),
    text("benzinga_id"),
    text("benzinga_analyst_id"),
    text("benzinga_firm_id"),
];

pub(super) const TABLES: &[Table] = &[
    Table::new("/benzinga/v1/analyst-insights", analysts::insights)
        .filters(INSIGHTS)
        .sorts(&["last_updated", "date", "ticker", "firm", "rating_action"])
        .newest_first()
        .limit(100, 50_000)
        .sparse(),
    Table::new("/benzinga/v1/analysts", analysts::analysts)
        .filters(ANALYSTS)
        .sorts(&["full_name", "benzinga_id", "benzinga_firm_id", "firm_name", "smart_score"])
        .limit(100, 50_000)
        .sparse(),
    Table::new("/benzinga/v1/consensus-ratings/{ticker}", analysts::consensus).limit(100, 50_000).sparse(),
    Table::new("/benzinga/v1/earnings", results::earnings)
        .filters(EARNINGS)
        .sorts(&["last_updated", "date", "ticker", "importance", "fiscal_year", "fiscal_period"])
        .newest_first()
        .limit(100, 50_000)
        .sparse(),
    Table::new("/benzinga/v1/firms", analysts::firms)
        .filters(&[text("benzinga_id")])
        .sorts(&["benzinga_id", "name"])
        .limit(100, 50_000)
        .sparse(),
    Table::new("/benzinga/v1/guidance", results::guidance)
        .filters(GUIDANCE)
        .sorts(&["date", "last_updated", "ticker", "importance", "fiscal_year", "fiscal_period"])
        .newest_first()
        .limit(100, 50_000)
        .sparse(),
    Table::new("/benzinga/{version:v1|v2}/news", articles::news)
        .filters(NEWS)
        .sorts(&["published", "last_updated"])
        .newest_first()
        .limit(100, 50_000)
        .sparse(),
    Table::new("/benzinga/v1/ratings", analysts::ratings)
        .filters(RATINGS)
        .sorts(&["last_updated", "date", "ticker", "importance"])
        .newest_first()
        .limit(100, 50_000)
        .sparse(),
];

/// Benzinga knows its own things by 24 hex digits.
fn id(dice: Dice) -> String {
    dice.hex(90)[..24].to_owned()
}

/// Makes the dice of one of a company's entries.
fn dice_of(stock: &Instrument, topic: u64, entry: u64) -> Dice {
    Dice(stock.key).of(&[0x6265_6e7a, topic, entry])
}

/// Writes a time of a date that is random but stays.
fn updated(dice: Dice, date: Date) -> Value {
    format!("{date}T{:02}:{:02}:{:02}Z", 10 + dice.below(91, 10), dice.below(92, 60), dice.below(93, 60)).into()
}
