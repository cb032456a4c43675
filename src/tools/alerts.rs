//! Price alerts: `set_price_alert`, `list_price_alerts`, `delete_price_alert`. What is missing is asked of the user.

use std::rc::Rc;
use std::sync::Arc;

use futures_util::FutureExt as _;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tickgate_actors::call::{AskError, CallLink};
use tickgate_core::access::{Principal, Scope};
use tickgate_core::alert::{AlertId, Condition, MAX_NOTE_CHARS, ShownAlert};
use tickgate_core::market::Symbol;
use tickgate_core::mcp::{Decision, ToolAnnotations};

use super::arguments;
use super::context::ToolContext;
use super::outcome::{ToolFailure, ToolOutcome, structured};
use super::schema;
use super::tool::{Asks, Tool, ToolCall, ToolRun, Toolset, reads};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SetArguments {
    /// Symbol, case-sensitive, e.g. AAPL. Asked for when it is missing.
    #[serde(default)]
    symbol: Option<String>,
    /// The price, greater than 0. Asked for when it is missing.
    #[serde(default)]
    target_price: Option<f64>,
    /// above: fires when the price rises to the target; below: when it falls to it; crosses: both. Asked for when it is missing.
    #[serde(default)]
    condition: Option<Condition>,
    /// A note for yourself, at most 200 characters.
    #[serde(default)]
    note: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NoArguments {}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DeleteArguments {
    /// The alert's id, as set_price_alert and list_price_alerts give it.
    alert_id: String,
}

pub(super) fn tools() -> Vec<Tool> {
    vec![
        Tool {
            name: "set_price_alert",
            title: "Set a price alert",
            description: "Sets an alert that fires when a symbol's price reaches a target. It fires once per crossing, survives restarts, and \
                          is delivered on the topic in the answer (stream_price_alerts, read_tape, /events). Missing arguments are asked of the user."
                .to_owned(),
            input_schema: schema::of::<SetArguments>(),
            output_schema: Some(json!({
                "type": "object",
                "properties": {
                    "alert": schema::of::<ShownAlert>(),
                    "position": {"type": "string", "description": "Where its topic begins: `after` of read_tape"},
                    "_freshness": schema::freshness(),
                },
                "required": ["alert", "position", "_freshness"],
            })),
            hints: ToolAnnotations { read_only_hint: false, destructive_hint: false, idempotent_hint: false, open_world_hint: true },
            asks: Asks::Shared,
            ..base(Arc::new(|call| ToolRun::Running(set(call).boxed_local())))
        },
        Tool {
            name: "list_price_alerts",
            title: "List price alerts",
            description: "Your price alerts, oldest first, with their state and how often each has fired.".to_owned(),
            input_schema: schema::of::<NoArguments>(),
            output_schema: Some(json!({
                "type": "object",
                "properties": {
                    "alerts": {"type": "array", "items": schema::of::<ShownAlert>()},
                    "count": {"type": "integer", "minimum": 0},
                    "_freshness": schema::freshness(),
                },
                "required": ["alerts", "count", "_freshness"],
            })),
            hints: reads(false),
            ..base(Arc::new(|call| ToolRun::Running(list(call).boxed_local())))
        },
        Tool {
            name: "delete_price_alert",
            title: "Delete a price alert",
            description: "Deletes one of your price alerts; it fires no more.".to_owned(),
            input_schema: schema::of::<DeleteArguments>(),
            output_schema: Some(json!({
                "type": "object",
                "properties": {"deleted": {"type": "string", "description": "The id of the alert"}},
                "required": ["deleted"],
            })),
            hints: ToolAnnotations { read_only_hint: false, destructive_hint: true, idempotent_hint: true, open_world_hint: false },
            ..base(Arc::new(|call| ToolRun::Running(delete(call).boxed_local())))
        },
    ]
}

/// What the three have in common.
fn base(run: super::tool::Run) -> Tool {
    Tool {
        name: "",
        title: "",
        description: String::new(),
        input_schema: Value::Null,
        output_schema: None,
        scope: Scope::Write,
        toolset: Toolset::Alerts,
        streaming: false,
        hints: reads(false),
        asks: Asks::Nothing,
        icons: Vec::new(),
        run,
    }
}

async fn set(call: ToolCall) -> ToolOutcome {
    let arguments: SetArguments = arguments::read(call.arguments.as_deref())?;
    let wanted = complete(arguments, &call.link).await?;
    call.context.window.installed().await;
    let position = call.context.window.position();
    let Wanted { symbol, target_price, condition, note } = wanted;
    let alert = call.context.alerts.create(&call.caller.principal, symbol, condition, target_price, note.as_deref()).await?;
    let now = call.context.clock.now();
    let body = json!({
        "alert": alert.shown(),
        "position": position.to_string(),
        "_freshness": call.context.freshness(alert.last_fired().unwrap_or(now), false, position),
    });
    Ok(structured(body.to_string().as_bytes()))
}

/// The arguments with nothing missing.
struct Wanted {
    symbol: Symbol,
    target_price: f64,
    condition: Condition,
    note: Option<String>,
}

/// Asks the user for what is missing, all at once.
async fn complete(mut arguments: SetArguments, link: &CallLink) -> Result<Wanted, ToolFailure> {
    if let Some(schema) = form(&arguments) {
        let names: Vec<&String> = schema["properties"].as_object().map(Map::keys).into_iter().flatten().collect();
        let message =
            format!("Setting a price alert needs: {}.", names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", "));
        let answer = match link.elicit("alert", &message, schema.clone()).await {
            Ok(answer) => answer,
            // A client that cannot be asked is told what to send.
            Err(AskError::Unsupported(_)) => return Err(missing(&names)),
            Err(error) => return Err(error.into()),
        };
        if answer.action != Decision::Accept {
            return Err(ToolFailure::new("declined", "the user did not say what was missing: no alert was set"));
        }
        let filled = answer.content.unwrap_or_default();
        let filled: SetArguments = serde_json::from_value(Value::Object(filled))
            .map_err(|error| ToolFailure::argument("the answer of the user", error))?;
        arguments = SetArguments {
            symbol: arguments.symbol.or(filled.symbol),
            target_price: arguments.target_price.or(filled.target_price),
            condition: arguments.condition.or(filled.condition),
            note: arguments.note,
        };
    }
    let SetArguments { symbol: Some(symbol), target_price: Some(target_price), condition: Some(condition), note } = arguments
    else {
        return Err(ToolFailure::argument("arguments", "symbol, target_price and condition are required"));
    };
    if note.as_ref().is_some_and(|note| note.chars().count() > MAX_NOTE_CHARS) {
        return Err(ToolFailure::argument("note", format!("it has at most {MAX_NOTE_CHARS} characters")));
    }
    let symbol = symbol.parse().map_err(|error| ToolFailure::argument("symbol", error))?;
    Ok(Wanted { symbol, target_price, condition, note })
}

