//! `/api/*`: plain JSON for the dashboard and programs. Each answer names a position: a stream opened after it misses nothing.

use actix_web::http::StatusCode;
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;
use serde_json::value::RawValue;
use tickgate_actors::window::{Interest, Ready, Wish};
use tickgate_core::market::{Symbol, Topic};
use tickgate_core::time::Millis;

use super::events::watch_problem;
use super::query::{Query, wrong};
use crate::http::error::Problem;
use crate::http::gateway::{OnWorker, Worker};
use crate::http::request::RequestIdentity;
use crate::upstream::polygon;

const DEFAULT_ARTICLES: u64 = 20;
const ARTICLE_BOUNDS: std::ops::RangeInclusive<u64> = 1..=100;
const DEFAULT_BARS: u64 = 60;
const BAR_BOUNDS: std::ops::RangeInclusive<u64> = 1..=1_000;
const CALL_DEADLINE_MS: u64 = 15_000;

pub(in crate::http) async fn quote(request: HttpRequest, symbol: Path<String>, OnWorker(worker): OnWorker) -> HttpResponse {
    respond(&request, quote_of(&request, &symbol, &worker).await)
}

pub(in crate::http) async fn news(request: HttpRequest, symbol: Path<String>, OnWorker(worker): OnWorker) -> HttpResponse {
    respond(&request, news_of(&request, &symbol, &worker).await)
}

pub(in crate::http) async fn bars(request: HttpRequest, symbol: Path<String>, OnWorker(worker): OnWorker) -> HttpResponse {
    respond(&request, bars_of(&request, &symbol, &worker).await)
}

pub(in crate::http) async fn status(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    respond(&request, status_of(&request, &worker))
}

fn respond(request: &HttpRequest, answer: Result<String, Problem>) -> HttpResponse {
    match answer {
        Ok(json) => HttpResponse::Ok().insert_header(("cache-control", "no-store")).content_type("application/json").body(json),
        Err(problem) => problem.respond(request),
    }
}

async fn quote_of(request: &HttpRequest, symbol: &str, worker: &Worker) -> Result<String, Problem> {
    Query::read(request, &[])?;
    let topic = Topic::Prices(symbol_of(symbol)?);
    let _interest = fetched(worker, &topic).await?;
    let position = worker.context.window.position();
    let event = worker.context.window.latest(&topic).ok_or_else(nothing_yet)?;
    let freshness = worker.context.freshness(event.as_of, false, position);
    Ok(answer(&raw(&event.item())?, &json!(freshness), &position.to_string()))
}

async fn news_of(request: &HttpRequest, symbol: &str, worker: &Worker) -> Result<String, Problem> {
    let query = Query::read(request, &["limit"])?;
    let limit = query.number("limit", &ARTICLE_BOUNDS)?.unwrap_or(DEFAULT_ARTICLES);
    let topic = if symbol == "*" { Topic::AllNews } else { Topic::News(symbol_of(symbol)?) };
    let _interest = fetched(worker, &topic).await?;
    let position = worker.context.window.position();
    let mut events = worker.context.window.newest(&[topic], usize::try_from(limit).unwrap_or(usize::MAX));
    events.sort_by_key(|event| std::cmp::Reverse((event.as_of, event.seq)));
    let as_of = events.first().map_or_else(|| worker.gateway.clock.now(), |event| event.as_of);
    let items: Vec<Box<RawValue>> = events.iter().map(|event| raw(&event.item())).collect::<Result<_, _>>()?;
    let freshness = worker.context.freshness(as_of, false, position);
    Ok(answer(&items, &json!(freshness), &position.to_string()))
}

