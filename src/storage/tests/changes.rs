//! The contract of the feed of changes.

use futures_util::future::join_all;
use tickgate_core::ports::{Change, Changes, Record, Shelf, Store};

use super::contract::{NOW, Place, record, sealer};
use crate::storage::rows::KEPT_CHANGES;

/// What was told, and where to go on.
async fn since(store: &impl Store, seen: u64) -> (Vec<(Shelf, u128)>, u64) {
    match store.changes_since(Some(seen)).await.unwrap() {
        Changes::Since { changes, latest } => (changes.iter().map(|Change { shelf, id }| (*shelf, *id)).collect(), latest),
        Changes::Behind { latest } => panic!("behind at {seen}, of {latest}"),
    }
}

async fn start(store: &impl Store) -> u64 {
    match store.changes_since(None).await.unwrap() {
        Changes::Behind { latest } => latest,
        told @ Changes::Since { .. } => panic!("{told:?}"),
    }
}

pub(in crate::storage) async fn who_asks_first_is_told_to_read_everything(place: impl Place) {
    let store = place.open(sealer(&[1])).await;
    let begin = start(&store).await;
    assert_eq!(since(&store, begin).await, (Vec::new(), begin));
    store.put(Shelf::Users, vec![record(7, "user:ada", "x")]).await.unwrap();
    let latest = start(&store).await;
    assert!(latest > begin);
    assert_eq!(since(&store, latest).await, (Vec::new(), latest));
    place.close(store).await;
    let store = place.open(sealer(&[1])).await;
    assert_eq!(since(&store, begin).await.0, [(Shelf::Users, 7)], "a feed outlives who wrote it");
    assert_eq!(store.changes_since(Some(latest + 1)).await, Ok(Changes::Behind { latest }), "what is ahead comes from elsewhere");
}

pub(in crate::storage) async fn each_change_of_a_watched_shelf_is_told_once_and_in_order(place: impl Place) {
    let store = place.open(sealer(&[1])).await;
    let seen = start(&store).await;
    let own = |id| record(id, "user:ada", "x");
    store.put(Shelf::Users, vec![own(1)]).await.unwrap();
    store.put(Shelf::ApiKeys, vec![own(2), own(3)]).await.unwrap();
    let version = store.swap(Shelf::Grants, own(4), None, NOW).await.unwrap();
    store.swap(Shelf::Grants, own(4), version, NOW).await.unwrap();
    store.take(Shelf::ApiKeys, 2, "user:ada", NOW).await.unwrap();
    store.delete(Shelf::ApiKeys, 3).await.unwrap();
    let expected = [
        (Shelf::Users, 1),
        (Shelf::ApiKeys, 2),
        (Shelf::ApiKeys, 3),
        (Shelf::Grants, 4),
        (Shelf::Grants, 4),
        (Shelf::ApiKeys, 2),
        (Shelf::ApiKeys, 3),
    ];
    let (told, seen) = since(&store, seen).await;
    assert_eq!(told, expected);
    store.put(Shelf::Tasks, vec![own(5)]).await.unwrap();
    assert_eq!(store.erase("user:ada").await, Ok(3));
    let (mut told, seen) = since(&store, seen).await;
    told.sort_unstable_by_key(|(_, id)| *id);
    assert_eq!(told, [(Shelf::Users, 1), (Shelf::Grants, 4)]);
    assert_eq!(since(&store, seen).await, (Vec::new(), seen));
}

