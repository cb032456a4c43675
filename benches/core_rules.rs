//! What the rules cost: frame encoding, the replay window, the session machine.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

use bytes::Bytes;
use tickgate_core::access::Principal;
use tickgate_core::budget::{Budget, Ledger, Payer, Ticket};
use tickgate_core::market::{MarketPhase, Quote, Source, Topic};
use tickgate_core::mcp::{Era, FeatureResult, ServerInfo, classify};
use tickgate_core::rpc::Body;
use tickgate_core::session::{CallEvent, Effect, ExchangeId, Input, Posted, Session, SessionLimits, open};
use tickgate_core::sse::StreamId;
use tickgate_core::tape::{Cursor, Draft, Epoch, Kind, Limits, Mode, Next, Position, Start, Tape, Window};
use tickgate_core::time::Millis;

const LIMITS: Limits = Limits { max_events_per_topic: 10_000, max_bytes: 256 << 20, max_age_ms: 86_400_000 };

fn topic(n: usize) -> Topic {
    Topic::Prices(format!("A{n}").parse().expect("a symbol"))
}

fn draft(n: usize) -> Draft {
    let quote = Quote {
        symbol: format!("A{n}").parse().expect("a symbol"),
        price: 239.85,
        size: Some(40.0),
        bid: Some(239.84),
        ask: Some(239.86),
        change: 0.52,
        change_percent: 0.2173,
        volume: 41_220_118.0,
        as_of: Millis(1_773_167_467_294),
        source: Source::Poll,
        delayed: false,
    };
    let item = quote.to_item(MarketPhase::Regular);
    Draft { kind: Kind::Price, topics: vec![topic(n)], item, as_of: quote.as_of, identity: None, history: false }
}

fn frame_encoding(c: &mut Criterion) {
    let mut group = c.benchmark_group("frame_encoding");
    group.throughput(Throughput::Elements(1));
    group.bench_function("quote_to_frame", |b| {
        let mut tape = Tape::new(Epoch(7), LIMITS);
        b.iter(|| black_box(tape.publish(draft(1), Millis(0))));
        tape.take_batch(Millis(0));
    });
    group.bench_function("mcp_message", |b| {
        let json = vec![b'x'; 300];
        let id = tickgate_core::sse::EventId { stream: StreamId(7), seq: 41 };
        b.iter(|| black_box(tickgate_core::sse::message(id, &json)));
    });
    group.finish();
}

fn replay_window(c: &mut Criterion) {
    let mut group = c.benchmark_group("replay_window");
    for events in [100_u64, 1_000, 10_000] {
        let mut tape = Tape::new(Epoch(7), LIMITS);
        tape.watch(topic(1), false, Millis(0));
        for _ in 0..events {
            tape.publish(draft(1), Millis(0));
        }
        let mut window = Window::new(Epoch(7), LIMITS);
        window.apply_batch(&tape.take_batch(Millis(0)).expect("a batch"));
        group.throughput(Throughput::Elements(events));
        group.bench_with_input(BenchmarkId::new("join_and_read_all", events), &events, |b, _| {
            b.iter(|| {
                let start = Start::After(Position { epoch: Epoch(7), seq: 1 });
                let mut cursor = Cursor::join(&mut window, &[topic(1)], Mode::All, start);
                while !matches!(black_box(cursor.next(&window)), Next::Idle) {}
            });
        });
    }
    group.finish();
}

fn session_machine(c: &mut Criterion) {
    let server = ServerInfo {
        name: "bench",
        version: "0",
        instructions: String::new(),
        streaming: true,
        website: String::new(),
        icons: Vec::new(),
    };
    let limits = SessionLimits { idle_ms: 1_800_000, max_ms: 86_400_000, max_calls: 64, ping_ms: 300_000 };
    let session = || -> Session {
        let params = serde_json::value::RawValue::from_string(r#"{"protocolVersion":"2025-11-25"}"#.to_owned()).expect("JSON");
        open(&tickgate_core::rpc::RequestId::Number(0), Some(&params), &server, limits, Millis(0)).expect("a session").session
    };
    let body = br#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hello 7"}}}"#;
    let mut group = c.benchmark_group("session_machine");
    group.throughput(Throughput::Elements(1));
    group.bench_function("parse_and_classify", |b| {
        b.iter(|| black_box(classify(Some("2025-11-25"), Body::parse(body).expect("JSON-RPC"), false)));
    });
    group.bench_function("call_and_answer", |b| {
        let mut session = session();
        let mut effects = Vec::new();
        let result = Bytes::from_static(br#"{"content":[{"type":"text","text":"hello 7"}],"isError":false}"#);
        b.iter_batched(
            || match classify(None, Body::parse(body).expect("JSON-RPC"), false) {
                Era::Legacy(message) => message,
                _ => unreachable!("a message of the stateful era"),
            },
            |message| {
                let posted = Posted { exchange: ExchangeId(1), message, stream: StreamId(1) };
                session.handle(Input::Posted(posted), Millis(1), &mut effects);
                let Some(Effect::Start(call, _)) = effects.pop() else { unreachable!("a call starts") };
                let finished = CallEvent::Finished(Ok(FeatureResult::new(result.clone())));
                session.handle(Input::Call(call, finished), Millis(2), &mut effects);
                black_box(effects.drain(..).count())
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn upstream_budget(c: &mut Criterion) {
    let caller = |n: u64| Payer::Caller(Principal::new("user", &n.to_string()));
    let mut group = c.benchmark_group("upstream_budget");
    group.throughput(Throughput::Elements(1));
    group.bench_function("grant", |b| {
        let (mut budget, payer) = (Budget::new(Ledger::new(1_000_000)), caller(1));
        let mut n = 0;
        b.iter(|| {
            n += 1;
            // One a millisecond: never more than the budget.
            budget.ask(Ticket(n), payer.clone(), Millis(n), Millis(n)).expect("a turn");
            black_box(budget.advance(Millis(n)))
        });
    });
    for waiting in [100_u64, 1_000, 4_000] {
        group.bench_with_input(BenchmarkId::new("ask_behind", waiting), &waiting, |b, &waiting| {
            let mut budget = Budget::new(Ledger::new(5_400));
            for n in 0..waiting {
                budget.ask(Ticket(n), caller(n % 20), Millis(u64::MAX), Millis(0)).expect("a place");
            }
            let payer = caller(21);
            b.iter(|| {
                budget.ask(Ticket(waiting), payer.clone(), Millis(u64::MAX), Millis(0)).expect("a place");
                black_box(budget.leave(Ticket(waiting)))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, frame_encoding, replay_window, session_machine, upstream_budget);
criterion_main!(benches);
