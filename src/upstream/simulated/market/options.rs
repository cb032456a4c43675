//! Which option contracts are there, and what is one worth? Contracts expire on third Fridays and have strikes around the
//! base price of what they are on, so that a contract exists for years; its worth follows the underlying's price by the
//! formula of Black and Scholes.

use jiff::civil::{Date, Weekday};

use super::super::noise::{mix, unit};
use super::calendar::day_number;
use super::universe::{Instrument, Market, Universe};

/// How many strikes there are on each side of the base price.
const STRIKES: i64 = 12;

/// The next so many months have an expiration, and after them the last of each quarter.
const MONTHS: i64 = 6;

/// How far ahead, and for an expired contract how far back, contracts reach.
const HORIZON_MONTHS: i64 = 26;

/// What money earns without risk, a year.
const RATE: f64 = 0.04;

/// One contract.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Contract {
    pub(crate) ticker: String,
    pub(crate) underlying: String,
    pub(crate) is_call: bool,
    pub(crate) expires: Date,
    pub(crate) strike: f64,
}

/// What a contract is worth, and how that changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Worth {
    pub(crate) price: f64,
    pub(crate) delta: f64,
    pub(crate) gamma: f64,
    /// Of a day.
    pub(crate) theta: f64,
    /// Of one hundredth of volatility.
    pub(crate) vega: f64,
}

impl Contract {
    fn new(underlying: &Instrument, is_call: bool, expires: Date, strike: f64) -> Self {
        let side = if is_call { 'C' } else { 'P' };
        let date = format!("{:02}{:02}{:02}", expires.year() % 100, expires.month(), expires.day());
        let ticker = format!("O:{}{date}{side}{:08}", root(&underlying.ticker), (strike * 1_000.0).round() as i64);
        Self { ticker, underlying: underlying.ticker.clone(), is_call, expires, strike }
    }

    /// Finds the contract of a ticker such as `O:AAPL271217C00240000`, expired or not.
    pub(crate) fn find(universe: &Universe, ticker: &str, today: Date) -> Option<Self> {
        let code = ticker.strip_prefix("O:").filter(|code| code.is_ascii() && code.len() > 15)?;
        let (name, rest) = code.split_at(code.len() - 15);
        let by_root = || universe.all().iter().find(|instrument| root(&instrument.ticker) == name);
        let named = universe.find(name).or_else(|| universe.find(&format!("I:{name}"))).or_else(by_root);
        let underlying = named.filter(|instrument| has_options(instrument))?;
        let number = |range: std::ops::Range<usize>| rest[range].parse::<i64>().ok();
        let expires = Date::new(2_000 + number(0..2)? as i16, number(2..4)? as i8, number(4..6)? as i8).ok()?;
        let strike = number(7..15)? as f64 / 1_000.0;
        let is_call = match &rest[6..7] {
            "C" => true,
            "P" => false,
            _ => return None,
        };
        let months = month_number(expires) - month_number(today);
        let is_listed = expires == third_friday(month_number(expires))? && months.abs() <= HORIZON_MONTHS;
        (is_listed && strikes(underlying).any(|listed| listed == strike)).then(|| Self::new(underlying, is_call, expires, strike))
    }

    /// Gives the volatility that the contract's price implies, which is higher far from the price of the underlying.
    pub(crate) fn volatility(&self, underlying: &Instrument) -> f64 {
        let smile = (self.strike / underlying.base_price).ln().powi(2) * 0.6;
        (0.18 + 0.25 * unit(mix(&[underlying.key, 0x6976])) + smile) * underlying.volatility.max(0.5)
    }

    /// Tells the worth at a price of the underlying, so many years before the end.
    pub(crate) fn worth(&self, underlying: &Instrument, spot: f64, years: f64) -> Worth {
        let volatility = self.volatility(underlying);
        let spread = volatility * years.sqrt();
        let discount = (-RATE * years).exp();
        let first = ((spot / self.strike).ln() + (RATE + volatility * volatility / 2.0) * years) / spread;
        let second = first - spread;
        let density = (-first * first / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let sign = if self.is_call { 1.0 } else { -1.0 };
        let carried = self.strike * discount * normal(sign * second);
        let decay = -spot * density * volatility / (2.0 * years.sqrt()) - sign * RATE * carried;
        Worth {
            price: (sign * (spot * normal(sign * first) - carried)).max(0.01),
            delta: sign * normal(sign * first),
            gamma: density / (spot * spread),
            theta: decay / 365.0,
            vega: spot * density * years.sqrt() / 100.0,
        }
    }

    /// Gives the years from a moment to the close on the day of expiry; never quite none.
    pub(crate) fn years_left(&self, close_ms: i64, now_ms: i64) -> f64 {
        (close_ms - now_ms).max(60_000) as f64 / (365.0 * 86_400_000.0)
    }
}

/// Says whether there are options on an instrument.
pub(crate) fn has_options(instrument: &Instrument) -> bool {
    matches!(instrument.market, Market::Stocks | Market::Indices)
}

/// Lists the contracts on an instrument that have not expired, by expiration, strike and side; or those that have, of as
/// many months.
pub(crate) fn contracts(underlying: &Instrument, today: Date, expired: bool) -> Vec<Contract> {
    let this_month = month_number(today);
    let ahead = (0..HORIZON_MONTHS).filter(|&months| months < MONTHS || (this_month + months) % 3 == 2);
    let months: Vec<i64> = if expired { (1..MONTHS).rev().map(|back| -back).chain([0]).collect() } else { ahead.collect() };
    let expirations = months.into_iter().filter_map(|months| third_friday(this_month + months));
    let wanted = expirations.filter(|date| (day_number(*date) < day_number(today)) == expired);
    let of_date = |date| strikes(underlying).flat_map(move |strike| [true, false].map(|is_call| (date, strike, is_call)));
    wanted.flat_map(of_date).map(|(date, strike, is_call)| Contract::new(underlying, is_call, date, strike)).collect()
}

/// The name of an underlying inside a contract's ticker.
fn root(ticker: &str) -> String {
    ticker.trim_start_matches("I:").replace('.', "")
}

fn strikes(underlying: &Instrument) -> impl Iterator<Item = f64> + use<> {
    let step = match underlying.base_price {
        price if price < 5.0 => 0.25,
        price if price < 15.0 => 0.5,
        price if price < 50.0 => 1.0,
        price if price < 100.0 => 2.5,
        price if price < 250.0 => 5.0,
        price if price < 1_000.0 => 10.0,
        _ => 50.0,
    };
    let middle = (underlying.base_price / step).round() as i64;
    (middle - STRIKES..=middle + STRIKES).filter(|&count| count > 0).map(move |count| count as f64 * step)
}

/// Counts the months since the year 0; those of a quarter's end leave 2 when divided by 3.
fn month_number(date: Date) -> i64 {
    i64::from(date.year()) * 12 + i64::from(date.month()) - 1
}

fn third_friday(month: i64) -> Option<Date> {
    let first = Date::new((month / 12) as i16, (month % 12) as i8 + 1, 1).ok()?;
    first.nth_weekday_of_month(3, Weekday::Friday).ok()
}

/// The normal distribution, to seven digits (Abramowitz and Stegun, 26.2.17).
fn normal(at: f64) -> f64 {
    let turn = 1.0 / (1.0 + 0.231_641_9 * at.abs());
    let tail = [1.330_274_429, -1.821_255_978, 1.781_477_937, -0.356_563_782, 0.319_381_530];
    let sum = tail.into_iter().fold(0.0, |sum, part| (sum + part) * turn);
    let above = sum * (-at * at / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if at < 0.0 { above } else { 1.0 - above }
}
