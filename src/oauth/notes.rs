//! Which rows does the audit log get, and who asked?

use std::net::IpAddr;

use tickgate_core::access::Principal;
use tickgate_core::identity::audit::{AuditAction, Outcome};

use super::server::AuthorizationServer;
use crate::identity::{Happening, Who};

/// From where a request came, and what it is called.
#[derive(Clone, Debug)]
pub struct Asker {
    /// The address.
    pub from: Option<IpAddr>,
    /// The request's id.
    pub request_id: String,
}

/// What happened to a client.
pub(super) struct Note<'a> {
    pub(super) action: AuditAction,
    /// The client.
    pub(super) client: &'a str,
    /// The person, where one is known.
    pub(super) person: Option<&'a Principal>,
    pub(super) outcome: Outcome,
    pub(super) details: Vec<(&'static str, String)>,
}

impl AuthorizationServer {
    /// Writes down what happened, soon. Where a client acts for a person, the row is the person's.
    pub(super) fn note(&self, asker: &Asker, note: Note<'_>) {
        self.audit.note(happening(asker, note));
    }

    /// Writes down what a person decided, before they are answered.
    pub(super) async fn write_down(&self, asker: &Asker, note: Note<'_>) {
        self.audit.write_or_queue(happening(asker, note)).await;
    }
}

fn happening(asker: &Asker, note: Note<'_>) -> Happening {
    let Note { action, client, person, outcome, details } = note;
    Happening {
        who: person.map_or(Who::Nobody, |person| Who::Somebody(person.clone())),
        from: asker.from,
        request_id: Some(asker.request_id.clone()),
        action,
        target: client.to_owned(),
        owner: None,
        outcome,
        details,
    }
}
