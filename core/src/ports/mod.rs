//! What the living state needs from the outside. A trait stands only where the arrow between the crates demands it.

mod audit;
mod feed;
mod market_data;
mod seal;
mod store;

pub use audit::{
    AUDIT_GENESIS, AUDIT_HASH_BYTES, AUDIT_PURGED_AT_ONCE, AuditEnds, AuditEntry, AuditLog, AuditMark, AuditRow, AuditVerdict,
    next_hash,
};
pub use feed::{FeedConnector, FeedLink, FeedRead, FeedReader, FeedWriter};
pub use market_data::{MarketData, NewsQuery, PortFuture, UpstreamError, UpstreamErrorKind};
pub use seal::{Seal, Sealed};
pub use store::{Change, Changes, Record, Shelf, Store, StoreError, StoreFuture, Version, Versioned};
