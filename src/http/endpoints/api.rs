//! `/api/*`: plain JSON for the dashboard and programs. Each answer names a position: a stream opened after it misses nothing.

use actix_web::http::StatusCode;
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;
use serde_json::value::RawValue;
use tickgate_actors::window::{Interest, Ready, Wish};
use tickgate_core::budget::Payer;
use tickgate_core::market::{Symbol, Topic};

use super::events::watch_problem;
use super::query::{Query, wrong};
use crate::http::error::Problem;
use crate::http::gateway::{OnWorker, Worker};
use crate::http::request::{RequestIdentity, caller};
use crate::tools::bars;

const DEFAULT_ARTICLES: u64 = 20;
const ARTICLE_BOUNDS: std::ops::RangeInclusive<u64> = 1..=100;
const DEFAULT_BARS: u64 = 60;
const BAR_BOUNDS: std::ops::RangeInclusive<u64> = 1..=1_000;

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
    let freshness = worker.context.freshness_told(Some(&event), position);
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
    let items: Vec<Box<RawValue>> = events.iter().map(|event| raw(&event.item())).collect::<Result<_, _>>()?;
    let freshness = worker.context.freshness_told(events.first().map(|event| &**event), position);
    Ok(answer(&items, &json!(freshness), &position.to_string()))
}

async fn bars_of(request: &HttpRequest, symbol: &str, worker: &Worker) -> Result<String, Problem> {
    let query = Query::read(request, &["timespan", "limit"])?;
    let symbol = symbol_of(symbol)?;
    let limit = query.number("limit", &BAR_BOUNDS)?.unwrap_or(DEFAULT_BARS);
    let timespan = query
        .parsed("timespan", |text| match text {
            "minute" => Ok("minute"),
            "hour" => Ok("hour"),
            "day" => Ok("day"),
            _ => Err("it must be minute, hour or day"),
        })?
        .unwrap_or("minute");
    worker.context.window.installed().await;
    let position = worker.context.window.position();
    let payer = Payer::Caller(caller(request).ok_or_else(unauthorized)?.principal);
    let bars = bars::newest(&worker.context, &symbol, timespan, limit, payer, RequestIdentity::of(request)).await;
    let bars = bars.map_err(|error| upstream_problem(&error))?;
    let freshness = worker.context.freshness_asked(bars.hit, bars.as_of, bars.delayed, position);
    Ok(answer(&bars.rows, &json!(freshness), &position.to_string()))
}

fn unauthorized() -> Problem {
    Problem::not_known("unauthorized")
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
