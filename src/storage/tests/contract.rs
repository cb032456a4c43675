//! The contract of the store and audit ports. An adapter passes it by `store_contract!(ItsPlace);`.

use std::io::Write;
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use secrecy::SecretString;
use tickgate_core::ports::{AuditLog, Record, Shelf, Store, StoreError};
use tickgate_core::time::Millis;

use crate::sealing::Sealer;

pub(in crate::storage) use super::{audit::*, changes::*, identity::*};

/// Somewhere to keep records, empty at first, that can be opened again and again.
pub(in crate::storage) trait Place {
    type Adapter: Store + AuditLog;

    fn new() -> Self;
    async fn open(&self, sealer: Arc<Sealer>) -> Self::Adapter;
    /// Opens it while it is open: as a command does, or another machine.
    async fn open_beside(&self, sealer: Arc<Sealer>) -> Self::Adapter;
    async fn close(&self, store: Self::Adapter);
    /// Says something to the database behind the adapter's back. A table `{audit}` has the name that it has there.
    async fn say(&self, sql: &str);
}

/// The tests of the contract for one place.
macro_rules! store_contract {
    ($place:ty) => {
        store_contract! { $place:
            what_was_put_is_there_and_stays_there,
            a_record_is_replaced_by_one_of_the_same_shelf_and_id,
            a_record_is_taken_once,
            another_principals_record_is_like_none,
            shelves_do_not_mix,
            what_has_expired_is_like_none_and_is_purged,
            a_deleted_record_is_gone_and_can_be_deleted_again,
            any_body_and_any_id_are_kept,
            everything_is_there_after_it_was_closed_and_opened_again,
            a_thousand_puts_at_once_are_all_kept,
            of_takers_at_once_one_gets_it,
            under_another_key_records_are_left_out_and_that_is_logged,
            a_key_that_was_rotated_still_reads_and_the_new_one_writes,
            a_record_is_found_whosever_it_is_and_each_write_gives_it_another_version,
            a_record_that_cannot_be_read_is_not_found_but_an_error,
            what_is_somebodys_is_found_and_nothing_else,
            a_record_is_swapped_only_in_the_state_that_was_read,
            a_record_is_made_only_where_there_is_none,
            a_swap_may_change_whose_it_is_and_until_when,
            of_swappers_at_once_one_wins,
            all_that_is_somebodys_is_erased_readable_or_not,
            a_store_that_works_answers_a_ping,
            who_asks_first_is_told_to_read_everything,
            each_change_of_a_watched_shelf_is_told_once_and_in_order,
            what_changes_nothing_is_no_change,
            many_changes_come_in_parts,
            a_change_by_another_process_is_seen,
            no_change_is_missed_while_others_write,
            who_has_missed_too_much_reads_everything_again,
            an_empty_audit_log_is_whole,
            audit_rows_are_chained_and_gapless,
            audit_rows_of_two_writers_are_one_chain,
            an_audit_row_that_was_changed_moved_or_removed_shows,
            an_audit_log_whose_end_was_forged_does_not_become_good_again,
            a_purge_of_the_audit_log_leaves_a_checkpoint,
            a_large_purge_of_the_audit_log_goes_in_parts,
            a_forged_checkpoint_shows_and_does_not_become_good_by_a_purge,
            audit_rows_under_another_key_are_an_error_and_not_left_out,
        }
    };
    ($place:ty: $($test:ident,)+) => {
        $(
            #[tokio::test]
            async fn $test() {
                contract::$test(<$place as contract::Place>::new()).await;
            }
        )+
    };
}
pub(in crate::storage) use store_contract;

pub(in crate::storage) const NOW: Millis = Millis(1_800_000_000_000);

pub(in crate::storage) fn sealer(seeds: &[u8]) -> Arc<Sealer> {
    let key = |seed: &u8| SecretString::from(hex::encode((0..32).map(|i| i ^ seed).collect::<Vec<u8>>()));
    Arc::new(Sealer::new(&seeds.iter().map(key).collect::<Vec<_>>()).unwrap())
}

pub(in crate::storage) fn record(id: u128, principal: &str, body: &str) -> Record {
    Record { id, principal: principal.to_owned(), expires: None, body: body.to_owned().into() }
}

fn expiring(id: u128, expires: Millis) -> Record {
    Record { expires: Some(expires), ..record(id, "user:ada", "x") }
}

/// The ids on a shelf, in order.
pub(in crate::storage) async fn ids(store: &(impl Store + ?Sized), shelf: Shelf) -> Vec<u128> {
    let mut ids: Vec<u128> = store.all(shelf, NOW).await.unwrap().iter().map(|record| record.id).collect();
    ids.sort_unstable();
    ids
}

