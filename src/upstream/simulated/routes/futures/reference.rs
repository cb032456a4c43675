//! Which futures are there: products, and the contracts of each.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::super::super::answer::Refusal;
use super::super::super::market::calendar::day_number;
use super::super::super::market::futures::{Contract, PRODUCTS, Product};
use super::super::super::table::Call;
use super::in_version;

/// Reads the day that reference data is asked as of.
fn as_of(call: &Call<'_>) -> Result<Date, Refusal> {
    let Some(text) = call.parameters.text("as_of") else { return Ok(call.today()) };
    let date = text.parse().ok().filter(|date: &Date| (1970..=2100).contains(&date.year()));
    date.ok_or_else(|| Refusal::BadParameter("as_of must be a date such as 2026-03-10".to_owned()))
}

fn product_row(call: &Call<'_>, product: &Product, as_of: Date) -> Value {
    let mut row = json!({
        "product_code": product.code,
        "name": product.name,
        "trading_venue": product.venue,
        "asset_class": product.asset_class,
        "asset_sub_class": product.sector,
        "sector": product.sector,
        "sub_sector": product.sub_sector,
        "type": "single",
        "last_updated": format!("{as_of}T05:00:00Z"),
        "price_quotation": "U.S. dollars and cents",
        "settlement_currency_code": "USD",
        "settlement_method": product.settlement,
        "settlement_type": "cash",
        "trade_currency_code": "USD",
        "unit_of_measure": product.unit.0,
    });
    row[in_version(call, "unit_of_measure_quantity", "unit_of_measure_qty")] = product.unit.1.into();
    row[in_version(call, "as_of", "date")] = as_of.to_string().into();
    row
}

pub(super) fn products(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let as_of = as_of(call)?;
    Ok(PRODUCTS.iter().map(|product| product_row(call, product, as_of)).collect())
}

pub(super) fn one_product(call: &Call<'_>) -> Result<Value, Refusal> {
    let product = Product::find(call.segment("product_code")).ok_or(Refusal::NoData)?;
    Ok(json!({"status": "OK", "results": product_row(call, product, as_of(call)?)}))
}

fn contract_row(call: &Call<'_>, contract: &Contract, as_of: Date) -> Value {
    let product = contract.product;
    let mut row = json!({
        "ticker": contract.ticker,
        "product_code": product.code,
        "trading_venue": product.venue,
        "name": format!("{} {}", product.name, contract.last_trade.strftime("%b %Y")),
        "type": "single",
        "active": contract.first_trade <= as_of && as_of <= contract.last_trade,
        "first_trade_date": contract.first_trade.to_string(),
        "last_trade_date": contract.last_trade.to_string(),
        "settlement_date": contract.last_trade.to_string(),
        "days_to_maturity": day_number(contract.last_trade) - day_number(as_of),
        "min_order_quantity": 1,
        "max_order_quantity": 1_000,
        "settlement_tick_size": product.tick,
        "spread_tick_size": product.tick,
        "trade_tick_size": product.tick,
    });
    row[in_version(call, "as_of", "date")] = as_of.to_string().into();
    row
}

pub(super) fn contracts(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let as_of = as_of(call)?;
    Ok(PRODUCTS
        .iter()
        .flat_map(|product| product.contracts(as_of))
        .map(|contract| contract_row(call, &contract, as_of))
        .collect())
}

pub(super) fn one_contract(call: &Call<'_>) -> Result<Value, Refusal> {
    let as_of = as_of(call)?;
    let contract = Contract::find(call.segment("ticker"), as_of).ok_or(Refusal::NoData)?;
    Ok(json!({"status": "OK", "results": contract_row(call, &contract, as_of)}))
}
