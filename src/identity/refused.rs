//! Which refusals are worth a row of the audit log? The first of a kind in a minute: who tries for ever must not fill it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use tickgate_core::identity::api_key::{KeyId, KeyRefusal};
use tickgate_core::identity::audit::{AuditAction, Outcome};
use tickgate_core::time::Millis;

use super::audit::{AuditWriter, Happening, Who};
use super::directory::Directory;

/// How long one row stands for more of its kind, in ms.
const ONE_A_MS: u64 = 60_000;
/// Keys whose refusals are told apart at once; beyond it, the oldest make room.
const MAX_KEYS: usize = 10_000;

/// Notes refused keys.
#[derive(Default)]
pub struct Refusals(Mutex<HashMap<(Option<KeyId>, KeyRefusal), Told>>);

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
        let Some(earlier) = self.worth(entry.is_some().then_some(id), why, now) else { return };
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

    /// How many of the kind had no row since the last one; `None` when this one has none either.
    fn worth(&self, id: Option<KeyId>, why: KeyRefusal, now: Millis) -> Option<u64> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = told.get_mut(&(id, why)).filter(|last| now.since(last.at) < ONE_A_MS) {
            last.more += 1;
            return None;
        }
        if told.len() >= MAX_KEYS {
            told.retain(|_, last| now.since(last.at) < ONE_A_MS);
            if told.len() >= MAX_KEYS {
                return None;
            }
        }
        let before = told.insert((id, why), Told { at: now, more: 0 });
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
        assert_eq!(refusals.worth(id, KeyRefusal::Revoked, now), Some(0));
        for later in 1..100 {
            assert_eq!(refusals.worth(id, KeyRefusal::Revoked, now.plus(later)), None);
        }
        assert_eq!(refusals.worth(id, KeyRefusal::Expired, now.plus(100)), Some(0));
        assert_eq!(refusals.worth(None, KeyRefusal::Unknown, now.plus(100)), Some(0));
        assert_eq!(refusals.worth(id, KeyRefusal::Revoked, now.plus(ONE_A_MS)), Some(99));
    }
}
