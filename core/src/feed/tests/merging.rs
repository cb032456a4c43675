//! Trades, quotes and bars over a polled beginning.

use proptest::prelude::*;

use super::super::{Bar, Book, FeedEvent, Span, Told};
use crate::market::{Quote, Source};
use crate::time::Millis;

/// Later than everything here.
const NOW: Millis = Millis(10_000);

fn polled(price: f64, change: f64, volume: f64, as_of: u64) -> Quote {
    Quote {
        symbol: "AAPL".parse().unwrap(),
        price,
        size: None,
        bid: None,
        ask: None,
        change,
        change_percent: 0.0,
        volume,
        as_of: Millis(as_of),
        source: Source::Poll,
        delayed: false,
    }
}

fn event(at: u64, told: Told) -> FeedEvent {
    FeedEvent { symbol: "AAPL".parse().unwrap(), at: Millis(at), told }
}

fn trade(at: u64, price: f64, size: f64) -> FeedEvent {
    event(at, Told::Trade { price, size: Some(size) })
}

fn book() -> Book {
    let mut book = Book::new(Source::Ws, false);
    book.polled(&polled(100.0, 10.0, 1_000.0, 50));
    book
}

fn bar(start: u64, close: f64) -> Bar {
    Bar {
        span: Span::Second,
        start: Millis(start),
        end: Millis(start + 1_000),
        open: close,
        high: close,
        low: close,
        close,
        volume: Some(1.0),
        day_volume: Some(5_000.0),
        vwap: None,
    }
}

#[test]
fn a_poll_that_is_older_than_the_newest_bid_and_ask_does_not_take_a_currency_back() {
    let euro = |at, told| FeedEvent { symbol: "C:EURUSD".parse().unwrap(), at: Millis(at), told };
    let polled_at = |price, as_of| Quote { symbol: "C:EURUSD".parse().unwrap(), ..polled(price, 0.01, 0.0, as_of) };
    let mut book = Book::new(Source::Ws, false);
    book.polled(&polled_at(1.08, 50));
    book.take(&euro(90, Told::Quote { bid: Some(1.09), ask: Some(1.11) }), NOW);
    book.polled(&polled_at(1.085, 70));
    let quote = book.quote(&"C:EURUSD".parse().unwrap()).unwrap();
    assert_eq!((quote.price, quote.as_of), (1.1, Millis(90)));
    book.polled(&polled_at(1.12, 95));
    assert_eq!(book.quote(&"C:EURUSD".parse().unwrap()).unwrap().price, 1.12);
}

#[test]
fn a_currency_of_little_worth_keeps_its_digits() {
    let rial = |at, told| FeedEvent { symbol: "C:IRRUSD".parse().unwrap(), at: Millis(at), told };
    let mut book = Book::new(Source::Ws, false);
    book.polled(&Quote { symbol: "C:IRRUSD".parse().unwrap(), ..polled(0.000_023_8, 0.0, 0.0, 50) });
    let quote = book.take(&rial(60, Told::Quote { bid: Some(0.000_023_81), ask: Some(0.000_023_83) }), NOW).unwrap();
    assert_eq!(quote.price, 0.000_023_82);
}

#[test]
fn nothing_is_said_of_a_symbol_before_it_was_polled() {
    assert!(Book::new(Source::Ws, false).take(&trade(60, 101.0, 5.0), NOW).is_none());
}

#[test]
fn a_trade_changes_the_price_and_its_change_and_adds_to_the_volume() {
    let mut book = book();
    let quote = book.take(&trade(60, 108.0, 5.0), NOW).unwrap();
    assert_eq!((quote.price, quote.size, quote.volume, quote.as_of), (108.0, Some(5.0), 1_005.0, Millis(60)));
    assert_eq!((quote.change, quote.change_percent, quote.source), (18.0, 20.0, Source::Ws));
    let quote = book.take(&event(61, Told::Quote { bid: Some(107.9), ask: None }), NOW).unwrap();
    assert_eq!((quote.price, quote.bid, quote.ask, quote.as_of), (108.0, Some(107.9), None, Millis(61)));
}

