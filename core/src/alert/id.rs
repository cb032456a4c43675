//! The name of an alert, in one spelling.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::market::Topic;

/// An alert's name: 128 random bits, written as 32 lower-case hexadecimal digits. It is no secret: only its owner can use it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertId(pub u128);

/// Why a text names no alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of an alert: use the 32 lower-case hexadecimal digits that set_price_alert and list_price_alerts give")]
pub struct AlertIdError;

impl AlertId {
    /// The topic on which the alert's firings come.
    #[must_use]
    pub fn topic(self) -> Topic {
        Topic::Alerts(self.to_string().into())
    }

    /// The alert whose firings come on this topic; `None` for every other topic.
    #[must_use]
    pub fn of_topic(topic: &Topic) -> Option<Self> {
        match topic {
            Topic::Alerts(id) => id.parse().ok(),
            _ => None,
        }
    }
}

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for AlertId {
    type Err = AlertIdError;

    fn from_str(text: &str) -> Result<Self, AlertIdError> {
        let is_digit = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 32 || !text.bytes().all(is_digit) {
            return Err(AlertIdError);
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| AlertIdError)
    }
}

impl Serialize for AlertId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AlertId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for AlertId {
    fn schema_name() -> Cow<'static, str> {
        "AlertId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "The id of a price alert, as set_price_alert and list_price_alerts give it",
            "pattern": "^[0-9a-f]{32}$",
        })
    }

    fn inline_schema() -> bool {
        true
    }
}
