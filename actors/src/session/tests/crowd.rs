//! A crowd of clients that open sessions and never come back.

use super::*;
use crate::test_support::Scripted as Catalogue;

const CROWD: usize = 100_000;

/// What this process has in memory, in KiB; nothing where the system does not tell.
fn resident_kib() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()
}

#[test]
fn a_hundred_thousand_sessions_that_nobody_ends_leave_nothing_behind() {
    on_paused_time(|| async {
        let desk = Desk::of(DirectoryLimits { sessions: CROWD, per_caller: CROWD });
        let catalogue = Rc::new(Catalogue::new());
        let mut after = Vec::new();
        for round in 1..=3_u64 {
            let before = resident_kib();
            for _ in 0..CROWD {
                desk.open_with("ada", &json!({"protocolVersion": "2025-11-25"}), Rc::clone(&catalogue) as Rc<dyn Catalog>)
                    .unwrap();
            }
            assert_eq!(desk.try_open("ada").err(), Some(OpenError::Full));
            settle().await;
            assert_eq!((desk.directory.len(), desk.metrics.sessions_open.get()), (CROWD, i64::try_from(CROWD).unwrap()));
            let full = resident_kib();
            pass(IDLE_SECS + 1.0).await;
            assert_eq!((desk.directory.len(), desk.metrics.sessions_open.get()), (0, 0));
            assert_eq!((desk.ended("idle"), Rc::strong_count(&catalogue)), (round * CROWD as u64, 1), "every actor is gone");
            after.extend(resident_kib());
            eprintln!("round {round}: {before:?} KiB before, {full:?} full, {:?} after", after.last());
        }
        // What the allocator keeps for later is used again: memory does not grow from round to round.
        if let [first, .., last] = after[..] {
            assert!(last < first + 64 * 1024, "{after:?} KiB after each round");
        }
    });
}
