//! Lines to standard output. A thread of its own writes them, one after the other; what waits for a reader that stalls is bounded.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::thread;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

/// Bytes that wait for a reader that stalls, before whoever has something to say must wait too.
const MAX_UNREAD_BYTES: u32 = 4 * 1024 * 1024;
/// Lines that wait, likewise.
const MAX_UNREAD_LINES: usize = 4_096;

/// Nobody reads any more.
#[derive(Debug)]
pub(super) struct Gone;

type Unread = (Bytes, OwnedSemaphorePermit);

/// Where lines go. Clones are the same; the last one that is dropped ends the output.
#[derive(Clone)]
pub(super) struct Output {
    lines: mpsc::Sender<Unread>,
    room: Arc<Semaphore>,
}

/// Tells when the last line has been written.
pub(super) type Written = oneshot::Receiver<()>;

impl Output {
    /// Begins to write.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub(super) fn open(output: impl Write + Send + 'static) -> io::Result<(Self, Written)> {
        let (lines, unread) = mpsc::channel(MAX_UNREAD_LINES);
        let (done, written) = oneshot::channel();
        thread::Builder::new().name("stdout".to_owned()).spawn(move || {
            if let Err(error) = write(BufWriter::new(output), unread) {
                tracing::info!(error = %error, "the client reads no more");
            }
            let _ = done.send(());
        })?;
        let room = Arc::new(Semaphore::new(MAX_UNREAD_BYTES as usize));
        Ok((Self { lines, room }, written))
    }

    /// Says a line, which must end with a line break; waits while too much is unread.
    pub(super) async fn send(&self, line: Bytes) -> Result<(), Gone> {
        let size = u32::try_from(line.len()).unwrap_or(MAX_UNREAD_BYTES).min(MAX_UNREAD_BYTES);
        let permit = Arc::clone(&self.room).acquire_many_owned(size).await.map_err(|_| Gone)?;
        self.lines.send((line, permit)).await.map_err(|_| Gone)
    }

    /// Waits until a line can be said.
    pub(super) async fn has_room(&self) {
        // Neither is ever closed while we hold it; if the reader is gone, whoever sends next learns it.
        let _ = self.room.acquire().await;
        let _ = self.lines.reserve().await;
    }

    /// Waits until nobody reads any more.
    pub(super) async fn closed(&self) {
        self.lines.closed().await;
    }
}

fn write(mut output: BufWriter<impl Write>, mut unread: mpsc::Receiver<Unread>) -> io::Result<()> {
    while let Some((line, _unread)) = unread.blocking_recv() {
        output.write_all(&line)?;
        if unread.is_empty() {
            output.flush()?;
        }
    }
    output.flush()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc as blocking;
    use std::time::Duration;

    use super::*;

    /// A pipe that is read one write at a time.
    struct Stalling(blocking::SyncSender<usize>);

    impl Write for Stalling {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.len()).map(|()| bytes.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_reader_that_stalls_makes_the_speaker_wait_and_loses_nothing() {
        let (sender, reader) = blocking::sync_channel(0);
        let (output, written) = Output::open(Stalling(sender)).unwrap();
        let line = Bytes::from(vec![b'x'; 1024 * 1024]);
        let mut sent = 0;
        while tokio::time::timeout(Duration::from_millis(200), output.send(line.clone())).await.is_ok() {
            sent += 1;
            assert!(sent < 20, "nothing makes the speaker wait");
        }
        assert_eq!(sent, 4);
        drop(output);
        let read = tokio::task::spawn_blocking(move || reader.iter().sum::<usize>()).await.unwrap();
        written.await.unwrap();
        assert_eq!(read, sent * line.len());
    }

    #[tokio::test]
    async fn a_speaker_learns_that_nobody_reads() {
        let (sender, reader) = blocking::sync_channel(0);
        drop(reader);
        let (output, _written) = Output::open(Stalling(sender)).unwrap();
        output.send(Bytes::from_static(b"x\n")).await.unwrap();
        output.closed().await;
        assert!(output.send(Bytes::from_static(b"x\n")).await.is_err());
    }
}
