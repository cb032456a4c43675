//! tickgate: a streaming gateway for market data. It holds the one upstream connection and quota of a plan and serves AI agents
//! (MCP), browsers (EventSource) and programs (HTTP) from it.
//!
//! | room | the question it answers |
//! |---|---|
//! | [`application`] | who is plugged into whom: read this first |
//! | `process` | which socket, which signals |
//! | [`settings`] · [`cli`] | what was configured · what was typed |
//! | [`http`] | what comes in over HTTP, through which layers, to which route |
//! | `stdio` | what comes in from the one client that started us |
//! | [`auth`] · [`identity`] | is this credential genuine · who is known now |
//! | [`oauth`] | what does an MCP client get that has nothing but our URL |
//! | [`registry`] | what clients can use: tools, prompts and resources, and their lists |
//! | [`tools`] · [`resources`] | what models can call · what can be read and watched |
//! | [`prompts`] · [`completion`] | what people can start · what could stand in an argument |
//! | [`sealing`] · [`storage`] | what only we can read and make · what survives a restart |
//! | [`client`] | how a program in Rust calls a gateway |
//! | [`doctor`] | why a client does not get in |
//! | [`upstream`] | where prices come from: the vendor's API, or the simulated market that speaks it; its answers are shared |
//! | [`telemetry`] · `dashboard` · `html` | how it is watched · the embedded page · how text gets into a page |
//!
//! The rules are in `tickgate-core`, the living state in `tickgate-actors`; the map is `docs/ARCHITECTURE.md`.

pub mod application;
pub mod auth;
pub mod cli;
pub mod client;
pub mod completion;
mod dashboard;
pub mod doctor;
mod html;
pub mod http;
pub mod identity;
pub mod oauth;
pub mod oidc;
mod process;
pub mod prompts;
pub mod registry;
pub mod resources;
pub mod sealing;
pub mod settings;
mod stdio;
pub mod storage;
pub mod telemetry;
pub mod tools;
pub mod upstream;
