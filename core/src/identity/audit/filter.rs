//! Which rows does somebody want to see?

use super::action::{AuditAction, Outcome};
use super::entry::{Actor, AuditEntry};
use crate::time::Millis;

/// What a row must be. What is `None` is not asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// What happened.
    pub action: Option<AuditAction>,
    /// Who did it.
    pub actor: Option<Actor>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Not before this moment.
    pub from: Option<Millis>,
    /// Before this moment.
    pub to: Option<Millis>,
}

impl AuditFilter {
    /// Whether a row is wanted.
    #[must_use]
    pub fn takes(&self, entry: &AuditEntry) -> bool {
        self.action.is_none_or(|action| action == entry.action)
            && self.actor.is_none_or(|actor| actor == entry.actor)
            && self.outcome.is_none_or(|outcome| outcome == entry.outcome)
            && self.from.is_none_or(|from| entry.at >= from)
            && self.to.is_none_or(|to| entry.at < to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::AuditId;
    use crate::identity::audit::NewEntry;

    const AT: Millis = Millis(1_773_167_467_294);

    #[test]
    fn a_row_is_wanted_if_all_that_is_asked_holds() {
        let entry = AuditEntry::new(&NewEntry {
            at: AT,
            actor: Actor::Someone(AuditId(7)),
            action: AuditAction::KeyCreate,
            target: "key:x",
            from: None,
            request_id: None,
            outcome: Outcome::Done,
            details: &[],
        });
        let all = AuditFilter::default();
        let table = [
            (all, true),
            (AuditFilter { action: Some(AuditAction::KeyCreate), outcome: Some(Outcome::Done), ..all }, true),
            (AuditFilter { action: Some(AuditAction::KeyRevoke), ..all }, false),
            (AuditFilter { outcome: Some(Outcome::Refused), ..all }, false),
            (AuditFilter { actor: Some(Actor::Someone(AuditId(7))), ..all }, true),
            (AuditFilter { actor: Some(Actor::Someone(AuditId(8))), ..all }, false),
            (AuditFilter { from: Some(AT), to: Some(AT.plus(1)), ..all }, true),
            (AuditFilter { from: Some(AT.plus(1)), ..all }, false),
            (AuditFilter { to: Some(AT), ..all }, false),
        ];
        for (filter, wanted) in table {
            assert_eq!(filter.takes(&entry), wanted, "{filter:?}");
        }
    }

    #[test]
    fn an_actor_is_read_as_it_is_written() {
        for actor in [Actor::Operator, Actor::Gateway, Actor::Nobody, Actor::Someone(AuditId(9))] {
            assert_eq!(actor.text().parse(), Ok(actor));
        }
        for bad in ["", "someone", "someone:9", "user:ada", "Operator"] {
            assert!(bad.parse::<Actor>().is_err(), "{bad}");
        }
    }
}
