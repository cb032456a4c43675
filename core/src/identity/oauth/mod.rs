//! The authorization server for MCP clients (OAuth 2.1, protocol.md §6): what each request may say and what it gets.
//!
//! | file | the question it answers |
//! |---|---|
//! | `error` | which faults are there, under which code and status |
//! | `params` | what does a query or a form say, each thing once |
//! | `scopes` | which scopes were asked for, and which may be given |
//! | `resource` | for which resource is a token, and is it ours |
//! | `redirect_uri` | may a client be sent back there |
//! | `client` | what is kept of a client, and did it show its secret |
//! | `registration` | what may a client register (RFC 7591) |
//! | `document` (`client_url`) | what does a client's metadata document say, and may it be believed |
//! | `address` | may the gateway connect there to fetch such a document |
//! | `authorize` | what does a client ask of a person, and who is told of a fault |
//! | `pkce` | does the verifier fit the challenge (RFC 7636) |
//! | `pending` | which browser may agree to what, once |
//! | `consent` | what did a person agree to, and must they be asked again |
//! | `connected` | which clients may act for a person |
//! | `code` | is an authorization code good, used or replayed |
//! | `token_request` (`client_auth`) | what does a request for tokens say, and which client sends it |
//! | `answer` | where is the browser sent back to, with what |
//! | `metadata` | what do the discovery documents say (RFC 8414, RFC 9728) |
//! | `challenge` | what does `WWW-Authenticate` say |

mod address;
mod answer;
mod authorize;
mod challenge;
mod client;
mod client_auth;
mod client_url;
mod code;
mod connected;
mod consent;
mod document;
mod error;
mod metadata;
mod params;
mod pending;
mod pkce;
mod redirect_uri;
mod registration;
mod resource;
mod scopes;
#[cfg(test)]
mod tests;
mod token_request;

pub use address::is_public;
pub use answer::{AuthorizeFault, error_redirect, success_redirect};
pub use authorize::{Asked, AuthorizationRequest, MAX_STATE_BYTES, Prompt};
pub use challenge::{Challenge, ChallengeError};
pub use client::{AuthMethod, Client, ClientKind, ClientSecret, MAX_CLIENT_NAME_CHARS, UNUSED_CLIENT_MS};
pub use client_auth::{ClientCredentials, authenticate};
pub use client_url::{ClientUrl, ClientUrlFault};
pub use code::{AuthorizationCode, CodeClaim, CodeGrant, CodeRefusal, Redeemed};
pub use connected::ConnectedClient;
pub use consent::{Consent, ConsentPage};
pub use document::{
    DocumentFault, MAX_DOCUMENT_BYTES, MAX_DOCUMENT_CACHE_SECS, MIN_DOCUMENT_CACHE_SECS, cache_secs, read_document,
};
pub use error::{OAuthCode, OAuthError};
pub use metadata::{AuthorizationServerMetadata, OpenIdMetadata, ProtectedResourceMetadata};
pub use params::{MAX_PARAMS, MAX_PARAMS_BYTES, Params, ParamsFault};
pub use pending::{Form, PendingAuthorization, PendingRefusal};
pub use pkce::{PkceChallenge, challenge_of};
pub use redirect_uri::{MAX_REDIRECT_URI_BYTES, RedirectFault, RedirectKind, RedirectUri};
pub use registration::{MAX_REDIRECT_URIS, NewClient, Registration, RegistrationAnswer};
pub use resource::Resource;
pub use scopes::ScopeSet;
pub use token_request::{RevocationRequest, TokenGrant, TokenRequest};
