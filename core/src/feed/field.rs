//! One field of an event, whatever type it came in: the upstream's samples quote whole numbers as texts, write sizes as floats and
//! change types between events (polygon.md §5.2), and a field that nobody needs must not spoil the event that holds it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::time::Millis;

/// What a field holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Field<'a> {
    /// Nothing, or something that no rule reads: a list, an object, null.
    #[default]
    Absent,
    /// A whole number that is not negative, kept exact: times in nanoseconds are beyond what a double holds.
    Whole(u64),
    /// Any other number.
    Number(f64),
    /// A text.
    Text(Cow<'a, str>),
}

impl Field<'_> {
    /// A finite number, also one that was quoted.
    #[expect(clippy::cast_precision_loss, reason = "prices and sizes are far below 2^53; times are read with `moment`")]
    pub(super) fn number(&self) -> Option<f64> {
        let number = match self {
            Self::Whole(number) => *number as f64,
            Self::Number(number) => *number,
            Self::Text(text) => text.trim().parse().ok()?,
            Self::Absent => return None,
        };
        number.is_finite().then_some(number)
    }

    /// A price that can be one: more than zero.
    pub(super) fn price(&self) -> Option<f64> {
        self.number().filter(|price| *price > 0.0)
    }

    /// An amount: not negative.
    pub(super) fn amount(&self) -> Option<f64> {
        self.number().filter(|amount| *amount >= 0.0)
    }

    /// A moment whose unit is told by its magnitude.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast of a float saturates, and no time is that late"
    )]
    pub(super) fn moment(&self) -> Option<Millis> {
        let value = match self {
            Self::Whole(value) => *value,
            Self::Number(value) => *value as u64,
            Self::Text(text) => text.trim().parse().ok()?,
            Self::Absent => return None,
        };
        (value > 0).then(|| Millis::from_any_unit(value))
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Field<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyType)
    }
}

struct AnyType;

impl<'de> Visitor<'de> for AnyType {
    type Value = Field<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Field::Whole(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "a negative number is no time, and prices are far below 2^53")]
    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(u64::try_from(value).map_or(Field::Number(value as f64), Field::Whole))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Field::Number(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Field::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Field::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Field::Absent)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Field::Absent)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::Absent)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::Absent)
    }
}
