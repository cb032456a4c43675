//! What the feed's rules promise, with plain values.

mod channels;
mod connecting;
mod merging;
mod reading;
