//! The promises of the tape, checked against a plain list of everything that ever happened.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::market::Topic;
use crate::time::Millis;

const EPOCH: Epoch = Epoch(0xabc);

fn topic(n: usize) -> Topic {
    ["prices:AAPL", "prices:MSFT", "news:TSLA", "news:F", "status"][n % 5].parse().unwrap()
}

fn draft(topics: &[Topic], value: u64) -> Draft {
    let kind = match topics[0] {
        Topic::Prices(_) => Kind::Price,
        Topic::Status => Kind::Status,
        _ => Kind::News,
    };
    Draft {
        kind,
        topics: topics.to_vec(),
        item: format!("{{\"n\":{value}}}").into_bytes(),
        as_of: Millis(0),
        identity: None,
        history: false,
    }
}

fn limits(max_events_per_topic: usize) -> Limits {
    Limits { max_events_per_topic, max_bytes: usize::MAX, max_age_ms: u64::MAX }
}

fn tape(max_events_per_topic: usize) -> Tape {
    let mut tape = Tape::new(EPOCH, limits(max_events_per_topic));
    for n in 0..5 {
        tape.watch(topic(n), false, Millis(0));
    }
    tape
}

fn after(seq: Seq) -> Start {
    Start::After(Position { epoch: EPOCH, seq })
}

fn join(tape: &mut Tape, topics: &[Topic], mode: Mode, start: Start) -> (Window, Cursor) {
    let mut window = copy(tape);
    let cursor = Cursor::join(&mut window, topics, mode, start);
    (window, cursor)
}

/// A worker's copy, made as a worker makes it: from the batches alone.
fn copy(tape: &mut Tape) -> Window {
    let mut window = Window::new(EPOCH, limits(usize::MAX));
    if let Some(batch) = tape.take_batch(Millis(0)) {
        window.apply_batch(&batch);
    }
    window
}

fn seqs(cursor: &mut Cursor, window: &Window) -> Vec<Seq> {
    std::iter::from_fn(|| match cursor.next(window) {
        Next::Event(event) => Some(event.seq),
        Next::Mark(_) => Some(0),
        _ => None,
    })
    .filter(|seq| *seq > 0)
    .collect()
}

