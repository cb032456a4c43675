//! Server-sent events for MCP: framing (WHATWG HTML §9.2), event ids, and the log from which a stream is resumed.

mod decoder;
mod event_id;
mod frame;
mod log;
pub(crate) mod text;

pub use decoder::{DecodeError, DecodedEvent, Decoder, MAX_EVENT_BYTES};
pub use event_id::{EventId, EventIdError, StreamId};
pub use frame::{bare_message, comment, message, pause, priming};
pub use log::{MAX_LOG_BYTES, MAX_LOG_EVENTS, ReplayError, StreamLog};
