//! Placeholder.

/// Placeholder.
pub struct StdioApplication;
