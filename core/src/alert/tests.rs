//! The promises of an alert: each by example, and all of them against a model that looks at the whole history at once.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::access::Principal;
use crate::market::Topic;
use crate::tape::{Epoch, Kind, Limits, Tape};
use crate::time::Millis;

const TARGET: f64 = 100.0;
const NOW: Millis = Millis(1_773_167_467_294);

fn alert(condition: Condition) -> Alert {
    let terms = Terms::new("AAPL".parse().unwrap(), condition, TARGET, None).unwrap();
    Alert::new(AlertId(0xabc), Principal::new("user", "ada"), terms, NOW)
}

/// Which of these prices, one a second, make the alert fire.
fn fires_at(condition: Condition, prices: &[f64]) -> Vec<usize> {
    let mut alert = alert(condition);
    let fires = |(at, price): (usize, &f64)| alert.observe(*price, NOW.plus(at as u64), NOW.plus(at as u64)).map(|_| at);
    prices.iter().enumerate().filter_map(fires).collect()
}

#[test]
fn an_alert_above_fires_when_the_price_reaches_it_from_below_and_not_while_it_stays() {
    assert_eq!(fires_at(Condition::Above, &[90.0, 99.999, 100.0, 101.0, 150.0]), [2]);
}

#[test]
fn an_alert_below_is_its_mirror() {
    assert_eq!(fires_at(Condition::Below, &[110.0, 100.001, 100.0, 99.0, 50.0]), [2]);
}

#[test]
fn an_alert_that_crosses_fires_in_both_directions() {
    assert_eq!(fires_at(Condition::Crosses, &[90.0, 110.0, 120.0, 90.0, 110.0]), [1, 3, 4]);
}

#[test]
fn a_price_that_trembles_around_the_target_fires_once() {
    let trembling = [99.0, 100.0, 99.95, 100.05, 99.91, 100.0];
    assert_eq!(fires_at(Condition::Above, &trembling), [1]);
    assert_eq!(fires_at(Condition::Crosses, &trembling), [1]);
    assert_eq!(fires_at(Condition::Below, &[101.0, 100.0, 100.05, 99.95, 100.09, 100.0]), [1]);
}

#[test]
fn an_alert_fires_again_once_the_price_has_gone_back_by_the_band() {
    assert_eq!(fires_at(Condition::Above, &[99.0, 100.0, 99.89, 100.0]), [1, 3]);
    assert_eq!(fires_at(Condition::Below, &[101.0, 100.0, 100.2, 100.0]), [1, 3]);
    assert_eq!(fires_at(Condition::Crosses, &[99.0, 100.0, 100.2, 99.99]), [1, 3]);
}

#[test]
fn a_short_visit_to_the_other_side_and_the_way_back_are_both_told() {
    assert_eq!(fires_at(Condition::Crosses, &[99.0, 100.05, 99.95, 99.8]), [1, 3]);
}

#[test]
fn an_alert_that_holds_when_it_is_set_fires_at_once_and_says_so() {
    for (condition, price) in [(Condition::Above, 100.0), (Condition::Below, 100.0)] {
        let mut alert = alert(condition);
        assert!(alert.observe(price, NOW, NOW).is_some_and(|firing| firing.already));
        assert!(alert.observe(price, NOW, NOW).is_none());
    }
    assert_eq!(alert(Condition::Crosses).observe(100.0, NOW, NOW), None);
}

#[test]
fn an_older_price_is_not_looked_at() {
    let mut alert = alert(Condition::Above);
    alert.observe(90.0, Millis(2_000), NOW);
    assert_eq!(alert.observe(110.0, Millis(1_999), NOW), None);
    assert!(alert.observe(110.0, Millis(2_000), NOW).is_some());
}

#[test]
fn a_time_that_lies_ahead_does_not_make_an_alert_deaf() {
    let mut alert = alert(Condition::Above);
    alert.observe(90.0, NOW.plus(86_400_000), NOW);
    assert!(alert.observe(110.0, NOW.plus(1), NOW.plus(1)).is_some());
    // The clock is set back.
    alert.observe(90.0, NOW.minus(86_400_000), NOW.minus(86_400_000));
    assert!(alert.observe(110.0, NOW.minus(86_400_000), NOW.minus(86_400_000)).is_some());
}

#[test]
fn what_is_no_price_is_refused_as_a_target() {
    let symbol = || "AAPL".parse().unwrap();
    for target in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, -1.0, 1e-10, 1e13] {
        let refused = Terms::new(symbol(), Condition::Above, target, None).unwrap_err().to_string();
        assert!(
            refused.starts_with("target_price must be a price greater than 0, from 0.000000001 to 1000000000000"),
            "{refused}"
        );
    }
    for target in [1e-9, 0.000_012, 191.5, 1e12] {
        assert!(Terms::new(symbol(), Condition::Above, target, None).is_ok());
    }
}

