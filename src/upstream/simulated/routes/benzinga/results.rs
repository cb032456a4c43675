//! What did a company earn, what was expected, and what does it expect itself? A quarter is reported some weeks after its
//! end; the next report is announced with estimates and without figures.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::super::super::answer::Refusal;
use super::super::super::market::calendar::{date_of_number, day_number};
use super::super::super::market::universe::Instrument;
use super::super::super::noise::{Dice, rounded};
use super::super::super::table::Call;
use super::super::financials::{Figures, Quarter};
use super::{dice_of, id, updated};

/// How many quarters are on record.
const QUARTERS: i64 = 8;

/// One report of a company.
struct Report<'a> {
    stock: &'a Instrument,
    quarter: Quarter,
    date: Date,
    dice: Dice,
}

/// Lists the reports on record and the next one that is announced.
fn reports<'a>(call: &Call<'a>, stock: &'a Instrument, topic: u64) -> impl Iterator<Item = Report<'a>> + use<'a> {
    let current = Quarter::of(call.today());
    (0..=QUARTERS).map(move |back| {
        let quarter = current.back(back);
        let dice = dice_of(stock, topic, quarter.number() as u64);
        // Between three and eight weeks after the end of the quarter.
        let date = date_of_number(day_number(quarter.last_day()) + 21 + dice.below(1, 35) as i64);
        Report { stock, quarter, date, dice }
    })
}

/// Adds the fields that every entry of Benzinga's calendar has.
fn entry(report: &Report<'_>) -> Value {
    let Report { stock, quarter, date, dice } = report;
    json!({
        "benzinga_id": id(*dice),
        "ticker": stock.ticker,
        "company_name": stock.name,
        "currency": "USD",
        "date": date.to_string(),
        "time": if dice.one_in(2, 2) { "07:00:00" } else { "16:05:00" },
        "importance": dice.below(3, 6),
        "fiscal_year": quarter.year(),
        "fiscal_period": quarter.name(),
        "eps_method": "adj",
        "revenue_method": "gaap",
        "last_updated": updated(*dice, *date),
    })
}

pub(super) fn earnings(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let today = call.today();
    let rows = call.companies().flat_map(|stock| {
        reports(call, stock, 2).filter(|report| call.admits_date("date", report.date)).map(move |report| {
            let figures = Figures::of(stock, report.quarter);
            let before = Figures::of(stock, report.quarter.back(4));
            let eps = rounded(figures.earnings_per_share(), 2);
            let estimated = rounded(eps * report.dice.between(4, 0.9, 1.1), 2);
            let revenue = figures.revenues;
            let estimated_revenue = rounded(revenue * report.dice.between(5, 0.95, 1.05), 0);
            let mut row = entry(&report);
            row["date_status"] = if report.date > today { "projected" } else { "confirmed" }.into();
            row["estimated_eps"] = estimated.into();
            row["estimated_revenue"] = estimated_revenue.into();
            row["previous_eps"] = rounded(before.earnings_per_share(), 2).into();
            row["previous_revenue"] = before.revenues.into();
            if report.date <= today {
                row["actual_eps"] = eps.into();
                row["actual_revenue"] = revenue.into();
                row["eps_surprise"] = rounded(eps - estimated, 2).into();
                row["revenue_surprise"] = (revenue - estimated_revenue).into();
                row["revenue_surprise_percent"] = rounded((revenue / estimated_revenue - 1.0) * 100.0, 2).into();
                // Of an estimate of nothing there is no per cent.
                if estimated != 0.0 {
                    row["eps_surprise_percent"] = rounded((eps - estimated) / estimated.abs() * 100.0, 2).into();
                }
            }
            row
        })
    });
    Ok(rows.collect())
}

pub(super) fn guidance(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let today = call.today();
    let rows = call.companies().flat_map(|stock| {
        // Half of the quarters have guidance; Apple gives it always, so that examples have something to show.
        let given = reports(call, stock, 3).filter(|report| report.dice.one_in(6, 2) || report.stock.ticker == "AAPL");
        given.filter(|report| report.date <= today && call.admits_date("date", report.date)).map(move |report| {
            let expected = Figures::of(stock, report.quarter.back(-1));
            let current = Figures::of(stock, report.quarter);
            let around = |value: f64, share: f64, places| rounded(value * share, places);
            let (eps, revenue) = (expected.earnings_per_share(), expected.revenues);
            let (eps_now, revenue_now) = (current.earnings_per_share(), current.revenues);
            let mut row = entry(&report);
            row["positioning"] = (*report.dice.pick(7, &["primary", "secondary"])).into();
            row["release_type"] = (*report.dice.pick(8, &["official", "preliminary"])).into();
            row["estimated_eps_guidance"] = around(eps, 1.0, 2).into();
            row["estimated_revenue_guidance"] = around(revenue, 1.0, 0).into();
            row["min_eps_guidance"] = around(eps, 0.95, 2).into();
            row["max_eps_guidance"] = around(eps, 1.05, 2).into();
            row["min_revenue_guidance"] = around(revenue, 0.97, 0).into();
            row["max_revenue_guidance"] = around(revenue, 1.03, 0).into();
            row["previous_min_eps_guidance"] = around(eps_now, 0.95, 2).into();
            row["previous_max_eps_guidance"] = around(eps_now, 1.05, 2).into();
            row["previous_min_revenue_guidance"] = around(revenue_now, 0.97, 0).into();
            row["previous_max_revenue_guidance"] = around(revenue_now, 1.03, 0).into();
            row
        })
    });
    Ok(rows.collect())
}
