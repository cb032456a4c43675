//! What every store must do, whatever is behind it; and how the settings open one.

mod audit;
mod changes;
pub(in crate::storage) mod contract;
mod identity;
#[path = "../../../tests/it/support/postgres.rs"]
pub(in crate::storage) mod server;

use std::path::Path;
use std::sync::Arc;

use secrecy::ExposeSecret as _;
use tickgate_core::ports::Shelf;

use super::*;
use crate::sealing::Sealer;
use crate::settings::Sources;
use contract::{NOW, record};

pub(in crate::storage) fn settings(data: &Path, more: &[(&str, &str)]) -> Settings {
    let data = [("DATA_DIR", data.to_str().unwrap())];
    let environment = data.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings::gather(&Sources::from_environment(environment)).unwrap()
}

fn opened(settings: &Settings) -> anyhow::Result<Database> {
    open_store(settings, Arc::new(Sealer::new(&data_keys(settings)?)?))
}

#[tokio::test]
async fn a_developer_needs_no_key_and_finds_everything_again() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&folder.path().join("data"), &[]);
    let database = opened(&settings).unwrap();
    assert_eq!(database.kind(), "sqlite");
    database.store().put(Shelf::Tasks, vec![record(7, "user:ada", "x")]).await.unwrap();
    database.close().await.unwrap();
    assert_eq!(opened(&settings).unwrap().store().all(Shelf::Tasks, NOW).await.unwrap(), [record(7, "user:ada", "x")]);
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

#[tokio::test]
async fn with_a_database_url_everything_is_kept_there_and_nothing_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let key = hex::encode((0..32).collect::<Vec<u8>>());
    let url = server::Server::shared().database();
    let settings = settings(folder.path(), &[("DATABASE_URL", &url), ("DATA_ENCRYPTION_KEY", &key)]);
    let database = opened(&settings).unwrap();
    assert_eq!(database.kind(), "postgres");
    database.store().put(Shelf::Tasks, vec![record(7, "user:ada", "x")]).await.unwrap();
    database.close().await.unwrap();
    let beside = open_store_beside(&settings, contract::sealer(&[0])).unwrap();
    assert_eq!(beside.store().all(Shelf::Tasks, NOW).await.unwrap(), [record(7, "user:ada", "x")]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
