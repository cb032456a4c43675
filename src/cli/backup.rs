//! `tickgate backup` and `tickgate restore`: everything that the database keeps, to a file and back, into either database.

use std::path::Path;
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};
use tickgate_core::identity::audit::AuditAction;

use super::desk::Desk;
use crate::sealing::Sealer;
use crate::settings::Settings;
use crate::storage::{Restored, data_keys};

/// The argument of both.
const FILE: &str = "backup-file";
/// The flag of both.
const FORCE: &str = "force";

pub(super) fn backup_command() -> Command {
    command("backup", "Write all that the database keeps to a file, also while the gateway runs", "Overwrite FILE if it is there")
}

pub(super) fn restore_command() -> Command {
    let force = "Put the backup in place of what the database keeps, and also if the key does not open it";
    command("restore", "Put a backup in place of all that the database keeps, while no gateway runs", force)
}

fn command(name: &'static str, about: &'static str, force: &'static str) -> Command {
    Command::new(name)
        .about(about)
        .arg(Arg::new(FILE).value_name("FILE").required(true).help("The backup; it is worth nothing without DATA_ENCRYPTION_KEY"))
        .arg(Arg::new(FORCE).long("force").action(ArgAction::SetTrue).help(force))
}

pub(super) fn back_up(settings: &Settings, matches: &ArgMatches) -> ExitCode {
    let (file, force) = arguments(matches);
    let now = tickgate_actors::Clock::start().now();
    match crate::storage::backup(settings, file, force, now) {
        Ok(rows) => {
            tell(settings, vec![("did", "made".to_owned()), ("rows", rows.to_string())]);
            super::print(&format!("{rows} rows written to {}; keep DATA_ENCRYPTION_KEY too, elsewhere", file.display()))
        }
        Err(error) => super::fail(&error),
    }
}

pub(super) fn restore(settings: &Settings, matches: &ArgMatches) -> ExitCode {
    match restored(settings, matches) {
        Ok(Restored { records, unreadable, audit_rows }) => {
            if unreadable > 0 {
                eprintln!("warning: {unreadable} records cannot be read under this DATA_ENCRYPTION_KEY");
            }
            let details = [("records", records), ("audit_rows", audit_rows)].map(|(name, count)| (name, count.to_string()));
            tell(settings, [("did", "restored".to_owned())].into_iter().chain(details).collect());
            super::print(&format!("{records} records and {audit_rows} rows of the audit log restored"))
        }
        Err(error) => super::fail(&error),
    }
}

/// Writes down what was done, in the log of the database itself.
fn tell(settings: &Settings, details: Vec<(&'static str, String)>) {
    let told = actix::System::new().block_on(async {
        let desk = Desk::open(settings)?;
        let told = desk.tell(AuditAction::Backup, "database", details).await;
        desk.database.close().await?;
        Ok::<_, anyhow::Error>(told?)
    });
    if let Err(error) = told {
        eprintln!("warning: it cannot be written to the audit log: {error:#}");
    }
}

fn restored(settings: &Settings, matches: &ArgMatches) -> anyhow::Result<Restored> {
    let (file, force) = arguments(matches);
    let sealer = Sealer::new(&data_keys(settings)?)?;
    crate::storage::restore(settings, &sealer, file, force)
}

fn arguments(matches: &ArgMatches) -> (&Path, bool) {
    (matches.get_one::<String>(FILE).map_or(Path::new(""), Path::new), matches.get_flag(FORCE))
}