#[test]
fn a_trade_that_comes_late_counts_and_does_not_move_the_price_back() {
    let mut book = book();
    book.take(&trade(70, 108.0, 5.0), NOW);
    let quote = book.take(&trade(60, 50.0, 7.0), NOW).unwrap();
    assert_eq!((quote.price, quote.volume, quote.as_of), (108.0, 1_012.0, Millis(70)));
    assert!(book.take(&trade(40, 50.0, 7.0), NOW).is_none(), "it is part of the polled volume");
}

#[test]
fn an_older_poll_corrects_volume_and_previous_close_and_leaves_the_price() {
    let mut book = book();
    book.take(&trade(70, 108.0, 5.0), NOW);
    book.polled(&polled(100.0, 10.0, 3_000.0, 60));
    let quote = book.take(&trade(80, 109.0, 1.0), NOW).unwrap();
    assert_eq!((quote.price, quote.volume, quote.change), (109.0, 3_001.0, 19.0));
    book.polled(&polled(100.0, 1.0, 20.0, 75));
    let quote = book.take(&trade(81, 109.0, 1.0), NOW).unwrap();
    assert_eq!((quote.volume, quote.change), (21.0, 10.0), "another previous close is another day");
}

#[test]
fn a_bar_corrects_the_volume_of_the_day_only_upwards() {
    let mut book = book();
    assert_eq!(book.take(&event(2_000, Told::Bar(bar(1_000, 101.0))), NOW).unwrap().volume, 5_000.0);
    assert!(book.take(&event(3_000, Told::Bar(bar(2_000, 101.0))), NOW).is_none());
    assert!(book.take(&event(3_000, Told::FairValue(7.0)), NOW).is_none());
}

#[test]
fn a_currency_costs_what_lies_between_bid_and_ask() {
    let mut book = Book::new(Source::Ws, false);
    book.polled(&Quote { symbol: "C:EURUSD".parse().unwrap(), ..polled(1.08, 0.0, 0.0, 50) });
    let told = Told::Quote { bid: Some(1.0846), ask: Some(1.0848) };
    let quote = book.take(&FeedEvent { symbol: "C:EURUSD".parse().unwrap(), at: Millis(60), told }, NOW).unwrap();
    assert_eq!((quote.price, quote.bid), (1.0847, Some(1.0846)));
}

#[test]
fn an_event_of_the_year_9999_is_one_of_now_and_what_comes_after_it_counts() {
    let mut book = book();
    let quote = book.take(&trade(253_402_300_799_000, 101.0, 1.0), NOW).unwrap();
    assert_eq!((quote.price, quote.as_of), (101.0, NOW));
    assert_eq!(book.take(&trade(NOW.0 + 1, 102.0, 1.0), NOW.plus(1)).unwrap().price, 102.0);
}

proptest! {
    #[test]
    fn whatever_comes_in_whatever_order_neither_time_nor_volume_goes_back_and_the_price_is_the_newest_trades(
        events in proptest::collection::vec((0u8..4, 1u64..200, 1u32..1_000), 1..100),
    ) {
        let mut book = book();
        let (mut as_of, mut volume, mut newest) = (Millis(50), 1_000.0, (50, 100.0));
        for (kind, at, value) in events {
            let value = f64::from(value);
            if kind == 3 {
                book.polled(&polled(value, value - 90.0, 900.0 + value, at));
                newest = if at >= newest.0 { (at, value) } else { newest };
                volume = 0.0;
                continue;
            }
            let told = match kind {
                0 => Told::Trade { price: value, size: Some(1.0) },
                1 => Told::Quote { bid: Some(value), ask: Some(value) },
                _ => Told::Bar(Bar { day_volume: Some(value * 10.0), ..bar(at, value) }),
            };
            newest = if kind == 0 && at >= newest.0 { (at, value) } else { newest };
            if let Some(quote) = book.take(&event(at, told), NOW) {
                prop_assert!(quote.as_of >= as_of && quote.volume >= volume);
                prop_assert_eq!(quote.price, newest.1);
                prop_assert!((quote.change - (quote.price - 90.0)).abs() < 1e-6);
                (as_of, volume) = (quote.as_of, quote.volume);
            }
        }
    }
}
