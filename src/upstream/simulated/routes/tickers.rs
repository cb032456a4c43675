//! Reference data: which tickers there are, and what is known about one.

use serde_json::{Value, json};

use super::super::answer::Refusal;
use super::super::market::calendar::timestamp;
use super::super::market::universe::{Instrument, Market};
use super::super::noise::{below, mix};
use super::super::parameters::NEXT_URL_BASE;
use super::super::state::View;
use super::super::table::{Call, Filter, Object, Table, flag, text};

const FILTERS: &[Filter] =
    &[text("ticker"), text("type"), text("market"), text("exchange").at("primary_exchange"), text("cik"), flag("active")];

pub(super) const TABLES: &[Table] = &[Table::new("/v3/reference/tickers", listed)
    .filters(FILTERS)
    .sorts(&["ticker", "name", "market", "locale", "type", "primary_exchange", "last_updated_utc"])
    .limit(100, 1_000)
    .dressed(|call, listed| {
        let ticker = listed["ticker"].as_str().unwrap_or_default();
        if let Some(instrument) = call.view.exchange.universe.find(ticker) {
            *listed = row(&call.view, instrument);
        }
    })
    .counted()];
pub(super) const OBJECTS: &[Object] =
    &[Object::new("/v3/reference/tickers/{ticker}", |call| details_of(&call.view, call.segment("ticker")))];

/// Every company makes the same.
pub(super) const SIC_CODE: &str = "3571";

const MARKETS: [&str; 5] = ["stocks", "crypto", "fx", "otc", "indices"];

/// Lists the tickers by what they are asked for; the page that is sent gets the rest.
fn listed(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    if call.parameters.text("market").is_some_and(|market| !MARKETS.contains(&market)) {
        return Err(Refusal::BadParameter(format!("market must be one of {}", MARKETS.join(", "))));
    }
    let search = call.parameters.text("search").map(str::to_lowercase);
    // Without a word on it, those that are no longer traded are left out; here all are traded.
    let mentions = |instrument: &&Instrument| {
        let has = |text: &str, part: &String| text.to_lowercase().contains(part);
        search.as_ref().is_none_or(|part| has(&instrument.ticker, part) || has(&instrument.name, part))
    };
    let rows = call.view.exchange.universe.all().iter().filter(mentions).map(|instrument| {
        let mut row = json!({
            "ticker": instrument.ticker,
            "name": instrument.name,
            "market": market_name(instrument.market),
            "locale": locale(instrument),
            "active": true,
        });
        if instrument.market == Market::Stocks {
            row["type"] = instrument.kind.into();
            row["primary_exchange"] = instrument.exchange.into();
            if instrument.kind != "ETF" {
                row["cik"] = cik(instrument).into();
            }
        }
        row
    });
    Ok(rows.collect())
}

fn locale(instrument: &Instrument) -> &'static str {
    if instrument.pair.is_some() { "global" } else { "us" }
}

/// Answers what is known about one ticker.
pub(crate) fn details_of(view: &View<'_>, ticker: &str) -> Result<Value, Refusal> {
    let instrument = view.exchange.universe.find(ticker).ok_or(Refusal::NotFound)?;
    let mut results = row(view, instrument);
    if let Some(fields) = results.as_object_mut() {
        fields.remove("last_updated_utc");
    }
    if instrument.market == Market::Stocks {
        add_company(&mut results, instrument);
    }
    Ok(json!({"status": "OK", "results": results}))
}

