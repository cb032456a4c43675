//! The authorization server for MCP clients (OAuth 2.1, protocol.md §6.4): it carries out what `tickgate_core::identity::oauth` decides.
//!
//! | file | the question it answers |
//! |---|---|
//! | `server` | what does it work with, and what does it say of itself |
//! | `clients` | which client is that, and what becomes of its registration |
//! | `documents` | what does the metadata document of a client say, and from where may it be fetched |
//! | `authorize` | where does the browser go next: to sign in, to the consent page, back to the client |
//! | `connected` | which clients may act for a person, and how does that end |
//! | `pages` | what do people see |
//! | `notes` | which rows does the audit log get, and who asked |
//! | `tokens` | what does a client get for a code or a refresh token, and how does it give them back |
//!
//! What is kept lies on the shelves `OauthClients`, `Grants` (consents), `RefreshFamilies` and `AuthFlows` (waiting requests and codes);
//! of two requests at once that want the same, one swaps its record in and the other reads again.

mod authorize;
mod clients;
mod connected;
mod documents;
mod notes;
mod pages;
mod server;
mod tokens;

pub use authorize::{Browser, Next};
pub use connected::{Connected, ConnectedFault};
pub use documents::{DocumentSettings, Documents};
pub use notes::Asker;
pub use pages::PAGE_POLICY;
pub use server::{AuthorizationServer, Discovery, ServerParts};
pub use tokens::TokenAnswer;
