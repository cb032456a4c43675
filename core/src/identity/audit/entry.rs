//! What is written down of one thing that happened?
//!
//! A row names people by their audit id only. Once the table that says whose it is forgets one, the rows stay whole and tell
//! nobody's name (right to deletion, requirement Y8). So no e-mail, name, principal or user id belongs into target or details.

use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::identity::id::AuditId;
use crate::market::text::clean;
use crate::time::Millis;

use super::action::{AuditAction, Outcome};

/// Longest target, in characters.
pub const MAX_TARGET_CHARS: usize = 128;
/// Most details of a row.
pub const MAX_DETAILS: usize = 16;
/// Longest value of a detail, in characters; a name has at most 32.
pub const MAX_DETAIL_CHARS: usize = 256;
const MAX_DETAIL_NAME_CHARS: usize = 32;
const MAX_REQUEST_ID_CHARS: usize = 64;

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// Somebody: a person, or the owner of a static key.
    Someone(AuditId),
    /// The operator, at the command line.
    Operator,
    /// The gateway of itself.
    Gateway,
    /// A caller without a good credential.
    Nobody,
}

impl Actor {
    /// The text in the store, in exports and in the hash.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Someone(id) => format!("someone:{id}"),
            Self::Operator => "operator".to_owned(),
            Self::Gateway => "gateway".to_owned(),
            Self::Nobody => "nobody".to_owned(),
        }
    }
}

/// The text names no actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an actor: use operator, gateway, nobody, or someone:<audit id>")]
pub struct ActorError;

impl FromStr for Actor {
    type Err = ActorError;

    fn from_str(text: &str) -> Result<Self, ActorError> {
        match text {
            "operator" => Ok(Self::Operator),
            "gateway" => Ok(Self::Gateway),
            "nobody" => Ok(Self::Nobody),
            other => other.strip_prefix("someone:").and_then(|id| id.parse().ok()).map(Self::Someone).ok_or(ActorError),
        }
    }
}

/// What there is to write down.
#[derive(Clone, Debug)]
pub struct NewEntry<'a> {
    /// When.
    pub at: Millis,
    /// Who.
    pub actor: Actor,
    /// What.
    pub action: AuditAction,
    /// To whom or what: a key's or client's id, an audit id, a tool. Never a secret or a name of a person.
    pub target: &'a str,
    /// From where.
    pub from: Option<IpAddr>,
    /// Under which request.
    pub request_id: Option<&'a str>,
    /// How it ended.
    pub outcome: Outcome,
    /// More, by name.
    pub details: &'a [(&'a str, &'a str)],
}

/// One row's content: bounded and cleaned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When.
    pub at: Millis,
    /// Who.
    pub actor: Actor,
    /// What.
    pub action: AuditAction,
    /// To whom or what.
    pub target: String,
    /// From where.
    #[serde(default)]
    pub from: Option<IpAddr>,
    /// Under which request.
    #[serde(default)]
    pub request_id: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// More, by name, in the order given.
    #[serde(default)]
    pub details: Vec<(String, String)>,
}

impl AuditEntry {
    /// Makes an entry; what is too long is cut and what could deceive a reader is taken out.
    #[must_use]
    pub fn new(new: &NewEntry<'_>) -> Self {
        let details = new.details.iter().take(MAX_DETAILS);
        Self {
            at: new.at,
            actor: new.actor,
            action: new.action,
            target: cut(new.target, MAX_TARGET_CHARS),
            from: new.from,
            request_id: new.request_id.map(|id| cut(id, MAX_REQUEST_ID_CHARS)),
            outcome: new.outcome,
            details: details.map(|(name, value)| (cut(name, MAX_DETAIL_NAME_CHARS), cut(value, MAX_DETAIL_CHARS))).collect(),
        }
    }
}

fn cut(text: &str, most: usize) -> String {
    clean(text).chars().take(most).collect()
}
