//! What frames say, good and bad ones.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{FeedEvent, Frame, Inbox, InboxLimits, Span, StatusWord, Told, read_frame};
use crate::market::Market;
use crate::time::Millis;

pub(super) const AT: u64 = 1_773_167_467_294;

fn read(market: Market, frame: &Value) -> Frame {
    read_frame(market, frame.to_string().as_bytes())
}

fn one(market: Market, event: &Value) -> FeedEvent {
    let frame = read(market, &json!([event]));
    assert_eq!((frame.events.len(), frame.malformed), (1, 0), "{event}");
    frame.events.into_iter().next().unwrap()
}

#[test]
fn trades_and_quotes_of_every_market_are_read() {
    let trade =
        one(Market::Stocks, &json!({"ev": "T", "sym": "AAPL", "p": 241.3, "s": 40, "x": 11, "i": "1", "c": [12], "t": AT}));
    assert_eq!((trade.symbol.as_str(), trade.at), ("AAPL", Millis(AT)));
    assert_eq!(trade.told, Told::Trade { price: 241.3, size: Some(40.0) });
    let quote =
        one(Market::Stocks, &json!({"ev": "Q", "sym": "AAPL", "bp": 241.29, "bs": 3, "ap": 241.31, "as": 5, "c": 0, "t": AT}));
    assert_eq!(quote.told, Told::Quote { bid: Some(241.29), ask: Some(241.31) });
    let pair = one(Market::Forex, &json!({"ev": "C", "p": "USD/CNH", "x": 44, "a": 6.83366, "b": 6.83363, "t": AT}));
    assert_eq!((pair.symbol.as_str(), pair.told), ("C:USDCNH", Told::Quote { bid: Some(6.83363), ask: Some(6.83366) }));
    let coin =
        one(Market::Crypto, &json!({"ev": "XT", "pair": "BTC-USD", "p": 88_412.57, "s": 0.0151, "c": [2], "t": AT, "r": AT}));
    assert_eq!((coin.symbol.as_str(), coin.told), ("X:BTCUSD", Told::Trade { price: 88_412.57, size: Some(0.0151) }));
    let value = one(Market::Indices, &json!({"ev": "V", "T": "I:SPX", "val": 5_800.5, "t": AT}));
    assert_eq!((value.symbol.as_str(), value.told), ("I:SPX", Told::Trade { price: 5_800.5, size: None }));
    let fair = one(Market::Stocks, &json!({"ev": "FMV", "sym": "AAPL", "fmv": 189.2, "t": 1_773_167_467_294_000_000_u64}));
    assert_eq!((fair.at, fair.told), (Millis(AT), Told::FairValue(189.2)));
}

#[test]
fn a_side_of_a_quote_that_is_empty_is_none() {
    let quote = one(Market::Stocks, &json!({"ev": "Q", "sym": "AAPL", "bp": 0, "ap": 241.31, "t": AT}));
    assert_eq!(quote.told, Told::Quote { bid: None, ask: Some(241.31) });
}

#[test]
fn bars_have_their_span_and_the_volume_of_the_day() {
    let bar = json!({"ev": "AM", "sym": "AAPL", "v": 4110, "av": 9_470_157, "op": 0.4372, "vw": 0.4488, "o": 0.4488, "c": 0.4486,
        "h": 0.4489, "l": 0.4486, "a": 0.4352, "z": 685.5, "s": AT, "e": AT + 60_000});
    let Told::Bar(minute) = one(Market::Stocks, &bar).told else { panic!("no bar") };
    assert_eq!((minute.span, minute.start, minute.day_volume), (Span::Minute, Millis(AT), Some(9_470_157.0)));
    for (market, ev, name, span) in [
        (Market::Forex, "CAS", "USD/CNH", Span::Second),
        (Market::Crypto, "XA", "BTC-USD", Span::Minute),
        (Market::Indices, "A", "", Span::Second),
    ] {
        let mut bar = json!({"ev": ev, "pair": name, "o": 1, "c": 2, "h": 3, "l": 1, "v": 9, "s": AT, "e": AT + 1});
        if name.is_empty() {
            bar["sym"] = json!("I:SPX");
        }
        let Told::Bar(bar) = one(market, &bar).told else { panic!("no bar") };
        assert_eq!(bar.span, span);
    }
}

#[test]
fn numbers_may_be_quoted_and_times_have_any_unit() {
    for at in [json!(AT), json!(AT.to_string()), json!(AT * 1_000), json!(AT * 1_000_000)] {
        assert_eq!(one(Market::Stocks, &json!({"ev": "T", "sym": "AAPL", "p": "241.3", "s": "40", "t": at})).at, Millis(AT));
    }
}

