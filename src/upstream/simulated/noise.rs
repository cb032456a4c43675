//! Where does chance come from? From a hash of the seed and of what is asked, so that the same question always has the
//! same answer and no generator state has to be kept.

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Mixes words into one well spread hash (the finaliser of splitmix64 after each word).
pub(crate) fn mix(words: &[u64]) -> u64 {
    words.iter().fold(GOLDEN, |state, word| finalise(state ^ word.wrapping_mul(GOLDEN).rotate_left(29)))
}

/// Mixes a text into a hash.
pub(crate) fn mix_text(seed: u64, text: &str) -> u64 {
    text.bytes().fold(mix(&[seed, text.len() as u64]), |state, byte| finalise(state ^ u64::from(byte)))
}

/// Maps a hash to `0.0..1.0`.
pub(crate) fn unit(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1u64 << 53) as f64
}

/// Maps a hash to `0..bound`.
pub(crate) fn below(hash: u64, bound: u64) -> u64 {
    ((u128::from(hash) * u128::from(bound)) >> 64) as u64
}

/// Everything random about one thing: each salt is a throw of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// Makes the dice of a part of this thing.
    pub(crate) fn of(self, words: &[u64]) -> Self {
        Self(words.iter().fold(self.0, |key, &word| mix(&[key, word])))
    }

    pub(crate) fn hash(self, salt: u64) -> u64 {
        mix(&[self.0, salt])
    }

    /// Throws a number below a bound.
    pub(crate) fn below(self, salt: u64, bound: u64) -> u64 {
        below(self.hash(salt), bound)
    }

    /// Throws a number between two.
    pub(crate) fn between(self, salt: u64, low: f64, high: f64) -> f64 {
        low + (high - low) * unit(self.hash(salt))
    }

    /// Says yes once in so many times.
    pub(crate) fn one_in(self, salt: u64, times: u64) -> bool {
        self.below(salt, times) == 0
    }

    /// Takes one of several; there must be some.
    pub(crate) fn pick<T>(self, salt: u64, items: &[T]) -> &T {
        &items[self.below(salt, items.len() as u64) as usize]
    }

    /// Writes an identifier of 64 hex digits.
    pub(crate) fn hex(self, salt: u64) -> String {
        (0..4).map(|part| format!("{:016x}", self.of(&[salt]).hash(part))).collect()
    }
}

/// Rounds to so many decimal places.
pub(crate) fn rounded(number: f64, places: i32) -> f64 {
    let steps = 10_f64.powi(places);
    (number * steps).round() / steps
}

/// Gives smooth noise in `-1.0..=1.0`: random at every multiple of the period, and monotone in between.
///
/// The monotony matters: the extremes of a stretch between two lattice points are its ends (`market::prices`).
pub(crate) fn smooth(key: u64, at_ms: i64, period_ms: i64) -> f64 {
    let cell = at_ms.div_euclid(period_ms);
    let share = at_ms.rem_euclid(period_ms) as f64 / period_ms as f64;
    let left = lattice(key, cell);
    let right = lattice(key, cell + 1);
    left + (right - left) * share * share * (3.0 - 2.0 * share)
}

/// Gives the value of one lattice point in `-1.0..1.0`.
pub(crate) fn lattice(key: u64, cell: i64) -> f64 {
    unit(finalise(key.wrapping_add((cell as u64).wrapping_mul(GOLDEN)))) * 2.0 - 1.0
}

fn finalise(mut word: u64) -> u64 {
    word = word.wrapping_add(GOLDEN);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
