//! A running call and its client: what a handler can say and ask. One interface; below it the answer rides a session, a stateless
//! exchange or a task, and the handler does not know which.

mod ask;
mod catalog;
mod link;

pub use ask::{AskError, ELICIT_PATIENCE_MS, ROOTS_PATIENCE_MS, SAMPLE_PATIENCE_MS};
pub use catalog::{Catalog, Started};
pub(crate) use link::Line;
pub use link::{CallInfo, CallLink};
