//! `watch_price`: waits until a symbol's price meets a condition. A task for clients that understand tasks, a bounded call for others.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use tickgate_actors::window::{ReaderSettings, Ready, TapeReader, Wish};
use tickgate_core::access::{Principal, Scope};
use tickgate_core::alert::{Alert, AlertId, Condition, Firing, Terms, Tick};
use tickgate_core::market::Topic;
use tickgate_core::mcp::{Progress, ToolAnnotations};
use tickgate_core::tape::{Gather, Mode, Next, Start};
use tickgate_core::task::TaskTerms;
use tickgate_core::time::Millis;

use super::arguments;
use super::outcome::{ToolFailure, ToolOutcome, structured};
use super::schema;
use super::tool::{Asks, Tool, ToolCall, ToolRun, Toolset};

/// Bounds of `timeout` as a task, in ms.
const TIMEOUT_BOUNDS_MS: std::ops::RangeInclusive<u64> = 1_000..=86_400_000;
/// Longest wait of a call that is no task, in ms: clients give up on calls of minutes.
const CALL_MAX_MS: u64 = 300_000;
/// How long a task is kept after its time, in ms: its owner may be offline for a while.
const KEPT_MS: u64 = 3_600_000;
/// How often a client may ask for a task, in ms.
const POLL_MS: u64 = 2_000;
/// Progress is told at most this often, in ms.
const TELL_EVERY_MS: u64 = 1_000;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Symbol, case-sensitive, e.g. AAPL.
    symbol: String,
    /// above: the price is at or over the target; below: it is at or under it; crosses: it changes sides.
    condition: Condition,
    /// The price, greater than 0.
    target_price: f64,
    /// Give up after this long, in ms: 1000 to 86400000. A call that is no task waits 300000 at most.
    #[serde(default = "default_timeout")]
    #[schemars(range(min = 1_000, max = 86_400_000))]
    timeout: u64,
}

const fn default_timeout() -> u64 {
    60_000
}

pub(super) fn tool() -> Tool {
    Tool {
        name: "watch_price",
        title: "Wait for a price",
        description: "Waits until a symbol's price is above or below a target, or crosses it, and says which price that was. Clients that \
                      understand tasks get a task that survives disconnects and restarts; for others the call waits up to 5 minutes. \
                      For something lasting use set_price_alert."
            .to_owned(),
        input_schema: schema::of::<Arguments>(),
        output_schema: Some(json!({
            "type": "object",
            "properties": {
                "reached": {"type": "boolean", "description": "Whether the condition was met in time"},
                "symbol": {"type": "string"},
                "condition": {"type": "string", "enum": ["above", "below", "crosses"]},
                "target_price": {"type": "number"},
                "price": {"type": "number", "description": "The price that met it, or else the last one seen"},
                "already": {"type": "boolean", "description": "It was met at the first look"},
                "waited_ms": {"type": "integer", "minimum": 0},
                "timeout_ms": {"type": "integer", "minimum": 0},
                "_freshness": schema::freshness(),
            },
            "required": ["reached", "symbol", "condition", "target_price", "waited_ms", "timeout_ms", "_freshness"],
        })),
        scope: Scope::Write,
        toolset: Toolset::Alerts,
        streaming: false,
        hints: ToolAnnotations { read_only_hint: true, destructive_hint: false, idempotent_hint: true, open_world_hint: true },
        asks: Asks::Shared,
        icons: Vec::new(),
        run: Arc::new(|call| ToolRun::Running(run(call).boxed_local())),
    }
}

async fn run(call: ToolCall) -> ToolOutcome {
    let Arguments { symbol, condition, target_price, timeout } = arguments::read(call.arguments.as_deref())?;
    let timeout = arguments::within("timeout", timeout, &TIMEOUT_BOUNDS_MS)?;
    let symbol = symbol.parse().map_err(|error| ToolFailure::argument("symbol", error))?;
    let terms =
        Terms::new(symbol, condition, target_price, None).map_err(|error| ToolFailure::argument("target_price", error))?;
    call.link.detach(TaskTerms { ttl_ms: timeout + KEPT_MS, poll_ms: POLL_MS }).await;
    // A task that runs again after a restart goes on with the time that is left.
    let task = call.link.task_began();
    let began = task.unwrap_or_else(|| call.context.clock.now());
    let timeout = if task.is_some() { timeout } else { timeout.min(CALL_MAX_MS) };
    let watch =
        Watch { alert: Alert::new(AlertId(0), Principal::new("watch", "price"), terms, began), began, timeout, last: None };
    watch.run(&call).await
}

