//! One conversation with one MCP client of the stateful era, as a pure machine: `Input + now → Effects`.
//!
//! Here is decided what may happen next: the handshake, duplicate ids, cancellation, which stream an answer rides, what is
//! replayed, when the session ends. The shell (`tickgate-actors`) only carries inputs in and effects out.

mod batch;
mod calls;
mod effect;
mod exchange;
mod handshake;
mod input;
mod limits;
mod machine;
mod notices;
mod pipe;
mod questions;
mod requests;
mod rest;
mod streams;
#[cfg(test)]
mod tests;

pub use calls::CallId;
pub use effect::{Effect, EndReason, Start};
pub use exchange::ExchangeId;
pub use handshake::{Opened, open};
pub use input::{CallEvent, Input, Notice, Posted};
pub use limits::SessionLimits;
pub use machine::Session;
pub use questions::{Ask, QuestionId, Reply, ReplyError};
pub use streams::Framing;
