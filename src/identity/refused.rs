//! Which refusals are worth a row of the audit log? The first of a kind in a minute: who tries for ever must not fill it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use tickgate_core::access::Principal;
use tickgate_core::identity::api_key::{KeyId, KeyRefusal};
use tickgate_core::identity::audit::{AuditAction, Outcome};
use tickgate_core::time::Millis;

use super::audit::{AuditWriter, Happening, Who};
use super::directory::Directory;

/// How long one row stands for more of its kind, in ms.
const ONE_A_MS: u64 = 60_000;
/// Kinds that are told apart at once; beyond it, the oldest make room.
const MAX_KINDS: usize = 10_000;

/// What one row stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// Refusals of a key, or of all that never were.
    Key(Option<KeyId>, KeyRefusal),
    /// Refusals of a caller, or of all whom nobody knows.
    Caller(Option<Principal>, AuditAction, &'static str),
}

/// Somebody was refused something.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Who; `None` when nobody knows.
    pub who: Option<Principal>,
    /// From where.
    pub from: Option<IpAddr>,
    /// Under which request.
    pub request_id: String,
    /// What was refused.
    pub action: AuditAction,
    /// To what: the id of a key, or a kind of route. Never a secret or a person's name.
    pub target: String,
    /// Why, in a word of ours: refusals for different reasons have rows of their own.
    pub reason: &'static str,
}

/// Notes refusals.
#[derive(Default)]
pub struct Refusals(Mutex<HashMap<Kind, Told>>);

struct Told {
    at: Millis,
    /// More of the kind since.
    more: u64,
}

impl Refusals {
    /// A key was refused.
    pub fn note(
        &self,
        refused: (KeyId, KeyRefusal),
        from: Option<IpAddr>,
        request_id: String,
        to: (&Directory, &AuditWriter),
        now: Millis,
    ) {
        let (id, why) = refused;
        let entry = to.0.key(id.name());
        // Names that are made up have one row together.
        let Some(earlier) = self.worth(Kind::Key(entry.is_some().then_some(id), why), now) else { return };
        to.1.note(Happening {
            who: Who::Nobody,
            from,
            request_id: Some(request_id),
            action: AuditAction::CredentialRefused,
            target: format!("key:{id}"),
            owner: entry.map(|entry| entry.key.owner.clone()),
            outcome: Outcome::Refused,
            details: vec![("reason", why.to_string()), ("more_before", earlier.to_string())],
        });
    }

    /// A caller was refused something.
    pub fn note_caller(&self, refusal: Refusal, to: &AuditWriter, now: Millis) {
        let Refusal { who, from, request_id, action, target, reason } = refusal;
        let Some(earlier) = self.worth(Kind::Caller(who.clone(), action, reason), now) else { return };
        to.note(Happening {
            who: who.map_or(Who::Nobody, Who::Somebody),
            from,
            request_id: Some(request_id),
            action,
            target,
            owner: None,
            outcome: Outcome::Refused,
            details: vec![("reason", reason.to_owned()), ("more_before", earlier.to_string())],
        });
    }

    /// How many of the kind had no row since the last one; `None` when this one has none either.
    fn worth(&self, kind: Kind, now: Millis) -> Option<u64> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = told.get_mut(&kind).filter(|last| now.since(last.at) < ONE_A_MS) {
            last.more += 1;
            return None;
        }
        if told.len() >= MAX_KINDS {
            told.retain(|_, last| now.since(last.at) < ONE_A_MS);
            if told.len() >= MAX_KINDS {
                return None;
            }
        }
        let before = told.insert(kind, Told { at: now, more: 0 });
        Some(before.map_or(0, |before| before.more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_a_minute_stands_for_all_refusals_of_a_kind_and_says_how_many() {
        let refusals = Refusals::default();
        let (id, now) = (Some(KeyId::new(7)), Millis(1_000_000));
        let worth = |id, why, now| refusals.worth(Kind::Key(id, why), now);
        assert_eq!(worth(id, KeyRefusal::Revoked, now), Some(0));
        for later in 1..100 {
            assert_eq!(worth(id, KeyRefusal::Revoked, now.plus(later)), None);
        }
        assert_eq!(worth(id, KeyRefusal::Expired, now.plus(100)), Some(0));
        assert_eq!(worth(None, KeyRefusal::Unknown, now.plus(100)), Some(0));
        assert_eq!(worth(id, KeyRefusal::Revoked, now.plus(ONE_A_MS)), Some(99));
    }

    #[test]
    fn callers_actions_and_reasons_are_told_apart_and_all_unknown_callers_are_one() {
        let (refusals, now) = (Refusals::default(), Millis(1_000_000));
        let worth = |who: Option<&str>, action, reason| {
            refusals.worth(Kind::Caller(who.map(|name| Principal::new("user", name)), action, reason), now)
        };
        for who in [Some("ada"), Some("eve"), None] {
            for (action, reason) in [(AuditAction::AccessDenied, "scope"), (AuditAction::RateLimited, "caller")] {
                assert_eq!(worth(who, action, reason), Some(0));
                assert_eq!(worth(who, action, reason), None);
            }
        }
        assert_eq!(worth(Some("ada"), AuditAction::AccessDenied, "cross_site"), Some(0));
    }
}
