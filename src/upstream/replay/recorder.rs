//! How does a stream become a file? A line per event, written as it comes; on the disk when [`Recorder::finish`] returns.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use tickgate_core::market::Source;
use tickgate_core::sse::DecodedEvent;

use super::format::{FORMAT_VERSION, Header, line_of};

/// Writes one recording.
#[derive(Debug)]
pub struct Recorder {
    file: BufWriter<File>,
    events: u64,
}

impl Recorder {
    /// Begins a new file. `recorded_at`: RFC 3339; `topics`: what is listened to.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub fn create(path: &Path, recorded_at: String, source: Source, topics: Vec<String>) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        let mut recorder = Self { file: BufWriter::new(file), events: 0 };
        let header = Header { tickgate_recording: FORMAT_VERSION, recorded_at, source, topics };
        recorder.line(&serde_json::to_string(&header)?)?;
        Ok(recorder)
    }

    /// Writes an event of `/events`; what is no event of the market, as a goodbye, is passed over. `at_ms`: milliseconds after the
    /// recording began.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&mut self, at_ms: u64, event: &DecodedEvent) -> io::Result<()> {
        let position = event.id.as_deref().unwrap_or_default();
        if let Some(line) = line_of(at_ms, position, &event.name, &event.data) {
            self.line(&line)?;
            self.events += 1;
        }
        Ok(())
    }

    /// How many events there are so far.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// Puts everything on the disk and gives the number of events.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(mut self) -> io::Result<u64> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        Ok(self.events)
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        self.file.write_all(line.as_bytes())?;
        self.file.write_all(b"\n")?;
        // Whoever dies now leaves whole lines, and at most one that is cut.
        self.file.flush()
    }
}
