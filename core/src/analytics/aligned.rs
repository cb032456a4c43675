//! Which bars of several symbols belong to the same moment: only those that all of them have.

use std::collections::BTreeMap;

use super::{Bar, Timespan};
use crate::time::Millis;

/// Closes of several symbols at the same moments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Aligned {
    /// The moments that all have, in order.
    pub moments: Vec<Millis>,
    /// The closes of each symbol at these moments.
    pub closes: Vec<Vec<f64>>,
}

impl Aligned {
    /// Log returns of each symbol between the moments.
    #[must_use]
    pub fn log_returns(&self) -> Vec<Vec<f64>> {
        let steps = |closes: &Vec<f64>| closes.windows(2).map(|pair| (pair[1] / pair[0]).ln()).collect();
        self.closes.iter().map(steps).collect()
    }
}

/// Keeps the moments at which every symbol has a bar; of two bars of one moment the later one counts. Bars of a day or longer
/// are of one moment when they begin on the same day of UTC: a day of New York begins at 4 or 5 o'clock of UTC, one of crypto at 0.
#[must_use]
pub fn align(series: &[&[Bar]], timespan: Timespan) -> Aligned {
    let grain = if timespan.least_ms() < Timespan::Day.least_ms() { 1 } else { Timespan::Day.least_ms() };
    let mut found: BTreeMap<Millis, Vec<f64>> = BTreeMap::new();
    for (place, bars) in series.iter().enumerate() {
        for bar in *bars {
            let closes = found.entry(Millis(bar.at.0 - bar.at.0 % grain)).or_default();
            if closes.len() == place {
                closes.push(bar.close);
            } else if let Some(known) = closes.get_mut(place) {
                *known = bar.close;
            }
        }
    }
    found.retain(|_, closes| closes.len() == series.len());
    let mut aligned = Aligned { moments: found.keys().copied().collect(), closes: vec![Vec::new(); series.len()] };
    for closes in found.values() {
        for (place, close) in closes.iter().enumerate() {
            aligned.closes[place].push(*close);
        }
    }
    aligned
}
