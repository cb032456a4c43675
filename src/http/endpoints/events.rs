//! `GET /events`: an EventSource stream of tape events (DESIGN §7.3).

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use tickgate_actors::Clock;
use tickgate_actors::alerts::AlertError;
use tickgate_actors::clock::random_u128;
use tickgate_actors::supervisor::WatchError;
use tickgate_actors::window::{ReaderSettings, Ready, TapeReader, Wish};
use tickgate_core::access::Caller;
use tickgate_core::market::Topic;
use tickgate_core::market::cadence::INTERVAL_BOUNDS_MS;
use tickgate_core::tape::{Epoch, Event, Gap, Gather, MAX_WINDOW_MS, Mode, Position, Start};
use tokio::time::Instant;

use super::cursor_of;
use super::query::{Query, wrong};
use crate::http::error::Problem;
use crate::http::event_body::event_stream;
use crate::http::fan_out_body::{BodyParts, Encoding, FanOutBody, Goodbye, Source};
use crate::http::gateway::{OnWorker, Worker};
use crate::http::request::caller;
use crate::http::slots::{NoSlot, StreamSlot};
use crate::http::tenure::{Tenure, reason};
use crate::tools::ToolContext;

pub(in crate::http) async fn get(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    match open(&request, &worker).await {
        Ok(response) => response,
        Err(problem) => problem.respond(&request),
    }
}

async fn open(request: &HttpRequest, worker: &Worker) -> Result<HttpResponse, Problem> {
    let query = Query::read(request, &["topics", "mode", "interval", "window", "last_event_id", "ticket"])?;
    let topics = query.parsed("topics", Topic::parse_list)?.unwrap_or_default();
    check_topics("topics", &topics, worker)?;
    let mode = query.parsed("mode", |text| match text {
        "all" => Ok(Mode::All),
        "conflate" => Ok(Mode::Conflate),
        _ => Err("it must be all or conflate"),
    })?;
    let gather = query.number("window", &(0..=MAX_WINDOW_MS))?.map_or_else(Gather::default, Gather::all);
    let interval_ms = query.number("interval", &INTERVAL_BOUNDS_MS)?;
    let start = match cursor_of(request) {
        None => Start::Latest,
        Some(cursor) => Start::After(cursor.parse().map_err(|error| wrong("last_event_id", error))?),
    };
    let settings = ReaderSettings { mode: mode.unwrap_or(Mode::Conflate), gather, start };
    let Joined { source, slot, tenure } = join(request, worker, Wished { kind: "events", topics, interval_ms }, settings).await?;
    let streams = worker.gateway.settings.streams;
    let parts = BodyParts {
        kind: "events",
        keepalive: Duration::from_secs(streams.keepalive_secs),
        deadline: rotation(streams.max_secs),
        tenure,
        _slot: slot,
        metrics: worker.gateway.metrics.clone(),
        clock: worker.gateway.clock,
    };
    let encoding = EventFrames { retry_ms: streams.retry_ms };
    Ok(event_stream().body(FanOutBody::new(source, encoding, parts)))
}

/// What a stream asks for.
pub(super) struct Wished {
    pub(super) kind: &'static str,
    pub(super) topics: Vec<Topic>,
    pub(super) interval_ms: Option<u64>,
}

pub(super) fn check_topics(name: &str, topics: &[Topic], worker: &Worker) -> Result<(), Problem> {
    let most = worker.gateway.settings.limits.max_topics_per_stream;
    match topics.len() {
        0 => Err(wrong(name, "it is required")),
        count if count > most => Err(wrong(name, format!("{count} entries; at most {most}"))),
        _ => Ok(()),
    }
}

/// What a stream got.
pub(super) struct Joined {
    pub(super) source: Source,
    pub(super) slot: StreamSlot,
    pub(super) tenure: Tenure,
}

