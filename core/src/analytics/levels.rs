//! Support and resistance: prices at which the market has turned, and how often.

use super::{Bar, TooFew, enough, number};
use crate::time::Millis;

/// How levels are looked for.
#[derive(Clone, Copy, Debug)]
pub struct LevelTerms {
    /// A swing point is the extreme of this many bars on either side; at least 1.
    pub swing: usize,
    /// Swing points within this fraction of a level's price belong to it.
    pub tolerance: f64,
    /// How many levels are given at most, on either side of the last close.
    pub most: usize,
}

/// On which side of the last close a level lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LevelKind {
    /// At or below it.
    Support,
    /// Above it.
    Resistance,
}

/// One level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// The mean of its swing points.
    pub price: f64,
    /// Its side.
    pub kind: LevelKind,
    /// How many swing points it has.
    pub touches: usize,
    /// The bar of the first one.
    pub first_at: Millis,
    /// The bar of the last one.
    pub last_at: Millis,
}

/// Levels, those with the most touches first, of equals the latest one.
///
/// # Errors
/// [`TooFew`] when not even one bar has enough on either side.
pub fn levels(bars: &[Bar], terms: LevelTerms) -> Result<Vec<Level>, TooFew> {
    let swing = terms.swing.max(1);
    enough(bars.len(), 2 * swing + 1)?;
    let mut points = swing_points(bars, swing);
    points.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let last_close = bars[bars.len() - 1].close;
    let mut found: Vec<Level> = clusters(&points, terms.tolerance).into_iter().map(|points| level(&points, last_close)).collect();
    found.sort_by(|a, b| b.touches.cmp(&a.touches).then(b.last_at.cmp(&a.last_at)));
    let mut left = [terms.most; 2];
    found.retain(|level| {
        let left = &mut left[usize::from(level.kind == LevelKind::Resistance)];
        let kept = *left > 0;
        *left = left.saturating_sub(1);
        kept
    });
    Ok(found)
}

/// Highs and lows that no neighbour goes beyond; of equal neighbours the last one counts.
fn swing_points(bars: &[Bar], swing: usize) -> Vec<(f64, Millis)> {
    let mut points = Vec::new();
    for at in swing..bars.len() - swing {
        let (bar, before, after) = (&bars[at], &bars[at - swing..at], &bars[at + 1..=at + swing]);
        if before.iter().all(|other| other.high <= bar.high) && after.iter().all(|other| other.high < bar.high) {
            points.push((bar.high, bar.at));
        }
        if before.iter().all(|other| other.low >= bar.low) && after.iter().all(|other| other.low > bar.low) {
            points.push((bar.low, bar.at));
        }
    }
    points
}

/// Points in order of price, cut where the next one is too far from the mean of those before.
fn clusters(points: &[(f64, Millis)], tolerance: f64) -> Vec<Vec<(f64, Millis)>> {
    let mut clusters: Vec<Vec<(f64, Millis)>> = Vec::new();
    let mut sum = 0.0;
    for point in points {
        match clusters.last_mut() {
            Some(cluster) if point.0 - sum / number(cluster.len()) <= tolerance * sum / number(cluster.len()) => {
                cluster.push(*point);
                sum += point.0;
            }
            _ => {
                clusters.push(vec![*point]);
                sum = point.0;
            }
        }
    }
    clusters
}

fn level(points: &[(f64, Millis)], last_close: f64) -> Level {
    let price = points.iter().map(|(price, _)| price).sum::<f64>() / number(points.len());
    let moments = || points.iter().map(|(_, at)| *at);
    Level {
        price,
        kind: if price <= last_close { LevelKind::Support } else { LevelKind::Resistance },
        touches: points.len(),
        first_at: moments().min().unwrap_or_default(),
        last_at: moments().max().unwrap_or_default(),
    }
}
