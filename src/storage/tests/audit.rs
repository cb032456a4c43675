//! The contract of the audit log.

use futures_util::future::join_all;
use tickgate_core::ports::{AUDIT_GENESIS, AUDIT_PURGED_AT_ONCE, AuditEntry, AuditLog, AuditVerdict, StoreError, next_hash};
use tickgate_core::time::Millis;

use super::contract::{NOW, Place, sealer};

fn entries(bodies: std::ops::Range<u64>) -> Vec<AuditEntry> {
    bodies.map(|n| AuditEntry { at: Millis(NOW.0 + n), body: format!("canary {n}").into() }).collect()
}

async fn whole(log: &impl AuditLog, rows: Option<(u64, u64)>) {
    assert_eq!(log.verify().await, Ok(AuditVerdict::Whole { rows }));
}

async fn broken(log: &impl AuditLog) -> (u64, String) {
    match log.verify().await.unwrap() {
        AuditVerdict::Broken { seq, problem } => (seq, problem),
        whole @ AuditVerdict::Whole { .. } => panic!("{whole:?}"),
    }
}

pub(in crate::storage) async fn an_empty_audit_log_is_whole(place: impl Place) {
    let log = place.open(sealer(&[1])).await;
    whole(&log, None).await;
    assert_eq!(log.append(Vec::new()).await, Ok(None));
    assert_eq!(log.read(1, 10).await, Ok(Vec::new()));
    assert_eq!(log.purge_before(NOW).await, Ok(0));
    whole(&log, None).await;
}

pub(in crate::storage) async fn audit_rows_are_chained_and_gapless(place: impl Place) {
    let log = place.open(sealer(&[1])).await;
    assert_eq!(log.append(entries(0..3)).await, Ok(Some(3)));
    place.close(log).await;
    let log = place.open(sealer(&[2, 1])).await;
    assert_eq!(log.append(entries(3..1_200)).await, Ok(Some(1_200)));
    let rows = log.read(1, 2_000).await.unwrap();
    let mut hash = AUDIT_GENESIS;
    for (row, n) in rows.iter().zip(0..) {
        hash = next_hash(&hash, n + 1, Millis(NOW.0 + n), format!("canary {n}").as_bytes());
        assert_eq!((row.seq, row.at, row.hash), (n + 1, Millis(NOW.0 + n), hash));
        assert_eq!(row.body, format!("canary {n}"));
    }
    assert_eq!(rows.len(), 1_200);
    let part: Vec<u64> = log.read(600, 3).await.unwrap().iter().map(|row| row.seq).collect();
    assert_eq!(part, [600, 601, 602]);
    whole(&log, Some((1, 1_200))).await;
}

pub(in crate::storage) async fn audit_rows_of_two_writers_are_one_chain(place: impl Place) {
    let (one, other) = (place.open(sealer(&[1])).await, place.open_beside(sealer(&[1])).await);
    let appends = (0..60).map(|n| if n % 2 == 0 { one.append(entries(n..n + 2)) } else { other.append(entries(n..n + 2)) });
    let mut last: Vec<u64> = join_all(appends).await.into_iter().map(|last| last.unwrap().unwrap()).collect();
    last.sort_unstable();
    assert!(last.into_iter().eq((1..=60).map(|n| n * 2)));
    whole(&one, Some((1, 120))).await;
    whole(&other, Some((1, 120))).await;
}

pub(in crate::storage) async fn an_audit_row_that_was_changed_moved_or_removed_shows(place: impl Place) {
    let log = place.open(sealer(&[1])).await;
    log.append(entries(0..9)).await.unwrap();
    for (forgery, undo, seq) in [
        ("UPDATE {audit} SET at_ms = at_ms + 1 WHERE seq = 4", "UPDATE {audit} SET at_ms = at_ms - 1 WHERE seq = 4", 4),
        ("UPDATE {audit} SET seq = 100 WHERE seq = 4", "UPDATE {audit} SET seq = 4 WHERE seq = 100", 4),
    ] {
        place.say(forgery).await;
        assert_eq!(broken(&log).await.0, seq, "{forgery}");
        place.say(undo).await;
        whole(&log, Some((1, 9))).await;
    }
    place.say("UPDATE {audit} SET seq = 100 WHERE seq = 8").await;
    assert_eq!(broken(&log).await.0, 8);
    place.say("UPDATE {audit} SET seq = 8 WHERE seq = 100").await;
    place.say("DELETE FROM {audit} WHERE seq = 9").await;
    assert_eq!(broken(&log).await, (9, "the newest rows are missing".to_owned()));
    place.say("DELETE FROM {audit} WHERE seq = 4").await;
    assert_eq!(broken(&log).await.0, 4);
    place.say("DELETE FROM {audit} WHERE seq = 1").await;
    assert_eq!(broken(&log).await.0, 1);
}

