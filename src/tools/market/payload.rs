//! What an answer of the upstream holds: its payload without the envelope.

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;
use tickgate_core::ports::{UpstreamError, UpstreamErrorKind};
use tickgate_core::time::Millis;

use super::row::{Members, Writing};
use crate::tools::endpoint::{AsOf, Endpoint, Shape};
use crate::tools::toolset::Toolset;

/// The rows of an answer.
#[derive(Debug)]
pub(super) struct Payload<'a> {
    pub(super) rows: Vec<&'a RawValue>,
    /// Whether it is a list; else there is one row, the object.
    pub(super) is_list: bool,
}

impl Payload<'_> {
    /// All of it as JSON.
    pub(super) fn written(&self, untrusted: &[&'static str]) -> String {
        let writing = Writing { fields: &[], untrusted };
        let mut text = String::new();
        for (at, row) in self.rows.iter().enumerate() {
            text.push_str(if at > 0 { "," } else { "" });
            // A row alone may be written as it came; writing looks at each of its members.
            if untrusted.is_empty() { text.push_str(row.get()) } else { writing.row(row, &mut text) }
        }
        if self.is_list { format!("[{text}]") } else { text }
    }
}

/// Takes the payload out of its envelope.
///
/// # Errors
/// When the body has not its documented form, or there is no object.
pub(super) fn read<'a>(endpoint: &Endpoint, body: &'a Bytes) -> Result<Payload<'a>, UpstreamError> {
    let wrong = |_| {
        UpstreamError::new(
            UpstreamErrorKind::InvalidResponse,
            "the upstream's answer does not have its documented form: try again later",
        )
    };
    let nothing = || {
        UpstreamError::new(
            UpstreamErrorKind::NotFound,
            "the upstream has no data for this: check the symbol and the date, or ask for other data",
        )
    };
    let body: &RawValue = serde_json::from_slice(body).map_err(wrong)?;
    let payload = match endpoint.shape {
        Shape::Flat | Shape::Array => Some(body).filter(|body| body.get() != "null"),
        Shape::List(member) | Shape::Object(member) => member_of(body, member).map_err(wrong)?,
        Shape::Nested(member, rows) => match member_of(body, member).map_err(wrong)? {
            Some(outer) => member_of(outer, rows).map_err(wrong)?,
            None => None,
        },
    };
    match endpoint.shape {
        Shape::List(_) | Shape::Nested(..) | Shape::Array => {
            let rows = payload.map_or(Ok(Vec::new()), |payload| serde_json::from_str(payload.get()).map_err(wrong))?;
            Ok(Payload { rows, is_list: true })
        }
        Shape::Object(_) | Shape::Flat => {
            let payload = payload.ok_or_else(nothing)?;
            // Where the successor of an object is a list with a filter (`FuturesApi`), the object is its only row.
            let is_list = endpoint.toolset == Toolset::Futures && payload.get().starts_with('[');
            let payload = if is_list { only_row(payload).map_err(wrong)?.ok_or_else(nothing)? } else { payload };
            serde_json::from_str::<Members<'_>>(payload.get()).map_err(wrong)?;
            Ok(Payload { rows: vec![payload], is_list: false })
        }
    }
}

fn only_row(list: &RawValue) -> serde_json::Result<Option<&RawValue>> {
    Ok(serde_json::from_str::<Vec<&RawValue>>(list.get())?.into_iter().next())
}

/// A member of an object. An empty result may have no such member, or null (polygon.md §4.2).
fn member_of<'a>(object: &'a RawValue, name: &str) -> serde_json::Result<Option<&'a RawValue>> {
    let member = serde_json::from_str::<HashMap<String, &RawValue>>(object.get())?.remove(name);
    Ok(member.filter(|member| member.get() != "null"))
}

/// The time of the data; the newest, where there are several.
pub(super) fn as_of(place: AsOf, rows: &[&RawValue]) -> Option<Millis> {
    rows.iter().filter_map(|row| place.paths().filter_map(|path| moment(row, path)).max()).max()
}

/// Whether a row says that it is late (polygon.md §4.6): snapshots do, row by row, whatever the plan is.
pub(super) fn is_delayed(endpoint: &Endpoint, rows: &[&RawValue]) -> bool {
    const PLACES: [&[&str]; 3] = [&["timeframe"], &["last_trade", "timeframe"], &["last_quote", "timeframe"]];
    let says = |row: &RawValue, path: &[&str]| {
        let found = path.iter().try_fold(row, |value, name| member_of(value, name).ok().flatten());
        found.is_some_and(|found| found.get() == "\"DELAYED\"")
    };
    endpoint.path.starts_with("/v3/snapshot") && rows.iter().any(|row| PLACES.iter().any(|path| says(row, path)))
}

/// Of a row only what leads to the time is read: a whole market has ten thousand.
fn moment(row: &RawValue, path: &[&str]) -> Option<Millis> {
    let found = path.iter().try_fold(row, |value, name| member_of(value, name).ok().flatten())?;
    match &serde_json::from_str(found.get()).ok()? {
        Value::Number(number) => Millis::from_number(number),
        Value::String(text) => Millis::parse_rfc3339(text),
        _ => None,
    }
}
