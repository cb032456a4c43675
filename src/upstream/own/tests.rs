//! Own keys over a real store: what is kept, what comes back, and what nobody sees.

use std::path::Path;

use secrecy::SecretString;
use tickgate_actors::Metrics;
use tickgate_core::market::Source;
use tickgate_core::time::Millis;

use super::*;
use crate::sealing::Sealer;
use crate::storage::SqliteStore;
use crate::upstream::polygon::Plan;

const KEY: &str = "canary-canary-canary";

async fn open(folder: &Path) -> (OwnKeys, Arc<SqliteStore>) {
    let sealer = Arc::new(Sealer::new(&[SecretString::from("5a".repeat(32))]).unwrap());
    let store = Arc::new(SqliteStore::open(folder, sealer).unwrap());
    let clock = Clock::start();
    let quotas = OwnQuotas::new(Metrics::register(&prometheus::Registry::new()).unwrap().budget, clock);
    let gateway = PolygonSettings {
        base_url: "http://127.0.0.1:1".parse().unwrap(),
        key: SecretString::from("the-gateways-key"),
        plan: Plan::Free,
        source: Source::Simulated,
    };
    let own = OwnKeys::load(Arc::<SqliteStore>::clone(&store), &gateway, quotas, clock).await.unwrap();
    (own, store)
}

fn ada() -> Principal {
    Principal::new("user", "ada")
}

fn wanted(key: &str, plan: Plan) -> WantedKey {
    WantedKey::new(SecretString::from(key), plan).unwrap()
}

async fn set(own: &OwnKeys, key: &str, plan: Plan) {
    let change = own.change(&ada()).unwrap();
    let key = change.prepare(wanted(key, plan)).unwrap();
    change.keep(key).await.unwrap();
}

#[actix_rt::test]
async fn a_key_is_kept_over_a_start_and_never_readable_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (own, store) = open(folder.path()).await;
    set(&own, "another-key-before", Plan::Free).await;
    set(&own, KEY, Plan::Starter).await;
    let since = own.find(&ada()).unwrap().since;
    store.close().await.unwrap();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for key in [KEY, "another-key-before"] {
            assert!(!bytes.windows(key.len()).any(|window| window == key.as_bytes()));
        }
    }
    let (own, store) = open(folder.path()).await;
    let key = own.find(&ada()).unwrap();
    assert_eq!((key.plan, key.since, own.len()), (Plan::Starter, since, 1));
    assert_eq!(key.fingerprint, key::fingerprint(&SecretString::from(KEY)));
    own.change(&ada()).unwrap().forget().await.unwrap();
    own.change(&ada()).unwrap().forget().await.unwrap();
    assert!(own.find(&ada()).is_none());
    store.close().await.unwrap();
    let (own, _store) = open(folder.path()).await;
    assert_eq!(own.len(), 0);
}

#[actix_rt::test]
async fn a_key_that_is_set_again_is_another_owner_on_the_same_budget() {
    let folder = tempfile::tempdir().unwrap();
    let (own, _store) = open(folder.path()).await;
    set(&own, KEY, Plan::Free).await;
    let first = own.find(&ada()).unwrap();
    set(&own, KEY, Plan::Free).await;
    let second = own.find(&ada()).unwrap();
    assert_ne!(first.owner, second.owner, "what was got before is not shown");
    assert_eq!((first.fingerprint, first.record), (second.fingerprint, second.record));
    assert_eq!(own.quota(&first).unwrap().view().per_minute, 5);
}

#[actix_rt::test]
async fn one_change_at_a_time_ten_a_minute_and_never_the_gateways_own_key() {
    let folder = tempfile::tempdir().unwrap();
    let (own, _store) = open(folder.path()).await;
    let change = own.change(&ada()).unwrap();
    assert!(matches!(own.change(&ada()), Err(OwnKeyError::Busy)));
    assert!(own.change(&Principal::new("user", "bob")).is_ok(), "another caller is another matter");
    let refused = change.prepare(wanted("the-gateways-key", Plan::Free)).unwrap_err();
    assert!(matches!(refused, OwnKeyError::Gateways));
    drop(change);
    for _ in 0..8 {
        drop(own.change(&ada()).unwrap());
    }
    assert!(matches!(own.change(&ada()), Err(OwnKeyError::TooOften(1..=7))));
}

#[test]
fn a_key_is_visible_ascii_of_a_bounded_length_and_is_shown_by_nothing() {
    for bad in ["", "short", "with space", "with\ttab8", "with\nnewline", "schlüssel-key", "nul\u{0}nul-nul", &"x".repeat(257)] {
        let error = WantedKey::new(SecretString::from(bad), Plan::Free).unwrap_err();
        assert_eq!(error, "it must be 8 to 256 visible ASCII characters without spaces", "{bad}");
    }
    for good in ["12345678", &"~".repeat(256)] {
        assert!(WantedKey::new(SecretString::from(good), Plan::Free).is_ok());
    }
    let wanted = wanted(KEY, Plan::Free);
    let shown = format!("{wanted:?}");
    let key = OwnKey::new(wanted, 1, Millis(0), 2);
    let shown = format!("{shown} {key:?}");
    assert!(!shown.contains("canary") && shown.contains("Free"), "{shown}");
}

#[test]
fn a_record_that_makes_no_sense_is_no_key() {
    let key = OwnKey::new(wanted(KEY, Plan::Free), 1, Millis(7), 2);
    let good = key.record(&ada());
    assert!(OwnKey::restored(&good, 3).is_some_and(|key| key.since == Millis(7)));
    for body in ["", "{}", r#"{"key":"x","plan":"free","since":1}"#, r#"{"key":"canary-canary","plan":"gold","since":1}"#] {
        let record = tickgate_core::ports::Record { body: body.into(), ..good.clone() };
        assert!(OwnKey::restored(&record, 3).is_none(), "{body}");
    }
}
