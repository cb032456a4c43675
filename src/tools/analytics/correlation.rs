//! `calculate_correlation`.

use schemars::JsonSchema;
use serde::Serialize;
use tickgate_core::analytics::{Bar, TooFew, align, correlations};

use super::Analysis;
use super::answer::{At, Shown};
use super::asked::{self, Wanted, arguments};
use crate::tools::ToolFailure;
use crate::tools::arguments::Texts;
use crate::tools::bar_series::BarSeries;

/// Moments that a correlation needs: of fewer, any two things are correlated.
const LEAST_BARS: usize = 10;

arguments! {
    struct Arguments {
        /// Symbols, 2 to 20; an array of strings, or one string with commas.
        symbols: Texts,
    }
}

/// How symbols move together.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct Correlations {
    /// The order of rows and columns.
    symbols: Vec<String>,
    /// Pearson's correlation of log returns, -1 to 1; null where a price did not move.
    matrix: Vec<Vec<Option<Shown>>>,
    /// The pairs, the strongest first.
    pairs: Vec<Pair>,
    /// How many returns were compared: those between moments that every symbol has. Days of crypto end at midnight UTC,
    /// those of stocks with their session.
    observations: usize,
    /// First of these moments.
    first: At,
    /// Last of them.
    last: At,
}

/// Two symbols.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Pair {
    symbols: [String; 2],
    correlation: Shown,
}

impl Analysis for Arguments {
    type Results = Correlations;
    const NAME: &'static str = "calculate_correlation";
    const TITLE: &'static str = "Correlation";
    const DESCRIPTION: &'static str = "How 2 to 20 symbols move together: the matrix of correlations of their log returns, at the moments that all of them \
                                       have bars. Calculated here from the upstream's bars.";

    fn wanted(&self) -> Result<Wanted, ToolFailure> {
        let symbols: Vec<&str> = self.symbols.0.iter().map(String::as_str).collect();
        let wanted = self.bars_of(&symbols)?;
        if wanted.symbols.len() < 2 {
            return Err(ToolFailure::argument("symbols", "name at least two different ones"));
        }
        Ok(wanted)
    }

    fn results(&self, series: &[BarSeries]) -> Result<Correlations, ToolFailure> {
        if let Some(empty) = series.iter().find(|series| series.bars.is_empty()) {
            return Err(asked::too_few(empty, "a correlation", TooFew { needed: LEAST_BARS, have: 0 }));
        }
        let bars: Vec<&[Bar]> = series.iter().map(|series| series.bars.as_slice()).collect();
        let aligned = align(&bars, self.timespan);
        let moments = &aligned.moments;
        let (Some(first), Some(last), true) = (moments.first(), moments.last(), moments.len() >= LEAST_BARS) else {
            return Err(ToolFailure::new(
                "too_few_bars",
                format!(
                    "a correlation needs {LEAST_BARS} bars at moments that all symbols have, and there are {}: ask for more `bars`, \
                     an earlier `from`, a longer `timespan`, or symbols that trade at the same hours",
                    moments.len()
                ),
            ));
        };
        let symbols: Vec<String> = series.iter().map(|series| series.symbol.to_string()).collect();
        let matrix = correlations(&aligned.log_returns());
        Ok(Correlations {
            pairs: pairs(&symbols, &matrix),
            matrix: matrix.iter().map(|row| row.iter().map(|found| found.map(Shown)).collect()).collect(),
            symbols,
            observations: moments.len() - 1,
            first: At(*first),
            last: At(*last),
        })
    }
}

fn pairs(symbols: &[String], matrix: &[Vec<Option<f64>>]) -> Vec<Pair> {
    let above = (0..symbols.len()).flat_map(|row| (row + 1..symbols.len()).map(move |column| (row, column)));
    let mut pairs: Vec<Pair> = above
        .filter_map(|(row, column)| {
            let correlation = Shown(matrix[row][column]?);
            Some(Pair { symbols: [symbols[row].clone(), symbols[column].clone()], correlation })
        })
        .collect();
    pairs.sort_by(|a, b| b.correlation.0.abs().total_cmp(&a.correlation.0.abs()));
    pairs
}