#[test]
fn a_note_is_short_and_clean() {
    let terms = |note: &str| Terms::new("AAPL".parse().unwrap(), Condition::Above, 1.0, Some(note));
    assert_eq!(terms(" sell\u{202E} it\n").unwrap().note.as_deref(), Some("sell it"));
    assert_eq!(terms(" \n").unwrap().note, None);
    assert_eq!(terms(&"ü".repeat(MAX_NOTE_CHARS + 1)), Err(TermsError::Note(MAX_NOTE_CHARS + 1)));
}

#[test]
fn an_id_has_one_spelling_and_names_its_topic() {
    let id = AlertId(0xabc);
    assert_eq!(id.to_string(), "00000000000000000000000000000abc");
    assert_eq!(AlertId::of_topic(&id.topic().to_string().parse().unwrap()), Some(id));
    assert_eq!(AlertId::of_topic(&Topic::Status), None);
    for text in
        ["", "abc", "00000000000000000000000000000ABC", "+0000000000000000000000000000abc", "000000000000000000000000000000abc"]
    {
        assert_eq!(text.parse::<AlertId>(), Err(AlertIdError), "{text:?}");
    }
}

#[test]
fn a_firing_is_an_event_of_its_alert_and_is_on_the_tape_once() {
    let mut alert = alert(Condition::Above);
    alert.observe(90.0, Millis(1_000), NOW);
    let firing = alert.observe(101.5, Millis(2_000), NOW).unwrap();
    let item: Value = serde_json::from_slice(&firing.to_item()).unwrap();
    let expected = json!({
        "alert_id": "00000000000000000000000000000abc", "symbol": "AAPL", "condition": "above", "target_price": 100.0,
        "price": 101.5, "fired_at": "2026-03-10T18:31:07.294Z", "as_of": "1970-01-01T00:00:02.000Z", "count": 1,
    });
    assert_eq!(item, expected);
    let mut tape = Tape::new(Epoch(1), Limits { max_events_per_topic: 10, max_bytes: usize::MAX, max_age_ms: u64::MAX });
    let event = tape.publish(firing.to_draft(), NOW).unwrap();
    assert_eq!((event.kind, &event.topics[..]), (Kind::Alert, &[alert.id.topic()][..]));
    assert!(tape.publish(firing.to_draft(), NOW).is_none());
}

#[test]
fn a_tick_is_read_from_a_price_event_to_the_last_bit() {
    let mut tape = Tape::new(Epoch(1), Limits { max_events_per_topic: 10, max_bytes: usize::MAX, max_age_ms: u64::MAX });
    let mut draft = alert(Condition::Above).observe(100.0, NOW, NOW).unwrap().to_draft();
    assert_eq!(Tick::of(&tape.publish(draft.clone(), NOW).unwrap()), None);
    draft.kind = Kind::Price;
    draft.identity = None;
    draft.item = br#"{"symbol":"AAPL","price":122.41629403378658,"x":[1]}"#.to_vec();
    let tick = Tick { price: 122.416_294_033_786_58, as_of: NOW, recorded: NOW.plus(1) };
    assert_eq!(Tick::of(&tape.publish(draft.clone(), NOW.plus(1)).unwrap()), Some(tick));
    draft.item = br#"{"price":null}"#.to_vec();
    assert_eq!(Tick::of(&tape.publish(draft, NOW).unwrap()), None);
}

#[test]
fn a_record_that_is_not_what_it_says_is_refused() {
    let record = alert(Condition::Below).to_record();
    let spoilt = |spoil: &dyn Fn(&mut crate::ports::Record)| {
        let mut record = record.clone();
        spoil(&mut record);
        Alert::from_record(&record).is_err()
    };
    assert!(!spoilt(&|_| ()));
    assert!(spoilt(&|record| record.id += 1));
    assert!(spoilt(&|record| record.principal = "user:eve".into()));
    assert!(spoilt(&|record| record.body = record.body.slice(1..)));
    assert!(spoilt(&|record| record.body = String::from_utf8_lossy(&record.body).replace("100.0", "-1.0").into_bytes().into()));
}

#[test]
fn its_owner_is_shown_how_an_alert_stands() {
    let mut alert = alert(Condition::Above);
    assert_eq!(alert.shown().state, ShownState::Waiting);
    alert.observe(90.0, NOW, NOW);
    assert_eq!(alert.shown().state, ShownState::Armed);
    alert.observe(110.0, NOW, NOW);
    let shown = serde_json::to_value(alert.shown()).unwrap();
    let expected = json!({
        "alert_id": "00000000000000000000000000000abc", "symbol": "AAPL", "condition": "above", "target_price": 100.0,
        "state": "fired", "created_at": "2026-03-10T18:31:07.294Z", "fired_count": 1,
        "last_fired_at": "2026-03-10T18:31:07.294Z", "topic": "alerts:00000000000000000000000000000abc",
    });
    assert_eq!(shown, expected);
}

