//! `GET /api/mcp/stream-*`: the JSON-RPC progress form that existing EventSource front ends read (DESIGN §7.2).

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse};
use bytes::{BufMut, Bytes, BytesMut};
use tickgate_actors::Clock;
use tickgate_actors::clock::random_u128;
use tickgate_actors::window::ReaderSettings;
use tickgate_core::market::Topic;
use tickgate_core::market::cadence::INTERVAL_BOUNDS_MS;
use tickgate_core::tape::{Epoch, Event, Gap, Gather, Kind, MAX_CURSOR_BYTES, Mode, Position, PositionError, Start};
use tickgate_core::time::Millis;
use tokio::time::Instant;

use super::cursor_of;
use super::events::{Joined, Wished, check_topics, join};
use super::query::{Query, wrong};
use crate::http::error::Problem;
use crate::http::event_body::event_stream;
use crate::http::fan_out_body::{BodyParts, Encoding, FanOutBody, Goodbye};
use crate::http::gateway::{OnWorker, Worker};
use crate::http::tenure::reason;

const DEFAULT_SYMBOL: &str = "TSLA";
const DEFAULT_INTERVAL_MS: u64 = 10_000;
const DEFAULT_DURATION_MS: u64 = 60_000;
const DURATION_BOUNDS_MS: std::ops::RangeInclusive<u64> = 1_000..=300_000;

pub(in crate::http) async fn news(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    let topics = |query: &Query| match query.text("symbol") {
        Some("*") => Ok(vec![Topic::AllNews]),
        symbol => symbol
            .unwrap_or(DEFAULT_SYMBOL)
            .parse()
            .map(|symbol| vec![Topic::News(symbol)])
            .map_err(|error| wrong("symbol", error)),
    };
    let stream =
        Stream { kind: "stream-news", names: &["symbol", "interval", "duration", "last_event_id", "ticket"], start: Start::Live };
    respond(&request, open(&request, &worker, &stream, topics).await)
}

pub(in crate::http) async fn prices(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    let topics = |query: &Query| {
        let symbols = query.text("symbols").unwrap_or_default().split(',').map(str::trim).filter(|symbol| !symbol.is_empty());
        let mut topics: Vec<Topic> = Vec::new();
        for symbol in symbols {
            let topic = Topic::Prices(symbol.parse().map_err(|error| wrong("symbols", error))?);
            if !topics.contains(&topic) {
                topics.push(topic);
            }
        }
        Ok(topics)
    };
    let stream = Stream {
        kind: "stream-prices",
        names: &["symbols", "interval", "duration", "last_event_id", "ticket"],
        start: Start::Latest,
    };
    respond(&request, open(&request, &worker, &stream, topics).await)
}

pub(in crate::http) async fn alerts(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    let topics = |query: &Query| {
        let ids = query.text("ids").unwrap_or_default().split(',').map(str::trim).filter(|id| !id.is_empty());
        let mut topics: Vec<Topic> = Vec::new();
        for id in ids {
            let topic = format!("alerts:{id}").parse().map_err(|error| wrong("ids", error))?;
            if !topics.contains(&topic) {
                topics.push(topic);
            }
        }
        Ok(topics)
    };
    let stream =
        Stream { kind: "stream-alerts", names: &["ids", "interval", "duration", "last_event_id", "ticket"], start: Start::Live };
    respond(&request, open(&request, &worker, &stream, topics).await)
}

fn respond(request: &HttpRequest, opened: Result<HttpResponse, Problem>) -> HttpResponse {
    opened.unwrap_or_else(|problem| problem.respond(request))
}

struct Stream {
    kind: &'static str,
    names: &'static [&'static str],
    start: Start,
}

async fn open(
    request: &HttpRequest,
    worker: &Worker,
    stream: &Stream,
    topics: impl Fn(&Query) -> Result<Vec<Topic>, Problem>,
) -> Result<HttpResponse, Problem> {
    let query = Query::read(request, stream.names)?;
    let topics = topics(&query)?;
    check_topics(stream.names[0], &topics, worker)?;
    let interval_ms = query.number("interval", &INTERVAL_BOUNDS_MS)?.unwrap_or(DEFAULT_INTERVAL_MS);
    let duration_ms = query.number("duration", &DURATION_BOUNDS_MS)?.unwrap_or(DEFAULT_DURATION_MS);
    let now = worker.gateway.clock.now();
    let cursor =
        cursor_of(request).map(|cursor| cursor.parse::<Cursor>()).transpose().map_err(|error| wrong("last_event_id", error))?;
    // A resumed stream ends when the first would have; a forged end cannot make it longer than a new one.
    let end = cursor.map_or(now.plus(duration_ms), |cursor| cursor.end.min(now.plus(duration_ms)));
    if cursor.is_some() && end <= now {
        return Ok(HttpResponse::NoContent().finish());
    }
    let start = cursor.map_or(stream.start, |cursor| Start::After(cursor.position));
    let settings = ReaderSettings { mode: Mode::Conflate, gather: Gather::default(), start };
    let Joined { source, slot, tenure } =
        join(request, worker, Wished { kind: stream.kind, topics, interval_ms: Some(interval_ms) }, settings).await?;
    let parts = BodyParts {
        kind: stream.kind,
        keepalive: Duration::from_secs(worker.gateway.settings.streams.keepalive_secs),
        deadline: Some(Instant::now() + worker.gateway.clock.until(end)),
        tenure,
        _slot: slot,
        metrics: worker.gateway.metrics.clone(),
        clock: worker.gateway.clock,
    };
    let encoding = ProgressFrames {
        token: format!("{:032x}", random_u128()),
        began: end.minus(duration_ms),
        end,
        duration_ms,
        retry_ms: worker.gateway.settings.streams.retry_ms,
        progress: 0,
    };
    Ok(event_stream().body(FanOutBody::new(source, encoding, parts)))
}

