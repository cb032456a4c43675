//! What a session offers: the one port of this crate, because tools live in the edges.

use futures_util::future::LocalBoxFuture;
use tickgate_core::access::Caller;
use tickgate_core::session::{CallOutcome, FeatureRequest};

use super::call::CallLink;

/// How a request was taken.
pub enum Started {
    /// Answered at once.
    Done(CallOutcome),
    /// Running; dropping the future cancels it.
    Running(LocalBoxFuture<'static, CallOutcome>),
}

/// Answers feature requests on the session's own thread.
pub trait Catalog {
    /// Takes a request of a caller. Whether the caller may is decided here, at the call and not only in the lists.
    fn start(&self, request: FeatureRequest, caller: &Caller, call: CallLink) -> Started;
}
