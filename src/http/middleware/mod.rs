//! One layer per file; their order is in `http/stack.rs`.

pub(super) mod access_log;
pub(super) mod audited;
pub(super) mod authenticate;
mod browser;
pub(super) mod finish;
pub(super) mod guard;
pub(super) mod rate_limit;
pub(super) mod unread;
