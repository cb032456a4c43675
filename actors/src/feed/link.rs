//! An open socket: one task reads it into the inbox and never parses, one writes what is to be sent. Both end with it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use actix::Addr;
use tickgate_core::feed::{Frame, Inbox, InboxLimits};
use tickgate_core::market::Market;
use tickgate_core::ports::{FeedLink, FeedRead, FeedReader, FeedWriter};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::FeedActor;
use super::messages::{Arrived, Beat, LinkClosed};

/// Messages that wait to be sent: a hundred channels each, so enough for a hundred thousand at once.
const MAX_WAITING: usize = 1_024;
/// Longest wait for the socket to take a message: a server that reads nothing for so long is gone.
const WRITE_DEADLINE: Duration = Duration::from_secs(10);

/// What is to be sent.
pub(super) enum Command {
    Authenticate,
    Send(String),
    Ping,
}

/// An open socket; dropping it closes it.
pub(super) struct Link {
    pub(super) number: u64,
    waiting: Rc<Waiting>,
    commands: mpsc::Sender<Command>,
    reading: JoinHandle<()>,
}

struct Waiting {
    inbox: RefCell<Inbox>,
    /// Whether the actor was told and has not yet emptied it.
    told: Cell<bool>,
}

impl Link {
    pub(super) fn open(link: FeedLink, number: u64, market: Market, limits: InboxLimits, feed: &Addr<FeedActor>) -> Self {
        let waiting = Rc::new(Waiting { inbox: RefCell::new(Inbox::new(market, limits)), told: Cell::new(false) });
        let (commands, orders) = mpsc::channel(MAX_WAITING);
        let reading = tokio::task::spawn_local(read(link.reader, Rc::clone(&waiting), number, feed.clone()));
        tokio::task::spawn_local(write(link.writer, orders, number, feed.clone()));
        Self { number, waiting, commands, reading }
    }

    /// Says whether it will be sent.
    pub(super) fn command(&self, command: Command) -> bool {
        self.commands.try_send(command).is_ok()
    }

    /// The next to work on.
    pub(super) fn take(&self) -> Option<Frame> {
        let frame = self.waiting.inbox.borrow_mut().take();
        if frame.is_none() {
            self.waiting.told.set(false);
        }
        frame
    }

    pub(super) fn take_conflated(&self) -> u64 {
        self.waiting.inbox.borrow_mut().take_conflated()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // The writing task ends when nobody can give it orders: it says goodbye first.
        self.reading.abort();
    }
}

async fn read(mut reader: Box<dyn FeedReader>, waiting: Rc<Waiting>, link: u64, feed: Addr<FeedActor>) {
    loop {
        match reader.next().await {
            FeedRead::Text(text) => {
                waiting.inbox.borrow_mut().push(text);
                if !waiting.told.replace(true) && feed.try_send(Arrived(link)).is_err() {
                    waiting.told.set(false);
                }
            }
            // The next one says the same.
            FeedRead::Beat => drop(feed.try_send(Beat(link))),
            FeedRead::Closed(why) => return closed(&feed, link, why),
        }
    }
}

async fn write(mut writer: Box<dyn FeedWriter>, mut orders: mpsc::Receiver<Command>, link: u64, feed: Addr<FeedActor>) {
    while let Some(command) = orders.recv().await {
        let sending = match command {
            Command::Authenticate => writer.authenticate(),
            Command::Send(text) => writer.send(text),
            Command::Ping => writer.ping(),
        };
        if !matches!(tokio::time::timeout(WRITE_DEADLINE, sending).await, Ok(Ok(()))) {
            return closed(&feed, link, "it takes no more messages");
        }
    }
    let _ = tokio::time::timeout(WRITE_DEADLINE, writer.close()).await;
}

#[expect(clippy::disallowed_methods, reason = "a loss that goes unnoticed would be mended late; one per task and link")]
fn closed(feed: &Addr<FeedActor>, link: u64, why: &'static str) {
    feed.do_send(LinkClosed { link, why });
}