#[test]
fn a_frame_carries_id_kind_and_one_data_line_with_its_position() {
    let mut tape = tape(10);
    let event = tape.publish(draft(&[topic(0)], 7), Millis(5)).unwrap();
    assert_eq!(&event.frame()[..], b"id: abc-6\nevent: price\ndata: {\"n\":7,\"position\":\"abc-6\"}\n\n");
    assert_eq!(&event.item()[..], br#"{"n":7,"position":"abc-6"}"#);
    assert_eq!(&event.quoted_item()[..], br#""{\"n\":7,\"position\":\"abc-6\"}""#);
}

#[test]
fn an_article_found_by_two_topics_has_one_position_and_a_reader_of_both_gets_it_once() {
    let mut tape = tape(10);
    let both = [topic(2), topic(3)];
    let mut article = draft(&both, 1);
    article.identity = Some(Identity { key: "a".into(), fingerprint: 1 });
    let first = tape.publish(article.clone(), Millis(0)).unwrap();
    assert!(tape.publish(article.clone(), Millis(0)).is_none());
    article.identity = Some(Identity { key: "a".into(), fingerprint: 2 });
    let second = tape.publish(article, Millis(0)).unwrap();
    assert!(String::from_utf8_lossy(second.frame()).contains("\"updated\":true"));
    let (window, mut cursor) = join(&mut tape, &both, Mode::All, after(5));
    assert_eq!(seqs(&mut cursor, &window), [first.seq, second.seq]);
}

#[test]
fn a_reader_without_a_cursor_gets_the_latest_price_and_status_and_no_old_news() {
    let mut tape = tape(10);
    for n in [0, 0, 1, 2, 4] {
        tape.publish(draft(&[topic(n)], 1), Millis(0));
    }
    let all: Vec<Topic> = (0..5).map(topic).collect();
    let (mut window, mut cursor) = join(&mut tape, &all, Mode::All, Start::Latest);
    assert_eq!(seqs(&mut cursor, &window), [7, 8, 10]);
    assert_eq!(cursor.position().seq, 10);
    tape.publish(draft(&[topic(2)], 2), Millis(0));
    window.apply_batch(&tape.take_batch(Millis(0)).unwrap());
    assert_eq!(seqs(&mut cursor, &window), [11]);
}

#[test]
fn history_is_on_the_tape_but_not_sent_to_readers() {
    let mut tape = tape(10);
    let old = Draft { history: true, ..draft(&[topic(2)], 1) };
    tape.publish(old, Millis(0));
    tape.publish(draft(&[topic(2)], 2), Millis(0));
    let (window, mut cursor) = join(&mut tape, &[topic(2)], Mode::All, after(5));
    assert_eq!(seqs(&mut cursor, &window), [7]);
    assert_eq!(window.events(&topic(2)).count(), 2);
}

#[test]
fn an_evicted_cursor_gets_a_gap_and_then_what_is_left() {
    let mut tape = tape(3);
    for n in 0..10 {
        tape.publish(draft(&[topic(2)], n), Millis(0));
    }
    let mut window = Window::new(EPOCH, limits(3));
    window.apply_batch(&tape.take_batch(Millis(0)).unwrap());
    let mut cursor = Cursor::join(&mut window, &[topic(2)], Mode::All, after(7));
    let Next::Gap(gap) = cursor.next(&window) else { panic!("a gap comes first") };
    assert_eq!((gap.from.seq, gap.to, gap.reason), (7, 12, GapReason::Evicted));
    assert_eq!(gap.snapshot[0].seq, 15);
    assert_eq!(seqs(&mut cursor, &window), [13, 14, 15]);
    let frame = String::from_utf8(gap.frame(EPOCH).to_vec()).unwrap();
    assert!(frame.starts_with("id: abc-12\nevent: gap\ndata: {\"from\":\"abc-7\",\"to\":\"abc-12\",\"reason\":\"evicted\",\"topics\":[\"news:TSLA\"]"), "{frame}");
}

#[test]
fn a_cursor_of_another_life_gets_a_gap_and_everything_of_this_one() {
    let mut tape = tape(10);
    tape.publish(draft(&[topic(0)], 1), Millis(0));
    let foreign = Start::After(Position { epoch: Epoch(1), seq: 77 });
    let (window, mut cursor) = join(&mut tape, &[topic(0)], Mode::All, foreign);
    let Next::Gap(gap) = cursor.next(&window) else { panic!("a gap comes first") };
    assert_eq!((gap.from.to_string().as_str(), gap.to, gap.reason), ("1-77", 0, GapReason::Epoch));
    assert_eq!(seqs(&mut cursor, &window), [6]);
}

#[test]
fn a_cursor_from_the_future_gets_a_gap_and_goes_on_live() {
    let mut tape = tape(10);
    tape.publish(draft(&[topic(0)], 1), Millis(0));
    let (window, mut cursor) = join(&mut tape, &[topic(0)], Mode::All, after(1_000));
    let Next::Gap(gap) = cursor.next(&window) else { panic!("a gap comes first") };
    assert_eq!((gap.to, gap.reason), (6, GapReason::Unknown));
    assert!(matches!(cursor.next(&window), Next::Idle));
}

#[test]
fn the_time_when_nobody_watched_is_a_gap_in_its_place_and_a_resumed_feed_has_none() {
    let mut tape = Tape::new(EPOCH, limits(10));
    tape.watch(topic(0), false, Millis(0)); // 1
    tape.watch(topic(1), false, Millis(0)); // 2
    tape.publish(draft(&[topic(0)], 1), Millis(0)); // 3
    tape.unwatch(topic(0), Millis(0)); // 4
    tape.publish(draft(&[topic(1)], 1), Millis(0)); // 5
    tape.watch(topic(0), false, Millis(0)); // 6
    tape.publish(draft(&[topic(0)], 2), Millis(0)); // 7
    let (window, mut cursor) = join(&mut tape, &[topic(0), topic(1)], Mode::All, after(2));
    assert!(matches!(cursor.next(&window), Next::Event(event) if event.seq == 3));
    let Next::Gap(gap) = cursor.next(&window) else { panic!("the gap stands where the hole is") };
    assert_eq!((gap.from.seq, gap.to, gap.resume, gap.reason), (4, 6, 4, GapReason::Unrecorded));
    assert_eq!(gap.topics, [topic(0)]);
    assert!(matches!(cursor.next(&window), Next::Event(event) if event.seq == 5));
    assert!(matches!(cursor.next(&window), Next::Event(event) if event.seq == 7));

    let mut tape = Tape::new(EPOCH, limits(10));
    tape.watch(topic(2), false, Millis(0)); // 1
    tape.unwatch(topic(2), Millis(0)); // 2
    tape.watch(topic(2), true, Millis(0)); // 3
    tape.publish(draft(&[topic(2)], 2), Millis(0)); // 4
    let (window, mut cursor) = join(&mut tape, &[topic(2)], Mode::All, after(1));
    assert_eq!(seqs(&mut cursor, &window), [4]);
}

#[test]
fn a_reader_that_falls_out_of_the_window_is_told_so_in_mode_all_and_skips_on_when_conflated() {
    let mut tape = tape(3);
    let mut window = Window::new(EPOCH, limits(3));
    window.apply_batch(&tape.take_batch(Millis(0)).unwrap());
    let mut all = Cursor::join(&mut window, &[topic(0)], Mode::All, Start::Live);
    let mut conflated = Cursor::join(&mut window, &[topic(0)], Mode::Conflate, Start::Live);
    assert!(matches!(all.next(&window), Next::Mark(_)));
    assert!(matches!(conflated.next(&window), Next::Mark(_)));
    for n in 0..10 {
        tape.publish(draft(&[topic(0)], n), Millis(0));
    }
    window.apply_batch(&tape.take_batch(Millis(0)).unwrap());
    assert!(matches!(all.next(&window), Next::Fallen));
    assert_eq!(all.position().seq, 5);
    assert_eq!(seqs(&mut conflated, &window), [15]);
}

#[test]
fn a_copy_made_late_shows_the_same_and_keeps_the_places_of_its_readers() {
    let mut tape = tape(10);
    tape.publish(draft(&[topic(0)], 1), Millis(0));
    tape.publish(draft(&[topic(1)], 2), Millis(0));
    let mut window = Window::new(Epoch(1), limits(10));
    let mut cursor = Cursor::join(&mut window, &[topic(1)], Mode::All, Start::Live);
    window.adopt(tape.window().clone());
    assert_eq!(window.position(), tape.position());
    assert_eq!(window.topic(window.clone().topic_id(&topic(1))), &topic(1));
    assert!(matches!(cursor.next(&window), Next::Gap(gap) if gap.reason == GapReason::Epoch));
    assert!(matches!(cursor.next(&window), Next::Event(event) if event.seq == 7));
    assert_eq!(window.events(&topic(0)).count(), 1);
}

#[test]
fn topics_of_which_nothing_is_known_are_forgotten_and_their_places_used_again() {
    let mut window = Window::new(EPOCH, limits(10));
    let topics: Vec<Topic> = (0..100).map(|n| format!("prices:A{n}").parse().unwrap()).collect();
    let ids: Vec<TopicId> = topics.iter().map(|topic| window.topic_id(topic)).collect();
    window.forget_unused(|id| id == ids[7]);
    assert_eq!(window.topics(), 1);
    assert_eq!(window.topic_id(&topics[7]), ids[7]);
    let again: std::collections::HashSet<usize> = topics.iter().map(|topic| window.topic_id(topic).index()).collect();
    assert!(again.len() == 100 && again.iter().all(|place| *place < 100));

    let mut tape = tape(10);
    tape.unwatch(topic(0), Millis(0));
    tape.publish(draft(&[topic(1)], 1), Millis(0));
    tape.unwatch(topic(1), Millis(0));
    tape.forget_unused();
    // AAPL was not recorded any more and had no events, the status has none either; MSFT has one; the rest is recorded.
    assert_eq!(tape.window().topics(), 3);
    let (window, mut cursor) = join(&mut tape, &[topic(0)], Mode::All, after(5));
    assert!(matches!(cursor.next(&window), Next::Gap(gap) if gap.reason == GapReason::Unrecorded));
}

#[test]
fn a_topic_that_is_always_recorded_has_no_hole_when_its_last_reader_leaves() {
    let alert: Topic = "alerts:a".parse().unwrap();
    let mut tape = Tape::new(EPOCH, limits(10));
    tape.watch(alert.clone(), false, Millis(0)); // 1
    tape.unwatch(alert.clone(), Millis(0)); // 2
    tape.publish(draft(std::slice::from_ref(&alert), 1), Millis(0)); // 3
    tape.watch(alert.clone(), false, Millis(0)); // 4
    let (window, mut cursor) = join(&mut tape, &[alert], Mode::All, after(1));
    assert!(matches!(cursor.next(&window), Next::Event(event) if event.seq == 3));
    assert!(matches!(cursor.next(&window), Next::Idle));
}

#[test]
fn alerts_whose_events_have_left_are_forgotten_and_whoever_asks_for_one_again_is_told() {
    let alert = |n: u64| format!("alerts:a{n}").parse::<Topic>().unwrap();
    let mut tape = Tape::new(EPOCH, Limits { max_age_ms: 1_000, ..limits(10) });
    for n in 0..100 {
        tape.publish(draft(&[alert(n)], n), Millis(0)); // 1 to 100
    }
    tape.publish(draft(&[alert(100)], 100), Millis(5_000));
    assert_eq!(tape.window().topics(), 101);
    tape.forget_unused();
    assert_eq!(tape.window().topics(), 1);
    let mut window = tape.window().clone();
    let mut resumed = Cursor::join(&mut window, &[alert(7)], Mode::All, after(3));
    assert!(matches!(resumed.next(&window), Next::Gap(gap) if gap.reason == GapReason::Evicted && gap.to == 100));
    assert!(matches!(resumed.next(&window), Next::Idle));
    let mut late = Cursor::join(&mut window, &[alert(7)], Mode::All, after(100));
    assert!(matches!(late.next(&window), Next::Idle));
}

#[test]
fn bytes_and_age_bound_the_window() {
    let mut tape = Tape::new(EPOCH, Limits { max_events_per_topic: 1_000, max_bytes: 3_000, max_age_ms: 1_000 });
    for n in 0..100 {
        tape.publish(draft(&[topic(4)], n), Millis(n));
    }
    assert!(tape.window().bytes() <= 3_000);
    tape.publish(draft(&[topic(4)], 0), Millis(5_000));
    assert_eq!(tape.window().len(), 1);
}

#[test]
fn a_new_epoch_under_a_live_reader_is_told_as_a_gap() {
    let mut old = tape(10);
    let (mut window, mut cursor) = join(&mut old, &[topic(0)], Mode::All, Start::Live);
    assert!(matches!(cursor.next(&window), Next::Mark(_)));
    let mut new = Tape::new(Epoch(0xdef), limits(10));
    new.watch(topic(1), false, Millis(0));
    new.watch(topic(0), false, Millis(0));
    new.publish(draft(&[topic(0)], 1), Millis(0));
    window.apply_batch(&new.take_batch(Millis(0)).unwrap());
    assert!(matches!(cursor.next(&window), Next::Gap(gap) if gap.reason == GapReason::Epoch));
    assert!(matches!(cursor.next(&window), Next::Event(event) if event.seq == 3));
    assert!(matches!(cursor.next(&window), Next::Idle));
}

/// What happens to the tape in a run of the property tests.
#[derive(Clone, Debug)]
enum Step {
    Publish(usize),
    Article(usize, usize),
    Watch(usize, bool),
    Unwatch(usize),
    Read(usize),
    Cut,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0usize..5).prop_map(Step::Publish),
        2 => (2usize..4, 2usize..4).prop_map(|(a, b)| Step::Article(a, b)),
        1 => (0usize..4, any::<bool>()).prop_map(|(n, resumed)| Step::Watch(n, resumed)),
        1 => (0usize..4).prop_map(Step::Unwatch),
        4 => (0usize..8).prop_map(Step::Read),
        2 => Just(Step::Cut),
    ]
}

