//! The living state of tickgate, as actix actors. Each is a thin shell: message → a rule of `tickgate-core` → deeds.
//!
//! | actor | owns | lives | when it dies |
//! |---|---|---|---|
//! | [`supervisor::SupervisorActor`] | the factories and addresses of all below it but sessions, and who wants which topic | one, on the main arbiter | the process ends |
//! | [`tape::TapeActor`] | positions and retention | one, on the market arbiter | rebuilt with a new epoch; readers see a gap |
//! | [`stream::StreamActor`] | one topic: rhythm, dedupe, latest value | one per watched topic, on the market arbiter | rebuilt; told again what is wanted |
//! | [`poller::PollerActor`] | when which topics of one kind are polled | one per market, one for news, one for status, on the market arbiter | rebuilt; its streams tell it again what to poll |
//! | [`feed::FeedActor`] | the connection to the upstream's WebSocket feed of one market | one per market if there is a feed, on a thread of their own | rebuilt; its streams tell it again what to follow |
//! | [`quota::QuotaActor`] | who waits for an upstream call | one, on the market arbiter | rebuilt with what was spent; who waited asks again |
//! | [`window::WindowActor`] | one worker's copy of the tape and its readers | one per HTTP worker | the worker ends |
//! | [`alerts::AlertsActor`] | every price alert | one, on the main arbiter | rebuilt from the store after a pause |
//! | [`session::SessionActor`] | one MCP session | one per session, on the worker that opened it | its slot in the directory is freed; the client starts anew |
//!
//! Beside them stand [`call`], what a running call can say and ask; [`stateless`], requests that stand alone; and [`tasks`], calls
//! that outlive theirs.
//!
//! Data flows poller or feed → stream → tape → windows → readers; interest flows the other way.

pub mod alerts;
pub mod call;
pub mod clock;
pub mod feed;
pub mod metrics;
pub mod poller;
pub mod quota;
pub mod session;
pub mod slot;
pub mod stateless;
pub mod stream;
pub mod supervisor;
pub mod tape;
pub mod tasks;
#[cfg(test)]
mod test_support;
pub mod window;

pub use clock::Clock;
pub use metrics::Metrics;
pub use slot::Slot;