#[test]
fn one_malformed_event_costs_no_other_and_unknown_ones_are_ignored() {
    let good = json!({"ev": "T", "sym": "AAPL", "p": 241.3, "s": 40, "t": AT, "new": {"deep": [1, {}]}});
    let frame = json!([
        good, 7, "x", null, true, [1], {}, {"ev": 5}, {"ev": "T"}, {"ev": "T", "sym": "aapl", "p": 1, "t": AT},
        {"ev": "T", "sym": "AAPL", "p": -1, "t": AT}, {"ev": "T", "sym": "AAPL", "p": 1}, {"ev": "T", "sym": "X:BTCUSD", "p": 1, "t": AT},
        {"ev": "LULD", "T": "AAPL", "h": 218.8, "l": 198, "t": 1}, {"ev": "NOI", "T": "A"}, {"ev": "NEW"}, good,
    ]);
    let frame = read(Market::Stocks, &frame);
    assert_eq!((frame.events.len(), frame.malformed, frame.ignored), (2, 12, 3));
}

#[test]
fn a_frame_that_is_cut_short_keeps_what_came_before() {
    let whole = json!([{"ev": "T", "sym": "AAPL", "p": 1, "s": 1, "t": AT}, {"ev": "T", "sym": "MSFT", "p": 1, "s": 1, "t": AT}])
        .to_string();
    let frame = read_frame(Market::Stocks, &whole.as_bytes()[..whole.len() - 5]);
    assert_eq!((frame.events.len(), frame.malformed), (1, 1));
}

#[test]
fn a_status_has_its_word_and_a_short_clean_message() {
    let frame = read(
        Market::Stocks,
        &json!([{"ev": "status", "status": "max_connections", "message": format!("a\u{7}b{}", "x".repeat(1_000))}]),
    );
    assert_eq!(frame.notices[0].word, StatusWord::MaxConnections);
    assert_eq!((frame.notices[0].message.chars().count(), &frame.notices[0].message[..3]), (200, "abx"));
    let alone = read(Market::Stocks, &json!({"ev": "status", "status": "connected"}));
    assert_eq!(alone.notices[0].word, StatusWord::Connected);
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_frame(Market::Stocks, &bytes);
    }

    #[test]
    fn no_json_makes_the_reader_panic(text in "[\\[\\]{}\",:evTsympt0-9.eE+-]{0,120}") {
        let _ = read_frame(Market::Crypto, text.as_bytes());
    }

    #[test]
    fn whatever_gives_way_in_a_full_inbox_the_newest_of_each_symbol_and_kind_and_every_notice_stay(
        pushes in proptest::collection::vec((0usize..4, 0usize..3, 0u64..50), 1..200), limit in 1usize..20,
    ) {
        let names = ["AAPL", "MSFT", "TSLA", "F"];
        let mut inbox = Inbox::new(Market::Stocks, InboxLimits { frames: limit, bytes: 1 << 20 });
        let (mut newest, mut notices) = (std::collections::HashMap::new(), 0);
        for (number, (name, kind, at)) in pushes.iter().enumerate() {
            let (sym, t) = (names[*name], AT + at);
            let event = match kind {
                0 => json!({"ev": "T", "sym": sym, "p": number + 1, "s": 1, "t": t}),
                1 => json!({"ev": "Q", "sym": sym, "bp": number + 1, "ap": number + 2, "t": t}),
                _ => json!({"ev": "status", "status": "success", "message": "m"}),
            };
            if *kind == 2 {
                notices += 1;
            } else if newest.get(&(sym, *kind)).is_none_or(|known| t >= *known) {
                newest.insert((sym, *kind), t);
            }
            inbox.push(Bytes::from(json!([event]).to_string()));
        }
        let (mut found, mut told, mut events) = (std::collections::HashMap::new(), 0, 0u64);
        while let Some(frame) = inbox.take() {
            told += frame.notices.len();
            events += frame.events.len() as u64;
            for event in frame.events {
                let kind = usize::from(matches!(event.told, Told::Quote { .. }));
                let at = found.entry((event.symbol.to_string(), kind)).or_insert(event.at.0);
                *at = (*at).max(event.at.0);
            }
        }
        prop_assert_eq!(told, notices);
        prop_assert_eq!(events + inbox.take_conflated(), (pushes.len() - notices) as u64);
        prop_assert_eq!(found.len(), newest.len());
        for ((sym, kind), at) in newest {
            prop_assert_eq!(found[&(sym.to_owned(), kind)], at);
        }
    }
}
