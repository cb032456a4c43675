//! One batch of the tape to 1, 100 and 10 000 readers of one topic, without sockets: what a worker spends beside the kernel.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tickgate_core::market::Topic;
use tickgate_core::tape::{Cursor, Draft, Epoch, Kind, Limits, Mode, Next, Start, Tape, Window};
use tickgate_core::time::Millis;

const LIMITS: Limits = Limits { max_events_per_topic: 1_000, max_bytes: 256 << 20, max_age_ms: 86_400_000 };

fn fan_out(c: &mut Criterion) {
    let topic: Topic = "prices:AAPL".parse().expect("a topic");
    let mut group = c.benchmark_group("fan_out");
    for readers in [1_u64, 100, 10_000] {
        for (name, mode) in [("all", Mode::All), ("conflate", Mode::Conflate)] {
            let mut tape = Tape::new(Epoch(7), LIMITS);
            let mut window = Window::new(Epoch(7), LIMITS);
            tape.watch(topic.clone(), false, Millis(0));
            window.apply_batch(&tape.take_batch(Millis(0)).expect("a batch"));
            let mut cursors: Vec<Cursor> =
                (0..readers).map(|_| Cursor::join(&mut window, std::slice::from_ref(&topic), mode, Start::Live)).collect();
            group.throughput(Throughput::Elements(readers));
            group.bench_with_input(BenchmarkId::new(name, readers), &readers, |b, _| {
                b.iter(|| {
                    let item =
                        br#"{"symbol":"AAPL","price":239.85,"change":0.52,"change_percent":0.2173,"volume":41220118}"#.to_vec();
                    let topics = vec![topic.clone()];
                    tape.publish(
                        Draft { kind: Kind::Price, topics, item, as_of: Millis(0), identity: None, history: false },
                        Millis(0),
                    );
                    window.apply_batch(&tape.take_batch(Millis(0)).expect("a batch"));
                    for cursor in &mut cursors {
                        loop {
                            match cursor.next(&window) {
                                Next::Event(event) => {
                                    black_box(event.frame().clone());
                                }
                                Next::Idle => break,
                                _ => {}
                            }
                        }
                    }
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, fan_out);
criterion_main!(benches);
