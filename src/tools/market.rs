//! Runs the rows of the endpoint table.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tickgate_core::budget::Payer;
use tickgate_core::market::text::clean;
use tickgate_core::ports::{UpstreamError, UpstreamErrorKind};
use tickgate_core::time::Millis;

use super::arguments;
use super::context::ToolContext;
use super::endpoint::{AsOf, Endpoint, Shape};
use super::endpoints::ENDPOINTS;
use super::outcome::{ToolFailure, structured};
use super::tool::{Tool, ToolRun, Toolset, reads};
use crate::upstream::polygon::{Path, UpstreamAnswer, UpstreamCall};

/// Longest time that a market tool takes, in ms: well below the minute after which clients give up.
const CALL_DEADLINE_MS: u64 = 20_000;

/// A tool for each row.
pub(super) fn tools() -> Vec<Tool> {
    ENDPOINTS.iter().map(tool).collect()
}

fn tool(endpoint: &'static Endpoint) -> Tool {
    Tool {
        name: endpoint.name,
        title: endpoint.title,
        description: endpoint.description.to_owned(),
        input_schema: endpoint.input_schema(),
        output_schema: Some(endpoint.output_schema()),
        scope: endpoint.scope,
        toolset: Toolset::Market,
        streaming: false,
        hints: reads(true),
        icons: Vec::new(),
        run: Arc::new(move |call| {
            let arguments: Result<Map<String, Value>, ToolFailure> = arguments::read(call.arguments.as_deref());
            match arguments.and_then(|arguments| endpoint.request(&arguments)) {
                Err(failure) => ToolRun::Done(Err(failure)),
                Ok(request) => {
                    let (context, request_id) = (call.context, call.link.request_id().to_owned());
                    let payer = Payer::Caller(call.caller.principal);
                    let fetched =
                        async move { fetch(endpoint, request, payer, request_id, &context).await.map(|json| structured(&json)) };
                    ToolRun::Running(Box::pin(fetched))
                }
            }
        }),
    }
}

/// Calls an endpoint and shapes its answer as `{results, count?, truncated?, _freshness}`.
async fn fetch(
    endpoint: &Endpoint,
    request: super::endpoint::Request,
    payer: Payer,
    request_id: String,
    context: &Rc<ToolContext>,
) -> Result<Bytes, ToolFailure> {
    context.window.installed().await;
    let position = context.window.position();
    let values: Vec<(&str, &str)> = request.path.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let path = Path::new(endpoint.path, &values)?;
    let deadline = context.clock.now().plus(CALL_DEADLINE_MS);
    let answer =
        context.upstream.get(UpstreamCall { path, query: request.query, payer, deadline, request_id: Some(request_id) }).await?;
    let shaped = shape(endpoint, &answer)?;
    let freshness = context.freshness(shaped.as_of.unwrap_or(answer.fetched), answer.delayed, position);
    let mut content = format!("{{\"results\":{}", shaped.results);
    if let Some(count) = shaped.count {
        content.push_str(&format!(",\"count\":{count}"));
    }
    if answer.next.is_some() {
        content.push_str(",\"truncated\":true");
    }
    content.push_str(",\"_freshness\":");
    content.push_str(&serde_json::to_string(&freshness).expect("freshness holds only words and numbers"));
    content.push('}');
    Ok(content.into())
}

struct Shaped {
    /// JSON, as the upstream wrote it unless it carries text from outside.
    results: String,
    count: Option<usize>,
    as_of: Option<Millis>,
}

/// Takes the payload out of its envelope.
fn shape(endpoint: &Endpoint, answer: &UpstreamAnswer) -> Result<Shaped, UpstreamError> {
    let wrong = |_| {
        UpstreamError::new(
            UpstreamErrorKind::InvalidResponse,
            "the upstream's answer does not have its documented form: try again later",
        )
    };
    let body: &RawValue = serde_json::from_slice(&answer.body).map_err(wrong)?;
    let payload = match endpoint.shape {
        Shape::Flat | Shape::Array => body.to_owned(),
        Shape::List(member) | Shape::Object(member) => {
            let mut envelope: std::collections::HashMap<String, Box<RawValue>> =
                serde_json::from_str(body.get()).map_err(wrong)?;
            match (envelope.remove(member), endpoint.shape) {
                (Some(payload), _) => payload,
                // An empty result may have no such member (polygon.md §4.2).
                (None, Shape::List(_)) => RawValue::from_string("[]".to_owned()).map_err(wrong)?,
                (None, _) => return Err(UpstreamError::new(UpstreamErrorKind::NotFound, "the upstream has no data for this")),
            }
        }
    };
    let (count, rows) = match endpoint.shape {
        Shape::List(_) | Shape::Array => {
            let rows: Vec<&RawValue> = serde_json::from_str(payload.get()).map_err(wrong)?;
            (Some(rows.len()), rows.into_iter().map(ToOwned::to_owned).collect())
        }
        Shape::Object(_) | Shape::Flat => {
            Map::<String, Value>::deserialize(&*payload).map_err(wrong)?;
            (None, vec![payload.clone()])
        }
    };
    let as_of = as_of(endpoint.as_of, &rows);
    let results = if endpoint.untrusted.is_empty() {
        payload.get().to_owned()
    } else {
        cleaned(endpoint, &rows, count.is_some()).map_err(wrong)?
    };
    Ok(Shaped { results, count, as_of })
}

fn as_of(place: AsOf, rows: &[Box<RawValue>]) -> Option<Millis> {
    let AsOf::At(path) = place else { return None };
    let moment = |row: &RawValue| {
        let row: Value = serde_json::from_str(row.get()).ok()?;
        match path.iter().try_fold(&row, |value, name| value.get(name))? {
            Value::Number(number) => number.as_u64().map(Millis::from_any_unit),
            Value::String(text) => Millis::parse_rfc3339(text),
            _ => None,
        }
    };
    rows.iter().filter_map(|row| moment(row)).max()
}

/// Rewrites rows that carry text from outside: cleaned, and said which fields they are.
fn cleaned(endpoint: &Endpoint, rows: &[Box<RawValue>], is_list: bool) -> serde_json::Result<String> {
    let mut written = Vec::with_capacity(rows.len());
    for row in rows {
        let mut row: Map<String, Value> = serde_json::from_str(row.get())?;
        for field in endpoint.untrusted {
            if let Some(Value::String(text)) = row.get_mut(*field) {
                *text = clean(text);
            }
        }
        row.insert("untrusted".to_owned(), json!(endpoint.untrusted));
        written.push(row);
    }
    if is_list { serde_json::to_string(&written) } else { serde_json::to_string(&written[0]) }
}
