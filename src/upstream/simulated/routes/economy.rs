//! The economy: the yields of treasuries by day, prices to consumers by month.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::super::answer::Refusal;
use super::super::market::calendar::{FIRST_DAY, date_of_number, day_number};
use super::super::market::universe::Market;
use super::super::noise::{Dice, mix_text, rounded, smooth};
use super::super::table::{Call, Filter, Table, date};

const BY_DATE: &[Filter] = &[date("date")];

pub(super) const TABLES: &[Table] = &[
    Table::new("/fed/v1/treasury-yields", yields).filters(BY_DATE).sorts(&["date"]).limit(100, 50_000).sparse(),
    Table::new("/fed/v1/inflation", inflation).filters(BY_DATE).sorts(&["date"]).limit(100, 50_000).sparse(),
];

/// (the name of the field, how much it is above the level of rates, how far it moves by itself), in per cent
const TERMS: [(&str, f64, f64); 11] = [
    ("yield_1_month", 0.0, 0.10),
    ("yield_3_month", 0.03, 0.10),
    ("yield_6_month", 0.02, 0.12),
    ("yield_1_year", -0.05, 0.15),
    ("yield_2_year", -0.10, 0.20),
    ("yield_3_year", -0.08, 0.20),
    ("yield_5_year", 0.05, 0.20),
    ("yield_7_year", 0.15, 0.20),
    ("yield_10_year", 0.30, 0.20),
    ("yield_20_year", 0.60, 0.20),
    ("yield_30_year", 0.65, 0.20),
];

const DAY_MS: i64 = 86_400_000;

fn dice(call: &Call<'_>) -> Dice {
    Dice(mix_text(call.view.exchange.seed, "economy"))
}

fn yields(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let dice = dice(call);
    let today = call.today();
    let dates = (day_number(FIRST_DAY)..day_number(today)).map(date_of_number);
    // The treasury's days are the stock market's in either mode: there is no row of a weekend.
    let working = dates.filter(|date| {
        let weekend = matches!(date.weekday(), jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday);
        !weekend && call.admits_date("date", *date) && call.view.exchange.calendar.day(Market::Stocks, *date).is_some()
    });
    let rows = working.map(|date| {
        let at_ms = day_number(date) * DAY_MS;
        let level = 3.8 + 1.5 * smooth(dice.hash(1), at_ms, 900 * DAY_MS) + 0.2 * smooth(dice.hash(2), at_ms, 20 * DAY_MS);
        let mut row = json!({"date": date.to_string()});
        for (term, (name, above, reach)) in (10..).zip(TERMS) {
            let own = reach * smooth(dice.hash(term), at_ms, 60 * DAY_MS);
            row[name] = rounded((level + above + own).max(0.01), 2).into();
        }
        row
    });
    Ok(rows.collect())
}

fn inflation(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let dice = dice(call);
    let today = call.today();
    let first = i64::from(FIRST_DAY.year()) * 12;
    // A month is known some weeks after its end.
    let known = i64::from(today.year()) * 12 + i64::from(today.month()) - 2;
    let index = |salt: u64, base: f64, month: i64| {
        base * (0.002_1 * (month - first) as f64).exp() * (1.0 + 0.01 * smooth(dice.hash(salt), month, 18))
    };
    let rows = (first..=known).filter_map(|month| {
        let date = Date::new((month / 12) as i16, (month % 12) as i8 + 1, 1).ok()?;
        let cpi = index(30, 186.3, month);
        let mut row = json!({
            "date": date.to_string(),
            "cpi": rounded(cpi, 3),
            "cpi_core": rounded(index(31, 195.0, month), 3),
            "cpi_year_over_year": rounded((cpi / index(30, 186.3, month - 12) - 1.0) * 100.0, 2),
        });
        // Spending is reported later than prices.
        if month < known {
            row["pce"] = rounded(index(32, 83.7, month), 3).into();
            row["pce_core"] = rounded(index(33, 84.5, month), 3).into();
            row["pce_spending"] = rounded(index(34, 8_000.0, month), 1).into();
        }
        Some(row)
    });
    Ok(rows.collect())
}
