//! What must survive a restart: records on shelves, each somebody's; and which of them have changed.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;

use crate::time::Millis;

/// A future that may cross threads: the store works on a thread of its own.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// What kind of thing a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shelf {
    /// Tasks of the tasks extension.
    Tasks,
    /// Price alerts.
    Alerts,
    /// MCP sessions that wait for their client to come back.
    Sessions,
    /// Callers' own upstream keys.
    UpstreamKeys,
    /// People who have signed in.
    Users,
    /// API keys; a key itself is in no record, only its keyed hash.
    ApiKeys,
    /// Families of refresh tokens: one per sign-in, replaced at each refresh, revoked as a whole.
    RefreshFamilies,
    /// Clients of the authorization server.
    OauthClients,
    /// What a user has consented to, per client.
    Grants,
    /// Browsers that are signed in, and those that signed out a moment ago.
    BrowserSessions,
    /// Authorizations that are under way: pending sign-ins, authorization codes, one-time links, tickets. Short-lived, taken once.
    AuthFlows,
    /// Under which random id the audit log names a user. Once erased, the log's rows are nobody's.
    AuditSubjects,
}

impl Shelf {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Tasks,
        Self::Alerts,
        Self::Sessions,
        Self::UpstreamKeys,
        Self::Users,
        Self::ApiKeys,
        Self::RefreshFamilies,
        Self::OauthClients,
        Self::Grants,
        Self::BrowserSessions,
        Self::AuthFlows,
        Self::AuditSubjects,
    ];

    /// The name in the database and in labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tasks => "tasks",
            Self::Alerts => "alerts",
            Self::Sessions => "sessions",
            Self::UpstreamKeys => "upstream_keys",
            Self::Users => "users",
            Self::ApiKeys => "api_keys",
            Self::RefreshFamilies => "refresh_families",
            Self::OauthClients => "oauth_clients",
            Self::Grants => "grants",
            Self::BrowserSessions => "browser_sessions",
            Self::AuthFlows => "auth_flows",
            Self::AuditSubjects => "audit_subjects",
        }
    }

    /// The shelf of this name, if there is one.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shelf| shelf.as_str() == name)
    }

    /// Whether what happens to its records is told by [`Store::changes_since`]: those that gateways hold in memory.
    #[must_use]
    pub const fn is_watched(self) -> bool {
        match self {
            Self::Users | Self::ApiKeys | Self::RefreshFamilies | Self::OauthClients | Self::Grants | Self::BrowserSessions => {
                true
            }
            Self::Tasks | Self::Alerts | Self::Sessions | Self::UpstreamKeys | Self::AuthFlows | Self::AuditSubjects => false,
        }
    }
}

/// One thing that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its name: 128 random bits.
    pub id: u128,
    /// Whose it is.
    pub principal: String,
    /// When it may be forgotten; never when `None`.
    pub expires: Option<Millis>,
    /// What it is. Adapters encrypt it at rest.
    pub body: Bytes,
}

/// Names one state of a record, as an entity tag does: each write gives another, and none comes twice. Nothing else is told by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version(pub u64);

/// A record and the state that was read, for [`Store::swap`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// The record.
    pub record: Record,
    /// Its state.
    pub version: Version,
}

/// Something happened to a record: it was put, replaced, taken, deleted or erased. What it is now, [`Store::find`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Change {
    /// Its shelf, a watched one.
    pub shelf: Shelf,
    /// Its id.
    pub id: u128,
}

/// What has changed since somebody asked last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// These, in their order; none when nothing has happened. At most [`Changes::MAX`] at once: more come with the next question.
    Since {
        /// What changed.
        changes: Vec<Change>,
        /// From here the next question goes on.
        latest: u64,
    },
    /// What came in between is not known any more. Read every watched shelf again, all of it, and go on from `latest`; what changes
    /// while you read is told then.
    Behind {
        /// From here the next question goes on.
        latest: u64,
    },
}

impl Changes {
    /// Most changes of one answer.
    pub const MAX: usize = 1_000;
}

/// Why the store did not do it. The text is for operators and logs; it names no secret and no content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, is full, or did not answer in time.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// A record cannot be read back: another key, or damage.
    #[error("a record of the store cannot be read: {0}")]
    Unreadable(String),
}

/// Keeps records. What has been answered is durable: it survives kill -9.
///
/// Several processes may share one: what one has been answered, the next question of any other sees. What has expired at `now` is like
/// what does not exist. Each operation is done wholly or not at all, and answers within a deadline of the adapter's or fails with
/// [`StoreError::Unavailable`]; one that was late may have been done.
pub trait Store: Send + Sync {
    /// Keeps these records, in place of any with the same shelf and id; all of them or none.
    fn put(&self, shelf: Shelf, records: Vec<Record>) -> StoreFuture<'_, ()>;

    /// Every record of a shelf that has not expired at `now`. Unreadable ones are left out and logged.
    fn all(&self, shelf: Shelf, now: Millis) -> StoreFuture<'_, Vec<Record>>;

    /// A record, whosever it is.
    fn find(&self, shelf: Shelf, id: u128, now: Millis) -> StoreFuture<'_, Option<Versioned>>;

    /// Every record of a shelf that is this principal's. Unreadable ones are left out and logged.
    fn of(&self, shelf: Shelf, principal: &str, now: Millis) -> StoreFuture<'_, Vec<Versioned>>;

    /// Keeps a record if its state is still the expected one (compare and swap): `Some`, that it is in the state that was read, `None`,
    /// that there is none. Answers its new state, or `None` when the expectation failed; then nothing was done.
    fn swap(&self, shelf: Shelf, record: Record, expected: Option<Version>, now: Millis) -> StoreFuture<'_, Option<Version>>;

    /// Removes and returns a record, if it is this principal's and has not expired at `now`.
    fn take(&self, shelf: Shelf, id: u128, principal: &str, now: Millis) -> StoreFuture<'_, Option<Record>>;

    /// Forgets a record; one that does not exist is forgotten already.
    fn delete(&self, shelf: Shelf, id: u128) -> StoreFuture<'_, ()>;

    /// Forgets everything that is this principal's, on every shelf, readable or not, and says how much that was.
    fn erase(&self, principal: &str) -> StoreFuture<'_, u64>;

    /// Forgets what has expired at `now`, and says how much that was. It is no change: an expiry is known beforehand.
    fn purge(&self, now: Millis) -> StoreFuture<'_, u64>;

    /// What has happened on the watched shelves since an earlier answer's `latest`; `None` for who has not asked before.
    ///
    /// A change stands here as soon as the operation that made it is answered, whichever process asked for it.
    fn changes_since(&self, seen: Option<u64>) -> StoreFuture<'_, Changes>;

    /// Whether it works: it can be reached and answers in time.
    fn ping(&self) -> StoreFuture<'_, ()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shelf_is_found_by_its_name_and_no_two_share_one() {
        for shelf in Shelf::ALL {
            assert_eq!(Shelf::find(shelf.as_str()), Some(shelf));
        }
        assert_eq!(Shelf::find("Tasks"), None);
    }
}
