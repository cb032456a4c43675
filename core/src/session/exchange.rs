//! One HTTP request and its answer, as the machine names it.

use serde::{Deserialize, Serialize};

/// Given by the shell, unique within the session's life in one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ExchangeId(pub u64);
