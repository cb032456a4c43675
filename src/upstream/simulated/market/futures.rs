//! Which futures are there? Products, and their contracts of the quarters to come; each contract's price follows its
//! product's, a little dearer the later it is delivered.

use jiff::civil::{Date, Weekday};

use super::super::noise::{mix, mix_text};
use super::calendar::{date_of_number, day_number};
use super::universe::{Instrument, Market};

/// How many contracts of a product are traded at a time.
const CONTRACTS: i64 = 8;

/// The letters of March, June, September and December.
const QUARTERS: [char; 4] = ['H', 'M', 'U', 'Z'];

/// How much dearer delivery a quarter later is.
const CARRY: f64 = 0.008;

/// What is traded.
pub(crate) struct Product {
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
    /// The MIC of its venue.
    pub(crate) venue: &'static str,
    pub(crate) asset_class: &'static str,
    pub(crate) sector: &'static str,
    pub(crate) sub_sector: &'static str,
    pub(crate) unit: (&'static str, f64),
    pub(crate) settlement: &'static str,
    pub(crate) price: f64,
    pub(crate) tick: f64,
}

macro_rules! product {
    ($code:literal, $name:literal, $venue:literal, $class:literal, $sector:literal, $sub:literal, $unit:expr, $settled:literal, $price:literal, $tick:literal) => {
        Product {
            code: $code,
            name: $name,
            venue: $venue,
            asset_class: $class,
            sector: $sector,
            sub_sector: $sub,
            unit: $unit,
            settlement: $settled,
            price: $price,
            tick: $tick,
        }
    };
}

/// Every product.
pub(crate) const PRODUCTS: &[Product] = &[
    product!(
        "ES",
        "E-mini S&P 500 Futures",
        "XCME",
        "financials",
        "us_index",
        "large_cap_index",
        ("IPNT", 50.0),
        "financially_settled",
        5_900.0,
        0.25
    ),
    product!(
        "NQ",
        "E-mini Nasdaq-100 Futures",
        "XCME",
        "financials",
        "us_index",
        "large_cap_index",
        ("IPNT", 20.0),
        "financially_settled",
        20_600.0,
        0.25
    ),
    product!(
        "RTY",
        "E-mini Russell 2000 Futures",
        "XCME",
        "financials",
        "us_index",
        "small_cap_index",
        ("IPNT", 50.0),
        "financially_settled",
        2_200.0,
        0.1
    ),
    product!(
        "YM",
        "E-mini Dow Futures",
        "XCBT",
        "financials",
        "us_index",
        "large_cap_index",
        ("IPNT", 5.0),
        "financially_settled",
        42_000.0,
        1.0
    ),
    product!(
        "ZN",
        "10-Year T-Note Futures",
        "XCBT",
        "financials",
        "interest_rate",
        "us_government",
        ("USD", 1_000.0),
        "deliverable",
        110.0,
        0.015_625
    ),
    product!(
        "ZC",
        "Corn Futures",
        "XCBT",
        "commodities",
        "grains_and_oilseeds",
        "grain",
        ("BU", 5_000.0),
        "deliverable",
        430.0,
        0.25
    ),
    product!(
        "CL",
        "Crude Oil Futures",
        "XNYM",
        "commodities",
        "energy",
        "crude_oil",
        ("BBL", 1_000.0),
        "deliverable",
        70.0,
        0.01
    ),
    product!(
        "NG",
        "Henry Hub Natural Gas Futures",
        "XNYM",
        "commodities",
        "energy",
        "natural_gas",
        ("MMBTU", 10_000.0),
        "deliverable",
        30.0,
        0.01
    ),
    product!("GC", "Gold Futures", "XCEC", "commodities", "metals", "precious", ("OZ", 100.0), "deliverable", 2_650.0, 0.1),
    product!("SI", "Silver Futures", "XCEC", "commodities", "metals", "precious", ("OZ", 5_000.0), "deliverable", 31.0, 0.01),
    product!(
        "BTC",
        "Bitcoin Futures",
        "XCME",
        "financials",
        "cryptocurrency",
        "bitcoin",
        ("BTC", 5.0),
        "financially_settled",
        88_000.0,
        5.0
    ),
];

/// One contract of a product.
#[derive(Clone)]
pub(crate) struct Contract {
    pub(crate) ticker: String,
    pub(crate) product: &'static Product,
    pub(crate) first_trade: Date,
    pub(crate) last_trade: Date,
    /// How many quarters from now it is delivered in.
    quarters: i64,
}

impl Product {
    pub(crate) fn find(code: &str) -> Option<&'static Self> {
        PRODUCTS.iter().find(|product| product.code == code)
    }

    /// Lists the contracts traded on a day, the first to expire first.
    pub(crate) fn contracts(&'static self, today: Date) -> impl Iterator<Item = Contract> {
        let this_quarter = i64::from(today.year()) * 4 + (i64::from(today.month()) - 1) / 3;
        let quarters = (this_quarter..).filter_map(move |quarter| self.contract(quarter, this_quarter));
        quarters.filter(move |contract| contract.last_trade >= today).take(CONTRACTS as usize)
    }

    fn contract(&'static self, quarter: i64, this_quarter: i64) -> Option<Contract> {
        let place = quarter.rem_euclid(4);
        let year = i16::try_from(quarter.div_euclid(4)).ok()?;
        let first = Date::new(year, (place * 3 + 3) as i8, 1).ok()?;
        let last_trade = first.nth_weekday_of_month(3, Weekday::Friday).ok()?;
        Some(Contract {
            // As on the exchanges: the year has one digit, so a ticker comes again after ten years.
            ticker: format!("{}{}{}", self.code, QUARTERS[place as usize], year % 10),
            product: self,
            // Before it is among those listed, however the Fridays of the quarters fall.
            first_trade: date_of_number(day_number(last_trade) - 91 * (CONTRACTS + 1)),
            last_trade,
            quarters: quarter - this_quarter,
        })
    }
}

impl Contract {
    /// Finds the contract of a ticker such as `ESZ7` among those traded on a day.
    pub(crate) fn find(ticker: &str, today: Date) -> Option<Self> {
        let product = Product::find(ticker.get(..ticker.len().checked_sub(2)?)?)?;
        product.contracts(today).find(|contract| contract.ticker == ticker)
    }

    /// Makes the instrument whose prices the contract has. Futures trade around the clock, as currencies do.
    pub(crate) fn instrument(&self, seed: u64) -> Instrument {
        let key = mix_text(seed, self.product.code);
        Instrument {
            ticker: self.ticker.clone(),
            name: self.product.name.to_owned(),
            market: Market::Forex,
            kind: "",
            exchange: self.product.venue,
            pair: None,
            base_price: self.product.price * (1.0 + CARRY * self.quarters as f64),
            volatility: 0.6,
            daily_volume: 100_000.0 + (mix(&[key, 1]) % 400_000) as f64,
            key,
        }
    }

    /// Rounds a price to the steps the product is traded in.
    pub(crate) fn round(&self, price: f64) -> f64 {
        let steps = (price / self.product.tick).round();
        // Dividing by a whole number keeps a decimal fraction free of binary noise.
        if self.product.tick < 1.0 { steps / (1.0 / self.product.tick).round() } else { steps * self.product.tick }
    }
}
