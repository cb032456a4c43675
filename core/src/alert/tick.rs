//! The price that an event of the tape tells.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::tape::{Event, Kind};
use crate::time::Millis;

/// One price, as it stands on the tape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tick {
    /// The price, in the symbol's quote currency.
    pub price: f64,
    /// Time of the data.
    pub as_of: Millis,
    /// When it was put on the tape.
    pub recorded: Millis,
}

#[derive(Deserialize)]
struct Priced<'a> {
    #[serde(borrow)]
    price: &'a RawValue,
}

impl Tick {
    /// Reads a price event; `None` for every other event, and for one without a price.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        if event.kind != Kind::Price {
            return None;
        }
        let item = event.item();
        let priced: Priced<'_> = serde_json::from_slice(&item).ok()?;
        let price = priced.price.get().parse().ok()?;
        Some(Self { price, as_of: event.as_of, recorded: event.recorded })
    }
}