/// Every event that was ever put on the tape, by place, with its topics.
type Shadow = Vec<(Seq, Vec<Topic>)>;

struct Run {
    tape: Tape,
    window: Window,
    shadow: Shadow,
    limits: Limits,
}

impl Run {
    fn new(limits: Limits) -> Self {
        Self { tape: Tape::new(EPOCH, limits), window: Window::new(EPOCH, limits), shadow: Vec::new(), limits }
    }

    fn publish(&mut self, topics: Vec<Topic>) {
        let value = self.shadow.len() as u64;
        let event = self.tape.publish(draft(&topics, value), Millis(0)).unwrap();
        self.shadow.push((event.seq, topics));
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Publish(n) => self.publish(vec![topic(*n)]),
            Step::Article(a, b) if a == b => self.publish(vec![topic(*a)]),
            Step::Article(a, b) => self.publish(vec![topic(*a), topic(*b)]),
            Step::Watch(n, resumed) => self.tape.watch(topic(*n), *resumed, Millis(0)),
            Step::Unwatch(n) => self.tape.unwatch(topic(*n), Millis(0)),
            Step::Read(_) | Step::Cut => {}
        }
        if let Some(batch) = self.tape.take_batch(Millis(0)) {
            self.window.apply_batch(&batch);
        }
    }
}

