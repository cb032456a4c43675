//! A server of the feed that does as it is told: it greets, takes every key and acknowledges every channel, unless it is mute.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use tickgate_core::market::Market;
use tickgate_core::ports::{
    FeedConnector, FeedLink, FeedRead, FeedReader, FeedWriter, PortFuture, UpstreamError, UpstreamErrorKind,
};
use tokio::sync::mpsc;

use crate::feed::FeedFactory;

#[derive(Default)]
struct Script {
    connections: usize,
    refuses: bool,
    mute: bool,
    panics: bool,
    held: BTreeSet<String>,
    links: Vec<mpsc::UnboundedSender<FeedRead>>,
}

/// The server; clones are the same.
#[derive(Clone, Default)]
pub(super) struct Server(Arc<Mutex<Script>>);

impl Server {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap()
    }

    pub(super) fn factory(&self) -> FeedFactory {
        let server = self.clone();
        Arc::new(move || Rc::new(server.clone()))
    }

    /// Says this to all who are connected.
    pub(super) fn tells(&self, text: &str) {
        self.script().links.retain(|link| link.send(FeedRead::Text(Bytes::copy_from_slice(text.as_bytes()))).is_ok());
    }

    pub(super) fn cuts(&self) {
        let mut script = self.script();
        script.held.clear();
        for link in script.links.drain(..) {
            let _ = link.send(FeedRead::Closed("as the script says"));
        }
    }

    pub(super) fn refuses(&self, refuses: bool) {
        self.script().refuses = refuses;
    }

    pub(super) fn is_mute(&self, mute: bool) {
        self.script().mute = mute;
    }

    /// The next connection kills who makes it.
    pub(super) fn panics_once(&self) {
        self.script().panics = true;
    }

    pub(super) fn holds(&self, channel: &str) -> bool {
        self.script().held.contains(channel)
    }

    pub(super) fn connections(&self) -> usize {
        self.script().connections
    }

    /// How many are connected.
    pub(super) fn open(&self) -> usize {
        self.script().links.iter().filter(|link| !link.is_closed()).count()
    }
}

impl FeedConnector for Server {
    fn connect(&self, _: Market) -> PortFuture<'_, Result<FeedLink, UpstreamError>> {
        Box::pin(async move {
            let mut script = self.script();
            script.connections += 1;
            if std::mem::take(&mut script.panics) {
                drop(script);
                panic!("the connector panics, as the script says");
            }
            if script.refuses {
                return Err(UpstreamError::new(UpstreamErrorKind::Unavailable, "as the script says"));
            }
            let (link, reads) = mpsc::unbounded_channel();
            if !script.mute {
                let _ = link.send(status("connected", ""));
            }
            script.links.push(link.clone());
            Ok(FeedLink { reader: Box::new(Reader(reads)), writer: Box::new(Writer { server: self.clone(), link }) })
        })
    }
}

struct Reader(mpsc::UnboundedReceiver<FeedRead>);

impl FeedReader for Reader {
    fn next(&mut self) -> PortFuture<'_, FeedRead> {
        Box::pin(async move { self.0.recv().await.unwrap_or(FeedRead::Closed("the script is over")) })
    }
}

struct Writer {
    server: Server,
    link: mpsc::UnboundedSender<FeedRead>,
}

impl Writer {
    fn say(&self, read: FeedRead) -> PortFuture<'_, Result<(), UpstreamError>> {
        let gone = || UpstreamError::new(UpstreamErrorKind::Unavailable, "gone");
        let said = self.link.send(read).map_err(|_| gone());
        Box::pin(async move { said })
    }
}

impl FeedWriter for Writer {
    fn authenticate(&mut self) -> PortFuture<'_, Result<(), UpstreamError>> {
        self.say(status("auth_success", ""))
    }

    fn send(&mut self, text: String) -> PortFuture<'_, Result<(), UpstreamError>> {
        let message: serde_json::Value = serde_json::from_str(&text).unwrap();
        let channels = message["params"].as_str().unwrap().to_owned();
        let mut script = self.server.script();
        for channel in channels.split(',') {
            if message["action"] == "subscribe" {
                script.held.insert(channel.to_owned());
            } else {
                script.held.remove(channel);
            }
        }
        drop(script);
        self.say(status("success", &format!("{}d to: {channels}", message["action"].as_str().unwrap())))
    }

    fn ping(&mut self) -> PortFuture<'_, Result<(), UpstreamError>> {
        self.say(FeedRead::Beat)
    }

    fn close(&mut self) -> PortFuture<'_, ()> {
        Box::pin(async {})
    }
}

fn status(word: &str, message: &str) -> FeedRead {
    let status = serde_json::json!([{"ev": "status", "status": word, "message": message}]);
    FeedRead::Text(Bytes::from(status.to_string()))
}
