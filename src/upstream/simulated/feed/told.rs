//! Which events does the market make for a connection? Each symbol's newest trade and the quote around it, once, and its bars when
//! they are full: read off the same prices as the REST routes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tickgate_core::feed::{Channel, ChannelKind};
use tickgate_core::market::Market;

use super::super::market::prices::Series;
use super::super::market::universe::Instrument;
use super::super::market::volume;
use super::super::routes::snapshots::amount;
use super::super::routes::trades;
use super::super::state::View;

/// What a connection was told of a symbol.
#[derive(Default)]
pub(super) struct Seen {
    trade_ns: i64,
    minute: i64,
}

/// Makes the events that are new since the last look.
pub(super) fn news(
    view: &View<'_>,
    market: Market,
    channels: &BTreeSet<Channel>,
    seen: &mut BTreeMap<String, Seen>,
) -> Vec<Value> {
    let mut events = Vec::new();
    let mut rest = channels.iter().peekable();
    while let Some(first) = rest.next() {
        let mut kinds = vec![first.kind];
        while let Some(next) = rest.next_if(|next| next.symbol == first.symbol) {
            kinds.push(next.kind);
        }
        let Some(instrument) = view.exchange.universe.find(first.symbol.as_str()) else { continue };
        let seen = seen.entry(instrument.ticker.clone()).or_default();
        view.with_series(instrument, |series| symbol(series, market, &kinds, seen, view.now_ms, &mut events));
    }
    events
}

fn symbol(series: Series<'_>, market: Market, kinds: &[ChannelKind], seen: &mut Seen, now_ms: i64, events: &mut Vec<Value>) {
    let trade = trades::newest(series, now_ms);
    if trade.at_ns == seen.trade_ns {
        return;
    }
    let (instrument, at) = (series.instrument, trade.at_ms());
    let minute = at.div_euclid(60_000);
    let full_minute = seen.minute != 0 && minute != seen.minute;
    *seen = Seen { trade_ns: trade.at_ns, minute };
    let name = name(market, instrument);
    for kind in kinds {
        let Some(ev) = kind.prefix(market) else { continue };
        let event = match kind {
            ChannelKind::Trades if market == Market::Indices => Some(json!({"ev": ev, "T": name, "val": trade.price, "t": at})),
            ChannelKind::Trades => Some(json!({
                "ev": ev, key(market): name, "p": trade.price, "s": trade.size, "x": trade.exchange, "i": trade.id,
                "c": trade.conditions, "t": at,
            })),
            ChannelKind::Quotes => {
                let quote = trade.quote(instrument);
                Some(if market == Market::Forex {
                    json!({"ev": ev, "p": name, "x": 48, "a": quote.ask, "b": quote.bid, "t": quote.at_ns / 1_000_000})
                } else {
                    json!({
                        "ev": ev, key(market): name, "bp": quote.bid, "bs": quote.bid_size, "ap": quote.ask, "as": quote.ask_size,
                        "t": quote.at_ns / 1_000_000,
                    })
                })
            }
            ChannelKind::Seconds => bar(series, (ev, key(market), &name), at.div_euclid(1_000) - 1, 1_000),
            ChannelKind::Minutes if full_minute => bar(series, (ev, key(market), &name), minute - 1, 60_000),
            ChannelKind::Minutes => None,
        };
        events.extend(event);
    }
}

/// Writes a bar; none outside trading hours.
fn bar(series: Series<'_>, (ev, key, name): (&str, &str, &str), number: i64, length_ms: i64) -> Option<Value> {
    let (start, end) = (number * length_ms, (number + 1) * length_ms);
    let instrument = series.instrument;
    let today = series.calendar.last_day(instrument.market, start);
    if start < today.pre_ms || end > today.after_ms {
        return None;
    }
    let spread = series.spread(start, end)?;
    let traded = volume::between(instrument, &today, start, end).volume;
    let so_far = volume::between(instrument, &today, today.pre_ms, end).volume;
    Some(json!({
        "ev": ev, key: name, "o": spread.open, "h": spread.high, "l": spread.low, "c": spread.close, "vw": spread.mean,
        "v": amount(instrument, traded), "av": amount(instrument, so_far), "s": start, "e": end,
    }))
}

/// Stocks and their kin are named in `sym`, pairs in `pair`.
const fn key(market: Market) -> &'static str {
    match market {
        Market::Forex | Market::Crypto => "pair",
        Market::Stocks | Market::Options | Market::Indices => "sym",
    }
}

fn name(market: Market, instrument: &Instrument) -> String {
    match (market, &instrument.pair) {
        (Market::Forex, Some(pair)) => format!("{}/{}", pair.base.0, pair.quote.0),
        (Market::Crypto, Some(pair)) => format!("{}-{}", pair.base.0, pair.quote.0),
        _ => instrument.ticker.clone(),
    }
}
