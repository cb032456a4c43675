//! The file of a backup: lines of JSON. A head, the rows as the databases keep them (bodies sealed), and an end with a checksum.

use std::io::{BufRead, Read as _, Write};

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// How a backup says what it is.
const FORMAT: &str = "tickgate-backup";
/// The form of its lines. A reader knows this one and earlier ones.
const VERSION: u32 = 1;
/// Longest line that is read: no record is near it, and a file that is no backup must not fill the memory.
const MAX_LINE_BYTES: u64 = 256 << 20;

/// A row as both databases keep it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(in crate::storage) enum Item {
    /// A record; its body is sealed.
    Record {
        shelf: String,
        #[serde(with = "hex")]
        id: [u8; 16],
        principal: String,
        expires_ms: Option<i64>,
        #[serde(with = "bytes")]
        body: Vec<u8>,
    },
    /// A row of the audit log; its body is sealed.
    Audit {
        seq: i64,
        at_ms: i64,
        #[serde(with = "bytes")]
        body: Vec<u8>,
        #[serde(with = "hex")]
        hash: [u8; 32],
    },
    /// An end of the audit log.
    Mark {
        name: String,
        seq: i64,
        #[serde(with = "hex")]
        hash: [u8; 32],
        #[serde(with = "bytes")]
        signature: Vec<u8>,
    },
}

#[derive(Serialize, Deserialize)]
struct Head {
    format: String,
    version: u32,
    /// For people.
    release: String,
    /// For people, RFC 3339.
    created: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    end: Checksum,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Checksum {
    /// Lines before this one, the head not counted.
    items: u64,
    /// SHA-256 over all bytes before this line, in hex.
    sha256: String,
}

/// Writes a backup.
pub(super) struct BackupWriter<W> {
    file: W,
    sum: Sha256,
    items: u64,
}

impl<W: Write> BackupWriter<W> {
    pub(super) fn begin(file: W, created: String) -> anyhow::Result<Self> {
        let mut writer = Self { file, sum: Sha256::new(), items: 0 };
        let release = env!("CARGO_PKG_VERSION").to_owned();
        writer.line(&Head { format: FORMAT.to_owned(), version: VERSION, release, created })?;
        Ok(writer)
    }

    pub(super) fn write(&mut self, item: &Item) -> anyhow::Result<()> {
        self.items += 1;
        self.line(item)
    }

    fn line(&mut self, line: &impl Serialize) -> anyhow::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.sum.update(&text);
        self.file.write_all(&text).context("the backup cannot be written")
    }

    /// Writes the end, and answers how many rows there were.
    pub(super) fn finish(mut self) -> anyhow::Result<u64> {
        let sha256 = hex::encode(self.sum.clone().finalize());
        self.line(&End { end: Checksum { items: self.items, sha256 } })?;
        self.file.flush().context("the backup cannot be written")?;
        Ok(self.items)
    }
}

/// Reads a backup. An iterator that has ended without an error has seen all of it, unchanged.
pub(super) struct BackupReader<R> {
    file: R,
    sum: Sha256,
    items: u64,
    line: Vec<u8>,
    ended: bool,
}

impl<R: BufRead> BackupReader<R> {
    pub(super) fn begin(file: R) -> anyhow::Result<Self> {
        let mut reader = Self { file, sum: Sha256::new(), items: 0, line: Vec::new(), ended: false };
        let is_line = reader.read_line()?;
        let head: Option<Head> = serde_json::from_slice(&reader.line).ok().filter(|head: &Head| is_line && head.format == FORMAT);
        let head = head.context("this is no backup of tickgate")?;
        ensure!(
            (1..=VERSION).contains(&head.version),
            "the backup was written by a newer tickgate ({}, format {}; this one knows 1 to {VERSION})",
            head.release,
            head.version
        );
        reader.sum.update(&reader.line);
        Ok(reader)
    }

    /// Whether there is another whole line.
    fn read_line(&mut self) -> anyhow::Result<bool> {
        self.line.clear();
        let mut bounded = (&mut self.file).take(MAX_LINE_BYTES);
        bounded.read_until(b'\n', &mut self.line).context("the backup cannot be read")?;
        Ok(self.line.last() == Some(&b'\n'))
    }

    fn next_item(&mut self) -> anyhow::Result<Option<Item>> {
        let place = self.items + 2;
        if !self.read_line()? {
            bail!("the backup is cut off at line {place}: nothing of it can be trusted");
        }
        if let Ok(item) = serde_json::from_slice(&self.line) {
            self.sum.update(&self.line);
            self.items += 1;
            return Ok(Some(item));
        }
        let end: End =
            serde_json::from_slice(&self.line).ok().with_context(|| format!("the backup is damaged at line {place}"))?;
        let sum = hex::encode(std::mem::take(&mut self.sum).finalize());
        ensure!(end.end.sha256 == sum && end.end.items == self.items, "the backup is damaged: its checksum does not match");
        ensure!(!self.read_line()? && self.line.is_empty(), "the backup is damaged: it goes on after its end");
        Ok(None)
    }
}

impl<R: BufRead> Iterator for BackupReader<R> {
    type Item = anyhow::Result<Item>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = self.next_item().transpose();
        self.ended = !matches!(item, Some(Ok(_)));
        item
    }
}

/// Bytes as base64.
mod bytes {
    use super::*;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
