//! What every store must do, whatever is behind it; and how the settings open one.

pub(in crate::storage) mod contract;

use std::path::Path;

use secrecy::ExposeSecret as _;
use tickgate_core::ports::{Shelf, Store as _};

use super::*;
use crate::settings::Sources;
use contract::{NOW, record};

fn settings(data: &Path, more: &[(&str, &str)]) -> Settings {
    let data = [("DATA_DIR", data.to_str().unwrap())];
    let environment = data.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings::gather(&Sources::from_environment(environment)).unwrap()
}

fn opened(settings: &Settings) -> anyhow::Result<SqliteStore> {
    open_store(settings, Arc::new(Sealer::new(&data_keys(settings)?)?))
}

#[tokio::test]
async fn a_developer_needs_no_key_and_finds_everything_again() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&folder.path().join("data"), &[]);
    let store = opened(&settings).unwrap();
    store.put(Shelf::Tasks, vec![record(7, "user:ada", "x")]).await.unwrap();
    store.close().await.unwrap();
    assert_eq!(opened(&settings).unwrap().all(Shelf::Tasks, NOW).await.unwrap(), [record(7, "user:ada", "x")]);
    assert!(folder.path().join("data/data-encryption-key").exists());
}

#[test]
fn a_key_that_is_set_is_used_and_none_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let key = hex::encode((0..32).collect::<Vec<u8>>());
    let keys = data_keys(&settings(folder.path(), &[("DATA_ENCRYPTION_KEY", &key)])).unwrap();
    assert_eq!(keys.iter().map(|key| key.expose_secret()).collect::<Vec<_>>(), [key]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = format!("{:#}", opened(&settings(&file.path().join("data"), &[])).unwrap_err());
    assert!(error.contains("DATA_DIR") && error.contains(file.path().to_str().unwrap()), "{error}");
}
