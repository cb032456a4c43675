//! `tickgate audit export|verify`: the audit log as lines of JSON, and whether a row is missing or was changed.

use std::io::{BufWriter, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Arg, ArgMatches, Command};
use serde_json::{Value, json};
use tickgate_core::ports::{AuditRow, AuditVerdict};

use crate::sealing::Sealer;
use crate::settings::Settings;
use crate::storage::{Database, data_keys, open_store_beside};

/// Rows that are read at once.
const AT_ONCE: usize = 500;

pub(super) fn command(with_settings: impl Fn(Command) -> Command) -> Command {
    let from = Arg::new("from").long("from").value_name("SEQ").default_value("1").help("Begin with this row");
    let export = Command::new("export").about("Print the audit log, a row as a line of JSON, the oldest first").arg(from);
    let verify = Command::new("verify").about("Say whether every row is there and unchanged; exit 0 if so, else 1");
    Command::new("audit").about("The audit log").subcommand_required(true).subcommands([export, verify].map(with_settings))
}

pub(super) fn run(settings: &Settings, matches: &ArgMatches) -> ExitCode {
    let Some((what, matches)) = matches.subcommand() else { return super::fail(&"say what to do: audit verify") };
    let done = actix::System::new().block_on(async {
        let sealer = Arc::new(Sealer::new(&data_keys(settings)?)?);
        let database = open_store_beside(settings, sealer)?;
        let done = if what == "export" { export(&database, matches).await } else { verify(&database).await };
        database.close().await?;
        done
    });
    done.unwrap_or_else(|error| super::fail(&error))
}

async fn export(database: &Database, matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let from = matches.get_one::<String>("from").and_then(|from| from.parse::<u64>().ok());
    let mut next = from.filter(|from| *from > 0).ok_or_else(|| anyhow::anyhow!("--from: a whole number from 1 on"))?;
    let audit = database.audit();
    let mut output = BufWriter::new(std::io::stdout().lock());
    loop {
        let rows = audit.read(next, AT_ONCE).await?;
        let Some(last) = rows.last() else { break };
        next = last.seq + 1;
        for row in &rows {
            // A closed pipe is the reader's choice.
            if writeln!(output, "{}", line(row)).is_err() {
                return Ok(ExitCode::SUCCESS);
            }
        }
    }
    let _ = output.flush();
    Ok(ExitCode::SUCCESS)
}

/// A row: its place, what happened, and the hash, so that the chain can be followed elsewhere.
fn line(row: &AuditRow) -> Value {
    let entry: Value = serde_json::from_slice(&row.body).unwrap_or_else(|_| json!({"unreadable": hex::encode(&row.body)}));
    let body = String::from_utf8_lossy(&row.body);
    json!({"seq": row.seq, "at": row.at.to_string(), "entry": entry, "body": body, "hash": hex::encode(row.hash)})
}

async fn verify(database: &Database) -> anyhow::Result<ExitCode> {
    Ok(match database.audit().verify().await? {
        AuditVerdict::Whole { rows: None } => super::print("the audit log is empty"),
        AuditVerdict::Whole { rows: Some((first, last)) } => {
            super::print(&format!("rows {first} to {last} of the audit log are there and unchanged"))
        }
        AuditVerdict::Broken { seq, problem } => super::fail(&format!("the audit log is broken at row {seq}: {problem}")),
    })
}
