//! The market's own words: symbols, topics, quotes, articles, sessions; and the rules that say what changed between two polls.

pub mod bars;
pub mod cache_class;
pub mod cadence;
pub mod calendar;
pub(crate) mod digits;
pub mod freshness;
pub mod hours;
pub mod news;
pub mod quote;
pub mod status;
pub mod symbol;
pub mod text;
pub mod tick_bars;
pub mod topic;

pub use cache_class::{CacheClass, Ttl};
pub use calendar::{Calendar, Closure, SpecialDay};
pub use freshness::{Freshness, Source, Stamp};
pub use hours::{Hours, Session};
pub use news::{Article, ArticleFeed};
pub use quote::{Quote, QuoteChange};
pub use status::{MarketPhase, MarketStatus, StatusItem};
pub use symbol::{Market, Symbol, SymbolError};
pub use tick_bars::{BarLength, BarLengthError, BarMaker, TickBar};
pub use topic::{Topic, TopicError};