struct Watch {
    /// The same rule as that of alerts; nobody else knows this one.
    alert: Alert,
    began: Millis,
    timeout: u64,
    last: Option<Tick>,
}

impl Watch {
    async fn run(mut self, call: &ToolCall) -> ToolOutcome {
        let clock = call.context.clock;
        let mut reader = self.join(call).await?;
        let deadline = tokio::time::Instant::now() + Duration::from_millis(self.began.plus(self.timeout).since(clock.now()));
        let mut told = Millis(0);
        while let Ok(next) = tokio::time::timeout_at(deadline, reader.next()).await {
            let event = match next {
                Some(Next::Event(event)) => event,
                // The prices in between are gone. Where the price is now still says whether the condition is met.
                Some(Next::Fallen) => {
                    reader = self.join(call).await?;
                    continue;
                }
                Some(_) => continue,
                None => {
                    // The gateway is shutting down. A task is not over by that: its next life goes on.
                    if call.link.task_began().is_some() {
                        std::future::pending::<()>().await;
                    }
                    return Err(ToolFailure::new("draining", "the gateway is shutting down: call again in a moment"));
                }
            };
            let Some(tick) = Tick::of(&event) else { continue };
            let now = clock.now();
            if let Some(firing) = self.alert.observe(tick.price, tick.as_of, now) {
                return Ok(self.result(call, Some(&firing), now));
            }
            if now.since(told) >= TELL_EVERY_MS {
                told = now;
                self.tell(call, tick.price, now).await;
            }
            self.last = Some(tick);
        }
        Ok(self.result(call, None, clock.now()))
    }

    async fn join(&self, call: &ToolCall) -> Result<TapeReader, ToolFailure> {
        let topics = vec![Topic::Prices(self.alert.terms.symbol.clone())];
        let wish = Wish { topics: topics.clone(), interval_ms: None, ready: Ready::Recorded };
        let interest = call.context.window.watch(wish).await?;
        let settings = ReaderSettings { mode: Mode::All, gather: Gather::all(0), start: Start::Latest };
        Ok(TapeReader::join(&call.context.window, &topics, settings, interest))
    }

    async fn tell(&self, call: &ToolCall, price: f64, now: Millis) {
        let Terms { symbol, condition, target, .. } = &self.alert.terms;
        let message = format!("{symbol} is at {price}; waiting for {condition} {target}");
        #[expect(clippy::cast_precision_loss, reason = "a duration in ms is far below 2^52")]
        let (progress, total) = (now.since(self.began) as f64, self.timeout as f64);
        let message = serde_json::to_vec(&message).expect("a string is always JSON").into();
        call.link.progress(Progress { progress, total: Some(total), message: Some(message), event: None }).await;
    }

    fn result(&self, call: &ToolCall, firing: Option<&Firing>, now: Millis) -> tickgate_core::mcp::ToolOutput {
        let Terms { symbol, condition, target, .. } = &self.alert.terms;
        let seen = firing.map(|firing| (firing.price, firing.as_of)).or_else(|| self.last.map(|tick| (tick.price, tick.as_of)));
        let as_of = seen.map_or(now, |(_, as_of)| as_of);
        let mut body = json!({
            "reached": firing.is_some(),
            "symbol": symbol,
            "condition": condition,
            "target_price": target,
            "waited_ms": now.since(self.began),
            "timeout_ms": self.timeout,
            "_freshness": call.context.freshness(as_of, false, call.context.window.position()),
        });
        if let Some((price, _)) = seen {
            body["price"] = json!(price);
        }
        if let Some(firing) = firing {
            body["already"] = json!(firing.already);
        }
        structured(body.to_string().as_bytes())
    }
}
