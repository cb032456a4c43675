//! What can go wrong for a client, in words that name the step.

/// Why a call gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// No connection, or it broke before an answer.
    #[error("the gateway cannot be reached: {0}")]
    Unreachable(String),
    /// An HTTP refusal, with the gateway's words.
    #[error("the gateway refused with {status}: {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// A JSON-RPC error.
    #[error("the call failed with {code}: {message}")]
    Rpc {
        /// JSON-RPC code.
        code: i64,
        /// What it said.
        message: String,
    },
    /// An answer that makes no sense.
    #[error("the gateway's answer cannot be read: {0}")]
    Unreadable(String),
    /// The stream ended for good without a result.
    #[error("the call ended without a result")]
    NoResult,
}
