//! How is all that a database keeps written to a file, and put back, into either database?
//!
//! Bodies stay sealed: a backup tells no more than the database, and is worth nothing without its `DATA_ENCRYPTION_KEY`.

mod format;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use tickgate_core::ports::Shelf;
use tickgate_core::time::Millis;

pub(super) use self::format::Item;
use self::format::{BackupReader, BackupWriter};
use super::{folder, postgres, rows, sqlite};
use crate::sealing::Sealer;
use crate::settings::Settings;

/// A database that holds something is not overwritten unless that is said.
#[derive(Debug, thiserror::Error)]
#[error("the database is not empty: --force puts the backup in place of all that is in it")]
pub(super) struct NotEmpty;

/// What was restored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Records.
    pub records: u64,
    /// Those of them that `DATA_ENCRYPTION_KEY` does not open.
    pub unreadable: u64,
    /// Rows of the audit log.
    pub audit_rows: u64,
}

/// Writes everything that the database keeps at one moment to a file that only its owner may read, while a gateway may run, and answers
/// how many rows that were. The file is there whole or not at all.
///
/// # Errors
/// When there is no database or it cannot be read, when the file is there (unless `force`) or cannot be written.
pub fn backup(settings: &Settings, file: &Path, force: bool, now: Millis) -> anyhow::Result<u64> {
    let cannot = || format!("{} cannot be written", file.display());
    ensure!(force || !file.exists(), "{} is there already: --force puts another in its place", file.display());
    let beside = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Made for the owner only.
    let mut aside = tempfile::NamedTempFile::new_in(beside).with_context(cannot)?;
    let mut writer = BackupWriter::begin(BufWriter::new(aside.as_file_mut()), now.to_string())?;
    let mut each = |item: Item| writer.write(&item);
    match &settings.storage.database_url {
        Some(url) => postgres::copy::dump(url, &mut each)?,
        None => sqlite::copy::dump(&settings.listen.data_dir, &mut each)?,
    }
    let rows = writer.finish()?;
    aside.as_file_mut().flush().and_then(|()| aside.as_file().sync_all()).with_context(cannot)?;
    let persisted = if force { aside.persist(file) } else { aside.persist_noclobber(file) };
    persisted.map_err(|error| error.error).and_then(|_| folder::sync(beside)).with_context(cannot)?;
    Ok(rows)
}

/// Puts a backup in place of all that the database keeps. After any error, and when it is interrupted, the database is as it was.
///
/// # Errors
/// When the file is no backup, damaged or of a newer release; when a gateway runs; and, unless `force`, when the database is not empty,
/// or the key opens no record of the backup.
pub fn restore(settings: &Settings, sealer: &Sealer, file: &Path, force: bool) -> anyhow::Result<Restored> {
    let opened = File::open(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let reader = BackupReader::begin(BufReader::new(opened)).with_context(|| file.display().to_string())?;
    let mut restored = Restored::default();
    let mut items = Counted { reader, sealer, force, restored: &mut restored };
    match &settings.storage.database_url {
        Some(url) => postgres::copy::load(url, &mut items, force)?,
        None => sqlite::copy::load(&settings.listen.data_dir, &mut items, force)?,
    }
    Ok(restored)
}

/// Counts what goes by, and ends with an error when none of it could be read.
struct Counted<'a, R> {
    reader: BackupReader<R>,
    sealer: &'a Sealer,
    force: bool,
    restored: &'a mut Restored,
}

impl<R: std::io::BufRead> Counted<'_, R> {
    fn count(&mut self, item: &Item) {
        match item {
            Item::Record { shelf, id, principal, body, .. } => {
                self.restored.records += 1;
                let shelf = Shelf::find(shelf);
                let id = u128::from_be_bytes(*id);
                let opened = shelf.and_then(|shelf| rows::open(self.sealer, shelf, id, principal.clone(), (None, body)));
                self.restored.unreadable += u64::from(opened.is_none());
            }
            Item::Audit { .. } => self.restored.audit_rows += 1,
            Item::Mark { .. } => {}
        }
    }

    fn check(&self) -> anyhow::Result<()> {
        let Restored { records, unreadable, .. } = *self.restored;
        if records > 0 && records == unreadable && !self.force {
            bail!(
                "DATA_ENCRYPTION_KEY opens none of the {records} records of the backup: set the key of the gateway that was backed up, \
                 or restore with --force"
            );
        }
        Ok(())
    }
}

impl<R: std::io::BufRead> Iterator for Counted<'_, R> {
    type Item = anyhow::Result<Item>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.reader.next() {
            Some(Ok(item)) => {
                self.count(&item);
                Some(Ok(item))
            }
            None => self.check().err().map(Err),
            failed => failed,
        }
    }
}
