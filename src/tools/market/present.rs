//! An answer that fits a model: bounded rows and bytes, what is missing said, and how to go on.

use serde_json::json;
use serde_json::value::RawValue;
use tickgate_core::market::{Freshness, bars};
use tickgate_core::mcp::{ContentBlock, ToolOutput};

use super::options::{AnswerOptions, Format};
use super::payload::Payload;
use super::row::{Members, Writing, any_has, json_text};
use super::table::csv;
use crate::tools::endpoint::Endpoint;
use crate::tools::outcome::{ToolFailure, structured};

/// Bytes that the rows of one answer take at most, as JSON: about 20,000 tokens, below the cap of clients (25,000).
const MAX_ROWS_BYTES: usize = 64 * 1_024;
/// Columns that an error names.
const MAX_NAMED_COLUMNS: usize = 40;

/// The rows that are shown.
#[derive(Debug)]
pub(super) struct Shown {
    rows: Vec<String>,
    is_list: bool,
    /// Bars that one point is made of, where they were merged.
    merged: Option<usize>,
    /// Rows of the page that these begin after.
    skipped: usize,
    /// Rows of the page.
    on_page: usize,
    /// More would not have fitted.
    pub(super) is_cut: bool,
}

impl Shown {
    /// Chooses and writes rows.
    ///
    /// # Errors
    /// When a column is neither documented nor in any row of the first answer, or one object alone is too large.
    pub(super) fn of(
        payload: &Payload<'_>,
        skip: usize,
        options: &AnswerOptions,
        endpoint: &Endpoint,
    ) -> Result<Self, ToolFailure> {
        // A column may be missing in what the plan gives, or on a further page: only one that is in no answer is a mistake.
        let checks = options.cursor.is_none() && !payload.rows.is_empty();
        let is_unknown = |field: &&String| !endpoint.documents(field) && !any_has(&payload.rows, field);
        if let Some(missing) = options.fields.iter().filter(|_| checks).find(is_unknown) {
            return Err(ToolFailure::argument("fields", format!("no row has {missing:?}; there are {}", columns(&payload.rows))));
        }
        let writing = Writing { fields: &options.fields, untrusted: endpoint.untrusted };
        let rest = payload.rows.get(skip..).unwrap_or_default();
        let (merged, (rows, is_cut)) = match options.max_points.and_then(|most| merged(rest, most, writing)) {
            Some((per_point, rows)) => (Some(per_point), (rows, false)),
            None => {
                let most = options.rows.unwrap_or(usize::MAX);
                (None, written(rest.iter().take(most).copied(), payload.is_list, writing))
            }
        };
        if is_cut && !payload.is_list {
            let message =
                format!("the answer is larger than {MAX_ROWS_BYTES} bytes: choose `fields` of {}", columns(&payload.rows));
            return Err(ToolFailure::new("too_large", message));
        }
        Ok(Self { rows, is_list: payload.is_list, merged, skipped: skip, on_page: payload.rows.len(), is_cut })
    }

    /// How many rows of the page have been shown, these included; `None` when all have.
    pub(super) fn goes_on_after(&self) -> Option<usize> {
        let shown = self.skipped + self.rows.len();
        let rest = self.merged.is_none() && shown < self.on_page;
        rest.then_some(shown)
    }