fn row(view: &View<'_>, instrument: &Instrument) -> Value {
    let day = view.exchange.calendar.midnight_ms(Market::Crypto, view.exchange.calendar.date_of(Market::Crypto, view.now_ms));
    let updated = timestamp(day + 60_000 * 5 + 21_371).strftime("%Y-%m-%dT%H:%M:%S.371Z").to_string();
    let mut row = json!({
        "ticker": instrument.ticker,
        "name": instrument.name,
        "market": market_name(instrument.market),
        "locale": locale(instrument),
        "active": true,
        "last_updated_utc": updated,
    });
    if let Some(pair) = instrument.pair {
        row["currency_symbol"] = pair.quote.0.into();
        row["currency_name"] = pair.quote.1.into();
        row["base_currency_symbol"] = pair.base.0.into();
        row["base_currency_name"] = pair.base.1.into();
    }
    if instrument.market == Market::Stocks {
        let key = instrument.key;
        row["primary_exchange"] = instrument.exchange.into();
        row["type"] = instrument.kind.into();
        row["currency_name"] = "usd".into();
        row["composite_figi"] = composite_figi(instrument).into();
        row["share_class_figi"] = figi(mix(&[key, 51])).into();
        // Funds have no CIK of their own upstream.
        if instrument.kind != "ETF" {
            row["cik"] = cik(instrument).into();
        }
    }
    row
}

fn add_company(results: &mut Value, instrument: &Instrument) {
    let key = instrument.key;
    let ticker = &instrument.ticker;
    let shares = shares(instrument);
    let branding = branding(instrument);
    let company = json!({
        "market_cap": (shares as f64 * instrument.base_price).round(),
        "phone_number": format!("(555) 555-01{:02}", below(mix(&[key, 63]), 100)),
        "address": {
            "address1": format!("{} EXAMPLE PARK WAY", 1 + below(mix(&[key, 64]), 999)),
            "city": "SAMPLETON",
            "state": "CA",
            "postal_code": format!("{:05}", 90_000 + below(mix(&[key, 65]), 6_000)),
        },
        "description": format!("{} in the simulated market. Figures are made up.", instrument.name),
        "sic_code": SIC_CODE,
        "sic_description": "ELECTRONIC COMPUTERS",
        "ticker_root": ticker.split('.').next().unwrap_or(ticker),
        "homepage_url": format!("https://{}.example.com", ticker.to_lowercase()),
        "total_employees": 100 + below(mix(&[key, 66]), 200_000),
        "list_date": list_date(instrument),
        "branding": {
            "logo_url": format!("{branding}/2026-03-01_logo.svg"),
            "icon_url": format!("{branding}/2026-03-01_icon.png"),
        },
        "share_class_shares_outstanding": shares,
        "weighted_shares_outstanding": shares + 6_000,
        "round_lot": 100,
    });
    if let (Some(results), Value::Object(company)) = (results.as_object_mut(), company) {
        results.extend(company);
    }
}

/// Counts the shares of a company.
pub(super) fn shares(instrument: &Instrument) -> u64 {
    50_000_000 + below(mix(&[instrument.key, 60]), 15_000_000_000) / 1_000 * 1_000
}

/// Gives the date a company was listed on.
pub(super) fn list_date(instrument: &Instrument) -> String {
    let key = instrument.key;
    let founded = 1_950 + below(mix(&[key, 62]), 70);
    format!("{founded}-{:02}-{:02}", 1 + below(mix(&[key, 67]), 12), 1 + below(mix(&[key, 68]), 28))
}

/// Gives the number the regulator knows a company by.
pub(super) fn cik(instrument: &Instrument) -> String {
    format!("{:010}", below(mix(&[instrument.key, 52]), 2_000_000))
}

pub(super) fn composite_figi(instrument: &Instrument) -> String {
    figi(mix(&[instrument.key, 50]))
}

/// Gives where the pictures of a company are, without the ending that names one.
pub(super) fn branding(instrument: &Instrument) -> String {
    format!("{NEXT_URL_BASE}/v1/reference/company-branding/{:016x}/images", mix(&[instrument.key, 61]))
}

pub(super) fn market_name(market: Market) -> &'static str {
    match market {
        Market::Stocks => "stocks",
        Market::Crypto => "crypto",
        Market::Forex => "fx",
        Market::Indices => "indices",
    }
}

/// Makes an identifier that looks like a FIGI: BBG and nine letters or digits.
fn figi(hash: u64) -> String {
    const SYMBOLS: &[u8] = b"0123456789BCDFGHJKLMNPQRSTVWXYZ";
    let symbol = |place| char::from(SYMBOLS[below(mix(&[hash, place]), SYMBOLS.len() as u64) as usize]);
    format!("BBG{}", (0..9).map(symbol).collect::<String>())
}