pub(in crate::storage) async fn what_changes_nothing_is_no_change(place: impl Place) {
    let store = place.open(sealer(&[1])).await;
    store.put(Shelf::Users, vec![record(1, "user:ada", "x")]).await.unwrap();
    let seen = start(&store).await;
    for shelf in Shelf::ALL.into_iter().filter(|shelf| !shelf.is_watched()) {
        store.put(shelf, vec![record(2, "user:bob", "x")]).await.unwrap();
        store.take(shelf, 2, "user:bob", NOW).await.unwrap().unwrap();
    }
    assert_eq!(store.swap(Shelf::Users, record(1, "user:ada", "y"), None, NOW).await, Ok(None));
    assert_eq!(store.take(Shelf::Users, 1, "user:eve", NOW).await, Ok(None));
    store.delete(Shelf::Users, 9).await.unwrap();
    store.erase("user:eve").await.unwrap();
    store.purge(NOW).await.unwrap();
    assert_eq!(since(&store, seen).await, (Vec::new(), seen));
}

pub(in crate::storage) async fn many_changes_come_in_parts(place: impl Place) {
    let store = place.open(sealer(&[1])).await;
    let mut seen = start(&store).await;
    let ids = 0..Changes::MAX as u128 * 2 + 1;
    store.put(Shelf::Users, ids.clone().map(|id| record(id, "user:ada", "x")).collect()).await.unwrap();
    let mut told = Vec::new();
    for expected in [Changes::MAX, Changes::MAX, 1, 0] {
        let (changes, latest) = since(&store, seen).await;
        assert_eq!(changes.len(), expected);
        told.extend(changes.into_iter().map(|(_, id)| id));
        seen = latest;
    }
    assert!(told.into_iter().eq(ids));
}

pub(in crate::storage) async fn a_change_by_another_process_is_seen(place: impl Place) {
    let gateway = place.open(sealer(&[1])).await;
    let command = place.open_beside(sealer(&[1])).await;
    let seen = start(&gateway).await;
    command.put(Shelf::ApiKeys, vec![record(7, "user:ada", "x")]).await.unwrap();
    assert_eq!(since(&gateway, seen).await.0, [(Shelf::ApiKeys, 7)]);
    assert!(gateway.find(Shelf::ApiKeys, 7, NOW).await.unwrap().is_some());
}

pub(in crate::storage) async fn no_change_is_missed_while_others_write(place: impl Place) {
    let (one, other) = (place.open(sealer(&[1])).await, place.open_beside(sealer(&[1])).await);
    let mut seen = start(&one).await;
    let write = async {
        let puts = (0..150).map(|id| {
            let store = if id % 2 == 0 { &one } else { &other };
            store.put(Shelf::Users, vec![record(id, "user:ada", "x"), record(1_000 + id, "user:ada", "x")])
        });
        assert!(join_all(puts).await.iter().all(Result::is_ok));
    };
    let read = async {
        let mut told = Vec::new();
        while told.len() < 300 {
            let (changes, latest) = since(&one, seen).await;
            told.extend(changes.into_iter().map(|(_, id)| id));
            seen = latest;
            tokio::task::yield_now().await;
        }
        told.sort_unstable();
        told
    };
    let ((), told) = tokio::join!(write, read);
    assert!(told.into_iter().eq((0..150).chain(1_000..1_150)));
}

pub(in crate::storage) async fn who_has_missed_too_much_reads_everything_again(place: impl Place) {
    let store = place.open(sealer(&[1])).await;
    let seen = start(&store).await;
    let many =
        |first: u64| -> Vec<Record> { (first..first + KEPT_CHANGES / 2).map(|id| record(id.into(), "user:ada", "x")).collect() };
    for first in [0, 1_000_000] {
        store.put(Shelf::Users, many(first)).await.unwrap();
    }
    store.purge(NOW).await.unwrap();
    assert_eq!(since(&store, seen).await.0.len(), Changes::MAX, "as many as are kept are not too many");
    store.put(Shelf::Users, vec![record(7, "user:ada", "x")]).await.unwrap();
    store.purge(NOW).await.unwrap();
    let latest = start(&store).await;
    assert_eq!(store.changes_since(Some(seen)).await, Ok(Changes::Behind { latest }));
    assert_eq!(since(&store, latest - 1).await.0, [(Shelf::Users, 7)]);
}
