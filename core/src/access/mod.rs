//! Who is calling, what may they do, is there budget. Genuine or not is decided in the edge; this is only what follows.

mod caller;
mod scope;
mod token_bucket;

pub use caller::{Caller, Principal};
pub use scope::{Scope, ScopeError};
pub use token_bucket::TokenBucket;
