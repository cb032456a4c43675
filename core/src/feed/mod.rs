//! The upstream's WebSocket feed: what its frames say, and when to connect, subscribe, wait and give up.
//!
//! | file | the question it answers |
//! |---|---|
//! | `channel` | what can be subscribed to, and how is it written |
//! | `field` | what does one field of an event hold, whatever type it came in |
//! | `event` | what can the feed say |
//! | `reading` | what does one frame say |
//! | `inbox` | what waits to be read, and what gives way when there is too much |
//! | `book` | what does a symbol cost now, trades and quotes taken together |
//! | `connection` | what is to be done next with the one connection of a market (`deed`: what can happen and be done, `state`, `subscriptions`: what it keeps) |
//!
//! One market is one cluster of the upstream, with at most one connection (polygon.md §5.1).

mod book;
mod channel;
mod connection;
mod deed;
mod event;
mod field;
mod inbox;
mod reading;
mod state;
mod subscriptions;
#[cfg(test)]
mod tests;

pub use book::Book;
pub use channel::{Channel, ChannelKind, action_message, channels_of};
pub use connection::Connection;
pub use deed::{Effect, Input, Loss, Timing};
pub use event::{Bar, FeedEvent, Frame, Notice, Span, StatusWord, Told};
pub use inbox::{Inbox, InboxLimits};
pub use reading::read_frame;
pub use state::FeedState;
