//! How long is what happened kept, and who finishes what was left in the middle?
//!
//! Old rows of the audit log are purged at the start and then daily. Several gateways of a database do no harm to each other: each part is one
//! transaction that removes what is still there, and each writes down how much it removed itself. While the store is away it is
//! tried again at the next look.

use std::time::Duration;

use tickgate_actors::Clock;
use tickgate_core::identity::audit::{AuditAction, Outcome};
use tickgate_core::ports::StoreError;
use tickgate_core::time::Millis;

use super::audit::{AuditWriter, Happening, Who};
use super::people::PeopleService;

/// How often it is looked whether something is due, or was left in the middle.
const LOOK_EVERY: Duration = Duration::from_secs(600);
/// How often old rows are purged, in ms.
const PURGE_EVERY_MS: u64 = DAY_MS;
const DAY_MS: u64 = 86_400_000;
/// Parts that are purged at one look: ten million rows. The rest is purged at the next.
const MAX_PARTS: usize = 1_000;

/// What there is to look after.
pub struct Retention {
    /// The log.
    pub audit: AuditWriter,
    /// Whose erasures are finished.
    pub people: PeopleService,
    /// `AUDIT_RETENTION_DAYS`; `None` keeps rows for ever.
    pub days: Option<u64>,
    /// The time.
    pub clock: Clock,
}

impl Retention {
    /// Looks after it, for ever.
    pub async fn run(self) {
        let mut purged_at = None;
        loop {
            if let Err(error) = self.people.finish_erasures().await {
                tracing::warn!(%error, "erasures that were left in the middle cannot be finished now");
            }
            let now = self.clock.now();
            let is_due = purged_at.is_none_or(|at| now.since(at) >= PURGE_EVERY_MS);
            if let Some(days) = self.days.filter(|_| is_due) {
                match purge_audit(&self.audit, days, now).await {
                    Ok(_) => purged_at = Some(now),
                    Err(error) => tracing::warn!(%error, "old rows of the audit log cannot be purged now"),
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// Purges rows that are older than so many days at `now`, and says how many they were.
///
/// # Errors
/// When the log is away. What was purged until then is written down.
pub async fn purge_audit(audit: &AuditWriter, days: u64, now: Millis) -> Result<u64, StoreError> {
    let before = now.minus(days.saturating_mul(DAY_MS));
    let (mut rows, mut failure) = (0, None);
    for _ in 0..MAX_PARTS {
        match audit.log().purge_before(before).await {
            Ok(0) => break,
            Ok(purged) => rows += purged,
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    if rows > 0 {
        tracing::info!(rows, %before, "old rows of the audit log are purged");
        let happening = Happening {
            who: Who::Gateway,
            from: None,
            request_id: None,
            action: AuditAction::AuditPurge,
            target: "audit".to_owned(),
            owner: None,
            outcome: Outcome::Done,
            details: vec![("rows", rows.to_string()), ("before", before.to_string())],
        };
        audit.write_or_queue(happening).await;
    }
    failure.map_or(Ok(rows), Err)
}
