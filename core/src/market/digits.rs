//! Which digits of a calculated price mean something? Those that stand beside the price itself: a coin of a thousandth of a cent has
//! others than a share.

/// Digits beside a price that are kept: more than any price has, fewer than a calculation has noise.
const DIGITS: i32 = 9;

/// Decimals that are kept of any price, however great.
const LEAST_DECIMALS: i32 = 4;

/// Decimals that are kept at most: beyond them a double has none for numbers of this size.
const MOST_DECIMALS: i32 = 15;

/// Rounds what was calculated from prices of about the size of `price` to the digits that such prices have.
#[must_use]
pub(crate) fn beside(price: f64, value: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates, and what it gives is bounded next")]
    let first = price.abs().log10().floor() as i32;
    let scale = 10f64.powi((DIGITS - 1).saturating_sub(first).clamp(LEAST_DECIMALS, MOST_DECIMALS));
    let rounded = (value * scale).round() / scale;
    // What is too large to be scaled has no digits there.
    if rounded.is_finite() { rounded } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_beside_the_price_stay_and_noise_goes() {
        assert_eq!(beside(239.85, 239.85 - 239.33), 0.52);
        assert_eq!(beside(1.0851, 1.0851 - 1.085_02), 0.000_08);
        assert_eq!(beside(0.000_012_34, 0.000_012_34 - 0.000_012_22), 1.2e-7);
        assert_eq!(beside(96_000.5, 1.234_56), 1.2346);
        assert_eq!(beside(0.0, 0.1 + 0.2), 0.3);
        assert!(beside(f64::NAN, f64::NAN).is_nan() && beside(f64::MAX, 1.0) == 1.0);
        assert_eq!(beside(1e308, 1e308), 1e308);
    }
}
