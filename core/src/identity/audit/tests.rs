//! The promises of the audit.

use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;
use crate::identity::{AuditId, HashKey, HashKeys};
use crate::time::Millis;

const NOW: Millis = Millis(1_773_167_467_294);

fn keys() -> HashKeys {
    HashKeys::new(HashKey::new([1; 32]), vec![])
}

fn entry(number: u64) -> AuditEntry {
    AuditEntry::new(&NewEntry {
        at: NOW.plus(number),
        actor: Actor::Someone(AuditId(u128::from(number))),
        action: AuditAction::ALL[number as usize % AuditAction::ALL.len()],
        target: "Abcdefghijkl",
        from: Some(Ipv4Addr::LOCALHOST.into()),
        request_id: Some("r-1"),
        outcome: Outcome::Done,
        details: &[("scope", "write")],
    })
}

fn chain(rows: u64) -> (Vec<AuditRow>, Checkpoint, Checkpoint) {
    let start = Checkpoint::genesis(&keys());
    let mut hash = start.hash;
    let rows: Vec<AuditRow> = (1..=rows)
        .map(|seq| {
            let entry = entry(seq);
            hash = next_hash(&hash, seq, &entry);
            AuditRow { seq, entry, hash }
        })
        .collect();
    let head = Checkpoint::sign(CheckpointKind::Head, rows.len() as u64, hash, NOW, &keys());
    (rows, start, head)
}

fn broken(seq: u64, kind: BreakKind) -> Result<Verified, Break> {
    Err(Break { seq, kind })
}

#[test]
fn a_whole_chain_is_whole() {
    let (rows, start, head) = chain(5);
    assert_eq!(verify(&rows, &start, &head, &keys()), Ok(Verified { rows: 5, last: 5 }));
    let (none, start, head) = chain(0);
    assert_eq!(verify(&none, &start, &head, &keys()), Ok(Verified { rows: 0, last: 0 }));
}

#[test]
fn the_canonical_bytes_are_as_written_down() {
    let entry = AuditEntry::new(&NewEntry {
        at: Millis(258),
        actor: Actor::Operator,
        action: AuditAction::KeyCreate,
        target: "k",
        from: None,
        request_id: Some("r"),
        outcome: Outcome::Done,
        details: &[("a", "b")],
    });
    let expected: Vec<u8> = [
        &[1][..],
        &[0, 0, 0, 0, 0, 0, 1, 2],
        b"\0\0\0\x08operator",
        b"\0\0\0\x0akey.create",
        b"\0\0\0\x01k",
        &[0],
        b"\x01\0\0\0\x01r",
        b"\0\0\0\x04done",
        b"\0\0\0\x01\0\0\0\x01a\0\0\0\x01b",
    ]
    .concat();
    assert_eq!(canonical(&entry), expected);
}

#[test]
fn rows_that_are_missing_at_the_end_show_against_the_signed_head() {
    let (rows, start, head) = chain(5);
    assert_eq!(verify(&rows[..3], &start, &head, &keys()), broken(4, BreakKind::Tail));
    assert_eq!(verify(&[], &start, &head, &keys()), broken(1, BreakKind::Tail));
    let mut forged = head;
    (forged.seq, forged.hash) = (3, rows[2].hash);
    assert_eq!(verify(&rows[..3], &start, &forged, &keys()), broken(3, BreakKind::Checkpoint));
}

#[test]
fn rows_behind_the_head_are_held_to_the_chain_too() {
    let (mut rows, start, _) = chain(5);
    let head = Checkpoint::sign(CheckpointKind::Head, 3, rows[2].hash, NOW, &keys());
    assert_eq!(verify(&rows, &start, &head, &keys()), Ok(Verified { rows: 5, last: 5 }));
    rows[4].entry.target.push('x');
    assert_eq!(verify(&rows, &start, &head, &keys()), broken(5, BreakKind::Hash));
}

#[test]
fn a_chain_that_was_written_anew_from_the_middle_does_not_reach_the_signed_head() {
    let (rows, start, head) = chain(5);
    let mut anew = rows[..2].to_vec();
    let mut hash = rows[1].hash;
    for seq in 3..=5 {
        let entry = entry(seq + 100);
        hash = next_hash(&hash, seq, &entry);
        anew.push(AuditRow { seq, entry, hash });
    }
    assert_eq!(verify(&anew, &start, &head, &keys()), broken(5, BreakKind::Hash));
}

#[test]
fn a_purged_chain_begins_at_its_signed_start_and_nowhere_else() {
    let (rows, genesis, head) = chain(5);
    let start = Checkpoint::sign(CheckpointKind::Start, 2, rows[1].hash, NOW, &keys());
    assert_eq!(verify(&rows[2..], &start, &head, &keys()), Ok(Verified { rows: 3, last: 5 }));
    assert_eq!(verify(&rows[2..], &genesis, &head, &keys()), broken(1, BreakKind::Order));
    let mut moved = start;
    (moved.seq, moved.hash) = (3, rows[2].hash);
    assert_eq!(verify(&rows[3..], &moved, &head, &keys()), broken(3, BreakKind::Checkpoint));
    let head_as_start = Checkpoint::sign(CheckpointKind::Head, 3, rows[2].hash, NOW, &keys());
    assert_eq!(verify(&rows[3..], &head_as_start, &head, &keys()), broken(3, BreakKind::Checkpoint));
    let mut dressed = head_as_start;
    dressed.kind = CheckpointKind::Start;
    assert_eq!(verify(&rows[3..], &dressed, &head, &keys()), broken(3, BreakKind::Checkpoint));
}

