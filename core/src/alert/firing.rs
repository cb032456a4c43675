//! That an alert fired: an event of the tape.

use serde::Serialize;

use super::id::AlertId;
use super::terms::Condition;
use crate::market::Symbol;
use crate::market::freshness::as_rfc3339;
use crate::tape::{Draft, Identity, Kind};
use crate::time::Millis;

/// One firing of one alert.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Firing {
    /// Which alert.
    #[serde(rename = "alert_id")]
    pub alert: AlertId,
    /// Whose price.
    pub symbol: Symbol,
    /// Which edge.
    pub condition: Condition,
    /// The price that it waited for.
    #[serde(rename = "target_price")]
    pub target: f64,
    /// The price that made it fire.
    pub price: f64,
    /// When it fired.
    #[serde(serialize_with = "as_rfc3339")]
    pub fired_at: Millis,
    /// Time of that price.
    #[serde(serialize_with = "as_rfc3339")]
    pub as_of: Millis,
    /// The how manieth firing of this alert it is, from 1.
    pub count: u64,
    /// Whether the condition held already at the alert's first look.
    #[serde(skip_serializing_if = "is_false")]
    pub already: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "it is the signature of skip_serializing_if")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl Firing {
    /// The event body, without its position: a JSON object.
    #[must_use]
    pub fn to_item(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a firing holds only strings, booleans and finite numbers")
    }

    /// The event. Its identity is the alert's count: a firing that is worked out again after a failure is not told twice.
    #[must_use]
    pub fn to_draft(&self) -> Draft {
        Draft {
            kind: Kind::Alert,
            topics: vec![self.alert.topic()],
            item: self.to_item(),
            as_of: self.as_of,
            identity: Some(Identity { key: format!("{}-{}", self.alert, self.count), fingerprint: 0 }),
            history: false,
        }
    }
}