fn missing(names: &[&String]) -> ToolFailure {
    let first = names.first().map_or("symbol", |name| name.as_str());
    let all = names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
    ToolFailure::argument(first, format!("it is required; missing are {all}, and this client cannot ask its user"))
}

/// A form for what is missing; none when nothing is.
fn form(arguments: &SetArguments) -> Option<Value> {
    let mut properties = Map::new();
    if arguments.symbol.is_none() {
        properties.insert(
            "symbol".into(),
            json!({"type": "string", "title": "Symbol", "description": "e.g. AAPL or X:BTCUSD", "minLength": 1, "maxLength": 64}),
        );
    }
    if arguments.target_price.is_none() {
        properties.insert("target_price".into(), json!({"type": "number", "title": "Target price", "minimum": 0}));
    }
    if arguments.condition.is_none() {
        properties.insert(
            "condition".into(),
            json!({"type": "string", "title": "When", "enum": ["above", "below", "crosses"], "default": "crosses"}),
        );
    }
    let names: Vec<String> = properties.keys().cloned().collect();
    (!properties.is_empty()).then(|| json!({"type": "object", "properties": properties, "required": names}))
}

async fn list(call: ToolCall) -> ToolOutcome {
    let NoArguments {} = arguments::read(call.arguments.as_deref())?;
    let (alerts, context) = (shown(&call.context, &call.caller.principal).await?, &call.context);
    let freshness = context.freshness(context.clock.now(), false, context.window.position());
    let body = json!({"count": alerts.len(), "alerts": alerts, "_freshness": freshness});
    Ok(structured(body.to_string().as_bytes()))
}

async fn shown(context: &Rc<ToolContext>, principal: &Principal) -> Result<Vec<ShownAlert>, ToolFailure> {
    Ok(context.alerts.list(principal).await?.iter().map(|alert| alert.shown()).collect())
}

async fn delete(call: ToolCall) -> ToolOutcome {
    let arguments: DeleteArguments = arguments::read(call.arguments.as_deref())?;
    // A malformed id names no alert, like any other that does not exist.
    let id: AlertId = arguments.alert_id.parse().map_err(|_| ToolFailure::from(tickgate_actors::alerts::AlertError::NotFound))?;
    call.context.alerts.delete(&call.caller.principal, id).await?;
    Ok(structured(json!({ "deleted": id }).to_string().as_bytes()))
}
