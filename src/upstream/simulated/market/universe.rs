//! Which symbols exist, in which order, and what never changes about each.

use std::collections::{HashMap, HashSet};

use super::super::noise::{below, mix, mix_text, unit};
use super::listed;

/// The asset class of an instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Market {
    Stocks,
    Crypto,
    Forex,
    Indices,
}

/// The two sides of a currency pair, each as (code, name).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    pub(crate) base: (&'static str, &'static str),
    pub(crate) quote: (&'static str, &'static str),
}

/// One symbol.
#[derive(Debug, Clone)]
pub(crate) struct Instrument {
    pub(crate) ticker: String,
    pub(crate) name: String,
    pub(crate) market: Market,
    /// The vendor's type code (CS, ETF, ADRC); empty outside stocks.
    pub(crate) kind: &'static str,
    /// The MIC of the primary exchange; empty outside stocks.
    pub(crate) exchange: &'static str,
    pub(crate) pair: Option<Pair>,
    pub(crate) base_price: f64,
    /// Scales every price move; 1.0 for an ordinary stock.
    pub(crate) volatility: f64,
    /// What an ordinary day trades, in shares or coins; zero for an index.
    pub(crate) daily_volume: f64,
    /// The seed of everything random about this symbol.
    pub(crate) key: u64,
}

impl Instrument {
    /// Rounds a price the way the venue quotes it: sub-penny steps only where a penny would be coarse.
    pub(crate) fn round(&self, price: f64) -> f64 {
        let steps = if price < 25.0 { 10_000.0 } else { 100.0 };
        (price * steps).round() / steps
    }

    /// The smallest amount that is traded.
    pub(crate) fn lot(&self) -> f64 {
        if self.market == Market::Crypto { 0.000_1 } else { 1.0 }
    }
}

/// All symbols: stocks first, the well-known ones ahead of the invented.
pub(crate) struct Universe {
    instruments: Vec<Instrument>,
    places: HashMap<String, usize>,
}

/// Invented tickers have four letters, which bounds how many there can be.
const MAX_STOCKS: usize = 50_000;

impl Universe {
    pub(crate) fn new(seed: u64, symbols: usize) -> Self {
        let mut instruments = stocks(seed, symbols.clamp(1, MAX_STOCKS));
        instruments.extend(others(seed));
        let places = instruments.iter().enumerate().map(|(place, instrument)| (instrument.ticker.clone(), place)).collect();
        Self { instruments, places }
    }

    pub(crate) fn find(&self, ticker: &str) -> Option<&Instrument> {
        self.places.get(ticker).map(|&place| &self.instruments[place])
    }

    pub(crate) fn place_of(&self, ticker: &str) -> Option<usize> {
        self.places.get(ticker).copied()
    }

    pub(crate) fn at(&self, place: usize) -> &Instrument {
        &self.instruments[place]
    }

    pub(crate) fn all(&self) -> &[Instrument] {
        &self.instruments
    }

    pub(crate) fn of(&self, market: Market) -> impl Iterator<Item = &Instrument> {
        self.instruments.iter().filter(move |instrument| instrument.market == market)
    }
}

fn stocks(seed: u64, symbols: usize) -> Vec<Instrument> {
    let known: HashSet<&str> = listed::STOCKS.iter().map(|listing| listing.0).collect();
    let famous = listed::STOCKS.iter().map(|&(ticker, name, kind, exchange, price)| {
        let key = mix_text(seed, ticker);
        let daily_volume = 5e6 + 7.5e7 * unit(mix(&[key, 1]));
        stock(key, ticker.to_owned(), name.to_owned(), (kind, exchange), (price, daily_volume))
    });
    let invented = (0..).map(invented_ticker).filter(|ticker| !known.contains(ticker.as_str())).map(|ticker| {
        let key = mix_text(seed, &ticker);
        let price = 3.0 * (120.0_f64).powf(unit(mix(&[key, 2])));
        let daily_volume = 1.5e6 + 6e6 * unit(mix(&[key, 1]));
        let name = invented_name(key);
        let kind = if below(mix(&[key, 3]), 8) == 0 { "ETF" } else { "CS" };
        let exchange = if below(mix(&[key, 4]), 2) == 0 { "XNAS" } else { "XNYS" };
        stock(key, ticker, name, (kind, exchange), (price, daily_volume))
    });
    famous.chain(invented).take(symbols).collect()
}

fn stock(key: u64, ticker: String, name: String, codes: (&'static str, &'static str), money: (f64, f64)) -> Instrument {
    Instrument {
        ticker,
        name,
        market: Market::Stocks,
        kind: codes.0,
        exchange: codes.1,
        pair: None,
        base_price: money.0,
        volatility: 0.8 + 0.6 * unit(mix(&[key, 5])),
        daily_volume: money.1,
        key,
    }
}

fn others(seed: u64) -> Vec<Instrument> {
    let blank = |ticker: &str, market, base_price, volatility| Instrument {
        ticker: ticker.to_owned(),
        name: String::new(),
        market,
        kind: "",
        exchange: "",
        pair: None,
        base_price,
        volatility,
        daily_volume: 0.0,
        key: mix_text(seed, ticker),
    };
    let crypto = listed::CRYPTO.iter().map(|&(ticker, code, name, price)| Instrument {
        name: format!("{name} - United States Dollar"),
        pair: Some(Pair { base: (code, name), quote: ("USD", "United States Dollar") }),
        daily_volume: 2e9 / price,
        ..blank(ticker, Market::Crypto, price, 1.5)
    });
    let forex = listed::FOREX.iter().map(|&(ticker, base, base_name, quote, quote_name, price)| Instrument {
        name: format!("{base_name} - {quote_name}"),
        pair: Some(Pair { base: (base, base_name), quote: (quote, quote_name) }),
        daily_volume: 1.5e6,
        ..blank(ticker, Market::Forex, price, 0.5)
    });
    let indices = listed::INDICES
        .iter()
        .map(|&(ticker, name, value)| Instrument { name: name.to_owned(), ..blank(ticker, Market::Indices, value, 0.5) });
    crypto.chain(forex).chain(indices).collect()
}

fn invented_ticker(number: u64) -> String {
    const LETTERS: u64 = 26;
    // A step without a common factor with 26^4 visits every four-letter word once before it repeats.
    let word = (number * 7_919 + 104_729) % LETTERS.pow(4);
    (0..4).rev().map(|place| char::from(b'A' + (word / LETTERS.pow(place) % LETTERS) as u8)).collect()
}

fn invented_name(key: u64) -> String {
    const FIRST: &[&str] =
        &["Harbor", "Summit", "Cobalt", "Prairie", "Beacon", "Granite", "Cascade", "Juniper", "Meridian", "Alder"];
    const SECOND: &[&str] =
        &["Dynamics", "Therapeutics", "Energy", "Logistics", "Software", "Foods", "Materials", "Bancorp", "Robotics"];
    const THIRD: &[&str] = &["Inc.", "Corporation", "Holdings, Inc.", "Group plc"];
    let pick = |words: &[&'static str], salt| words[below(mix(&[key, salt]), words.len() as u64) as usize];
    format!("{} {} {}", pick(FIRST, 11), pick(SECOND, 12), pick(THIRD, 13))
}
