//! The controls of the feed, as whoever holds the simulator has them.

use super::controls::{FeedControls, Order};

/// What a test can turn and see of the simulated feed.
pub struct SimulatedFeed<'a>(pub(crate) &'a FeedControls);

impl SimulatedFeed<'_> {
    /// Ends every connection.
    pub fn cut(&self) {
        self.0.order(Order::Cut);
    }

    /// Sends a text to every connection, whatever it is.
    pub fn send(&self, text: &str) {
        self.0.order(Order::Send(text.to_owned()));
    }

    /// Sends bytes in a binary frame to every connection.
    pub fn send_binary(&self, bytes: &[u8]) {
        self.0.order(Order::SendBinary(bytes.to_owned()));
    }

    /// Sends a text in fragments, at least two, to every connection.
    pub fn send_in_parts(&self, parts: &[&str]) {
        self.0.order(Order::SendParts(parts.iter().map(|part| (*part).to_owned()).collect()));
    }

    /// Refuses new connections, or lets them in again.
    pub fn set_down(&self, down: bool) {
        self.0.set_down(down);
    }

    /// Says nothing of prices any more, and goes on answering; or speaks again.
    pub fn set_stalled(&self, stalled: bool) {
        self.0.set_stalled(stalled);
    }

    /// Refuses every key, or takes them again.
    pub fn set_refuses_keys(&self, refuses: bool) {
        self.0.set_refuses_keys(refuses);
    }

    /// Refuses channels that are named so: `Q` refuses `Q.AAPL`.
    pub fn deny(&self, prefix: &str) {
        self.0.deny(prefix);
    }

    /// Counts the connections so far.
    pub fn opened(&self) -> u64 {
        self.0.opened()
    }

    /// Counts the connections that have shown a key and are open.
    pub fn connected(&self) -> usize {
        self.0.connected()
    }

    /// Gives what is subscribed, such as `T.AAPL`.
    pub fn subscribed(&self) -> Vec<String> {
        self.0.subscribed()
    }
}