/// Says from the whole history of prices, oldest first, which of them fired.
fn model(condition: Condition, prices: &[f64]) -> Vec<usize> {
    let reached = |price: f64| if condition == Condition::Below { price <= TARGET } else { price >= TARGET };
    let away = |price: f64| (price - TARGET).abs() >= TARGET * REARM_SHARE;
    let mut fired: Vec<usize> = Vec::new();
    for at in 0..prices.len() {
        let since = fired.last().copied();
        let between = &prices[since.unwrap_or(0)..at];
        let fires = match (condition, since) {
            (Condition::Crosses, None) => at > 0 && reached(prices[at]) != reached(prices[0]),
            (Condition::Crosses, Some(last)) => {
                let side = reached(prices[last]);
                let was_clear = between.iter().any(|price| away(*price) && reached(*price) == side);
                reached(prices[at]) != side && (was_clear || away(prices[at]))
            }
            (_, None) => reached(prices[at]),
            (_, Some(_)) => reached(prices[at]) && between.iter().any(|price| away(*price) && !reached(*price)),
        };
        if fires {
            fired.push(at);
        }
    }
    fired
}

fn condition() -> impl Strategy<Value = Condition> {
    prop_oneof![Just(Condition::Above), Just(Condition::Below), Just(Condition::Crosses)]
}

/// Prices that are mostly near the target, with times that mostly go on; and what is no price at all.
fn history() -> impl Strategy<Value = Vec<(f64, u64)>> {
    let near = (-4i32..=4).prop_map(|step| TARGET + f64::from(step) * 0.05);
    let price = prop_oneof![8 => near, 2 => 1.0..200.0, 1 => Just(f64::NAN), 1 => Just(0.0), 1 => Just(-100.0)];
    proptest::collection::vec((price, 0u64..20), 0..60)
}

proptest! {
    #[test]
    fn an_alert_fires_where_the_whole_history_says_so_whether_or_not_it_is_stored_between(
        condition in condition(), history in history(), stored in proptest::collection::hash_set(0usize..60, 0..10),
    ) {
        let mut one = alert(condition);
        let (mut looked_at, mut fired, mut newest) = (Vec::new(), Vec::new(), 0);
        for (at, (price, as_of)) in history.into_iter().enumerate() {
            if stored.contains(&at) {
                let restored = Alert::from_record(&one.to_record()).unwrap();
                prop_assert_eq!(&restored, &one);
                one = restored;
            }
            let before = one.state();
            let firing = one.observe(price, Millis(as_of), NOW.plus(at as u64));
            if price.is_finite() && price > 0.0 && as_of >= newest {
                newest = as_of;
                looked_at.push(price);
            } else {
                prop_assert!(firing.is_none());
            }
            if let Some(firing) = firing {
                prop_assert_eq!(firing.count, fired.len() as u64 + 1);
                prop_assert_eq!(firing.as_of, Millis(newest));
                prop_assert_eq!(one.last_fired(), Some(NOW.plus(at as u64)));
                // What is not stored anew would be fired again after a restart.
                prop_assert_ne!(one.state(), before);
                fired.push(looked_at.len() - 1);
            }
        }
        prop_assert_eq!(fired, model(condition, &looked_at));
    }

    #[test]
    fn looking_twice_at_one_price_changes_nothing(condition in condition(), history in history()) {
        let mut one = alert(condition);
        for (price, as_of) in history {
            one.observe(price, Millis(as_of), NOW);
            let before = one.clone();
            prop_assert!(one.observe(price, Millis(as_of), NOW).is_none());
            prop_assert_eq!(&one, &before);
        }
    }

    #[test]
    fn an_id_reads_back_as_it_is_written_and_nothing_else_reads_as_one(id: u128, text in "\\PC{0,40}") {
        prop_assert_eq!(AlertId(id).to_string().parse(), Ok(AlertId(id)));
        if let Ok(id) = text.parse::<AlertId>() {
            prop_assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn a_target_is_stored_to_the_last_bit(digits in 1.0f64..10.0, exponent in -8i32..12) {
        let terms = Terms::new("AAPL".parse().unwrap(), Condition::Above, digits * 10f64.powi(exponent), None).unwrap();
        let one = Alert::new(AlertId(1), Principal::new("ip", "::1"), terms, NOW);
        prop_assert_eq!(Alert::from_record(&one.to_record()).unwrap(), one);
    }
}
