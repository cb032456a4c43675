//! The toolset `account`: who calls, new tokens, and for admins everybody's API keys.
//!
//! | file | the question it answers |
//! |---|---|
//! | `user_info` | who is the caller, or whoever holds this token |
//! | `refresh` | how does a client get new tokens for a refresh token |
//! | `manage_keys` | what do admins do with keys without seeing one |
//! | `key_action` | what may be asked of `manage_api_keys`, and what is wrong with the asking |
//!
//! Why it is so: `docs/decisions/0028-account-tools.md`.

mod key_action;
mod manage_keys;
mod refresh;
mod user_info;

use std::sync::Arc;

use tickgate_actors::Clock;

use super::ToolCall;
use super::outcome::ToolFailure;
use super::tool::Tool;
use crate::auth::{Authenticator, BrowserSessions};
use crate::identity::{AuditWriter, Directory, KeyLinks, KeyService, Refusals};
use crate::oauth::AuthorizationServer;

/// What these tools work with. The process of one client (stdio) has none: nobody shows a credential there.
pub struct Account {
    /// Checks credentials.
    pub authenticator: Arc<Authenticator>,
    /// Which people there are, where they can sign in.
    pub browsers: Option<Arc<BrowserSessions>>,
    /// The authorization server, where there is one.
    pub oauth: Option<Arc<AuthorizationServer>>,
    /// Which keys and people are good now.
    pub directory: Directory,
    /// Changes keys.
    pub keys: KeyService,
    /// Hands out links to keys.
    pub links: KeyLinks,
    /// The audit log.
    pub audit: AuditWriter,
    /// Refused keys that were told to it.
    pub refusals: Arc<Refusals>,
    /// The time.
    pub clock: Clock,
}

pub(super) fn tools() -> Vec<Tool> {
    vec![user_info::tool(), refresh::tool(), manage_keys::tool()]
}

/// The accounts that a call works with.
fn account_of(call: &ToolCall) -> Result<Arc<Account>, ToolFailure> {
    call.context.account.clone().ok_or_else(|| {
        ToolFailure::new("not_found", "there are no accounts here: this process serves the one client that started it")
    })
}