async fn bars_of(request: &HttpRequest, symbol: &str, worker: &Worker) -> Result<String, Problem> {
    let query = Query::read(request, &["timespan", "limit"])?;
    let symbol = symbol_of(symbol)?;
    let limit = query.number("limit", &BAR_BOUNDS)?.unwrap_or(DEFAULT_BARS);
    let (timespan, days) = query
        .parsed("timespan", |text| match text {
            "minute" => Ok(("minute", 4)),
            "hour" => Ok(("hour", 60)),
            "day" => Ok(("day", 1_500)),
            _ => Err("it must be minute, hour or day"),
        })?
        .unwrap_or(("minute", 4));
    let position = worker.context.window.position();
    let now = worker.gateway.clock.now();
    let (from, to) = (now.minus(days * 86_400_000).0.to_string(), now.0.to_string());
    let template = "/v2/aggs/ticker/{ticker}/range/1/{timespan}/{from}/{to}";
    let values = [("ticker", symbol.as_str()), ("timespan", timespan), ("from", &from), ("to", &to)];
    let path = polygon::Path::new(template, &values).map_err(|error| upstream_problem(&error))?;
    // The upstream's limit counts base bars: minutes for hours.
    let base = if timespan == "hour" { limit * 60 } else { limit };
    let query = vec![("sort", "desc".to_owned()), ("limit", base.min(50_000).to_string())];
    let call = polygon::UpstreamCall {
        path,
        query,
        deadline: now.plus(CALL_DEADLINE_MS),
        request_id: Some(RequestIdentity::of(request)),
    };
    let fetched = worker.context.upstream.get(call).await.map_err(|error| upstream_problem(&error))?;
    let envelope: Bars<'_> = serde_json::from_slice(&fetched.body).map_err(|_| {
        Problem::new(StatusCode::BAD_GATEWAY, "invalid_response", "the upstream's answer makes no sense: try again later")
    })?;
    let mut rows = envelope.results;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    rows.reverse();
    let as_of = rows
        .last()
        .and_then(|row| serde_json::from_str::<BarTime>(row.get()).ok())
        .map_or(fetched.fetched, |bar| Millis::from_any_unit(bar.t));
    let freshness = worker.context.freshness(as_of, fetched.delayed, position);
    Ok(answer(&rows, &json!(freshness), &position.to_string()))
}

#[derive(serde::Deserialize)]
struct Bars<'a> {
    #[serde(borrow, default)]
    results: Vec<&'a RawValue>,
}

#[derive(serde::Deserialize)]
struct BarTime {
    t: u64,
}

fn status_of(request: &HttpRequest, worker: &Worker) -> Result<String, Problem> {
    Query::read(request, &[])?;
    let gateway = &worker.gateway;
    let latest = worker.context.window.latest(&Topic::Status).map(|event| raw(&event.item())).transpose()?;
    Ok(json!({
        "state": gateway.market_state.health().as_str(),
        "session": gateway.market_state.phase(),
        "source": gateway.market_state.source(),
        "delayed": gateway.market_state.delayed(),
        "latest": latest,
        "position": worker.context.window.position().to_string(),
        "server_time": gateway.clock.now().to_string(),
        "version": env!("CARGO_PKG_VERSION"),
    })
    .to_string())
}

fn answer(results: &impl serde::Serialize, freshness: &serde_json::Value, position: &str) -> String {
    json!({ "results": results, "position": position, "_freshness": freshness }).to_string()
}

async fn fetched(worker: &Worker, topic: &Topic) -> Result<Interest, Problem> {
    let wish = Wish { topics: vec![topic.clone()], interval_ms: None, ready: Ready::Fetched };
    worker.context.window.watch(wish).await.map_err(|error| watch_problem(&error))
}

fn symbol_of(text: &str) -> Result<Symbol, Problem> {
    text.parse().map_err(|error| wrong("symbol", error))
}

fn raw(item: &[u8]) -> Result<Box<RawValue>, Problem> {
    serde_json::from_slice(item).map_err(|_| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong here; the request id tells us what.")
    })
}

fn nothing_yet() -> Problem {
    Problem::unavailable("nothing has been seen of this symbol yet: try again in a moment")
}

fn upstream_problem(error: &tickgate_core::ports::UpstreamError) -> Problem {
    watch_problem(&tickgate_actors::supervisor::WatchError::Upstream(error.clone()))
}
