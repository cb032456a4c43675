//! tickgate: a streaming gateway for market data. It holds the one upstream connection and quota of a plan and serves AI agents
//! (MCP), browsers (EventSource) and programs (HTTP) from it.
//!
//! | room | the question it answers |
//! |---|---|
//! | [`application`] | who is plugged into whom: read this first |
//! | `process` | which socket, which signals |
//! | [`settings`] · [`cli`] | what was configured · what was typed |
//! | [`http`] | what comes in over HTTP, through which layers, to which route |
//! | [`auth`] | is this credential genuine |
//! | [`sealing`] · [`storage`] | what only we can read and make · what survives a restart |
//! | [`tools`] | what models can call |
//! | [`client`] | how a program in Rust calls a gateway |
//! | [`upstream`] | where prices come from: the vendor's API, or the simulated market that speaks it |
//! | [`telemetry`] · `dashboard` | how it is watched · the embedded page |
//!
//! The rules are in `tickgate-core`, the living state in `tickgate-actors`; the map is `docs/ARCHITECTURE.md`.

pub mod application;
pub mod auth;
pub mod cli;
pub mod client;
mod dashboard;
pub mod http;
mod process;
pub mod sealing;
pub mod settings;
pub mod storage;
pub mod telemetry;
pub mod tools;
pub mod upstream;