pub(in crate::storage) async fn an_audit_log_whose_end_was_forged_does_not_become_good_again(place: impl Place) {
    let log = place.open(sealer(&[1])).await;
    log.append(entries(0..9)).await.unwrap();
    // The newest rows go, and the end says so.
    place.say("DELETE FROM {audit} WHERE seq > 6; UPDATE {audit_marks} SET seq = 6, hash = (SELECT hash FROM {audit} WHERE seq = 6)").await;
    assert!(broken(&log).await.1.contains("not signed by us"));
    assert_eq!(log.append(entries(9..10)).await, Ok(Some(7)), "what happens is written down all the same");
    assert!(broken(&log).await.1.contains("not signed by us"));
    place.say("DELETE FROM {audit_marks}").await;
    assert!(broken(&log).await.1.contains("nothing signed"));
    assert_eq!(log.append(entries(10..11)).await, Ok(Some(8)));
    assert!(broken(&log).await.1.contains("not signed by us"));
}

pub(in crate::storage) async fn a_purge_of_the_audit_log_leaves_a_checkpoint(place: impl Place) {
    let log = place.open(sealer(&[1])).await;
    log.append(entries(0..10)).await.unwrap();
    assert_eq!(log.purge_before(NOW).await, Ok(0));
    assert_eq!(log.purge_before(NOW.plus(4)).await, Ok(4));
    assert_eq!(log.purge_before(NOW.plus(4)).await, Ok(0));
    whole(&log, Some((5, 10))).await;
    assert_eq!(log.read(1, 2).await.unwrap()[0].seq, 5);
    // A clock that went back keeps a younger row, and all behind it.
    log.append(entries(1..2)).await.unwrap();
    assert_eq!(log.purge_before(NOW.plus(7)).await, Ok(3));
    whole(&log, Some((8, 11))).await;
    assert_eq!(log.purge_before(NOW.plus(1_000)).await, Ok(4));
    whole(&log, None).await;
    let ends = log.ends().await.unwrap();
    assert_eq!(
        (ends.checkpoint.map(|mark| (mark.seq, mark.genuine)), ends.head.map(|mark| mark.seq)),
        (Some((11, true)), Some(11))
    );
    assert_eq!(log.append(entries(20..21)).await, Ok(Some(12)), "numbers go on");
    whole(&log, Some((12, 12))).await;
}

pub(in crate::storage) async fn a_large_purge_of_the_audit_log_goes_in_parts(place: impl Place) {
    let log = place.open(sealer(&[1])).await;
    let last = AUDIT_PURGED_AT_ONCE + 5;
    log.append(entries(0..last)).await.unwrap();
    for purged in [AUDIT_PURGED_AT_ONCE, 4, 0] {
        assert_eq!(log.purge_before(NOW.plus(last - 1)).await, Ok(purged));
    }
    whole(&log, Some((last, last))).await;
}

pub(in crate::storage) async fn a_forged_checkpoint_shows_and_does_not_become_good_by_a_purge(place: impl Place) {
    let log = place.open(sealer(&[1])).await;
    log.append(entries(0..10)).await.unwrap();
    log.purge_before(NOW.plus(2)).await.unwrap();
    place
        .say(
            "UPDATE {audit_marks} SET seq = 5, hash = (SELECT hash FROM {audit} WHERE seq = 5) WHERE name = 'checkpoint';
            DELETE FROM {audit} WHERE seq <= 5",
        )
        .await;
    assert!(broken(&log).await.1.contains("last purge"));
    assert_eq!(log.purge_before(NOW.plus(8)).await, Ok(3));
    assert!(broken(&log).await.1.contains("last purge"));
    // Rows that somebody removed before a purge are not covered by it.
    place.say("DELETE FROM {audit_marks} WHERE name = 'checkpoint'").await;
    assert_eq!(log.purge_before(NOW.plus(9)).await, Ok(1));
    assert!(broken(&log).await.1.contains("last purge"));
}

pub(in crate::storage) async fn audit_rows_under_another_key_are_an_error_and_not_left_out(place: impl Place) {
    let log = place.open(sealer(&[1])).await;
    log.append(entries(0..3)).await.unwrap();
    place.close(log).await;
    let log = place.open(sealer(&[2])).await;
    let unreadable = log.read(1, 10).await.unwrap_err();
    assert!(
        matches!(&unreadable, StoreError::Unreadable(problem) if problem.contains("row 1 of the audit log")),
        "{unreadable:?}"
    );
    assert_eq!(log.ends().await.unwrap().head.map(|mark| mark.genuine), Some(false));
    let (seq, problem) = broken(&log).await;
    assert!(seq == 1 && problem.contains("DATA_ENCRYPTION_KEY"), "{seq}: {problem}");
    assert_eq!(log.append(entries(3..4)).await, Ok(Some(4)));
    assert_eq!(log.read(4, 1).await.unwrap()[0].body, "canary 3");
}
