//! The authorization server from outside: a client that has nothing but the URL, a browser with cookies, and those who attack both.

mod account_tools;
mod attacks;
mod clients;
mod conformance;
mod discovery;
pub(crate) mod documents;
mod erasure;
mod flow;
pub(crate) mod support;
