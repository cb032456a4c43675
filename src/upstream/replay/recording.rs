//! What is in a file? All of it in memory, checked line by line.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use tickgate_core::market::{Source, Topic};

use super::format::{FORMAT_VERSION, Header, MAX_LINE_BYTES, Recorded, event_of};

/// Largest file, in bytes: hours of a busy market; all of it is held in memory.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// A recording.
#[derive(Debug, PartialEq, Eq)]
pub struct Recording {
    /// What it says of itself.
    pub header: Header,
    /// Its events, in the order of the tape.
    pub events: Vec<Recorded>,
    /// How often the recorder missed something.
    pub gaps: usize,
    /// Whether the last line was cut off, as a recorder that died leaves it.
    pub cut: bool,
}

/// Why a file is no recording.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// It is too large.
    #[error("it is larger than {} MiB, and a recording is played from memory: record a shorter time", MAX_FILE_BYTES >> 20)]
    TooLarge,
    /// The first line is no header.
    #[error("line 1: this is no recording of tickgate: its first line must be a header as `tickgate record` writes it")]
    NoHeader,
    /// Another version of the format.
    #[error(
        "line 1: the recording has version {0} of the format, and this program reads version {FORMAT_VERSION}: record it again"
    )]
    Version(u32),
    /// A line is damaged.
    #[error("line {line}: {problem}: the file is damaged there; cut it off before that line, or record it again")]
    Damaged {
        /// Which, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
}

impl Recording {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, is too large, or is damaged anywhere but in a last line that was cut off.
    pub fn read(path: &Path) -> Result<Self, RecordingError> {
        let file = File::open(path)?;
        if file.metadata()?.len() > MAX_FILE_BYTES {
            return Err(RecordingError::TooLarge);
        }
        let mut lines = Lines { file: BufReader::new(file), line: String::new(), number: 0 };
        let header = match lines.next()? {
            Some(line) => header_of(line)?,
            None => return Err(RecordingError::NoHeader),
        };
        let mut recording = Self { header, events: Vec::new(), gaps: 0, cut: false };
        while let Some(line) = lines.next()? {
            let whole = line.ends_with('\n');
            let problem = match event_of(line.trim_end()) {
                Ok(Some(event)) if recording.events.last().is_some_and(|last| last.at_ms > event.at_ms) => {
                    "its at_ms is less than that of the line before".to_owned()
                }
                Ok(event) => {
                    recording.gaps += usize::from(event.is_none());
                    recording.events.extend(event);
                    continue;
                }
                Err(_) if !whole => {
                    recording.cut = true;
                    break;
                }
                Err(problem) => problem,
            };
            return Err(RecordingError::Damaged { line: lines.number, problem });
        }
        Ok(recording)
    }

    /// Where its numbers came from.
    #[must_use]
    pub const fn source(&self) -> Source {
        self.header.source
    }

    /// Every topic that has an event, `status` aside: the gateway that plays it says its own.
    #[must_use]
    pub fn topics(&self) -> HashSet<Topic> {
        self.events.iter().flat_map(|event| &event.topics).filter(|topic| **topic != Topic::Status).cloned().collect()
    }
}

fn header_of(line: &str) -> Result<Header, RecordingError> {
    #[derive(serde::Deserialize)]
    struct Version {
        tickgate_recording: u32,
    }
    let Version { tickgate_recording } = serde_json::from_str(line).map_err(|_| RecordingError::NoHeader)?;
    if tickgate_recording != FORMAT_VERSION {
        return Err(RecordingError::Version(tickgate_recording));
    }
    serde_json::from_str(line).map_err(|_| RecordingError::NoHeader)
}

struct Lines {
    file: BufReader<File>,
    line: String,
    number: usize,
}

impl Lines {
    /// The next line with its end, if it has one; `None` at the end of the file.
    fn next(&mut self) -> Result<Option<&str>, RecordingError> {
        self.line.clear();
        self.number += 1;
        let damaged = |problem: &str| RecordingError::Damaged { line: self.number, problem: problem.to_owned() };
        let mut bytes = std::mem::take(&mut self.line).into_bytes();
        let most = u64::try_from(MAX_LINE_BYTES).unwrap_or(u64::MAX);
        let read = (&mut self.file).take(most).read_until(b'\n', &mut bytes)?;
        if read == MAX_LINE_BYTES && bytes.last() != Some(&b'\n') {
            return Err(damaged("it is too long"));
        }
        // A character may be cut in the middle, but only in the last line.
        self.line = match String::from_utf8(bytes) {
            Ok(line) => line,
            Err(error) if error.as_bytes().last() != Some(&b'\n') => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            Err(_) => return Err(damaged("it is not UTF-8")),
        };
        Ok(Some(self.line.as_str()).filter(|_| read > 0))
    }
}
