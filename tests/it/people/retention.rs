//! How long what happened is kept (requirement Y9).

use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;
use serde_json::{Value, json};
use tickgate::sealing::Sealer;
use tickgate::storage::{PostgresStore, SqliteStore};
use tickgate_core::identity::AuditId;
use tickgate_core::identity::audit::{Actor, AuditAction, AuditEntry, NewEntry, Outcome};
use tickgate_core::ports::{AuditEntry as NewRow, AuditLog};
use tickgate_core::time::Millis;

use super::databases;
use crate::api_keys::{ADMIN, DATA_KEY, ask, audit_with, gateway, printed};

const DAY_MS: u64 = 86_400_000;

/// Writes rows of so many days ago, one a day, as a gateway did then.
fn rows_of_the_past(data: &Path, url: &str, days: std::ops::RangeInclusive<u64>) {
    let sealer = Arc::new(Sealer::new(&[SecretString::from(DATA_KEY)]).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let now = tickgate_actors::Clock::start().now();
    let entries: Vec<NewRow> = days.rev().map(|day| row(now.minus(day * DAY_MS))).collect();
    if url.is_empty() {
        let store = SqliteStore::open_beside(data, sealer).unwrap();
        runtime.block_on(store.append(entries)).unwrap();
    } else {
        let store = PostgresStore::open(&url.parse().unwrap(), sealer).unwrap();
        runtime.block_on(store.append(entries)).unwrap();
    }
}

fn row(at: Millis) -> NewRow {
    let entry = AuditEntry::new(&NewEntry {
        at,
        actor: Actor::Someone(AuditId(7)),
        action: AuditAction::SignIn,
        target: "browser",
        from: None,
        request_id: None,
        outcome: Outcome::Done,
        details: &[],
    });
    NewRow { at, body: serde_json::to_vec(&entry).unwrap().into() }
}

#[test]
fn y9_rows_older_than_the_retention_are_purged_at_the_start_and_the_rest_is_whole_on_both_databases() {
    for url in databases() {
        let folder = tempfile::tempdir().unwrap();
        rows_of_the_past(folder.path(), &url, 1..=60);
        let data = folder.path().to_str().unwrap();
        let settings = [("DATA_DIR", data), ("AUDIT_RETENTION_DAYS", "30")];
        let running = gateway(&url, &settings);
        audit_with(folder.path(), &url, &["audit.purge", "gateway.start"]);
        // An export reads part by part: one that began before the purge has rows of both sides of it.
        let rows = audit_with(folder.path(), &url, &["audit.purge", "gateway.start"]);
        let purge = rows.iter().find(|row| row["entry"]["action"] == "audit.purge").unwrap();
        // The row of thirty days ago is older by the moment that has passed since.
        assert_eq!(purge["entry"]["details"][0], json!(["rows", "31"]));
        assert_eq!((&rows[0]["seq"], &purge["entry"]["actor"]), (&json!(32), &json!("gateway")));
        let said = printed(&["audit", "verify"], folder.path(), &url);
        assert!(said.contains("rows 32 to") && said.contains("there and unchanged"), "{said}");
        let oldest = ask(&running, "GET", "/admin/audit?action=sign_in&limit=1000", "", ADMIN).json();
        assert_eq!((oldest["rows"].as_array().unwrap().len(), oldest.get("next")), (29, None));
        drop(running);
        // Another start, and another gateway at once: there is nothing left to do.
        let _running = gateway(&url, &settings);
        let rows = audit_with(folder.path(), &url, &["gateway.stop"]);
        let count = |action: &str| rows.iter().filter(|row| row["entry"]["action"] == action).count();
        assert_eq!((count("audit.purge"), count("sign_in")), (1, 29));
    }
}

#[test]
fn rows_are_kept_for_ever_if_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    rows_of_the_past(folder.path(), "", 5_000..=5_003);
    let data = folder.path().to_str().unwrap();
    let running = gateway("", &[("DATA_DIR", data), ("AUDIT_RETENTION_DAYS", "0")]);
    audit_with(folder.path(), "", &["gateway.start"]);
    let rows = ask(&running, "GET", "/admin/audit?action=sign_in", "", ADMIN).json();
    assert_eq!(rows["rows"].as_array().map(Vec::len), Some(4));
    let verified: Value = json!(printed(&["audit", "verify"], folder.path(), ""));
    assert!(verified.as_str().unwrap().contains("rows 1 to"));
}
