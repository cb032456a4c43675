//! What happens to shares: dividends, splits, listings, and how many are sold short.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::super::answer::Refusal;
use super::super::market::calendar::{date_of_number, day_number};
use super::super::market::universe::{Instrument, Market};
use super::super::market::volume;
use super::super::noise::{Dice, rounded};
use super::super::table::{Call, Filter, Table, date, number, text};
use super::tickers::{list_date, shares};

/// How many years of dividends, and of short interest, are on record.
const YEARS: i64 = 3;

/// How many trading days of short sales are on record.
const SHORT_DAYS: usize = 20;

const DIVIDENDS: &[Filter] = &[
    text("ticker"),
    date("ex_dividend_date"),
    date("record_date"),
    date("declaration_date"),
    date("pay_date"),
    number("frequency"),
    number("cash_amount"),
    text("dividend_type"),
];
const SPLITS: &[Filter] = &[text("ticker"), date("execution_date")];
const IPOS: &[Filter] = &[text("ticker"), text("us_code"), text("isin"), date("listing_date"), text("ipo_status")];
const SHORT_INTEREST: &[Filter] =
    &[text("ticker"), date("settlement_date"), number("short_interest"), number("avg_daily_volume"), number("days_to_cover")];
const SHORT_VOLUME: &[Filter] = &[text("ticker"), date("date"), number("short_volume_ratio"), number("total_volume")];

pub(super) const TABLES: &[Table] = &[
    Table::new("/v3/reference/dividends", dividends)
        .filters(DIVIDENDS)
        .sorts(&["ex_dividend_date", "pay_date", "declaration_date", "record_date", "cash_amount", "ticker"])
        .newest_first(),
    Table::new("/v3/reference/splits", splits).filters(SPLITS).sorts(&["execution_date", "ticker"]).newest_first(),
    Table::new("/vX/reference/ipos", ipos)
        .filters(IPOS)
        .sorts(&[
            "listing_date",
            "ticker",
            "last_updated",
            "security_type",
            "issuer_name",
            "currency_code",
            "isin",
            "us_code",
            "final_issue_price",
            "ipo_status",
        ])
        .newest_first(),
    Table::new("/stocks/v1/short-interest", short_interest)
        .filters(SHORT_INTEREST)
        .sorts(&["ticker", "settlement_date", "short_interest", "avg_daily_volume", "days_to_cover"])
        .limit(10, 50_000)
        .sparse(),
    Table::new("/stocks/v1/short-volume", short_volume)
        .filters(SHORT_VOLUME)
        .sorts(&["ticker", "date", "short_volume", "total_volume", "short_volume_ratio"])
        .limit(10, 50_000)
        .sparse(),
];

fn dice_of(stock: &Instrument, topic: u64) -> Dice {
    Dice(stock.key).of(&[0x636f_7270, topic])
}

/// Apple pays, so that examples have something to show; of the others every second one does.
fn pays_dividends(stock: &Instrument) -> bool {
    stock.ticker == "AAPL" || dice_of(stock, 1).one_in(0, 2)
}

fn dividends(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let today = day_number(call.today());
    let shift = |days: i64| date_of_number(days).to_string();
    let mut rows = Vec::new();
    for stock in call.stocks().filter(|stock| pays_dividends(stock)) {
        let dice = dice_of(stock, 1);
        let (frequency, apart) = *dice.pick(1, &[(4, 91), (4, 91), (4, 91), (2, 182), (1, 364), (12, 28)]);
        let yearly = stock.base_price * dice.between(2, 0.005, 0.04);
        let amount = rounded(yearly / f64::from(frequency), 2).max(0.01);
        let phase = dice.below(3, apart as u64) as i64;
        let newest = (today + 30 - phase).div_euclid(apart);
        for turn in newest - YEARS * i64::from(frequency)..=newest {
            // Never on a weekend: a multiple of seven after a Monday.
            let ex = (turn * apart + phase).div_euclid(7) * 7 + 4;
            let special = dice.of(&[turn as u64]).one_in(4, 25);
            rows.push(json!({
                "id": format!("E{}", dice.of(&[turn as u64]).hex(5)),
                "ticker": stock.ticker,
                "cash_amount": if special { rounded(amount * 5.0, 2) } else { amount },
                "currency": "USD",
                "dividend_type": if special { "SC" } else { "CD" },
                "frequency": if special { 0 } else { frequency },
                "declaration_date": shift(ex - 11),
                "ex_dividend_date": shift(ex),
                "record_date": shift(ex),
                "pay_date": shift(ex + 3),
            }));
        }
    }
    Ok(rows)
}

fn splits(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let reverse =
        call.parameters.text("reverse_split").is_some().then(|| call.parameters.flag("reverse_split", false)).transpose()?;
    let today = day_number(call.today());
    let mut rows = Vec::new();
    for stock in call.stocks() {
        let dice = dice_of(stock, 2);
        let count = if stock.ticker == "AAPL" { 2 } else { dice.below(0, 3) };
        for turn in 0..count {
            let dice = dice.of(&[turn]);
            let is_reverse = stock.base_price < 15.0 && dice.one_in(1, 2);
            if reverse.is_some_and(|reverse| reverse != is_reverse) {
                continue;
            }
            let many = *dice.pick(2, &[2, 3, 4, 7, 10, 20]);
            let executed = (today - 200 - 1_500 * turn as i64 - dice.below(3, 1_200) as i64).div_euclid(7) * 7 + 4;
            rows.push(json!({
                "id": format!("E{}", dice.hex(4)),
                "ticker": stock.ticker,
                "execution_date": date_of_number(executed).to_string(),
                "split_from": if is_reverse { many } else { 1 },
                "split_to": if is_reverse { 1 } else { many },
            }));
        }
    }
    Ok(rows)
}

