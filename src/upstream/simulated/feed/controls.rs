//! What a test can turn and see of the simulated feed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tickgate_core::feed::Channel;
use tickgate_core::market::Market;
use tokio::sync::broadcast;

/// Orders that a connection may lag behind; a test gives few.
const MAX_ORDERS: usize = 4_096;

/// What all connections are told.
#[derive(Debug, Clone)]
pub(crate) enum Order {
    /// End without a goodbye.
    Cut,
    /// Send this text as it is.
    Send(String),
    /// Send these bytes in a binary frame.
    SendBinary(Vec<u8>),
    /// Send this text in fragments.
    SendParts(Vec<String>),
    /// Whoever of this market came before this number gives way.
    Evict(Market, u64),
}

/// What is shared by all connections.
pub(crate) struct FeedControls {
    orders: broadcast::Sender<Order>,
    opened: AtomicU64,
    down: AtomicBool,
    stalled: AtomicBool,
    refuses_keys: AtomicBool,
    denied: Mutex<BTreeSet<String>>,
    connected: Mutex<BTreeMap<u64, (Market, BTreeSet<Channel>)>>,
}

impl Default for FeedControls {
    fn default() -> Self {
        Self {
            orders: broadcast::channel(MAX_ORDERS).0,
            opened: AtomicU64::new(0),
            down: AtomicBool::new(false),
            stalled: AtomicBool::new(false),
            refuses_keys: AtomicBool::new(false),
            denied: Mutex::default(),
            connected: Mutex::default(),
        }
    }
}

impl FeedControls {
    pub(crate) fn order(&self, order: Order) {
        // Without connections nobody has to hear it.
        let _ = self.orders.send(order);
    }

    pub(super) fn orders(&self) -> broadcast::Receiver<Order> {
        self.orders.subscribe()
    }

    /// Gives a new connection its number.
    pub(super) fn number(&self) -> u64 {
        self.opened.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
    }

    pub(super) fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
    }

    pub(crate) fn set_stalled(&self, stalled: bool) {
        self.stalled.store(stalled, Ordering::Relaxed);
    }

    pub(super) fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::Relaxed)
    }

    pub(crate) fn set_refuses_keys(&self, refuses: bool) {
        self.refuses_keys.store(refuses, Ordering::Relaxed);
    }

    pub(super) fn refuses_keys(&self) -> bool {
        self.refuses_keys.load(Ordering::Relaxed)
    }

    pub(crate) fn deny(&self, prefix: &str) {
        lock(&self.denied).insert(prefix.to_owned());
    }

    /// Whether the plan lacks channels that are named so: `Q` lacks `Q.AAPL`.
    pub(super) fn denies(&self, channel: &str) -> bool {
        channel.split_once('.').is_some_and(|(prefix, _)| lock(&self.denied).contains(prefix))
    }

    pub(super) fn set_subscribed(&self, number: u64, market: Market, channels: &BTreeSet<Channel>) {
        lock(&self.connected).insert(number, (market, channels.clone()));
    }

    pub(super) fn forget(&self, number: u64) {
        lock(&self.connected).remove(&number);
    }

    /// How many connections have shown a key.
    pub(crate) fn connected(&self) -> usize {
        lock(&self.connected).len()
    }

    pub(crate) fn subscribed(&self) -> Vec<String> {
        lock(&self.connected).values().flat_map(|(_, channels)| channels.iter().map(ToString::to_string)).collect()
    }
}

/// Nothing is left half done under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
