//! In which order do rows come, and which are on this page? The cursor of a next page holds the whole query and the moment
//! the first page was read at: a walk sees one state of the market, so no row is lost or doubled.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::answer::Refusal;
use super::super::parameters::{Parameters, next_url};
use super::super::state::State;
use super::wanted::{Wanted, lookup};
use super::{Asked, Table};

/// What the next page must know.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    query: BTreeMap<String, String>,
    skip: usize,
    at_ms: i64,
}

/// A field and whether it runs downwards.
type Order = (&'static str, bool);

/// Answers one page of a table.
pub(crate) fn page_of(state: &State, now_ms: i64, table: &Table, mut asked: Asked) -> Result<Value, Refusal> {
    let cursor = match asked.parameters.cursor::<Cursor>()? {
        Some(cursor) => {
            // A cursor from elsewhere could name a moment outside the calendar.
            if !(0..=now_ms.max(state.clock.now_ms())).contains(&cursor.at_ms) {
                return Err(Refusal::BadParameter("cursor is not valid".to_owned()));
            }
            cursor
        }
        None => Cursor { query: asked.parameters.shareable(), skip: 0, at_ms: now_ms },
    };
    asked.parameters = Parameters::from(cursor.query.clone());
    let limit = asked.parameters.limit(table.default_limit, table.max_limit)?;
    let orders = orders(table, &asked.parameters)?;
    let wanted = Wanted::of(&asked.parameters, table.filters)?;
    let call = asked.with(state.view_at(cursor.at_ms), wanted, cursor.skip);
    let mut rows = (table.rows)(&call)?;
    rows.retain(|row| call.wanted.admits_row(row));
    rows.sort_by(|left, right| compare(left, right, &orders));
    let beyond = cursor.skip.saturating_add(limit);
    let more = rows.len() > beyond;
    let mut page: Vec<Value> = rows.into_iter().skip(cursor.skip).take(limit).collect();
    if let Some(dress) = table.dress {
        page.iter_mut().for_each(|row| dress(&call, row));
    }
    let mut body = json!({"status": "OK"});
    if table.counted {
        body["count"] = page.len().into();
    }
    if !(page.is_empty() && table.sparse) {
        body["results"] = Value::Array(page);
    }
    if more {
        body["next_url"] = next_url(&call.path, &Cursor { skip: beyond, ..cursor }).into();
    }
    Ok(body)
}

/// Reads `sort=field&order=desc` and `sort=field.desc,other.asc`, which are both in use upstream.
fn orders(table: &Table, parameters: &Parameters) -> Result<Vec<Order>, Refusal> {
    let unsuffixed = parameters.descending("order", table.descending)?;
    let Some(text) = parameters.text("sort") else {
        return Ok(table.sorts.first().map(|&field| (field, unsuffixed)).into_iter().collect());
    };
    let parts = text.split(',').map(|part| {
        let (name, descending) = match part.trim().rsplit_once('.') {
            Some((name, "asc")) => (name, false),
            Some((name, "desc")) => (name, true),
            _ => (part.trim(), unsuffixed),
        };
        let known = table.sorts.iter().find(|&&field| field == name || field.rsplit('.').next() == Some(name));
        let allowed = || Refusal::BadParameter(format!("sort must be one of {}", table.sorts.join(", ")));
        known.map(|&field| (field, descending)).ok_or_else(allowed)
    });
    parts.collect()
}

fn compare(left: &Value, right: &Value, orders: &[Order]) -> Ordering {
    let by = |&(field, descending): &Order| {
        let order = compare_values(lookup(left, field), lookup(right, field));
        if descending { order.reverse() } else { order }
    };
    orders.iter().map(by).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn compare_values(left: Option<&Value>, right: Option<&Value>) -> Ordering {
    match (left, right) {
        (Some(Value::String(left)), Some(Value::String(right))) => left.cmp(right),
        (Some(Value::Number(left)), Some(Value::Number(right))) => match (left.as_i64(), right.as_i64()) {
            // Nanoseconds differ beyond what a double tells apart.
            (Some(left), Some(right)) => left.cmp(&right),
            _ => left.as_f64().unwrap_or(0.0).total_cmp(&right.as_f64().unwrap_or(0.0)),
        },
        (left, right) => left.is_some().cmp(&right.is_some()),
    }
}
