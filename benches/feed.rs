//! Tick ingest: what a core spends from a frame as it came from the socket to the price that is handed to a stream, and on to
//! the bytes that each reader is sent.

use std::collections::HashMap;
use std::hint::black_box;

use bytes::Bytes;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tickgate_core::feed::{Book, Inbox, InboxLimits, read_frame};
use tickgate_core::market::{Market, MarketPhase, Quote, QuoteChange, Source, Symbol, Topic};
use tickgate_core::tape::{Cursor, Draft, Epoch, Kind, Limits, Mode, Next, Start, Tape, Window};
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
    frame_at(symbols, events, 0)
}

/// The same, so many events later.
fn frame_at(symbols: &[Symbol], events: usize, first: usize) -> Bytes {
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
    let events: Vec<String> = (first..first + events).map(event).collect();
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
                    if let Some(quote) = book.take(&event, event.at) {
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

const TAPE: Limits = Limits { max_events_per_topic: 1_000, max_bytes: 256 << 20, max_age_ms: 86_400_000 };

/// The whole way of the prices of ten symbols, all of which every reader reads.
struct Way {
    inbox: Inbox,
    book: Book,
    latest: HashMap<Symbol, Quote>,
    tape: Tape,
    window: Window,
    cursors: Vec<Cursor>,
}

impl Way {
    fn to(readers: usize, symbols: &[Symbol]) -> Self {
        let topics: Vec<_> = symbols.iter().cloned().map(Topic::Prices).collect();
        let (mut tape, mut window) = (Tape::new(Epoch(7), TAPE), Window::new(Epoch(7), TAPE));
        topics.iter().for_each(|topic| tape.watch(topic.clone(), false, Millis(0)));
        window.apply_batch(&tape.take_batch(Millis(0)).expect("a batch"));
        let mut book = Book::new(Source::Ws, false);
        symbols.iter().for_each(|symbol| book.polled(&polled(symbol)));
        let cursors = (0..readers).map(|_| Cursor::join(&mut window, &topics, Mode::All, Start::Live)).collect();
        let limits = InboxLimits { frames: 64, bytes: 1 << 30 };
        Self { inbox: Inbox::new(Market::Stocks, limits), book, latest: HashMap::new(), tape, window, cursors }
    }

    /// Brings a frame to every reader, and counts the events that were read.
    fn pass(&mut self, bytes: &Bytes) -> usize {
        self.inbox.push(bytes.clone());
        while let Some(frame) = self.inbox.take() {
            for event in frame.events {
                let Some(quote) = self.book.take(&event, event.at) else { continue };
                if !matches!(QuoteChange::between(self.latest.get(&quote.symbol), quote), QuoteChange::Changed) {
                    continue;
                }
                let topics = vec![Topic::Prices(quote.symbol.clone())];
                let item = quote.to_item(MarketPhase::Regular);
                let draft = Draft { kind: Kind::Price, topics, item, as_of: quote.as_of, identity: None, history: false };
                self.tape.publish(draft, quote.as_of);
                self.latest.insert(quote.symbol.clone(), quote.clone());
            }
        }
        if let Some(batch) = self.tape.take_batch(Millis(0)) {
            self.window.apply_batch(&batch);
        }
        let mut read = 0;
        for cursor in &mut self.cursors {
            loop {
                match cursor.next(&self.window) {
                    Next::Event(event) => {
                        black_box(event.frame().clone());
                        read += 1;
                    }
                    Next::Idle => break,
                    _ => {}
                }
            }
        }
        read
    }
}

fn feed_to_readers(c: &mut Criterion) {
    const EVENTS: usize = 10;
    let symbols = &symbols()[..10];
    let mut group = c.benchmark_group("feed_to_readers");
    group.throughput(Throughput::Elements(EVENTS as u64));
    for readers in [1_usize, 100, 10_000] {
        group.bench_function(BenchmarkId::from_parameter(readers), |b| {
            let (mut way, mut turn) = (Way::to(readers, symbols), 0);
            let mut next = || {
                turn += 1;
                frame_at(symbols, EVENTS, turn * EVENTS)
            };
            assert_eq!(way.pass(&next()), EVENTS * readers, "every event reaches every reader");
            b.iter_batched(&mut next, |frame| way.pass(&frame), BatchSize::SmallInput);
        });
    }
    group.finish();
}

criterion_group!(benches, ingest, feed_to_readers);
criterion_main!(benches);
