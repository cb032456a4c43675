//! The client over real sockets: against the simulated upstream, and against servers that behave worse than it.

mod answers;
mod errors;
pub(in crate::upstream) mod harness;
mod market;
mod news;
pub(super) mod secrecy;
mod transport;
