//! The real upstream: the vendor's REST API (Polygon.io, now Massive), and equally the simulated one, which speaks it too.
//!
//! | room | the question it answers |
//! |---|---|
//! | `plan` | what does the vendor's plan allow |
//! | `client` | how is one question asked over an unreliable network, within its deadline and the shared budget |
//! | `futures_api` | which version of the futures API is asked |
//! | `market_data` | what do the answers say, in the market's own words |
//! | `feed` | how is the WebSocket feed reached |
//! | `metrics` | how often and how long was the upstream asked |

mod client;
mod feed;
mod futures_api;
mod market_data;
mod metrics;
mod plan;
#[cfg(test)]
pub(in crate::upstream) mod tests;

pub(crate) use client::RECORDING_URL;
pub use client::{NextPage, PageCall, Path, PolygonClient, PolygonSettings, UpstreamAnswer, UpstreamCall};
pub use feed::{PolygonFeed, vendor_feed};
pub use futures_api::{FuturesApi, FuturesApiError};
pub use metrics::UpstreamMetrics;
pub use plan::{Plan, PlanError};
