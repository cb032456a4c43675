//! Tick ingest: what a core spends from a frame as it came from the socket to the price that is handed to a stream.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tickgate_core::feed::{Book, Inbox, InboxLimits, read_frame};
use tickgate_core::market::{Market, Quote, QuoteChange, Source, Symbol};
use tickgate_core::time::Millis;

const AT: u64 = 1_773_167_467_294;

/// A hundred symbols that were polled once.
fn symbols() -> Vec<Symbol> {
    (0..100u8)
        .map(|n| format!("A{}{}", char::from(b'A' + n / 10), char::from(b'A' + n % 10)).parse().expect("a symbol"))
        .collect()
}

fn polled(symbol: &Symbol) -> Quote {
    Quote {
        symbol: symbol.clone(),
        price: 240.0,
        size: None,
        bid: None,
        ask: None,
        change: 1.0,
        change_percent: 0.4,
        volume: 1e6,
        as_of: Millis(AT),
        source: Source::Poll,
        delayed: false,
    }
}

/// A frame of so many events, half trades and half quotes, as the vendor writes them.
fn frame(symbols: &[Symbol], events: usize) -> Bytes {
    let event = |number: usize| {
        let (symbol, at) = (&symbols[number % symbols.len()], AT + number as u64);
        let price = 240.0 + (number % 97) as f64 / 100.0;
        if number.is_multiple_of(2) {
            format!(
                r#"{{"ev":"T","sym":"{symbol}","x":4,"i":"12345","z":3,"p":{price},"s":100,"c":[0,12],"t":{at},"q":{number},"trfi":3,"trft":{at}}}"#
            )
        } else {
            format!(
                r#"{{"ev":"Q","sym":"{symbol}","c":0,"bx":4,"ax":7,"bp":{price},"ap":{},"bs":100,"as":160,"t":{at},"q":{number},"z":3,"i":[604]}}"#,
                price + 0.01
            )
        }
    };
    let events: Vec<String> = (0..events).map(event).collect();
    Bytes::from(format!("[{}]", events.join(",")))
}

fn ingest(c: &mut Criterion) {
    let symbols = symbols();
    let mut group = c.benchmark_group("feed");
    for events in [1_usize, 10, 100] {
        let bytes = frame(&symbols, events);
        group.throughput(Throughput::Elements(events as u64));
        group.bench_with_input(BenchmarkId::new("parse", events), &bytes, |b, bytes| {
            b.iter(|| black_box(read_frame(Market::Stocks, bytes)));
        });
        group.bench_with_input(BenchmarkId::new("parse_merge_hand_over", events), &bytes, |b, bytes| {
            let mut book = Book::new(Source::Ws, false);
            symbols.iter().for_each(|symbol| book.polled(&polled(symbol)));
            let mut latest: Option<Quote> = None;
            b.iter(|| {
                for event in read_frame(Market::Stocks, bytes).events {
                    if let Some(quote) = book.take(&event) {
                        let quote = quote.clone();
                        black_box(QuoteChange::between(latest.as_ref(), &quote));
                        latest = Some(quote);
                    }
                }
            });
        });
        group.bench_with_input(BenchmarkId::new("full_inbox_conflates", events), &bytes, |b, bytes| {
            let limits = InboxLimits { frames: 64, bytes: 1 << 30 };
            let mut inbox = Inbox::new(Market::Stocks, limits);
            b.iter(|| inbox.push(bytes.clone()));
        });
    }
    group.finish();
}

criterion_group!(benches, ingest);
criterion_main!(benches);
