//! What is offered to clients: the one port of this crate beside the store, because tools live in the edges.

use futures_util::future::LocalBoxFuture;
use futures_util::stream::LocalBoxStream;
use tickgate_core::access::Caller;
use tickgate_core::mcp::{FeatureError, FeatureRequest, Outcome, ServerInfo};
use tickgate_core::session::Notice;

use super::link::CallLink;

/// How a request was taken.
pub enum Started {
    /// Answered at once.
    Done(Outcome),
    /// Running; dropping the future cancels it.
    Running(LocalBoxFuture<'static, Outcome>),
}

/// Answers feature requests on one worker.
pub trait Catalog {
    /// What we say of ourselves.
    fn server(&self) -> &ServerInfo;

    /// Takes a request of a caller. Whether the caller may is decided here, at the call and not only in the lists.
    fn start(&self, request: FeatureRequest, caller: &Caller, call: CallLink) -> Started;

    /// Ticks when a resource has changed, at most once a second.
    ///
    /// # Errors
    /// When there is no such resource for this caller.
    fn watch_resource(&self, uri: &str, caller: &Caller) -> Result<LocalBoxStream<'static, ()>, FeatureError>;

    /// Changes of lists, from now on.
    fn list_changes(&self) -> LocalBoxStream<'static, Notice>;
}