proptest! {
    /// With cuts anywhere: in mode `all` everything comes once, in order, or lies in a gap that was told.
    #[test]
    fn nothing_is_lost_or_doubled_or_silently_skipped(
        steps in proptest::collection::vec(step(), 1..120), wanted in proptest::collection::hash_set(0usize..5, 1..5), most in 2usize..12,
    ) {
        let topics: Vec<Topic> = wanted.iter().copied().map(topic).collect();
        let mut run = Run::new(Limits { max_events_per_topic: most, max_bytes: usize::MAX, max_age_ms: u64::MAX });
        let mut cursor = Cursor::join(&mut run.window, &topics, Mode::All, after(0));
        let mut got: Vec<Seq> = Vec::new();
        let mut holes: Vec<(Seq, Seq, HashSet<Topic>)> = Vec::new();
        let mut place = 0;
        let mut read = |cursor: &mut Cursor, run: &mut Run, most: usize| -> Result<(), TestCaseError> {
            for _ in 0..most {
                match cursor.next(&run.window) {
                    Next::Event(event) => {
                        prop_assert!(event.seq > place || place == 0, "{} after {place}", event.seq);
                        place = event.seq;
                        got.push(event.seq);
                    }
                    Next::Gap(gap) => {
                        prop_assert!(gap.resume >= place);
                        place = gap.resume;
                        holes.push((gap.from.seq, gap.to, gap.topics.into_iter().collect()));
                    }
                    Next::Mark(_) => {}
                    Next::Idle => break,
                    Next::Fallen => *cursor = Cursor::join(&mut run.window, &topics, Mode::All, Start::After(cursor.position())),
                }
            }
            Ok(())
        };
        for step in &steps {
            run.step(step);
            match step {
                Step::Read(most) => read(&mut cursor, &mut run, *most)?,
                Step::Cut => cursor = Cursor::join(&mut run.window, &topics, Mode::All, Start::After(cursor.position())),
                _ => {}
            }
        }
        read(&mut cursor, &mut run, 1_000)?;
        let unique: HashSet<Seq> = got.iter().copied().collect();
        prop_assert_eq!(unique.len(), got.len(), "an event came twice");
        for (seq, on) in &run.shadow {
            let wanted: Vec<&Topic> = on.iter().filter(|topic| topics.contains(topic)).collect();
            let told = holes.iter().any(|(from, to, of)| from < seq && seq <= to && wanted.iter().any(|topic| of.contains(topic)));
            prop_assert_eq!(!wanted.is_empty() && !told, unique.contains(seq) && !told, "event {} of {:?}", seq, on);
        }
    }

    /// Conflated: per symbol never backwards, and the newest always arrives.
    #[test]
    fn a_conflated_reader_never_goes_back_and_ends_on_the_newest(steps in proptest::collection::vec(step(), 1..120), most in 1usize..12) {
        let topics: Vec<Topic> = (0..5).map(topic).collect();
        let mut run = Run::new(Limits { max_events_per_topic: most, max_bytes: usize::MAX, max_age_ms: u64::MAX });
        let mut cursor = Cursor::join(&mut run.window, &topics, Mode::Conflate, after(0));
        let mut newest: HashMap<Topic, Seq> = HashMap::new();
        let mut read = |cursor: &mut Cursor, run: &mut Run, most: usize| -> Result<(), TestCaseError> {
            for _ in 0..most {
                match cursor.next(&run.window) {
                    Next::Event(event) => for topic in &event.topics {
                        prop_assert!(newest.insert(topic.clone(), event.seq).is_none_or(|before| before < event.seq));
                    },
                    Next::Fallen => *cursor = Cursor::join(&mut run.window, &topics, Mode::Conflate, Start::After(cursor.position())),
                    Next::Idle => break,
                    Next::Gap(_) | Next::Mark(_) => {}
                }
            }
            Ok(())
        };
        for step in &steps {
            run.step(step);
            if let Step::Read(most) = step {
                read(&mut cursor, &mut run, *most)?;
            }
        }
        read(&mut cursor, &mut run, 1_000)?;
        for price in [topic(0), topic(1)] {
            let last = run.shadow.iter().rev().find(|(_, on)| on.contains(&price)).map(|(seq, _)| *seq);
            prop_assert_eq!(newest.get(&price).copied(), last);
        }
    }

    /// A worker's copy shows exactly what the tape itself keeps.
    #[test]
    fn a_copy_keeps_what_the_tape_keeps(steps in proptest::collection::vec(step(), 1..80), most in 1usize..6) {
        let mut run = Run::new(Limits { max_events_per_topic: most, max_bytes: 6_000, max_age_ms: u64::MAX });
        for step in &steps {
            run.step(step);
        }
        prop_assert_eq!(run.window.head(), run.tape.window().head());
        prop_assert_eq!(run.window.bytes(), run.tape.window().bytes());
        for n in 0..5 {
            let kept = |window: &Window| window.events(&topic(n)).map(|event| event.seq).collect::<Vec<_>>();
            prop_assert_eq!(kept(&run.window), kept(run.tape.window()));
            prop_assert!(kept(&run.window).len() <= run.limits.max_events_per_topic);
        }
    }
}
