//! Stored API keys from outside: over HTTP, at the command line beside a running gateway, and in the hands of an attacker.

mod attacks;
mod command;
mod routes;
mod streams;

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tickgate::sealing::Sealer;
use tickgate::storage::{PostgresStore, SqliteStore};
use tickgate_core::access::{Principal, Scope};
use tickgate_core::identity::api_key::{ApiKey, KeyId, NewKey};
use tickgate_core::identity::{HashKey, HashKeys};
use tickgate_core::ports::{Record, Shelf, Store};

use crate::support::{Answer, Request, TestGateway, get, post};

/// `DATA_ENCRYPTION_KEY` of the tests.
pub(crate) const DATA_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
/// A static key with the scope admin.
pub(crate) const ADMIN: &str = "canary-of-the-admin-0123456789";

/// A gateway whose callers must show a credential; `url`: its PostgreSQL database, or nothing for a file.
pub(crate) fn gateway(url: &str, settings: &[(&str, &str)]) -> TestGateway {
    let keys = format!("{ADMIN}:admin:root");
    let own = [
        ("AUTH", "required"),
        ("MCP_API_KEYS", keys.as_str()),
        ("DATA_ENCRYPTION_KEY", DATA_KEY),
        ("DATABASE_URL", url),
        ("RATE_LIMIT_AUTH", "0"),
        ("RATE_LIMIT_KEY", "0"),
    ];
    TestGateway::with(&[&own[..], settings].concat())
}

/// Runs the program on a gateway's database.
pub(crate) fn tickgate(arguments: &[&str], data: &Path, url: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tickgate"));
    command.args(arguments).env_clear().env("DATA_ENCRYPTION_KEY", DATA_KEY).env("DATA_DIR", data).env("DATABASE_URL", url);
    command.current_dir(data).output().unwrap()
}

/// What it prints, if it does what it is told.
pub(crate) fn printed(arguments: &[&str], data: &Path, url: &str) -> String {
    let output = tickgate(arguments, data, url);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub(crate) fn bearer(request: Request, key: &str) -> Request {
    request.header("Authorization", &format!("Bearer {key}"))
}

/// Asks with a key.
pub(crate) fn ask(gateway: &TestGateway, method: &'static str, path: &str, body: &str, key: &str) -> Answer {
    let request = if body.is_empty() { get(path) } else { post(path, body).header("Content-Type", "application/json") };
    bearer(request.method(method), key).send(gateway.address)
}

/// Makes a key over HTTP: what was answered.
pub(crate) fn make(gateway: &TestGateway, wanted: &Value, by: &str) -> Value {
    let answer = ask(gateway, "POST", "/auth/api-keys", &wanted.to_string(), by);
    assert_eq!(answer.status, 201);
    answer.json()
}

/// A key of this user and scope, and its id.
pub(crate) fn key_of(gateway: &TestGateway, user: &str, scope: &str) -> (String, String) {
    let made = make(gateway, &json!({"user_id": user, "scope": scope}), ADMIN);
    (made["key"].as_str().unwrap().to_owned(), made["key_id"].as_str().unwrap().to_owned())
}

/// Whether a key is let in.
pub(crate) fn status_with(gateway: &TestGateway, key: &str) -> u16 {
    ask(gateway, "GET", "/api/status", "", key).status
}

/// A well-written key of this name that nobody was given.
pub(crate) fn forged(id: &str) -> String {
    let new = NewKey {
        owner: Principal::new("user", "x"),
        name: String::new(),
        scope: Scope::Read,
        ttl_ms: None,
        limit_per_minute: None,
    };
    let id: KeyId = id.parse().unwrap();
    let hashing = HashKeys::new(HashKey::new([0; 32]), Vec::new());
    let now = tickgate_actors::Clock::start().now();
    let (key, text) = ApiKey::create(new, id.name(), &[7; 32], &hashing, now);
    assert_eq!(key.id, id);
    text.expose_secret().to_owned()
}

/// Works on the database beside the gateway, as another process would.
pub(crate) fn beside<T>(data: &Path, url: &str, work: impl AsyncFnOnce(&dyn Store) -> T) -> T {
    let sealer = Arc::new(Sealer::new(&[SecretString::from(DATA_KEY)]).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if url.is_empty() {
        let store = SqliteStore::open_beside(data, sealer).unwrap();
        return runtime.block_on(work(&store));
    }
    let store = PostgresStore::open(&url.parse().unwrap(), sealer).unwrap();
    runtime.block_on(work(&store))
}

/// Changes the record of a key beside the gateway.
pub(crate) fn change_key(gateway: &TestGateway, id: &str, change: impl FnOnce(&mut ApiKey)) {
    change_key_on(gateway, "", id, change);
}

/// The same in the database of that address, or in the gateway's file.
pub(crate) fn change_key_on(gateway: &TestGateway, url: &str, id: &str, change: impl FnOnce(&mut ApiKey)) {
    let id: KeyId = id.parse().unwrap();
    beside(gateway.folder(), url, async |store| {
        let now = tickgate_actors::Clock::start().now();
        let found = store.find(Shelf::ApiKeys, id.name(), now).await.unwrap().unwrap();
        let mut key: ApiKey = serde_json::from_slice(&found.record.body).unwrap();
        change(&mut key);
        let body = serde_json::to_vec(&key).unwrap().into();
        store.put(Shelf::ApiKeys, vec![Record { body, ..found.record }]).await.unwrap();
    });
}

/// The rows of the audit log of a gateway, once they have these words in them.
pub(crate) fn audit_with(data: &Path, url: &str, words: &[&str]) -> Vec<Value> {
    let mut rows = Vec::new();
    crate::support::until_within(&format!("an audit log with {words:?}"), 15, || {
        let text = printed(&["audit", "export"], data, url);
        rows = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        words.iter().all(|word| text.contains(word))
    });
    rows
}
