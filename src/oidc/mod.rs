//! Signing in at an OpenID Connect provider (`GOOGLE_ISSUER`): the relying party. What may be believed, `core::identity::oidc` decides.
//!
//! | file | the question it answers |
//! |---|---|
//! | `fetch` | what does the provider say, within bounds |
//! | `metadata` | where are its endpoints |
//! | `keys` | with which keys does it sign |
//! | `provider` | whose is this authorization code |
//! | `accounts` | whose record is this identity |
//! | `sign_in` | how does a browser come to be signed in |

mod accounts;
mod fetch;
mod keys;
mod metadata;
mod provider;
mod sign_in;

pub use accounts::{AccountFault, Accounts};
pub use fetch::{FetchError, Fetched, ProviderClient};
pub use keys::{KeyFault, KeySet};
pub use metadata::{Metadata, MetadataFault};
pub use provider::{OidcProvider, ProviderFault, RelyingParty};
pub use sign_in::{Begun, SignIn, SignInFault, SignedIn};
