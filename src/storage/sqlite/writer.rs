//! The storage thread: the one owner of the connection. It takes all jobs that wait, does them in one transaction, and answers after
//! the commit: the disk is waited for once per batch, and what was answered is durable.

use std::sync::Arc;

use rusqlite::{Connection, Savepoint, TransactionBehavior};
use tickgate_core::ports::StoreError;
use tokio::sync::{mpsc, oneshot};

use super::database::unavailable;
use crate::sealing::Sealer;
use crate::storage::folder::FolderLock;

/// Jobs of one transaction: more would keep the first waiting, and save little.
const MAX_BATCH: usize = 256;

/// What a job gives, or why not.
type Outcome<T> = Result<T, StoreError>;

/// What the thread is told.
pub(super) enum Message {
    /// Do this.
    Run(Box<dyn Job>),
    /// End, after all that was sent before.
    Close,
}

/// Something to do in a transaction.
pub(super) trait Job: Send {
    /// Whether nobody waits for it any more. It is not done then: who was told that it failed must not lose what it takes away.
    fn is_abandoned(&self) -> bool;
    /// Does it.
    fn run(&mut self, savepoint: &Savepoint<'_>, sealer: &Sealer) -> Outcome<()>;
    /// Tells how it went, once it is known how the batch went.
    fn answer(self: Box<Self>, batch: Outcome<()>);
}

struct Task<T, W> {
    work: Option<W>,
    outcome: Option<Outcome<T>>,
    reply: oneshot::Sender<Outcome<T>>,
}

/// A job from a closure, and where its answer comes.
pub(super) fn job<T, W>(work: W) -> (Box<dyn Job>, oneshot::Receiver<Outcome<T>>)
where
    T: Send + 'static,
    W: FnOnce(&Connection, &Sealer) -> Outcome<T> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    (Box::new(Task { work: Some(work), outcome: None, reply }), answer)
}

impl<T, W> Job for Task<T, W>
where
    T: Send,
    W: FnOnce(&Connection, &Sealer) -> Outcome<T> + Send,
{
    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run(&mut self, savepoint: &Savepoint<'_>, sealer: &Sealer) -> Outcome<()> {
        let Some(work) = self.work.take() else { return Ok(()) };
        let outcome = work(savepoint, sealer);
        let told = outcome.as_ref().map(|_| ()).map_err(Clone::clone);
        self.outcome = Some(outcome);
        told
    }

    fn answer(self: Box<Self>, batch: Outcome<()>) {
        let outcome = match batch {
            Ok(()) => self.outcome,
            Err(error) => Some(Err(error)),
        };
        if let Some(outcome) = outcome {
            // Who has left in the meantime needs no answer.
            let _ = self.reply.send(outcome);
        }
    }
}

/// What the thread owns. The channel is the last field: when senders see it gone, also after a panic, the folder is free.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) sealer: Arc<Sealer>,
    /// A gateway's; a command has none.
    pub(super) lock: Option<FolderLock>,
    pub(super) messages: mpsc::Receiver<Message>,
}

impl Writer {
    /// Works until it is told to close, or every sender is gone and the queue done.
    pub(super) fn run(mut self) {
        let mut open = true;
        while open && let Some(first) = self.messages.blocking_recv() {
            let (mut batch, more) = gather(first, &mut self.messages);
            let outcome = self.run_batch(&mut batch);
            for job in batch {
                job.answer(outcome.clone());
            }
            open = more;
        }
        let Self { connection, lock, messages, .. } = self;
        if let Err((_, error)) = connection.close() {
            tracing::warn!(%error, "the database could not be closed; the next start will tidy up");
        }
        drop(lock);
        drop(messages);
    }

    /// Does the jobs, each so that its failure undoes its own work only. After an error all of them have failed.
    fn run_batch(&mut self, batch: &mut [Box<dyn Job>]) -> Outcome<()> {
        let failed = |error: rusqlite::Error| unavailable(&error);
        let mut transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        for job in batch.iter_mut().filter(|job| !job.is_abandoned()) {
            let savepoint = transaction.savepoint().map_err(failed)?;
            match job.run(&savepoint, &self.sealer) {
                Ok(()) => savepoint.commit().map_err(failed)?,
                Err(error) => {
                    drop(savepoint);
                    // Of a full or failing disk SQLite gives up the whole transaction, and with it the jobs before.
                    if transaction.is_autocommit() {
                        return Err(error);
                    }
                }
            }
        }
        transaction.commit().map_err(failed)
    }
}

/// This message and those that wait behind it, as far as one batch goes; and whether to go on after it.
fn gather(first: Message, messages: &mut mpsc::Receiver<Message>) -> (Vec<Box<dyn Job>>, bool) {
    let mut batch = Vec::new();
    let mut next = Some(first);
    while let Some(message) = next {
        match message {
            Message::Run(job) => batch.push(job),
            Message::Close => return (batch, false),
        }
        next = if batch.len() < MAX_BATCH { messages.try_recv().ok() } else { None };
    }
    (batch, true)
}
