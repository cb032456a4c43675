//! Calls that outlive their request (the tasks extension, SEP-2663): what state a task is in, what may happen to it, what its
//! owner is told.

mod id;
mod machine;
mod wire;

pub use id::{TaskId, TaskIdError};
pub use machine::{Task, TaskCall, TaskStatus, TaskTerms};
