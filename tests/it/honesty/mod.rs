//! The whole market within one plan's budget, and honest about freshness: what the classic server got wrong, what a bad upstream
//! and a bad client can do, and how the gateway says what it is worth.

mod alert_delivery;
mod alert_rules_file;
mod bad_input;
mod bad_upstream;
mod classic_defects;
mod crypto_stream;
mod delivery;
mod feed_garbage;
mod free_plan;
mod how_it_is;
mod kept_answers;
mod mixed_fan_in;
mod schema_fuzz;
mod streaming_tools;