fn ipos(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let today = call.today();
    let listed = call.companies().map(|stock| {
        let price = rounded(stock.base_price * dice_of(stock, 3).between(1, 0.05, 0.8), 2);
        let mut row = listing(stock, &stock.ticker, "history", &list_date(stock));
        row["final_issue_price"] = price.into();
        row["total_offer_size"] = rounded(price * shares(stock) as f64 / 20.0, 2).into();
        row
    });
    // Those to come have no symbol in the market yet: a fifth letter makes one of another company's.
    let coming = call.view.exchange.universe.of(Market::Stocks).skip(100).take(24).enumerate().map(|(place, stock)| {
        let dice = dice_of(stock, 3);
        let status = *dice.pick(2, &["pending", "new", "rumor", "postponed", "withdrawn", "direct_listing_process"]);
        let date = date_of_number(day_number(today) + 3 + place as i64 * 4).to_string();
        let low = 8 + dice.below(3, 20);
        let mut row = listing(stock, &format!("{}X", stock.ticker), status, &date);
        row["issuer_name"] = format!("New {}", stock.name).into();
        row["lowest_offer_price"] = low.into();
        row["highest_offer_price"] = (low + 2).into();
        if status == "rumor"
            && let Some(fields) = row.as_object_mut()
        {
            fields.remove("listing_date");
        }
        row
    });
    Ok(listed.chain(coming).collect())
}

fn listing(stock: &Instrument, ticker: &str, status: &str, date: &str) -> Value {
    let dice = dice_of(stock, 4);
    let code = format!("{:08}{}", dice.below(1, 100_000_000), dice.below(2, 10));
    json!({
        "ticker": ticker,
        "issuer_name": stock.name,
        "listing_date": date,
        "announced_date": date,
        "ipo_status": status,
        "currency_code": "USD",
        "isin": format!("US{code}{}", dice.below(3, 10)),
        "us_code": code,
        "last_updated": date,
        "lot_size": 100,
        "primary_exchange": stock.exchange,
        "security_type": stock.kind,
        "security_description": "Ordinary Shares",
        "shares_outstanding": shares(stock),
        "min_shares_offered": 1_000_000,
        "max_shares_offered": 8_000_000,
    })
}

fn short_interest(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let today = call.today();
    let months = i64::from(today.year()) * 12 + i64::from(today.month()) - 1;
    let dates: Vec<Date> = (months - YEARS * 12..=months)
        .filter_map(|month| Date::new((month / 12) as i16, (month % 12) as i8 + 1, 15).ok())
        .flat_map(|middle| [middle, middle.last_of_month()])
        .filter(|date| *date < today && call.admits_date("settlement_date", *date))
        .collect();
    let rows = call.stocks().flat_map(|stock| {
        dates.iter().map(move |date| {
            let dice = dice_of(stock, 5).of(&[day_number(*date) as u64]);
            let average = (stock.daily_volume * dice.between(1, 0.8, 1.2)) as u64;
            let short = (average as f64 * dice.between(2, 0.5, 6.0)) as u64;
            json!({
                "ticker": stock.ticker,
                "settlement_date": date.to_string(),
                "short_interest": short,
                "avg_daily_volume": average,
                "days_to_cover": rounded(short as f64 / average.max(1) as f64, 2).max(1.0),
            })
        })
    });
    Ok(rows.collect())
}

fn short_volume(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let days: Vec<_> = call.view.exchange.calendar.days_before(Market::Stocks, call.today()).take(SHORT_DAYS).collect();
    let wanted: Vec<_> = days.into_iter().rev().filter(|day| call.admits_date("date", day.date)).collect();
    let rows = call.stocks().flat_map(|stock| {
        wanted.iter().map(move |day| {
            let dice = dice_of(stock, 6).of(&[day_number(day.date) as u64]);
            let traded = volume::between(stock, day, day.open_ms, day.close_ms).volume;
            // What is reported off the exchanges is a part of what was traded.
            let total = (traded * dice.between(1, 0.3, 0.5)) as u64;
            let short = (total as f64 * dice.between(2, 0.25, 0.65)) as u64;
            let nyse = short / 20;
            let chicago = short / 50;
            json!({
                "ticker": stock.ticker,
                "date": day.date.to_string(),
                "short_volume": short,
                "total_volume": total,
                "short_volume_ratio": rounded(short as f64 * 100.0 / total.max(1) as f64, 2),
                "exempt_volume": short / 500,
                "non_exempt_volume": short - short / 500,
                "adf_short_volume": 0,
                "adf_short_volume_exempt": 0,
                "nasdaq_carteret_short_volume": short - nyse - chicago,
                "nasdaq_carteret_short_volume_exempt": short / 500,
                "nasdaq_chicago_short_volume": chicago,
                "nasdaq_chicago_short_volume_exempt": 0,
                "nyse_short_volume": nyse,
                "nyse_short_volume_exempt": 0,
            })
        })
    });
    Ok(rows.collect())
}
