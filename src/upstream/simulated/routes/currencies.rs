//! Currencies and coins: the last trade, the last quote, the conversion of an amount, and the book of a coin.

use serde_json::{Map, Value, json};

use super::super::answer::Refusal;
use super::super::market::universe::{Instrument, Market};
use super::super::noise::{Dice, rounded};
use super::super::table::{Call, Object};
use super::trades::{self, NANOS_PER_MS, Trade};

/// How many prices each side of a book shows.
const BOOK_DEPTH: u64 = 20;

pub(super) const OBJECTS: &[Object] = &[
    Object::new("/v1/last/crypto/{from}/{to}", last_crypto),
    Object::new("/v1/last_quote/currencies/{from}/{to}", last_quote),
    Object::new("/v1/conversion/{from}/{to}", conversion),
    Object::new("/v2/snapshot/locale/global/markets/crypto/tickers/{ticker}/book", book),
];

fn find<'a>(call: &Call<'a>, ticker: &str, market: Market) -> Option<&'a Instrument> {
    call.view.exchange.universe.find(ticker).filter(|instrument| instrument.market == market)
}

fn newest<'a>(call: &Call<'a>, instrument: &'a Instrument) -> Trade {
    call.view.with_series(instrument, |series| trades::newest(series, call.view.now_ms))
}

fn last_crypto(call: &Call<'_>) -> Result<Value, Refusal> {
    let (from, to) = (call.segment("from"), call.segment("to"));
    let instrument = find(call, &format!("X:{from}{to}"), Market::Crypto).ok_or(Refusal::NotFound)?;
    let trade = newest(call, instrument);
    Ok(json!({
        "status": "success",
        "symbol": format!("{from}-{to}"),
        "last": {
            "conditions": [1 + trade.dice().below(30, 2)],
            "exchange": trade.exchange,
            "price": trade.price,
            "size": trade.size,
            "timestamp": trade.at_ns / NANOS_PER_MS,
        },
    }))
}

/// The best bid and offer of a pair of currencies, of either side of the pair that is quoted.
struct Rate {
    bid: f64,
    ask: f64,
    at_ms: i64,
}

impl Rate {
    fn of(call: &Call<'_>) -> Result<Self, Refusal> {
        let (from, to) = (call.segment("from"), call.segment("to"));
        if let Some(quoted) = find(call, &format!("C:{from}{to}"), Market::Forex) {
            let quote = newest(call, quoted).quote(quoted);
            return Ok(Self { bid: quote.bid, ask: quote.ask, at_ms: quote.at_ns / NANOS_PER_MS });
        }
        let inverse = find(call, &format!("C:{to}{from}"), Market::Forex).ok_or(Refusal::NotFound)?;
        let quote = newest(call, inverse).quote(inverse);
        let (bid, ask) = (rounded(1.0 / quote.ask, 6), rounded(1.0 / quote.bid, 6));
        Ok(Self { bid, ask, at_ms: quote.at_ns / NANOS_PER_MS })
    }

    fn last(&self) -> Value {
        json!({"ask": self.ask, "bid": self.bid, "exchange": 48, "timestamp": self.at_ms})
    }
}

fn symbol(call: &Call<'_>) -> String {
    format!("{}/{}", call.segment("from"), call.segment("to"))
}

fn last_quote(call: &Call<'_>) -> Result<Value, Refusal> {
    Ok(json!({"status": "success", "symbol": symbol(call), "last": Rate::of(call)?.last()}))
}

fn conversion(call: &Call<'_>) -> Result<Value, Refusal> {
    let bad = |text: &str| Refusal::BadParameter(text.to_owned());
    let amount: Value = match call.parameters.text("amount") {
        None => 1.into(),
        Some(text) => match text.parse::<i64>() {
            Ok(whole) => whole.into(),
            Err(_) => {
                let amount = text.parse().ok().filter(|amount: &f64| amount.is_finite());
                amount.ok_or_else(|| bad("amount must be a number"))?.into()
            }
        },
    };
    let precision = match call.parameters.text("precision") {
        None => 2,
        Some(text) => {
            text.parse().ok().filter(|places| (0..=4).contains(places)).ok_or_else(|| bad("precision must be between 0 and 4"))?
        }
    };
    let rate = Rate::of(call)?;
    Ok(json!({
        "status": "success",
        "symbol": symbol(call),
        "from": call.segment("from"),
        "to": call.segment("to"),
        "initialAmount": amount,
        "converted": rounded(amount.as_f64().unwrap_or_default() * (rate.bid + rate.ask) / 2.0, precision),
        "last": rate.last(),
    }))
}

fn book(call: &Call<'_>) -> Result<Value, Refusal> {
    let instrument = find(call, call.segment("ticker"), Market::Crypto).ok_or(Refusal::NotFound)?;
    let trade = newest(call, instrument);
    let quote = trade.quote(instrument);
    let step = (instrument.base_price * 0.000_01).max(0.01);
    let (bids, bid_count) = side(trade.dice().of(&[1]), |level| instrument.round(quote.bid - step * level));
    let (asks, ask_count) = side(trade.dice().of(&[2]), |level| instrument.round(quote.ask + step * level));
    Ok(json!({
        "status": "OK",
        "data": {
            "ticker": instrument.ticker,
            "bids": bids,
            "asks": asks,
            "bidCount": bid_count,
            "askCount": ask_count,
            "spread": rounded(quote.ask - quote.bid, 4),
            "updated": trade.at_ns / NANOS_PER_MS,
        },
    }))
}

/// Writes one side of a book from the best price away: at each price the amount by exchange; and the sum of all amounts.
fn side(dice: Dice, price: impl Fn(f64) -> f64) -> (Vec<Value>, f64) {
    let mut total = 0.0;
    let levels = (0..BOOK_DEPTH).map(|level| {
        let dice = dice.of(&[level]);
        let mut amounts = Map::new();
        for exchange in [1, 6, 23].into_iter().filter(|&exchange| exchange == 1 || dice.one_in(exchange, 3)) {
            let amount = rounded(dice.between(40 + exchange, 0.01, 1.5), 4);
            total += amount;
            amounts.insert(exchange.to_string(), amount.into());
        }
        json!({"p": price(level as f64), "x": amounts})
    });
    let levels = levels.collect();
    (levels, rounded(total, 4))
}