pub(in crate::storage) async fn what_was_put_is_there_and_stays_there(place: impl Place) {
    let store = place.open(sealer(&[1])).await;
    let kept = Record { expires: Some(NOW.plus(1)), ..record(7, "user:ada", "a body") };
    store.put(Shelf::Tasks, vec![kept.clone()]).await.unwrap();
    for _ in 0..2 {
        assert_eq!(store.all(Shelf::Tasks, NOW).await.unwrap(), std::slice::from_ref(&kept));
    }
    store.put(Shelf::Tasks, Vec::new()).await.unwrap();
    assert_eq!(ids(&store, Shelf::Tasks).await, [7]);
}

pub(in crate::storage) async fn a_record_is_replaced_by_one_of_the_same_shelf_and_id(place: impl Place) {
    let store = place.open(sealer(&[1])).await;
    store.put(Shelf::Tasks, vec![expiring(7, NOW.plus(1))]).await.unwrap();
    let (first, second) = (record(7, "user:bob", "first"), record(7, "user:cleo", "second"));
    store.put(Shelf::Tasks, vec![first, second.clone()]).await.unwrap();
    assert_eq!(store.all(Shelf::Tasks, NOW).await.unwrap(), [second]);
}

pub(in crate::storage) async fn a_record_is_taken_once(place: impl Place) {
    let store = place.open(sealer(&[1])).await;
    let kept = record(7, "user:ada", "a body");
    store.put(Shelf::Tasks, vec![kept.clone(), record(8, "user:ada", "another")]).await.unwrap();
    assert_eq!(store.take(Shelf::Tasks, 7, "user:ada", NOW).await, Ok(Some(kept)));
    assert_eq!(store.take(Shelf::Tasks, 7, "user:ada", NOW).await, Ok(None));
    assert_eq!(ids(&store, Shelf::Tasks).await, [8]);
}

pub(in crate::storage) async fn another_principals_record_is_like_none(place: impl Place) {
    let store = place.open(sealer(&[1])).await;
    store.put(Shelf::Tasks, vec![record(7, "user:ada", "x")]).await.unwrap();
    for principal in ["user:eve", "", "user:ad", "user:ada ", "USER:ADA", "user:ad%"] {
        assert_eq!(store.take(Shelf::Tasks, 7, principal, NOW).await, Ok(None), "{principal}");
    }
    assert!(store.take(Shelf::Tasks, 7, "user:ada", NOW).await.unwrap().is_some());
}

pub(in crate::storage) async fn shelves_do_not_mix(place: impl Place) {
    let store = place.open(sealer(&[1])).await;
    let shelves = [Shelf::Tasks, Shelf::Alerts, Shelf::Sessions, Shelf::UpstreamKeys];
    for shelf in shelves {
        store.put(shelf, vec![record(7, "user:ada", shelf.as_str())]).await.unwrap();
    }
    store.delete(Shelf::Alerts, 7).await.unwrap();
    assert_eq!(ids(&store, Shelf::Alerts).await, Vec::<u128>::new());
    for shelf in [Shelf::Tasks, Shelf::Sessions] {
        let taken = store.take(shelf, 7, "user:ada", NOW).await.unwrap().unwrap();
        assert_eq!(taken.body, shelf.as_str());
    }
}

pub(in crate::storage) async fn what_has_expired_is_like_none_and_is_purged(place: impl Place) {
    let store = place.open(sealer(&[1])).await;
    let (expired, alive) = ([NOW.minus(1), NOW, Millis(0)], [NOW.plus(1), Millis(u64::MAX)]);
    let records = expired.iter().chain(&alive).zip(0..).map(|(expires, id)| expiring(id, *expires));
    store.put(Shelf::Tasks, records.chain([record(5, "user:ada", "for ever")]).collect()).await.unwrap();
    store.put(Shelf::Alerts, vec![expiring(6, NOW)]).await.unwrap();
    assert_eq!(ids(&store, Shelf::Tasks).await, [3, 4, 5]);
    assert_eq!(store.take(Shelf::Tasks, 1, "user:ada", NOW).await, Ok(None));
    assert!(store.all(Shelf::Tasks, NOW.minus(1)).await.unwrap().iter().any(|record| record.id == 1), "it was not there yet");
    assert_eq!((store.purge(NOW).await, store.purge(NOW).await), (Ok(4), Ok(0)));
    assert_eq!(ids(&store, Shelf::Tasks).await, [3, 4, 5]);
}

