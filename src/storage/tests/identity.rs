//! The contract of what accounts need: to find, to swap, to erase.

use futures_util::future::join_all;
use tickgate_core::ports::{Record, Shelf, Store as _, StoreError, Version};

use super::contract::{NOW, Place, ids, record, sealer};

async fn found(store: &impl tickgate_core::ports::Store, id: u128) -> (Record, Version) {
    let found = store.find(Shelf::Users, id, NOW).await.unwrap().unwrap();
    (found.record, found.version)
}

pub(in crate::storage) async fn a_record_is_found_whosever_it_is_and_each_write_gives_it_another_version(place: impl Place) {
    let store = place.open(sealer(&[1])).await;
    assert_eq!(store.find(Shelf::Users, 7, NOW).await, Ok(None));
    let kept = Record { expires: Some(NOW.plus(1)), ..record(7, "user:ada", "a body") };
    store.put(Shelf::Users, vec![kept.clone()]).await.unwrap();
    let (first, version) = found(&store, 7).await;
    assert_eq!(first, kept);
    assert_eq!(found(&store, 7).await.1, version, "reading changes nothing");
    store.put(Shelf::Users, vec![kept.clone()]).await.unwrap();
    assert_ne!(found(&store, 7).await.1, version);
    assert_eq!(store.find(Shelf::Users, 7, NOW.plus(1)).await, Ok(None), "it has expired");
    assert_eq!(store.find(Shelf::Grants, 7, NOW).await, Ok(None));
    store.delete(Shelf::Users, 7).await.unwrap();
    store.put(Shelf::Users, vec![kept]).await.unwrap();
    assert_ne!(found(&store, 7).await.1, version, "no version comes twice");
}

pub(in crate::storage) async fn a_record_that_cannot_be_read_is_not_found_but_an_error(place: impl Place) {
    let store = place.open(sealer(&[1])).await;
    store.put(Shelf::Users, vec![record(7, "user:ada", "canary")]).await.unwrap();
    place.close(store).await;
    let store = place.open(sealer(&[2])).await;
    let unreadable = store.find(Shelf::Users, 7, NOW).await.unwrap_err();
    assert!(matches!(&unreadable, StoreError::Unreadable(problem) if problem.contains("users")), "{unreadable:?}");
    assert_eq!(store.of(Shelf::Users, "user:ada", NOW).await, Ok(Vec::new()));
    assert_eq!(store.take(Shelf::Users, 7, "user:eve", NOW).await, Ok(None), "another's is like none, readable or not");
}

pub(in crate::storage) async fn what_is_somebodys_is_found_and_nothing_else(place: impl Place) {
    let store = place.open(sealer(&[1])).await;
    let of = async |shelf, principal: &str| {
        let mut ids: Vec<u128> = store.of(shelf, principal, NOW).await.unwrap().iter().map(|found| found.record.id).collect();
        ids.sort_unstable();
        ids
    };
    let expired = Record { expires: Some(NOW), ..record(3, "user:ada", "x") };
    store.put(Shelf::ApiKeys, vec![record(1, "user:ada", "x"), record(2, "user:bob", "x"), expired]).await.unwrap();
    store.put(Shelf::ApiKeys, vec![record(4, "user:ada", "x")]).await.unwrap();
    store.put(Shelf::Grants, vec![record(5, "user:ada", "x")]).await.unwrap();
    assert_eq!(of(Shelf::ApiKeys, "user:ada").await, [1, 4]);
    assert_eq!(of(Shelf::Grants, "user:ada").await, [5]);
    for principal in ["user:ad", "user:ada ", "USER:ADA", "user:%", ""] {
        assert_eq!(of(Shelf::ApiKeys, principal).await, Vec::<u128>::new(), "{principal}");
    }
    let known = store.of(Shelf::ApiKeys, "user:bob", NOW).await.unwrap().remove(0);
    assert!(store.swap(Shelf::ApiKeys, known.record, Some(known.version), NOW).await.unwrap().is_some(), "the version is good");
}

