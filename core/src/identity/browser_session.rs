//! Is a browser still signed in, and did this form come from our own page?
//!
//! The cookie (`__Host-`, HttpOnly, Secure, SameSite=Lax) holds this record sealed by the edge, so there is nothing in it to
//! read or change; its id lets one session be ended.

use serde::{Deserialize, Serialize};

use super::base62;
use super::hash::same;
use super::id::{SessionId, UserId};
use crate::time::Millis;

/// How much later a use must be to be worth a new cookie, in ms.
const RENEW_STEP_MS: u64 = 60_000;

/// A browser's session.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrowserSession {
    /// Its name.
    pub id: SessionId,
    /// Who signed in.
    pub user: UserId,
    /// When.
    pub created: Millis,
    /// When it was last used, to about a minute.
    pub seen: Millis,
    /// How long it lives unused, in ms.
    pub idle_ms: u64,
    /// How long it lives at most, in ms.
    pub absolute_ms: u64,
    /// When it was ended, by its person or by another sign-in in that browser.
    #[serde(default)]
    pub ended: Option<Millis>,
    csrf: String,
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionOver {
    /// Too long unused.
    #[error("the session was not used for too long")]
    Idle,
    /// It was ended.
    #[error("the session was ended")]
    Ended,
    /// Too old.
    #[error("the session is too old")]
    Old,
    /// It begins in the future: made by a machine whose clock is wrong, or not by us.
    #[error("the session begins in the future")]
    Future,
}

/// How far clocks of machines may differ, in ms.
const CLOCK_SKEW_MS: u64 = 60_000;

impl BrowserSession {
    /// Begins a session. `random` names it, `csrf` are 256 fresh random bits.
    #[must_use]
    pub fn begin(user: UserId, random: u128, csrf: &[u8; 32], lives: (u64, u64), now: Millis) -> Self {
        let (idle_ms, absolute_ms) = lives;
        Self {
            id: SessionId(random),
            user,
            created: now,
            seen: now,
            idle_ms,
            absolute_ms,
            ended: None,
            csrf: base62::write_32(csrf),
        }
    }

    /// Whether it is good now.
    ///
    /// # Errors
    /// Why not.
    pub const fn check(&self, now: Millis) -> Result<(), SessionOver> {
        if self.ended.is_some() {
            Err(SessionOver::Ended)
        } else if self.created.0 > now.0.saturating_add(CLOCK_SKEW_MS) {
            Err(SessionOver::Future)
        } else if now.since(self.created) >= self.absolute_ms {
            Err(SessionOver::Old)
        } else if now.since(self.seen) >= self.idle_ms {
            Err(SessionOver::Idle)
        } else {
            Ok(())
        }
    }

    /// From when on it is over, as things stand.
    #[must_use]
    pub fn expires(&self) -> Millis {
        self.ended.unwrap_or_else(|| self.created.plus(self.absolute_ms).min(self.seen.plus(self.idle_ms)))
    }

    /// The same session, over since now; a second end changes nothing.
    #[must_use]
    pub fn end(self, now: Millis) -> Self {
        Self { ended: self.ended.or(Some(now)), ..self }
    }

    /// The same session after a use, if it is worth a new cookie.
    #[must_use]
    pub fn used(&self, now: Millis) -> Option<Self> {
        (now.since(self.seen) >= RENEW_STEP_MS).then(|| Self { seen: now, ..self.clone() })
    }

    /// The token for the forms of this session.
    #[must_use]
    pub fn csrf(&self) -> &str {
        &self.csrf
    }

    /// Whether a form's token is this session's, in constant time.
    #[must_use]
    pub fn has_csrf(&self, token: &str) -> bool {
        same(&self.csrf, token)
    }
}

impl std::fmt::Debug for BrowserSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BrowserSession").field("id", &self.id).field("user", &self.user).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_773_167_467_294);

    fn session() -> BrowserSession {
        BrowserSession::begin(UserId(1), 2, &[3; 32], (1_000_000, 5_000_000), NOW)
    }

    #[test]
    fn a_session_ends_of_disuse_and_of_age() {
        let session = session();
        assert_eq!(session.check(NOW.plus(999_999)), Ok(()));
        assert_eq!(session.check(NOW.plus(1_000_000)), Err(SessionOver::Idle));
        assert_eq!(session.used(NOW.plus(59_999)), None);
        let mut used = session;
        for step in 1..=6 {
            used = used.used(NOW.plus(step * 800_000)).unwrap();
        }
        assert_eq!(used.check(NOW.plus(4_999_999)), Ok(()));
        assert_eq!(used.check(NOW.plus(5_000_000)), Err(SessionOver::Old));
        assert_eq!(used.expires(), NOW.plus(5_000_000));
        assert_eq!(used.check(NOW.minus(60_001)), Err(SessionOver::Future));
    }

    #[test]
    fn a_session_that_was_ended_is_over_since_then_whatever_its_age() {
        let ended = session().end(NOW.plus(5)).end(NOW.plus(9));
        assert_eq!((ended.check(NOW.plus(5)), ended.expires()), (Err(SessionOver::Ended), NOW.plus(5)));
    }

    #[test]
    fn a_form_needs_the_sessions_own_token() {
        let session = session();
        assert!(session.has_csrf(session.csrf()));
        let other = BrowserSession::begin(UserId(1), 2, &[4; 32], (1, 1), NOW);
        for token in ["", other.csrf(), &session.csrf()[1..]] {
            assert!(!session.has_csrf(token));
        }
        assert!(!format!("{session:?}").contains(session.csrf()));
    }
}
