//! An alert as a record of the store.

use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::id::AlertId;
use super::rule::Alert;
use crate::ports::Record;

/// A record that holds no alert. It names no content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the record {0} holds no price alert, or another than its name and owner say")]
pub struct Unreadable(pub AlertId);

impl Alert {
    /// The record that keeps this alert; it never expires.
    #[must_use]
    pub fn to_record(&self) -> Record {
        let body = serde_json::to_vec(self).expect("an alert holds only strings and finite numbers");
        Record { id: self.id.0, principal: self.principal.as_str().to_owned(), expires: None, body: Bytes::from(body) }
    }

    /// The alert that a record keeps.
    ///
    /// # Errors
    /// When the record holds none, or one of another name, another owner or an impossible target.
    pub fn from_record(record: &Record) -> Result<Self, Unreadable> {
        let alert: Option<Self> = serde_json::from_slice(&record.body).ok();
        alert
            .filter(|alert| alert.id.0 == record.id && alert.principal.as_str() == record.principal && alert.terms.is_sound())
            .ok_or(Unreadable(AlertId(record.id)))
    }
}

/// Reads a number to the last bit, which `serde_json` alone does not promise.
pub(super) fn exact<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Box::<RawValue>::deserialize(deserializer)?.get().parse().map_err(serde::de::Error::custom)
}

/// A principal by its name.
pub(super) mod principal {
    use std::borrow::Cow;

    use serde::{Deserialize, Deserializer, Serializer};

    use crate::access::Principal;

    pub(in crate::alert) fn serialize<S: Serializer>(principal: &Principal, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(principal.as_str())
    }

    pub(in crate::alert) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Principal, D::Error> {
        let name = Cow::<str>::deserialize(deserializer)?;
        let (kind, name) = name.split_once(':').ok_or_else(|| serde::de::Error::custom("not the name of a principal"))?;
        Ok(Principal::new(kind, name))
    }
}