pub(in crate::storage) async fn a_record_is_swapped_only_in_the_state_that_was_read(place: impl Place) {
    let store = place.open(sealer(&[1])).await;
    store.put(Shelf::Users, vec![record(7, "user:ada", "first")]).await.unwrap();
    let (_, read) = found(&store, 7).await;
    let second = store.swap(Shelf::Users, record(7, "user:ada", "second"), Some(read), NOW).await.unwrap().unwrap();
    assert_eq!(store.swap(Shelf::Users, record(7, "user:ada", "late"), Some(read), NOW).await, Ok(None));
    assert_eq!(found(&store, 7).await, (record(7, "user:ada", "second"), second));
    assert_eq!(store.swap(Shelf::Users, record(8, "user:ada", "x"), Some(second), NOW).await, Ok(None), "another record");
    assert_eq!(store.swap(Shelf::Grants, record(7, "user:ada", "x"), Some(second), NOW).await, Ok(None), "another shelf");
    store.delete(Shelf::Users, 7).await.unwrap();
    assert_eq!(store.swap(Shelf::Users, record(7, "user:ada", "risen"), Some(second), NOW).await, Ok(None));
    assert_eq!(ids(&store, Shelf::Users).await, Vec::<u128>::new());
}

pub(in crate::storage) async fn a_record_is_made_only_where_there_is_none(place: impl Place) {
    let store = place.open(sealer(&[1])).await;
    let made = store.swap(Shelf::Users, record(7, "user:ada", "first"), None, NOW).await.unwrap().unwrap();
    assert_eq!(store.swap(Shelf::Users, record(7, "user:eve", "second"), None, NOW).await, Ok(None));
    assert_eq!(found(&store, 7).await, (record(7, "user:ada", "first"), made));
    store.put(Shelf::Users, vec![Record { expires: Some(NOW), ..record(8, "user:ada", "expired") }]).await.unwrap();
    assert!(
        store.swap(Shelf::Users, record(8, "user:bob", "new"), None, NOW).await.unwrap().is_some(),
        "what has expired is none"
    );
    assert_eq!(found(&store, 8).await.0, record(8, "user:bob", "new"));
}

pub(in crate::storage) async fn a_swap_may_change_whose_it_is_and_until_when(place: impl Place) {
    let store = place.open(sealer(&[1])).await;
    let made = store.swap(Shelf::AuthFlows, record(7, "nobody", "x"), None, NOW).await.unwrap();
    let moved = Record { expires: Some(NOW.plus(5)), ..record(7, "user:ada", "y") };
    let next = store.swap(Shelf::AuthFlows, moved.clone(), made, NOW).await.unwrap();
    assert_eq!(store.of(Shelf::AuthFlows, "user:ada", NOW).await.unwrap()[0].record, moved);
    assert_eq!(store.swap(Shelf::AuthFlows, moved, next, NOW.plus(5)).await, Ok(None), "what has expired is in no state");
}

pub(in crate::storage) async fn of_swappers_at_once_one_wins(place: impl Place) {
    let store = place.open(sealer(&[1])).await;
    let beside = place.open_beside(sealer(&[1])).await;
    store.put(Shelf::RefreshFamilies, vec![record(7, "user:ada", "x")]).await.unwrap();
    let version = store.find(Shelf::RefreshFamilies, 7, NOW).await.unwrap().map(|found| found.version);
    for (expected, id) in [(version, 7), (None, 8)] {
        let swaps = (0..20).map(|n| {
            let store = if n % 2 == 0 { &store } else { &beside };
            store.swap(Shelf::RefreshFamilies, record(id, "user:ada", &n.to_string()), expected, NOW)
        });
        let swapped = join_all(swaps).await;
        assert_eq!(swapped.iter().filter(|swapped| swapped.as_ref().is_ok_and(Option::is_some)).count(), 1, "{swapped:?}");
        assert!(swapped.iter().all(Result::is_ok), "{swapped:?}");
    }
}

pub(in crate::storage) async fn all_that_is_somebodys_is_erased_readable_or_not(place: impl Place) {
    let store = place.open(sealer(&[1])).await;
    for shelf in Shelf::ALL {
        let expired = Record { expires: Some(NOW), ..record(3, "user:ada", "x") };
        store.put(shelf, vec![record(1, "user:ada", "x"), record(2, "user:bob", "x"), expired]).await.unwrap();
    }
    place.close(store).await;
    let store = place.open(sealer(&[2, 1])).await;
    assert_eq!(store.erase("user:ad").await, Ok(0));
    assert_eq!(store.erase("user:ada").await, Ok(2 * Shelf::ALL.len() as u64));
    assert_eq!(store.erase("user:ada").await, Ok(0));
    for shelf in Shelf::ALL {
        assert_eq!(ids(&store, shelf).await, [2]);
    }
    place.close(store).await;
    let store = place.open(sealer(&[3])).await;
    assert_eq!(store.erase("user:bob").await, Ok(Shelf::ALL.len() as u64), "also what cannot be read");
}

pub(in crate::storage) async fn a_store_that_works_answers_a_ping(place: impl Place) {
    let store = place.open(sealer(&[1])).await;
    assert_eq!(store.ping().await, Ok(()));
}
