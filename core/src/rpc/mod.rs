//! JSON-RPC 2.0: what a client may send, and how an answer is written. Values that we only pass on stay raw text.

mod error;
mod excerpt;
mod message;
mod write;

pub use error::{ErrorCode, RpcError};
pub use excerpt::excerpt;
pub use message::{Body, ClientMessage, MAX_ID_BYTES, RequestId};
pub(crate) use write::put_id;
pub use write::{error_response, idless_error, line, notification, null_id_error, request, result_response};