pub(in crate::storage) async fn a_deleted_record_is_gone_and_can_be_deleted_again(place: impl Place) {
    let store = place.open(sealer(&[1])).await;
    store.put(Shelf::Tasks, vec![record(7, "user:ada", "x")]).await.unwrap();
    for _ in 0..2 {
        store.delete(Shelf::Tasks, 7).await.unwrap();
    }
    assert_eq!(ids(&store, Shelf::Tasks).await, Vec::<u128>::new());
}

pub(in crate::storage) async fn any_body_and_any_id_are_kept(place: impl Place) {
    let store = place.open(sealer(&[1])).await;
    let bodies = [Vec::new(), vec![0, 255, 0], vec![7; 1 << 20]];
    let records: Vec<Record> = [0, u128::MAX, 1 << 127]
        .into_iter()
        .zip(bodies)
        .map(|(id, body)| Record { body: body.into(), ..record(id, "user:'; DROP TABLE records; -- ü", "") })
        .collect();
    store.put(Shelf::Sessions, records.clone()).await.unwrap();
    for record in records {
        assert_eq!(store.take(Shelf::Sessions, record.id, &record.principal, NOW).await, Ok(Some(record)));
    }
}

pub(in crate::storage) async fn everything_is_there_after_it_was_closed_and_opened_again(place: impl Place) {
    for round in 0..3 {
        let store = place.open(sealer(&[1])).await;
        assert_eq!(ids(&store, Shelf::Tasks).await, (0..round).collect::<Vec<_>>());
        store.put(Shelf::Tasks, vec![record(round, "user:ada", "x")]).await.unwrap();
        place.close(store).await;
    }
}

pub(in crate::storage) async fn a_thousand_puts_at_once_are_all_kept(place: impl Place) {
    let store = place.open(sealer(&[1])).await;
    let puts = (0..1_000).map(|id| store.put(Shelf::Tasks, vec![record(id, "user:ada", &format!("body {id}"))]));
    assert!(join_all(puts).await.iter().all(Result::is_ok));
    place.close(store).await;
    let store = place.open(sealer(&[1])).await;
    let kept = store.all(Shelf::Tasks, NOW).await.unwrap();
    assert_eq!(kept.len(), 1_000);
    assert!(kept.iter().all(|record| record.body == format!("body {}", record.id)));
}

pub(in crate::storage) async fn of_takers_at_once_one_gets_it(place: impl Place) {
    let store = place.open(sealer(&[1])).await;
    store.put(Shelf::Tasks, vec![record(7, "user:ada", "x")]).await.unwrap();
    let taken = join_all((0..20).map(|_| store.take(Shelf::Tasks, 7, "user:ada", NOW))).await;
    assert_eq!(taken.iter().filter(|taken| taken.as_ref().is_ok_and(Option::is_some)).count(), 1);
    assert_eq!(taken.iter().filter(|taken| taken.as_ref().is_ok_and(Option::is_none)).count(), 19);
}

pub(in crate::storage) async fn under_another_key_records_are_left_out_and_that_is_logged(place: impl Place) {
    let store = place.open(sealer(&[1])).await;
    store.put(Shelf::Tasks, vec![record(1, "user:ada", "canary"), record(2, "user:ada", "canary")]).await.unwrap();
    place.close(store).await;
    let store = place.open(sealer(&[2])).await;
    store.put(Shelf::Tasks, vec![record(3, "user:ada", "x")]).await.unwrap();
    let log = Log::default();
    let collecting = tracing::subscriber::set_default(tracing_subscriber::fmt().with_writer(log.clone()).finish());
    assert_eq!(ids(&store, Shelf::Tasks).await, [3]);
    drop(collecting);
    let logged = log.text();
    assert!(logged.contains("2 tasks cannot be read") && !logged.contains("canary"), "{logged}");
    // It is not lost: with its key it can be read again.
    let unreadable = store.take(Shelf::Tasks, 1, "user:ada", NOW).await.unwrap_err();
    assert!(matches!(unreadable, StoreError::Unreadable(_)), "{unreadable:?}");
    place.close(store).await;
    let store = place.open(sealer(&[1])).await;
    assert!(store.take(Shelf::Tasks, 1, "user:ada", NOW).await.unwrap().is_some());
}

pub(in crate::storage) async fn a_key_that_was_rotated_still_reads_and_the_new_one_writes(place: impl Place) {
    for (keys, id) in [(&[1][..], 1), (&[2, 1], 2)] {
        let store = place.open(sealer(keys)).await;
        store.put(Shelf::Tasks, vec![record(id, "user:ada", "x")]).await.unwrap();
        assert_eq!(ids(&store, Shelf::Tasks).await, (1..=id).collect::<Vec<_>>());
        place.close(store).await;
    }
    assert_eq!(ids(&place.open(sealer(&[2])).await, Shelf::Tasks).await, [2]);
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl tracing_subscriber::fmt::MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
