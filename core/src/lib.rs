//! The rules of tickgate, free of I/O, clocks, randomness and async runtimes: time and random bytes are arguments.
//!
//! | room | the question it answers |
//! |---|---|
//! | [`time`] | what moment is meant, and how it is written |
//! | [`rpc`] | what is a JSON-RPC message, and how is an answer written |
//! | [`mcp`] | which words and revisions of the Model Context Protocol exist |
//! | [`session`] | what may happen next in a conversation with one MCP client |
//! | [`sse`] | how an event stream is framed and resumed |
//! | [`market`] | what a symbol, a quote, an article is, and what changed between two polls |
//! | [`feed`] | what the upstream's WebSocket feed says, and when it is connected |
//! | [`field`] | what is wrong with what somebody sent, field by field |
//! | [`tape`] | in which order things happened, what is still known of it, and what a reader gets next |
//! | [`task`] | where a call stands that outlives its request |
//! | [`alert`] | when a price alert fires, and when it may fire again |
//! | [`access`] | who is calling, what may they do |
//! | [`identity`] | who somebody is, by which credential, and what an OAuth client may ask |
//! | [`budget`] | which upstream call goes out next, and when |
//! | [`analytics`] | what bars say: returns, risk, levels, indicators |
//! | [`ports`] | what the living state needs from the outside |

pub mod access;
pub mod alert;
pub mod analytics;
pub mod budget;
pub mod feed;
pub mod field;
pub mod identity;
pub mod market;
pub mod mcp;
pub mod ports;
pub mod rpc;
pub mod session;
pub mod sse;
pub mod tape;
pub mod task;
pub mod time;
