//! Calls that outlive their request: which exist, whose they are, and the handlers that run for them. What is told is durable
//! before it is told; after a restart a handler runs again from its beginning.

mod keep;
mod line;
mod runner;
mod table;

#[cfg(test)]
mod tests;

pub(crate) use line::TaskLine;
pub use runner::RunningTask;
pub use table::{MAX_TASKS, MAX_TASKS_PER_CALLER, Tasks};