    /// The result. `next`: the cursor of what follows. `is_all`: the page is the whole answer of the upstream. `whole`: where that is.
    pub(super) fn output(
        &self,
        format: Format,
        next: Option<String>,
        is_all: bool,
        whole: Option<String>,
        freshness: &Freshness,
    ) -> ToolOutput {
        let total = is_all.then_some(self.on_page);
        let mut content = String::from("{\"results\":");
        if self.is_list {
            content.push_str(&format!("[{}],\"count\":{}", self.rows.join(","), self.rows.len()));
        } else {
            content.push_str(&self.rows.join(""));
        }
        if let Some(per_point) = self.merged {
            content.push_str(&format!(",\"merged\":{per_point}"));
        }
        if let Some(next) = &next {
            let total = total.map_or_else(String::new, |total| format!(",\"total\":{total}"));
            content.push_str(&format!(",\"next\":{},\"truncated\":{{\"shown\":{}{total}}}", json_text(next), self.rows.len()));
        }
        let freshness = serde_json::to_string(freshness).expect("freshness holds only words and numbers");
        content.push_str(&format!(",\"_freshness\":{freshness}}}"));
        let said = self.said(next.is_some(), total, whole.is_some());
        if said.is_empty() && format == Format::Json {
            return structured(content.as_bytes());
        }
        let text = if format == Format::Csv { csv(&self.rows) } else { content.clone() };
        let mut blocks = vec![ContentBlock::text(&text)];
        if !said.is_empty() {
            blocks.push(ContentBlock::text(&said));
        }
        if let Some(uri) = whole {
            let link = json!({"type": "resource_link", "uri": uri, "name": "whole_answer", "title": "The whole answer", "mimeType": "application/json"});
            blocks.push(ContentBlock(link));
        }
        ToolOutput::Blocks { content: blocks, structured: Some(content.into()), is_error: false }
    }

    /// What is missing, for models.
    fn said(&self, is_more: bool, total: Option<usize>, has_whole: bool) -> String {
        let mut said = String::new();
        if let Some(per_point) = self.merged {
            said.push_str(&format!("Each point is made of up to {per_point} bars. "));
        }
        if is_more {
            let shown = grouped(self.rows.len());
            match total {
                Some(total) if self.skipped > 0 => {
                    let (from, to) = (grouped(self.skipped + 1), grouped(self.skipped + self.rows.len()));
                    said.push_str(&format!("Showing {from} to {to} of {}. ", grouped(total)));
                }
                Some(total) => said.push_str(&format!("Showing {shown} of {}. ", grouped(total))),
                None => said.push_str(&format!("Showing {shown}; there are more. ")),
            }
            said.push_str("For the next ones call again with the same arguments and cursor = `next`; `fields` and format=csv make room for more.");
        }
        if has_whole {
            said.push_str(" The link leads to the whole answer.");
        }
        said.trim().to_owned()
    }
}

/// Rows as they are shown, and whether there were more than fit. Of a list the first is shown however large it is, or nobody would get
/// beyond it.
fn written<'a>(rows: impl Iterator<Item = &'a RawValue>, is_list: bool, writing: Writing<'_>) -> (Vec<String>, bool) {
    let (mut written, mut bytes) = (Vec::new(), 0);
    for row in rows {
        let mut text = String::with_capacity(row.get().len() + 64);
        writing.row(row, &mut text);
        bytes += text.len();
        if bytes > MAX_ROWS_BYTES && !(is_list && written.is_empty()) {
            return (written, true);
        }
        written.push(text);
    }
    (written, false)
}

/// Bars merged to at most so many points, and to as many as fit: a cursor counts bars, so that all points are shown or none. `None`
/// where there is nothing to merge.
fn merged(bars: &[&RawValue], most: usize, writing: Writing<'_>) -> Option<(usize, Vec<String>)> {
    let mut most = most;
    loop {
        let (per_point, points) = bars::coarser(bars, most)?;
        let (rows, is_cut) = written(points.iter().map(|point| &**point), true, writing);
        if !is_cut {
            return Some((per_point, rows));
        }
        // Two points that do not fit are no bars of any market.
        most = Some(rows.len()).filter(|fit| *fit >= 2)?;
    }
}

fn columns(rows: &[&RawValue]) -> String {
    let Some(members) = rows.first().and_then(|row| Members::of(row)) else { return "none".to_owned() };
    members.0.iter().take(MAX_NAMED_COLUMNS).map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
}

/// A number with commas: 4,213.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
