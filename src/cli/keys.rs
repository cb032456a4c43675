//! `tickgate keys create|list|revoke|rotate`: API keys at the command line, also beside a running gateway, which sees them within a
//! second. What is to be read by people goes to stderr, so that stdout is a key or a list alone.

use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};
use tickgate_actors::Clock;
use tickgate_core::access::{CredentialId, Principal};
use tickgate_core::identity::api_key::{ApiKey, KeyId, KeyRequest, MAX_GRACE_HOURS, NewKey};

use super::desk::Desk;
use crate::identity::{By, Rotated, shown_key};
use crate::settings::Settings;

/// Whose key it is when nobody is named.
const OPERATOR: &str = "operator";
const HOUR_MS: u64 = 3_600_000;

pub(super) fn command(with_settings: impl Fn(Command) -> Command) -> Command {
    let option =
        |name: &'static str, value: &'static str, help: &'static str| Arg::new(name).long(name).value_name(value).help(help);
    let id = || Arg::new("id").value_name("ID").required(true).help("The key's id: what stands between `tg_` and the next `_`");
    let create = Command::new("create")
        .about("Make a key and print it: it is shown this once")
        .arg(option("user", "NAME", "Whose key it is").default_value(OPERATOR))
        .arg(option("scope", "SCOPE", "read, write or admin").default_value("read"))
        .arg(option("name", "TEXT", "What it is for"))
        .arg(option("ttl-hours", "N", "For how many hours it is good; for ever when left out"))
        .arg(option("limit-per-minute", "N", "Requests a minute, in place of RATE_LIMIT_KEY"));
    let list = Command::new("list").about("Print every key as a line of JSON, without secrets; the newest first").arg(option(
        "user",
        "NAME",
        "Only this user's",
    ));
    let rotate = Command::new("rotate")
        .about("Give a key a new secret and print it; the old one stays good for a while")
        .arg(id())
        .arg(option("grace-hours", "N", "For how many hours the old secret stays good; 0 ends it now").default_value("24"));
    let revoke = Command::new("revoke").about("Make a key worth nothing, within a second everywhere").arg(id());
    Command::new("keys")
        .about("API keys")
        .subcommand_required(true)
        .subcommands([create, list, rotate, revoke].map(with_settings))
}

pub(super) fn run(settings: &Settings, matches: &ArgMatches) -> ExitCode {
    let Some((what, matches)) = matches.subcommand() else { return super::fail(&"say what to do: keys create") };
    match actix::System::new().block_on(carry_out(settings, what, matches)) {
        Ok(printed) if printed.is_empty() => ExitCode::SUCCESS,
        Ok(printed) => super::print(&printed),
        Err(error) => super::fail(&error),
    }
}

async fn carry_out(settings: &Settings, what: &str, matches: &ArgMatches) -> anyhow::Result<String> {
    // Before the store is opened: what is typed wrongly needs none.
    let request = (what == "create").then(|| wanted(matches)).transpose()?;
    let id = matches.try_get_one::<String>("id").ok().flatten().map(|id| id.parse::<KeyId>()).transpose()?;
    let desk = if what == "create" { Desk::open_or_make(settings)? } else { Desk::open(settings)? };
    let keys = desk.keys().await?;
    let done = match (what, request, id) {
        ("create", Some(new), _) => keys.create(By::operator(), CredentialId::None, new).await.map(|made| told(&made, "made")),
        ("rotate", _, Some(id)) => {
            let grace = grace_ms(matches)?;
            keys.rotate(By::operator(), id, grace, |_| Ok(())).await.map(|made| told(&made, "rotated"))
        }
        ("revoke", _, Some(id)) => keys.revoke(By::operator(), id, |_| Ok(())).await.map(|key| {
            eprintln!("key {} of {} is revoked", key.id, key.owner);
            String::new()
        }),
        _ => keys.list(user(matches).as_ref()).await.map(|keys| lines(&keys)),
    };
    desk.database.close().await?;
    Ok(done?)
}

/// What is typed, checked as what comes over HTTP is.
fn wanted(matches: &ArgMatches) -> anyhow::Result<NewKey> {
    let mut fields = Map::new();
    for (flag, field) in [("user", "user_id"), ("scope", "scope"), ("name", "name")] {
        if let Some(text) = matches.get_one::<String>(flag) {
            fields.insert(field.to_owned(), Value::from(text.as_str()));
        }
    }
    for (flag, field) in [("ttl-hours", "ttl_hours"), ("limit-per-minute", "limit_per_minute")] {
        if let Some(text) = matches.get_one::<String>(flag) {
            let number = text.parse::<u64>().map_or_else(|_| Value::from(text.as_str()), Value::from);
            fields.insert(field.to_owned(), number);
        }
    }
    let wanted = KeyRequest::read(&fields).map_err(|errors| {
        let flags = errors.iter().map(|error| format!("--{}: {}", flag_of(error.field()), error.message()));
        anyhow::anyhow!(flags.collect::<Vec<_>>().join("; "))
    })?;
    let owner = Principal::new("user", wanted.user_id.as_deref().unwrap_or(OPERATOR));
    let ttl_ms = wanted.ttl_ms();
    Ok(NewKey { owner, name: wanted.name, scope: wanted.scope, ttl_ms, limit_per_minute: wanted.limit_per_minute })
}

fn flag_of(field: &str) -> String {
    if field == "user_id" { "user".to_owned() } else { field.replace('_', "-") }
}

fn grace_ms(matches: &ArgMatches) -> anyhow::Result<u64> {
    let hours = matches.get_one::<String>("grace-hours").and_then(|hours| hours.parse::<u64>().ok());
    let hours = hours.filter(|hours| *hours <= MAX_GRACE_HOURS);
    hours.map(|hours| hours * HOUR_MS).ok_or_else(|| anyhow::anyhow!("--grace-hours: a whole number from 0 to {MAX_GRACE_HOURS}"))
}

fn user(matches: &ArgMatches) -> Option<Principal> {
    matches.try_get_one::<String>("user").ok().flatten().map(|user| Principal::new("user", user))
}

fn told(made: &Rotated, done: &str) -> String {
    let key = &made.key;
    let until = key.expires.map_or_else(|| "until it is revoked".to_owned(), |expires| format!("until {expires}"));
    eprintln!("key {} of {} is {done}, scope {}, good {until}; this is shown once:", key.id, key.owner, key.scope);
    if let Some(old) = key.old {
        eprintln!("the old secret is good until {}", old.until);
    }
    made.secret.expose_secret().to_owned()
}

fn lines(keys: &[ApiKey]) -> String {
    if keys.is_empty() {
        eprintln!("there are no keys");
    }
    let now = Clock::start().now();
    keys.iter().map(|key| shown_key(key, now).to_string()).collect::<Vec<_>>().join("\n")
}
