//! One day: the bars of a whole market, and the open and close of one symbol with what was paid before and after.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::super::answer::Refusal;
use super::super::market::bars::{Hours, bar};
use super::super::market::universe::Market;
use super::super::table::{Call, Object};
use super::aggregates::{row, session_end_ms};
use super::snapshots::amount;

pub(super) const OBJECTS: &[Object] = &[
    Object::new("/v2/aggs/grouped/locale/{locale}/market/{market}/{date}", grouped),
    Object::new("/v1/open-close/{ticker}/{date}", open_close),
];

/// Reads a day of the path.
fn day_of(call: &Call<'_>) -> Result<Date, Refusal> {
    let date = call.segment("date").parse().ok().filter(|date: &Date| (1970..=2100).contains(&date.year()));
    date.ok_or_else(|| Refusal::BadParameter("date must be a date such as 2026-03-10".to_owned()))
}

fn grouped(call: &Call<'_>) -> Result<Value, Refusal> {
    let market = match (call.segment("locale"), call.segment("market")) {
        ("us", "stocks") => Market::Stocks,
        ("global", "crypto") => Market::Crypto,
        ("global", "fx") => Market::Forex,
        _ => return Err(Refusal::BadParameter("locale and market must be us/stocks, global/crypto or global/fx".to_owned())),
    };
    let date = day_of(call)?;
    let adjusted = call.parameters.flag("adjusted", true)?;
    // Nothing over the counter is simulated, so either value answers the same.
    call.parameters.flag("include_otc", false)?;
    let view = &call.view;
    let calendar = &view.exchange.calendar;
    let day = calendar.day(market, date);
    let bars = day.iter().flat_map(|day| {
        view.exchange.universe.of(market).filter_map(move |instrument| {
            let bar =
                view.with_series(instrument, |series| bar(series, day.open_ms, day.close_ms, Hours::Regular, view.now_ms))?;
            let mut row = row(instrument, &bar);
            row["T"] = instrument.ticker.as_str().into();
            row["t"] = session_end_ms(calendar, market, day).into();
            Some(row)
        })
    });
    let rows: Vec<Value> = bars.collect();
    let count = rows.len();
    let mut body = json!({"queryCount": count, "resultsCount": count, "adjusted": adjusted, "status": "OK", "count": count});
    if count > 0 {
        body["results"] = Value::Array(rows);
    }
    Ok(body)
}

fn open_close(call: &Call<'_>) -> Result<Value, Refusal> {
    let date = day_of(call)?;
    call.parameters.flag("adjusted", true)?;
    let view = &call.view;
    let instrument = view.exchange.universe.find(call.segment("ticker")).ok_or(Refusal::NoData)?;
    let day = view.exchange.calendar.day(instrument.market, date).ok_or(Refusal::NoData)?;
    view.with_series(instrument, |series| {
        let bar = bar(series, day.open_ms, day.close_ms, Hours::Regular, view.now_ms).ok_or(Refusal::NoData)?;
        let mut body = json!({
            "status": "OK",
            "from": date.to_string(),
            "symbol": instrument.ticker,
            "open": bar.spread.open,
            "high": bar.spread.high,
            "low": bar.spread.low,
            "close": bar.spread.close,
        });
        if instrument.market != Market::Indices {
            body["volume"] = amount(instrument, bar.turnover.volume);
        }
        if instrument.market == Market::Stocks {
            body["preMarket"] = series.price_at(series.next_trade_ms(day.pre_ms - 1)).into();
            if view.now_ms >= day.close_ms {
                body["afterHours"] = series.price_at(day.after_ms.min(view.now_ms + 1) - 1).into();
            }
        }
        Ok(body)
    })
}