/// Takes a place, declares interest, and joins the tape.
pub(super) async fn join(
    request: &HttpRequest,
    worker: &Worker,
    wished: Wished,
    settings: ReaderSettings,
) -> Result<Joined, Problem> {
    let gateway = &worker.gateway;
    if gateway.is_draining() {
        return Err(Problem::unavailable("the gateway is shutting down: try again in a moment"));
    }
    let caller: Caller = caller(request).ok_or_else(|| Problem::not_known("unauthorized"))?;
    worker.context.may_read(&caller.principal, &wished.topics).await.map_err(|error| alert_problem(&error))?;
    let open = gateway.metrics.streams_open.with_label_values(&[wished.kind]);
    let slot = gateway.slots.take(&caller.principal, open).map_err(|error| match error {
        NoSlot::Full => Problem::unavailable("the gateway has no room for another stream: try again later"),
        NoSlot::TooMany => {
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_streams", "you have too many open streams: close some first")
                .retry_after(5)
        }
    })?;
    let floor = ToolContext::interval_floor_ms(&caller);
    let wish = Wish {
        topics: wished.topics.clone(),
        interval_ms: wished.interval_ms.map(|interval| interval.max(floor)),
        ready: Ready::Recorded,
    };
    let interest = worker.context.window.watch(wish).await.map_err(|error| watch_problem(&error))?;
    let tenure = Tenure::of(&caller, gateway);
    let (window, topics) = (worker.context.window.clone(), wished.topics);
    if matches!(settings.start, Start::After(_)) || !topics.iter().any(Topic::is_news) {
        let source = Source::Open(TapeReader::join(&window, &topics, settings, interest));
        return Ok(Joined { source, slot, tenure });
    }
    let opening = async move {
        window.settle(&topics).await;
        TapeReader::join(&window, &topics, settings, interest)
    };
    Ok(Joined { source: Source::Opening(Box::pin(opening)), slot, tenure })
}

pub(super) fn watch_problem(error: &WatchError) -> Problem {
    match error {
        WatchError::UnknownSymbol(_) => Problem::new(StatusCode::NOT_FOUND, "unknown_symbol", error.to_string()),
        WatchError::Upstream(upstream) => {
            let problem = Problem::new(StatusCode::BAD_GATEWAY, upstream.kind.as_str(), error.to_string());
            upstream.retry_after_ms.map_or(problem.clone(), |ms| problem.retry_after(ms.div_ceil(1_000)))
        }
        WatchError::Busy => Problem::unavailable(error.to_string()),
    }
}

fn alert_problem(error: &AlertError) -> Problem {
    match error {
        AlertError::NotFound => Problem::new(StatusCode::NOT_FOUND, "unknown_alert", error.to_string()),
        _ => Problem::unavailable(error.to_string()),
    }
}

/// When a stream is rotated: after its time, give or take a fifth, so that streams opened together do not end together.
fn rotation(max_secs: u64) -> Option<Instant> {
    let millis = max_secs * 1_000;
    (millis > 0).then(|| Instant::now() + Duration::from_millis(millis * 4 / 5 + jitter(millis * 2 / 5)))
}

/// A random number of ms below `bound`.
pub(super) fn jitter(bound: u64) -> u64 {
    u64::try_from(random_u128() % u128::from(bound.max(1))).unwrap_or(0)
}

/// Frames as the tape wrote them.
struct EventFrames {
    retry_ms: u64,
}

impl Encoding for EventFrames {
    fn prelude(&mut self) -> Bytes {
        Bytes::from(format!("retry: {}\n: connected\n\n", self.retry_ms))
    }

    fn event(&mut self, event: &Event, _: Epoch, _: &Clock) -> Option<Bytes> {
        Some(event.frame().clone())
    }

    fn gap(&mut self, gap: &Gap, epoch: Epoch) -> Bytes {
        gap.frame(epoch)
    }

    /// An id without data: an EventSource remembers it and shows nothing.
    fn mark(&mut self, position: Position) -> Option<Bytes> {
        Some(Bytes::from(format!("id: {position}\n\n")))
    }

    fn goodbye(&mut self, why: Goodbye, position: Option<Position>) -> Option<Bytes> {
        let spread = if why == Goodbye::Draining { self.retry_ms * 2 } else { self.retry_ms / 2 };
        let retry = self.retry_ms / 2 + jitter(spread);
        let reason = match why {
            Goodbye::TimeIsOver => "rotation",
            Goodbye::Draining => "draining",
            Goodbye::TooSlow => "slow",
            Goodbye::Fallen(fall) => reason(fall),
        };
        let id = position.map_or_else(String::new, |position| format!("id: {position}\n"));
        Some(Bytes::from(format!("{id}retry: {retry}\nevent: bye\ndata: {{\"reason\":\"{reason}\"}}\n\n")))
    }
}
