//! Bounds of one session, each a setting or a constant with its reason.

use serde::{Deserialize, Serialize};

use crate::sse::MAX_LOG_BYTES;

/// After this long without an answer a POST becomes a stream: proxies cut silent requests, and a stream can be resumed.
pub(super) const ANSWER_PATIENCE_MS: u64 = 5_000;
/// How long a client waits before it reconnects, told in priming events.
pub(super) const RETRY_MS: u64 = 1_000;
/// How long a finished stream is kept after its answer went out: the last write may have been lost with the connection.
pub(super) const DELIVERED_GRACE_MS: u64 = 60_000;
/// How long a finished stream waits for a client that has not come back for its answer.
pub(super) const UNDELIVERED_GRACE_MS: u64 = 600_000;
/// Streams kept per session; of the finished ones, the one that would expire first makes room.
pub(super) const MAX_STREAMS: usize = 64;
/// Bytes that the logs of one session keep together: a few streams may be full, not all of them.
pub(super) const MAX_LOGGED_BYTES: usize = 8 * MAX_LOG_BYTES;

/// Messages of one batch: more is an attack, not a convenience.
pub(super) const MAX_BATCH: usize = 100;
/// Answers of one batch, in bytes: they wait in memory for a client that may not read. One message per POST has no such bound.
pub(super) const MAX_BATCH_ANSWERS_BYTES: usize = 1 << 20;
/// Resources that one session watches.
pub(super) const MAX_WATCHES: usize = 100;
/// Questions that wait for a client at once.
pub(super) const MAX_QUESTIONS: usize = 64;
/// How long a client may take to answer a ping.
pub(super) const PING_PATIENCE_MS: u64 = 60_000;

/// The settings that bound a session.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SessionLimits {
    /// Ends after this long without a message, a running call or an open stream (`SESSION_IDLE_SECS`).
    pub idle_ms: u64,
    /// Ends after this long whatever happens (`SESSION_MAX_SECS`).
    pub max_ms: u64,
    /// Calls running at once (`MAX_CALLS_PER_SESSION`).
    pub max_calls: usize,
    /// A client that has been silent for this long while it holds a stream open is pinged: a dead peer behind a live proxy looks
    /// alive.
    pub ping_ms: u64,
}
