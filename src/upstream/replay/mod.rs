//! Recordings: the tape written to a file, and a file played back as a market.
//!
//! | file | the question it answers |
//! |---|---|
//! | `format` | how does an event stand in a file |
//! | `recorder` | how does a stream become a file that survives what happens to its writer |
//! | `recording` | what is in a file |
//! | `market_data` | what did the market look like at a moment of it |
//! | `player` | when does what happen again |
//!
//! What is played is as it was recorded: bodies, times, `source`. Only `delayed` is always true, as it did not happen just now.

mod format;
mod market_data;
mod player;
mod recorder;
mod recording;
#[cfg(test)]
mod tests;

pub use format::{FORMAT_VERSION, Header, Recorded};
pub use market_data::ReplayMarket;
pub use player::{Playhead, play};
pub use recorder::Recorder;
pub use recording::{Recording, RecordingError};
