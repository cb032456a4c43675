//! Runs the rows of the endpoint table: checks, asks, and makes the answer fit.

mod cursor;
mod options;
#[cfg(test)]
mod parity;
mod payload;
mod present;
mod row;
mod table;
#[cfg(test)]
mod tests;

use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tickgate_core::access::Principal;
use tickgate_core::budget::Payer;
use tickgate_core::ports::UpstreamError;

use super::arguments;
use super::context::ToolContext;
use super::endpoint::{Endpoint, Request};
use super::endpoints::{self, ENDPOINTS};
use super::outcome::{ToolFailure, ToolOutcome};
use super::tool::{Asks, Tool, ToolCall, ToolRun, reads};
use crate::upstream::cache::CachedAnswer;
use crate::upstream::polygon::{PageCall, Path, UpstreamCall};
use cursor::{Asked, Place};
use options::AnswerOptions;
use present::Shown;

pub(crate) use cursor::ANSWERS;

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
        input_schema: input_schema(endpoint),
        output_schema: Some(endpoint.output_schema()),
        scope: endpoint.scope,
        toolset: endpoint.toolset,
        streaming: false,
        hints: reads(true),
        asks: Asks::Callers,
        icons: Vec::new(),
        run: Arc::new(move |call| match arguments::read(call.arguments.as_deref()) {
            Err(failure) => ToolRun::Done(Err(failure)),
            Ok(arguments) => run(endpoint, arguments, call),
        }),
    }
}

/// Runs a row with these arguments, whatever the call itself has.
pub(super) fn run(endpoint: &'static Endpoint, arguments: Map<String, Value>, call: ToolCall) -> ToolRun {
    match Question::of(endpoint, arguments) {
        Err(failure) => ToolRun::Done(Err(failure)),
        Ok(question) => {
            let (context, request_id) = (call.context, call.link.request_id().to_owned());
            let principal = call.caller.principal;
            ToolRun::Running(Box::pin(async move { question.answer(&context, &principal, request_id).await }))
        }
    }
}

/// The row's own arguments, and those that every row takes.
fn input_schema(endpoint: &Endpoint) -> Value {
    let mut schema = endpoint.input_schema();
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.extend(options::properties(endpoint));
    }
    schema
}

/// A checked call of a row.
struct Question {
    endpoint: &'static Endpoint,
    /// The row's own arguments, as they came.
    arguments: Map<String, Value>,
    request: Request,
    options: AnswerOptions,
}

impl Question {
    fn of(endpoint: &'static Endpoint, mut arguments: Map<String, Value>) -> Result<Self, ToolFailure> {
        let options = options::take(endpoint, &mut arguments)?;
        let request = endpoint.request(&arguments)?;
        Ok(Self { endpoint, arguments, request, options })
    }

    async fn answer(self, context: &Rc<ToolContext>, principal: &Principal, request_id: String) -> ToolOutcome {
        let Self { endpoint, arguments, request, options } = self;
        let seal = &*context.seal;
        let mut asked = Asked { tool: endpoint.name.to_owned(), arguments, place: Place::default() };
        if let Some(cursor) = &options.cursor {
            asked.place = asked.open(cursor, principal, seal)?;
        }
        context.window.installed().await;
        let position = context.window.position();
        let cached = ask(endpoint, &request, &asked.place, context, Caller { principal, request_id }).await?;
        let answer = &cached.answer;
        let payload = payload::read(endpoint, &answer.body)?;
        let as_of = payload::as_of(endpoint.as_of, &payload.rows);
        let shown = Shown::of(&payload, asked.place.skip, &options, endpoint)?;
        let next = match (shown.goes_on_after(), &answer.next) {
            (Some(skip), _) => Some(asked.place.on_page_of(skip)),
            (None, Some(page)) => Some(Place::page(page)),
            (None, None) => None,
        };
        let next = next.map(|place| asked.cursor(&place, principal, seal));
        let whole = if shown.is_cut { asked.uri(principal, seal) } else { None };
        let is_all = answer.next.is_none() && asked.place.is_first_page();
        let mut freshness = context.freshness_of(&cached, as_of, position);
        freshness.delayed |= payload::is_delayed(endpoint, &payload.rows);
        Ok(shown.output(options.format, next, is_all, whole, &freshness))
    }
}

/// For whom the upstream is asked.
struct Caller<'a> {
    principal: &'a Principal,
    request_id: String,
}

async fn ask(
    endpoint: &'static Endpoint,
    request: &Request,
    place: &Place,
    context: &ToolContext,
    caller: Caller<'_>,
) -> Result<CachedAnswer, UpstreamError> {
    let (payer, request_id) = (Payer::Caller(caller.principal.clone()), Some(caller.request_id));
    let deadline = context.clock.now().plus(CALL_DEADLINE_MS);
    if let Some(next) = place.next_page() {
        return context.upstream.get_page(PageCall { next, payer, deadline, request_id }, endpoint.cache).await;
    }
    let values: Vec<(&str, &str)> = request.path.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (template, filter) = context.upstream.futures_api().target(endpoint.path);
    let path = Path::new(&template, &values)?;
    let mut query = request.query.clone();
    query.extend(filter.and_then(|filter| request.path.iter().find(|(name, _)| *name == filter).cloned()));
    let call = UpstreamCall { path, query, payer, deadline, request_id };
    context.upstream.get(call, endpoint.cache).await
}

/// The whole page behind the last part of a `market://answers/` URI; `None` when it is not this caller's.
pub(crate) async fn whole(
    sealed: &str,
    context: &Rc<ToolContext>,
    principal: &Principal,
    request_id: String,
) -> Option<Result<String, ToolFailure>> {
    let asked = Asked::of_uri(sealed, principal, &*context.seal)?;
    let endpoint = endpoints::find(&asked.tool)?;
    let request = endpoint.request(&asked.arguments).ok()?;
    let position = context.window.position();
    let cached = match ask(endpoint, &request, &asked.place, context, Caller { principal, request_id }).await {
        Ok(cached) => cached,
        Err(error) => return Some(Err(error.into())),
    };
    let payload = match payload::read(endpoint, &cached.answer.body) {
        Ok(payload) => payload,
        Err(error) => return Some(Err(error.into())),
    };
    let mut freshness = context.freshness_of(&cached, payload::as_of(endpoint.as_of, &payload.rows), position);
    freshness.delayed |= payload::is_delayed(endpoint, &payload.rows);
    let freshness = json!(freshness);
    Some(Ok(format!("{{\"results\":{},\"_freshness\":{freshness}}}", payload.written(endpoint.untrusted))))
}
