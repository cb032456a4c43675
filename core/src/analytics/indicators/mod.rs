//! Indicators of technical analysis in their classical definitions: recurrences over the whole series, seeded with the mean of
//! the first window, as charts and TA-Lib show them. Those that remember (EMA, RSI, MACD, ATR, ADX) therefore depend a little on
//! where the series begins, until several windows have passed; OBV and VWAP depend on it wholly.
//!
//! | file | the question it answers |
//! |---|---|
//! | `averages` | where is the middle: SMA, EMA, Wilder's average |
//! | `momentum` | how fast, how far: RSI, MACD, Stochastic, CCI |
//! | `ranges` | how wide, which way: Bollinger bands, ATR, ADX |
//! | `volumes` | where did the volume go: OBV, VWAP |

mod averages;
mod momentum;
mod ranges;
mod volumes;

use super::{Bar, Series, TooFew, enough};

pub use averages::{ema, sma};

/// Windows of MACD that are not arguments: fast, slow and signal.
const MACD: (usize, usize, usize) = (12, 26, 9);
/// Window of the Stochastic's %D.
const STOCHASTIC_D: usize = 3;
/// How many deviations a Bollinger band is away from the middle.
const BAND_WIDTH: f64 = 2.0;

/// One indicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Indicator {
    /// Simple moving average of the close.
    Sma,
    /// Exponential moving average of the close, alpha 2 / (window + 1).
    Ema,
    /// Wilder's relative strength index, 0 to 100; 50 when nothing moved.
    Rsi,
    /// EMA 12 less EMA 26, its EMA 9 as signal, and their difference.
    Macd,
    /// Simple average and two standard deviations (of the population) around it.
    Bollinger,
    /// Wilder's average true range.
    Atr,
    /// %K: where the close lies in the range of the window, 0 to 100, 50 without a range; %D: the mean of 3 of it.
    Stochastic,
    /// Wilder's average directional index and the two directional indicators, 0 to 100.
    Adx,
    /// Lambert's commodity channel index; 0 when nothing moved.
    Cci,
    /// On-balance volume, 0 at the first bar.
    Obv,
    /// Volume-weighted average price since the first bar.
    Vwap,
}

/// A line of an indicator: its name and a value per bar.
pub type Line = (&'static str, Series);

impl Indicator {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Sma,
        Self::Ema,
        Self::Rsi,
        Self::Macd,
        Self::Bollinger,
        Self::Atr,
        Self::Stochastic,
        Self::Adx,
        Self::Cci,
        Self::Obv,
        Self::Vwap,
    ];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sma => "sma",
            Self::Ema => "ema",
            Self::Rsi => "rsi",
            Self::Macd => "macd",
            Self::Bollinger => "bollinger",
            Self::Atr => "atr",
            Self::Stochastic => "stochastic",
            Self::Adx => "adx",
            Self::Cci => "cci",
            Self::Obv => "obv",
            Self::Vwap => "vwap",
        }
    }

    /// The usual window; `None` where there is none to choose.
    #[must_use]
    pub const fn default_window(self) -> Option<usize> {
        match self {
            Self::Sma | Self::Ema | Self::Bollinger | Self::Cci => Some(20),
            Self::Rsi | Self::Atr | Self::Stochastic | Self::Adx => Some(14),
            Self::Macd | Self::Obv | Self::Vwap => None,
        }
    }

    /// How many bars its last line needs for one value.
    #[must_use]
    pub const fn needs(self, window: usize) -> usize {
        match self {
            Self::Sma | Self::Ema | Self::Bollinger | Self::Cci => window,
            Self::Rsi | Self::Atr => window + 1,
            Self::Stochastic => window + STOCHASTIC_D - 1,
            Self::Adx => 2 * window,
            Self::Macd => MACD.1 + MACD.2 - 1,
            Self::Obv | Self::Vwap => 1,
        }
    }

    /// Its lines. `window`: at least 1; ignored by those that have none.
    ///
    /// # Errors
    /// [`TooFew`] when a line would have no value at all.
    pub fn lines(self, bars: &[Bar], window: usize) -> Result<Vec<Line>, TooFew> {
        let window = window.max(1);
        enough(bars.len(), self.needs(window))?;
        let closes: Vec<f64> = bars.iter().map(|bar| bar.close).collect();
        Ok(match self {
            Self::Sma => vec![("sma", sma(&closes, window))],
            Self::Ema => vec![("ema", ema(&closes, window))],
            Self::Rsi => vec![("rsi", momentum::rsi(&closes, window))],
            Self::Macd => momentum::macd(&closes, MACD),
            Self::Stochastic => momentum::stochastic(bars, window, STOCHASTIC_D),
            Self::Cci => vec![("cci", momentum::cci(bars, window))],
            Self::Bollinger => ranges::bollinger(&closes, window, BAND_WIDTH),
            Self::Atr => vec![("atr", ranges::atr(bars, window))],
            Self::Adx => ranges::adx(bars, window),
            Self::Obv => vec![("obv", volumes::obv(bars))],
            Self::Vwap => vec![("vwap", volumes::vwap(bars))],
        })
    }
}

/// The same with a value for a series of optional values: those before the first value stay out of it.
fn after_warming_up(series: &Series, of: impl Fn(&[f64]) -> Series) -> Series {
    let cold = series.iter().take_while(|value| value.is_none()).count();
    let values: Vec<f64> = series[cold..].iter().copied().map_while(|value| value).collect();
    let mut whole = vec![None; cold];
    whole.extend(of(&values));
    whole.resize(series.len(), None);
    whole
}
