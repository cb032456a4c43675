//! Is the market open, and which closures come?

use actix_web::web;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::super::answer::Answer;
use super::super::market::SessionMode;
use super::super::market::calendar::{Phase, timestamp};
use super::super::market::holidays::{self, Closure};
use super::super::market::universe::Market;
use super::super::state::{State, View};

const INDEX_GROUPS: [&str; 10] =
    ["s_and_p", "societe_generale", "msci", "ftse_russell", "mstar", "mstarc", "cccy", "cgi", "nasdaq", "dow_jones"];

/// How many closures are announced, at each of two exchanges.
const ANNOUNCED: usize = 6;

pub(crate) async fn now(state: web::Data<State>) -> Answer {
    Answer::Bare(now_of(&state.view()))
}

pub(crate) async fn upcoming(state: web::Data<State>) -> Answer {
    Answer::Bare(upcoming_of(&state.view()))
}

/// Answers what the markets are doing.
pub(crate) fn now_of(view: &View<'_>) -> Value {
    let calendar = &view.exchange.calendar;
    let phase = calendar.phase(view.now_ms);
    let stocks = match phase {
        Phase::Regular => "open",
        Phase::Pre | Phase::After => "extended-hours",
        Phase::Closed => "closed",
    };
    let regular_only = if phase == Phase::Regular { "open" } else { "closed" };
    let groups: Map<String, Value> = INDEX_GROUPS.iter().map(|&group| (group.to_owned(), regular_only.into())).collect();
    let server_time =
        timestamp(view.now_ms).to_zoned_datetime(calendar.new_york().clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
    json!({
        "market": stocks,
        "serverTime": server_time,
        "earlyHours": phase == Phase::Pre,
        "afterHours": phase == Phase::After,
        "exchanges": {"nyse": stocks, "nasdaq": stocks, "otc": regular_only},
        // Simulated currencies never rest, so neither does their market.
        "currencies": {"fx": "open", "crypto": "open"},
        "indicesGroups": groups,
    })
}

/// Answers the next closures, each at both exchanges, in a bare array.
pub(crate) fn upcoming_of(view: &View<'_>) -> Value {
    let calendar = &view.exchange.calendar;
    let today = calendar.date_of(Market::Stocks, view.now_ms);
    // A market that never closes must not announce that it is closed today.
    let ahead = |date: Date| if calendar.mode() == SessionMode::Open { date > today } else { date >= today };
    let utc =
        |date, hour, minute| timestamp(calendar.new_york_ms(date, hour, minute)).strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string();
    let next_year = today.year().saturating_add(1);
    let announced = [holidays::of_year(today.year()), holidays::of_year(next_year)].concat();
    let rows = announced.into_iter().filter(|holiday| ahead(holiday.date)).take(ANNOUNCED).flat_map(|holiday| {
        ["NYSE", "NASDAQ"].map(|exchange| {
            let (date, name) = (holiday.date.to_string(), holiday.name);
            match holiday.closure {
                Closure::WholeDay => json!({"date": date, "exchange": exchange, "name": name, "status": "closed"}),
                Closure::Early => json!({
                    "date": date,
                    "exchange": exchange,
                    "name": name,
                    "status": "early-close",
                    "open": utc(holiday.date, 9, 30),
                    "close": utc(holiday.date, 13, 0),
                }),
            }
        })
    });
    rows.collect()
}
