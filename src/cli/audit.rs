//! `tickgate audit export|report|verify`: the audit log as lines of JSON, how often what happened, and whether a row is missing or was changed.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write as _};
use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command};
use serde_json::{Value, json};
use tickgate_core::identity::audit::{AuditAction, AuditEntry, AuditFilter};
use tickgate_core::ports::{AuditRow, AuditVerdict};
use tickgate_core::time::Millis;

use super::desk::Desk;
use crate::settings::Settings;

/// Rows that are read at once.
const AT_ONCE: usize = 500;

pub(super) fn command(with_settings: impl Fn(Command) -> Command) -> Command {
    let from = Arg::new("from").long("from").value_name("SEQ").default_value("1").help("Begin with this row");
    let export = Command::new("export").about("Print the audit log, a row as a line of JSON, the oldest first").arg(from);
    let verify = Command::new("verify").about("Say whether every row is there and unchanged; exit 0 if so, else 1");
    let time = |name: &'static str, help: &'static str| Arg::new(name).long(name).value_name("TIME").help(help);
    let report = Command::new("report")
        .about("Print how often who did what, and how it ended, a line of JSON each")
        .arg(time("from", "Not before this date or date and time, such as 2026-12-01 or 2026-12-01T08:00:00Z"))
        .arg(time("to", "Before this date or date and time"));
    Command::new("audit")
        .about("The audit log")
        .subcommand_required(true)
        .subcommands([export, report, verify].map(with_settings))
}

pub(super) fn run(settings: &Settings, matches: &ArgMatches) -> ExitCode {
    let Some((what, matches)) = matches.subcommand() else { return super::fail(&"say what to do: audit verify") };
    let done = actix::System::new().block_on(async {
        // Before the store is opened: what is typed wrongly needs none.
        let period = if what == "report" { period(matches)? } else { AuditFilter::default() };
        let desk = Desk::open(settings)?;
        let done = match what {
            "export" => export(&desk, matches).await,
            "report" => report(&desk, &period).await,
            _ => verify(&desk).await,
        };
        desk.database.close().await?;
        done
    });
    done.unwrap_or_else(|error| super::fail(&error))
}

async fn export(desk: &Desk, matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let from = matches.get_one::<String>("from").and_then(|from| from.parse::<u64>().ok());
    let from = from.filter(|from| *from > 0).ok_or_else(|| anyhow::anyhow!("--from: a whole number from 1 on"))?;
    tell(desk, "export").await;
    let mut output = BufWriter::new(std::io::stdout().lock());
    each(desk, from, |row| {
        // A closed pipe is the reader's choice.
        writeln!(output, "{}", line(row)).is_ok()
    })
    .await?;
    let _ = output.flush();
    Ok(ExitCode::SUCCESS)
}

/// Counts rows by action, outcome and actor.
async fn report(desk: &Desk, period: &AuditFilter) -> anyhow::Result<ExitCode> {
    tell(desk, "report").await;
    let mut counts: BTreeMap<(&str, &str, String), u64> = BTreeMap::new();
    let mut unreadable: u64 = 0;
    each(desk, 1, |row| {
        match serde_json::from_slice::<AuditEntry>(&row.body) {
            Ok(entry) if period.takes(&entry) => {
                *counts.entry((entry.action.as_str(), entry.outcome.as_str(), entry.actor.text())).or_default() += 1;
            }
            Ok(_) => {}
            Err(_) => unreadable += 1,
        }
        true
    })
    .await?;
    if unreadable > 0 {
        eprintln!("warning: {unreadable} rows are of a newer tickgate and are not counted");
    }
    let line = |((action, outcome, actor), rows): ((&str, &str, String), u64)| {
        json!({"action": action, "outcome": outcome, "actor": actor, "rows": rows}).to_string()
    };
    let lines: Vec<String> = counts.into_iter().map(line).collect();
    Ok(if lines.is_empty() { ExitCode::SUCCESS } else { super::print(&lines.join("\n")) })
}

fn period(matches: &ArgMatches) -> anyhow::Result<AuditFilter> {
    let time = |name: &str| {
        let said = matches.get_one::<String>(name).map(|text| {
            // A date alone is its beginning, in UTC.
            let time = Millis::parse_rfc3339(text).or_else(|| Millis::parse_rfc3339(&format!("{text}T00:00:00Z")));
            time.ok_or_else(|| anyhow::anyhow!("--{name}: a date or a date and time, such as 2026-12-01 or 2026-12-01T08:00:00Z"))
        });
        said.transpose()
    };
    Ok(AuditFilter { from: time("from")?, to: time("to")?, ..AuditFilter::default() })
}

/// Shows every row from a place on, until `look` has seen enough.
async fn each(desk: &Desk, from: u64, mut look: impl FnMut(&AuditRow) -> bool) -> anyhow::Result<()> {
    let mut next = from;
    loop {
        let rows = desk.audit.log().read(next, AT_ONCE).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        next = last.seq + 1;
        if !rows.iter().all(&mut look) {
            return Ok(());
        }
    }
}

/// Writes down that the log is read. It is read also when that cannot be written: to find out why, perhaps.
async fn tell(desk: &Desk, did: &str) {
    if let Err(error) = desk.tell(AuditAction::AdminAuditRead, "audit", vec![("did", did.to_owned())]).await {
        eprintln!("warning: that the audit log was read cannot be written down: {error}");
    }
}

/// A row: its place, what happened, and the hash, so that the chain can be followed elsewhere.
fn line(row: &AuditRow) -> Value {
    let entry: Value = serde_json::from_slice(&row.body).unwrap_or_else(|_| json!({"unreadable": hex::encode(&row.body)}));
    let body = String::from_utf8_lossy(&row.body);
    json!({"seq": row.seq, "at": row.at.to_string(), "entry": entry, "body": body, "hash": hex::encode(row.hash)})
}

async fn verify(desk: &Desk) -> anyhow::Result<ExitCode> {
    Ok(match desk.audit.log().verify().await? {
        AuditVerdict::Whole { rows: None } => super::print("the audit log is empty"),
        AuditVerdict::Whole { rows: Some((first, last)) } => {
            super::print(&format!("rows {first} to {last} of the audit log are there and unchanged"))
        }
        AuditVerdict::Broken { seq, problem } => super::fail(&format!("the audit log is broken at row {seq}: {problem}")),
    })
}
