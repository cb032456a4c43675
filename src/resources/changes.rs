//! Changes of a topic, for clients that watch a resource.

use std::mem;
use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{self, LocalBoxStream};
use tickgate_actors::supervisor::WatchError;
use tickgate_actors::window::{ReaderSettings, Ready, TapeReader, TapeWindow, Wish};
use tickgate_core::market::Topic;
use tickgate_core::tape::{Gather, Mode, Next, Start};

use crate::tools::ToolContext;

/// Changes are told at most this often (DESIGN §6).
const COALESCE: Duration = Duration::from_secs(1);
/// After this long a topic that could not be watched is tried again: about the interval of its poller.
const REJOIN: Duration = Duration::from_secs(5);

/// Ticks when a topic changes; ends when the upstream says that its symbol does not exist.
///
/// A topic that cannot be watched at the moment is tried again, for as long as the client listens.
pub(super) fn changes(context: &Rc<ToolContext>, topic: Topic) -> LocalBoxStream<'static, ()> {
    let state = Changes { window: context.window.clone(), topics: vec![topic], reader: None, told: false };
    stream::unfold(state, |mut state| async move { state.next().await.map(|()| ((), state)) }).boxed_local()
}

struct Changes {
    window: TapeWindow,
    topics: Vec<Topic>,
    reader: Option<TapeReader>,
    /// The last tick is so new that the next has to wait.
    told: bool,
}

impl Changes {
    async fn next(&mut self) -> Option<()> {
        if mem::replace(&mut self.told, true) {
            tokio::time::sleep(COALESCE).await;
        }
        loop {
            let reader = match &mut self.reader {
                Some(reader) => reader,
                None => self.reader.insert(self.join().await?),
            };
            match reader.next().await? {
                Next::Event(_) | Next::Gap(_) => break,
                // What it missed is a change too.
                Next::Fallen => {
                    self.reader = None;
                    return Some(());
                }
                Next::Mark(_) | Next::Idle => {}
            }
        }
        // What came meanwhile is told by this one tick.
        while let Some(Next::Event(_) | Next::Mark(_)) = self.reader.as_mut().and_then(TapeReader::try_next) {}
        Some(())
    }

    async fn join(&self) -> Option<TapeReader> {
        loop {
            let wish = Wish { topics: self.topics.clone(), interval_ms: None, ready: Ready::Recorded };
            match self.window.watch(wish).await {
                Ok(interest) => {
                    let settings = ReaderSettings { mode: Mode::Conflate, gather: Gather::default(), start: Start::Live };
                    return Some(TapeReader::join(&self.window, &self.topics, settings, interest));
                }
                Err(WatchError::UnknownSymbol(_)) => return None,
                Err(WatchError::Upstream(_) | WatchError::Busy) => tokio::time::sleep(REJOIN).await,
            }
        }
    }
}
