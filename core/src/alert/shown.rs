//! An alert as its owner is shown it.

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::id::AlertId;
use super::rule::{Alert, State};
use super::terms::Condition;
use crate::market::Symbol;
use crate::market::freshness::as_rfc3339;
use crate::time::Millis;

/// How an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum ShownState {
    /// It has seen no price of its symbol yet.
    Waiting,
    /// It fires at the next crossing.
    Armed,
    /// It has fired, and fires again once the price has been away from the target.
    Fired,
}

/// An alert, for its owner.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct ShownAlert {
    /// Its id.
    pub alert_id: AlertId,
    /// The symbol.
    pub symbol: Symbol,
    /// On which edge it fires.
    pub condition: Condition,
    /// The price that it waits for.
    pub target_price: f64,
    /// The owner's note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// How it stands.
    pub state: ShownState,
    /// When it was set, RFC 3339.
    #[serde(serialize_with = "as_rfc3339")]
    #[schemars(with = "String")]
    pub created_at: Millis,
    /// How often it has fired.
    pub fired_count: u64,
    /// When it last fired, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_rfc3339_if_any")]
    #[schemars(with = "Option<String>")]
    pub last_fired_at: Option<Millis>,
    /// The topic on which its firings come.
    pub topic: String,
}

#[expect(clippy::ref_option, reason = "it is the signature of serialize_with")]
fn as_rfc3339_if_any<S: Serializer>(moment: &Option<Millis>, serializer: S) -> Result<S::Ok, S::Error> {
    match moment {
        Some(moment) => as_rfc3339(moment, serializer),
        None => serializer.serialize_none(),
    }
}

impl Alert {
    /// The alert as its owner is shown it.
    #[must_use]
    pub fn shown(&self) -> ShownAlert {
        ShownAlert {
            alert_id: self.id,
            symbol: self.terms.symbol.clone(),
            condition: self.terms.condition,
            target_price: self.terms.target,
            note: self.terms.note.clone(),
            state: match self.state() {
                State::Unseen => ShownState::Waiting,
                State::Armed(_) => ShownState::Armed,
                State::Spent(_) => ShownState::Fired,
            },
            created_at: self.created,
            fired_count: self.fired(),
            last_fired_at: self.last_fired(),
            topic: self.id.topic().to_string(),
        }
    }
}
