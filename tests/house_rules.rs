//! The rules of the house that no compiler checks.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Names under `[dependencies]` of a manifest.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join(manifest)).unwrap();
    let table: toml::Table = text.parse().unwrap();
    table["dependencies"].as_table().unwrap().keys().cloned().collect()
}

fn only(found: &BTreeSet<String>, allowed: &[&str]) -> Vec<String> {
    found.iter().filter(|name| !allowed.contains(&name.as_str())).cloned().collect()
}

/// Every Rust file below a folder.
fn sources(folder: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    let mut files = Vec::new();
    walk(&root().join(folder), &mut files);
    files
}

fn all_sources() -> Vec<PathBuf> {
    ["src", "core/src", "actors/src"].into_iter().flat_map(sources).collect()
}

#[test]
fn the_core_depends_on_nothing_that_does_io_and_not_on_the_crates_above() {
    assert_eq!(
        only(
            &dependencies("core/Cargo.toml"),
            &["base64", "bytes", "jiff", "schemars", "serde", "serde_json", "sha2", "statrs", "thiserror"]
        ),
        Vec::<String>::new()
    );
}

#[test]
fn the_actors_depend_on_the_core_and_know_no_http_no_store_and_no_upstream() {
    let allowed = [
        "tickgate-core",
        "actix",
        "bytes",
        "futures-util",
        "getrandom",
        "prometheus",
        "serde",
        "serde_json",
        "slab",
        "thiserror",
        "tokio",
        "tokio-stream",
        "tracing",
    ];
    assert_eq!(only(&dependencies("actors/Cargo.toml"), &allowed), Vec::<String>::new());
}

#[test]
fn the_crates_that_the_user_fixed_are_all_dependencies() {
    let found: BTreeSet<String> =
        ["Cargo.toml", "actors/Cargo.toml", "core/Cargo.toml"].into_iter().flat_map(dependencies).collect();
    for name in [
        "actix",
        "actix-web",
        "actix-web-lab",
        "tokio",
        "tokio-stream",
        "serde_json",
        "awc",
        "jsonwebtoken",
        "actix-governor",
        "actix-web-prom",
        "tracing-actix-web",
        "sentry-actix",
        "paperclip",
    ] {
        assert!(found.contains(name), "{name} is gone");
    }
}

#[test]
fn edges_hold_handles_and_no_addresses_of_actors() {
    for file in sources("src") {
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains("actix::Addr") && !text.contains("Addr<"), "{} holds an address of an actor", file.display());
    }
}

#[test]
fn every_file_says_at_its_head_what_it_is_for() {
    for file in all_sources() {
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("//! "), "{} has no head", file.display());
    }
}

#[test]
fn files_stay_small_enough_to_be_read_at_once() {
    const ALARM: usize = 400;
    for file in all_sources()
        .into_iter()
        .filter(|file| !file.components().any(|part| part.as_os_str() == "tests") && !file.ends_with("tests.rs"))
    {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap().lines().count();
        assert!(code <= ALARM, "{} has {code} lines; split it by idea", file.display());
    }
}

#[test]
fn no_profile_aborts_on_panic() {
    let text = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    for (name, profile) in table["profile"].as_table().unwrap() {
        assert_ne!(profile.get("panic").and_then(toml::Value::as_str), Some("abort"), "profile {name}: panics must unwind");
    }
}

#[test]
fn the_container_is_slim_unprivileged_and_checks_its_health() {
    let text = fs::read_to_string(root().join("Dockerfile")).unwrap();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let starting = |word: &str| lines.iter().filter(|line| line.starts_with(word)).count();
    assert!(starting("FROM ") >= 2, "multi-stage");
    let runtime = text.rsplit("FROM ").next().unwrap();
    assert!(runtime.lines().next().unwrap().contains("slim"), "slim runtime");
    let user = lines.iter().rev().find_map(|line| line.strip_prefix("USER ")).expect("a USER");
    assert!(!matches!(user, "root" | "0"), "not root");
    assert!(lines.contains(&"EXPOSE 8080"));
    let flat = text.replace("\\\n", " ");
    let health = flat.lines().find(|line| line.starts_with("HEALTHCHECK")).expect("a HEALTHCHECK");
    for part in ["--interval=30s", "--timeout=3s", "--start-period=5s", "--retries=3", "healthcheck"] {
        assert!(health.contains(part), "{part} in {health}");
    }
}

#[test]
fn fly_keeps_streams_alive_and_gives_the_drain_its_time() {
    let text = fs::read_to_string(root().join("fly.toml")).unwrap();
    let fly: toml::Table = text.parse().unwrap();
    let service = fly["http_service"].as_table().unwrap();
    assert_eq!(service["internal_port"].as_integer(), Some(8080));
    assert!(service["min_machines_running"].as_integer().unwrap() >= 1);
    assert!(
        matches!(service["auto_stop_machines"].as_str(), Some("off")) || service["auto_stop_machines"].as_bool() == Some(false)
    );
    assert_eq!(service["concurrency"]["type"].as_str(), Some("connections"));
    assert!(service["concurrency"]["soft_limit"].as_integer().unwrap() > 100);
    assert_eq!(fly["kill_signal"].as_str(), Some("SIGTERM"));
    let timeout =
        fly["kill_timeout"].as_integer().or_else(|| fly["kill_timeout"].as_str()?.trim_end_matches('s').parse().ok()).unwrap();
    assert!(timeout >= 30, "kill_timeout covers DRAIN_SECS");
    let checks = service["checks"].as_array().or_else(|| service["http_checks"].as_array()).unwrap();
    assert!(checks.iter().any(|check| matches!(check["path"].as_str(), Some("/readyz" | "/health"))));
}

#[test]
fn no_secret_and_no_place_of_a_developers_machine_is_in_the_tree() {
    let ignored = ["target", ".git", "node_modules", "data"];
    fn walk(folder: &Path, ignored: &[&str], visit: &mut impl FnMut(&Path, &str)) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().is_some_and(|name| ignored.iter().any(|ignored| name == *ignored)) {
                continue;
            }
            if path.is_dir() {
                walk(&path, ignored, visit);
            } else if let Ok(text) = fs::read_to_string(&path) {
                visit(&path, &text);
            }
        }
    }
    let forbidden = [concat!("-----BEGIN ", "PRIVATE KEY"), concat!("sk_", "live_"), concat!("AKIA", "IOSFODNN")];
    walk(&root(), &ignored, &mut |path, text| {
        for word in forbidden {
            assert!(!text.contains(word), "{} contains {word}", path.display());
        }
    });
}
