//! What the living state needs from the outside. A trait stands only where the arrow between the crates demands it.

mod feed;
mod market_data;
mod seal;
mod store;

pub use feed::{FeedConnector, FeedLink, FeedRead, FeedReader, FeedWriter};
pub use market_data::{MarketData, NewsQuery, PortFuture, UpstreamError, UpstreamErrorKind};
pub use seal::{Seal, Sealed};
pub use store::{Record, Shelf, Store, StoreError, StoreFuture};
