//! What goes on beside serving requests: those who are erased are forgotten, old rows of the audit log are purged, and the log says when the
//! gateway began and ended.

use actix_rt::task::JoinHandle;
use tickgate_core::identity::audit::{AuditAction, Outcome};

use super::identity::Identity;
use super::parts::{Kept, Parts};
use crate::http::{Gateway, HttpSettings};
use crate::identity::{Belongings, Happening, PeopleService, Retention, Who, follow_departures};
use crate::settings::{AuthMode, Settings};

/// The people of a gateway, and what it holds of each.
pub(super) fn people(identity: &Identity, kept: &Kept, belongings: Belongings) -> PeopleService {
    let (directory, audit) = (identity.directory.clone(), identity.audit.clone());
    PeopleService::new(std::sync::Arc::clone(&kept.store), directory, audit, Some(belongings), identity.clock)
}

impl Parts {
    /// All that is held of somebody while the gateway runs.
    pub(super) fn belongings(&self) -> Belongings {
        Belongings {
            sessions: self.sessions.clone(),
            alerts: self.worker.alerts.clone(),
            tasks: self.worker.tasks.clone(),
            own_keys: self.worker.own_keys.clone(),
        }
    }
}

/// What looks after the rest.
pub(super) struct Housekeeping {
    retention: Retention,
    people: PeopleService,
}

impl Housekeeping {
    pub(super) fn new(settings: &Settings, identity: &Identity, people: &PeopleService) -> Self {
        let (audit, days) = (identity.audit.clone(), settings.storage.audit_retention_days);
        Self { retention: Retention { audit, people: people.clone(), days, clock: identity.clock }, people: people.clone() }
    }

    /// Runs until it is aborted.
    pub(super) fn run(self) -> [JoinHandle<()>; 2] {
        [actix_rt::spawn(follow_departures(self.people)), actix_rt::spawn(self.retention.run())]
    }
}

/// Writes down that the gateway began, and with which safeguards.
pub(super) fn note_start(gateway: &Gateway) {
    let HttpSettings { auth, metrics_public, docs_public, legacy_sse, .. } = &gateway.settings;
    let is_off = |limit: crate::settings::RateLimit| limit.burst == 0;
    let limits = gateway.settings.limits;
    let details = vec![
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("auth", auth.to_string()),
        ("open_to_all", matches!(auth, AuthMode::Off | AuthMode::InsecureOff).to_string()),
        ("https", gateway.settings.public_url.starts_with("https:").to_string()),
        ("metrics_public", metrics_public.to_string()),
        ("docs_public", docs_public.to_string()),
        ("legacy_sse", legacy_sse.to_string()),
        ("rate_limits", (!(is_off(limits.mcp) || is_off(limits.key) || is_off(limits.auth))).to_string()),
    ];
    gateway.audit.note(Happening { details, ..happening(AuditAction::GatewayStart) });
}

/// Writes down that it ended in good order. The queue is written when the rest has ended.
pub(super) fn note_stop(gateway: &Gateway) {
    gateway.audit.note(happening(AuditAction::GatewayStop));
}

const fn happening(action: AuditAction) -> Happening {
    Happening {
        who: Who::Gateway,
        from: None,
        request_id: None,
        action,
        target: String::new(),
        owner: None,
        outcome: Outcome::Done,
        details: Vec::new(),
    }
}
