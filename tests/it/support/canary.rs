//! A secret is in no log line, no metric, no file and no answer. Every test of this binary watches for it, whatever the test is
//! about: the secrets of its settings by their text, and what the gateway hands out by its shape.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once, RwLock};

use tickgate::settings::{Settings, Sources};
use tickgate::telemetry::start_logs_to;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

/// Settings that are secrets, or hold one.
const SECRETS: [&str; 8] = [
    "MCP_API_KEYS",
    "JWT_SECRET_KEY",
    "SESSION_SECRET_KEY",
    "DATA_ENCRYPTION_KEY",
    "GOOGLE_CLIENT_SECRET",
    "MASSIVE_API_KEY",
    "POLYGON_API_KEY",
    "SENTRY_DSN",
];
/// Shorter texts come up by chance.
const MIN_SECRET_BYTES: usize = 12;
/// What the gateway hands out begins so: keys, refresh tokens, codes, tickets, links, the cookies of a pending sign-in.
const KINDS: [&str; 7] = ["tg_", "tgr_", "tgc_", "tgt_", "tgl_", "tgb_", "tgi_"];
/// Characters of the secret part of those.
const SECRET_CHARS: usize = 49;

static WATCHED: RwLock<BTreeSet<String>> = RwLock::new(BTreeSet::new());
static LEAKS: Mutex<Vec<String>> = Mutex::new(Vec::new());
static LINES: AtomicUsize = AtomicUsize::new(0);

/// Watches for the secrets of these settings from now on, and for every log line of this process.
pub(crate) fn watch(settings: &[(&str, &str)]) {
    start_logs();
    let secrets = settings.iter().filter(|(name, _)| SECRETS.contains(name)).flat_map(|(_, value)| value.split(','));
    secrets.for_each(|secret| watch_for(secret.split(':').next().unwrap_or_default().trim()));
}

/// Watches for this one too.
pub(crate) fn watch_for(secret: &str) {
    if secret.len() >= MIN_SECRET_BYTES {
        WATCHED.write().unwrap().insert(secret.to_owned());
    }
}

/// A secret of the settings in a text.
pub(crate) fn configured_in(text: &str) -> Option<String> {
    WATCHED.read().unwrap().iter().find(|secret| text.contains(secret.as_str())).cloned()
}

/// Any secret in a text.
pub(crate) fn secret_in(text: &str) -> Option<String> {
    configured_in(text).or_else(|| handed_out_in(text))
}

/// What was handed out: something of ours, or a signed token.
fn handed_out_in(text: &str) -> Option<String> {
    let is_base62 = |c: char| c.is_ascii_alphanumeric();
    let ours = KINDS.iter().flat_map(|kind| text.match_indices(kind)).find_map(|(at, kind)| {
        let (name, rest) = text[at + kind.len()..].split_once('_')?;
        let secret: String = rest.chars().take_while(|c| is_base62(*c)).collect();
        (name.len() <= 22 && name.chars().all(is_base62) && secret.len() >= SECRET_CHARS)
            .then(|| format!("{kind}{name}_{secret}"))
    });
    ours.or_else(|| {
        text.match_indices("eyJ").find_map(|(at, _)| {
            let token: String = text[at..].chars().take_while(|c| is_base62(*c) || "-_.".contains(*c)).collect();
            let parts: Vec<&str> = token.split('.').collect();
            (parts.len() == 3 && parts[1].starts_with("eyJ") && parts[2].len() > 40).then_some(token)
        })
    })
}

/// Fails if there is a secret in a text.
pub(crate) fn must_be_clean(what: &str, text: &str) {
    assert_eq!(secret_in(text), None, "a secret is in {what}");
}

/// Fails if there is a secret in a file of a folder, or was in a log line.
pub(crate) fn folder_and_logs_must_be_clean(folder: &Path) {
    assert!(LINES.load(Ordering::Relaxed) > 0, "a gateway that started has said so in the log");
    let leaks = LEAKS.lock().unwrap().clone();
    assert!(leaks.is_empty(), "secrets are in the log: {leaks:#?}");
    let Ok(files) = std::fs::read_dir(folder) else { return };
    for file in files.flatten().map(|entry| entry.path()).filter(|path| path.is_file()) {
        let bytes = std::fs::read(&file).unwrap_or_default();
        must_be_clean(&file.display().to_string(), &String::from_utf8_lossy(&bytes));
    }
}

/// Everything that the gateways of this process log, at DEBUG, as the program would write it.
fn start_logs() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let wanted = [("LOG_LEVEL", "DEBUG"), ("LOG_FORMAT", "json")];
        let sources = Sources::from_environment(wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
        start_logs_to(&Settings::gather(&sources).unwrap().telemetry, BoxMakeWriter::new(|| Watcher));
    });
}

struct Watcher;

impl Write for Watcher {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        LINES.fetch_add(1, Ordering::Relaxed);
        let text = String::from_utf8_lossy(line);
        if secret_in(&text).is_some() {
            LEAKS.lock().unwrap().push(text.into_owned());
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_watch_knows_a_secret_when_it_sees_one() {
    let key = format!("tg_WXNxlzyvDjhs_{}", "a1".repeat(25));
    let token = format!("eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhZGEifQ.{}", "x-_".repeat(20));
    for secret in [&key, &token] {
        assert_eq!(secret_in(&format!("{{\"said\":\"{secret}\"}}")).as_ref(), Some(secret));
    }
    for harmless in ["tg_WXNxlzyvDjhs", "tg_<id>_<secret>", "eyJhbGciOiJub25lIn0.x.y", "key:WXNxlzyvDjhs"] {
        assert_eq!(secret_in(harmless), None, "{harmless}");
    }
}
