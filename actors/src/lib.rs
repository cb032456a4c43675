//! The living state.
