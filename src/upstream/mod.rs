//! Where prices come from: one client, for the vendor's API and for the simulated market that speaks it over a socket; or a recording.

pub mod cache;
pub mod own;
pub mod polygon;
pub mod replay;
pub mod shared;
pub mod simulated;
