//! The promises of the audit.

use std::net::Ipv4Addr;

use super::*;
use crate::identity::AuditId;
use crate::time::Millis;

const NOW: Millis = Millis(1_773_167_467_294);

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
    assert!(serde_json::to_vec(&entry).unwrap().len() < 16_000);
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
fn an_entry_is_read_back_as_it_was_written() {
    for number in 0..40 {
        let written = serde_json::to_vec(&entry(number)).unwrap();
        assert_eq!(serde_json::from_slice::<AuditEntry>(&written).unwrap(), entry(number));
    }
}