#[test]
fn a_checkpoint_of_an_older_key_is_ours_and_one_of_a_stranger_is_not() {
    let (rows, start, head) = chain(2);
    let newer = HashKeys::new(HashKey::new([2; 32]), vec![HashKey::new([1; 32])]);
    let strange = HashKeys::new(HashKey::new([3; 32]), vec![]);
    assert!(verify(&rows, &start, &head, &newer).is_ok());
    assert_eq!(verify(&rows, &start, &head, &strange), broken(0, BreakKind::Checkpoint));
}

#[test]
fn an_entry_is_bounded_and_cleaned() {
    let long = "x".repeat(5_000);
    let details: Vec<(&str, &str)> = (0..40).map(|_| (long.as_str(), long.as_str())).collect();
    let entry = AuditEntry::new(&NewEntry {
        at: NOW,
        actor: Actor::Nobody,
        action: AuditAction::CredentialRefused,
        target: &format!("a\u{202E}\n{long}"),
        from: None,
        request_id: Some(&long),
        outcome: Outcome::Refused,
        details: &details,
    });
    assert_eq!((entry.target.chars().count(), entry.details.len()), (MAX_TARGET_CHARS, MAX_DETAILS));
    assert!(entry.target.starts_with("a x") && entry.details[0].1.len() == MAX_DETAIL_CHARS);
    assert!(canonical(&entry).len() < 8_000);
}

#[test]
fn words_are_one_each_and_are_read_back() {
    let mut words: Vec<&str> = AuditAction::ALL.iter().map(|action| action.as_str()).collect();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), AuditAction::ALL.len());
    for action in AuditAction::ALL {
        assert_eq!(action.as_str().parse(), Ok(*action));
        assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
    }
    assert!("key.Create".parse::<AuditAction>().is_err());
}

#[test]
fn a_row_that_went_through_json_has_the_same_bytes() {
    let (rows, start, head) = chain(40);
    let written = serde_json::to_string(&(&rows, &start, &head)).unwrap();
    let (rows, start, head): (Vec<AuditRow>, Checkpoint, Checkpoint) = serde_json::from_str(&written).unwrap();
    assert!(verify(&rows, &start, &head, &keys()).is_ok());
}

#[derive(Clone, Debug)]
enum Tampering {
    Remove(usize),
    Swap(usize, usize),
    Double(usize),
    Target(usize, String),
    Actor(usize, u128),
    At(usize, u64),
    Details(usize),
    Hash(usize, usize),
    Renumbered(usize),
}

fn tampering(rows: usize) -> impl Strategy<Value = Tampering> {
    let row = 0..rows;
    prop_oneof![
        row.clone().prop_map(Tampering::Remove),
        (row.clone(), row.clone()).prop_map(|(a, b)| Tampering::Swap(a, b)),
        row.clone().prop_map(Tampering::Double),
        (row.clone(), "[a-z]{1,8}").prop_map(|(at, text)| Tampering::Target(at, text)),
        (row.clone(), any::<u128>()).prop_map(|(at, id)| Tampering::Actor(at, id)),
        (row.clone(), any::<u64>()).prop_map(|(at, time)| Tampering::At(at, time)),
        row.clone().prop_map(Tampering::Details),
        (row.clone(), 0_usize..32).prop_map(|(at, byte)| Tampering::Hash(at, byte)),
        row.prop_map(Tampering::Renumbered),
    ]
}

fn tamper(rows: &mut Vec<AuditRow>, how: &Tampering) {
    match how {
        Tampering::Remove(at) => drop(rows.remove(*at)),
        Tampering::Swap(a, b) => rows.swap(*a, *b),
        Tampering::Double(at) => rows.insert(*at, rows[*at].clone()),
        Tampering::Target(at, text) => rows[*at].entry.target.clone_from(text),
        Tampering::Actor(at, id) => rows[*at].entry.actor = Actor::Someone(AuditId(*id)),
        Tampering::At(at, time) => rows[*at].entry.at = Millis(*time),
        Tampering::Details(at) => rows[*at].entry.details.clear(),
        Tampering::Hash(at, byte) => rows[*at].hash[*byte] ^= 1,
        Tampering::Renumbered(at) => {
            rows.remove(*at);
            for (seq, row) in (1..).zip(rows.iter_mut()) {
                row.seq = seq;
            }
        }
    }
}

proptest! {
    #[test]
    fn any_removed_changed_doubled_or_reordered_row_shows(
        (rows, how) in (1_u64..30).prop_flat_map(|rows| (Just(rows), tampering(rows as usize)))
    ) {
        let (whole, start, head) = chain(rows);
        let mut tampered = whole.clone();
        tamper(&mut tampered, &how);
        prop_assert_eq!(verify(&tampered, &start, &head, &keys()).is_ok(), tampered == whole, "{:?}", how);
    }

    #[test]
    fn different_entries_have_different_bytes(a in "[ab]{0,3}", b in "[ab]{0,3}", c in "[ab]{0,3}", d in "[ab]{0,3}") {
        let with = |target: &str, value: &str| AuditEntry { target: target.into(), request_id: Some(value.into()), ..entry(1) };
        prop_assert_eq!(canonical(&with(&a, &b)) == canonical(&with(&c, &d)), (a, b) == (c, d));
    }
}