/// The id of these streams: `<position>~<end, unix ms>`.
#[derive(Clone, Copy)]
struct Cursor {
    position: Position,
    end: Millis,
}

impl std::str::FromStr for Cursor {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        if text.len() > MAX_CURSOR_BYTES {
            return Err(PositionError::TooLong);
        }
        let (position, end) = text.split_once('~').ok_or(PositionError::Malformed)?;
        let end = end.parse().map_err(|_| PositionError::Malformed)?;
        Ok(Self { position: position.parse()?, end: Millis(end) })
    }
}

/// The item's JSON text is made once per event and spliced into each stream's own head.
struct ProgressFrames {
    token: String,
    began: Millis,
    end: Millis,
    duration_ms: u64,
    retry_ms: u64,
    progress: u64,
}

impl ProgressFrames {
    fn frame(&self, position: Position, parts: &[&[u8]]) -> Bytes {
        let mut frame = BytesMut::with_capacity(96 + parts.iter().map(|part| part.len()).sum::<usize>());
        frame.put_slice(format!("id: {position}~{}\ndata: ", self.end.0).as_bytes());
        parts.iter().for_each(|part| frame.put_slice(part));
        frame.put_slice(b"\n\n");
        frame.freeze()
    }
}

impl Encoding for ProgressFrames {
    fn prelude(&mut self) -> Bytes {
        Bytes::from(format!("retry: {}\n: connected\n\n", self.retry_ms))
    }

    fn event(&mut self, event: &Event, epoch: Epoch, clock: &Clock) -> Option<Bytes> {
        if !matches!(event.kind, Kind::Price | Kind::News | Kind::Alert) {
            return None;
        }
        let elapsed = clock.now().since(self.began).min(self.duration_ms);
        self.progress = elapsed.max(self.progress + 1);
        let head = format!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{{\"progressToken\":\"{}\",\"progress\":{},\"total\":{},\"message\":",
            self.token, self.progress, self.duration_ms
        );
        Some(self.frame(Position { epoch, seq: event.seq }, &[head.as_bytes(), event.quoted_item(), b"}}"]))
    }

    /// Front ends of this kind skip it.
    fn gap(&mut self, gap: &Gap, epoch: Epoch) -> Bytes {
        let head = br#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"warning","logger":"gap","data":"#;
        self.frame(Position { epoch, seq: gap.resume }, &[head, &gap.item(epoch), b"}}"])
    }

    fn mark(&mut self, position: Position) -> Option<Bytes> {
        Some(Bytes::from(format!("id: {position}~{}\n\n", self.end.0)))
    }

    fn goodbye(&mut self, why: Goodbye, position: Option<Position>) -> Option<Bytes> {
        if let Goodbye::Fallen(fall) = why {
            let error = format!(
                "{{\"jsonrpc\":\"2.0\",\"error\":{{\"code\":401,\"message\":\"Unauthorized: the credential of this stream is not good any more\",\"data\":{{\"reason\":\"{}\"}}}},\"id\":\"{}\"}}",
                reason(fall),
                self.token
            );
            // A cursor with it would be one to come back to, and nobody is let in with this credential.
            return Some(Bytes::from(format!("data: {error}\n\n")));
        }
        if why != Goodbye::TimeIsOver {
            return None;
        }
        let result = format!(
            "{{\"jsonrpc\":\"2.0\",\"result\":{{\"content\":[{{\"type\":\"text\",\"text\":\"Stream complete\"}}],\"isError\":false}},\"id\":\"{}\"}}",
            self.token
        );
        // A stream that had not begun ends all the same, at the place before the first event.
        Some(self.frame(position.unwrap_or(Position { epoch: Epoch(0), seq: 0 }), &[result.as_bytes()]))
    }
}
