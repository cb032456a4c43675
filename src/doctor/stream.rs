//! Do events come at once, or does something between hold them back, pack them, or lose them?

use std::time::Duration;

use serde_json::{Value, json};
use tickgate_core::sse::{DecodedEvent, Decoder};
use tokio::time::Instant;
use url::Url;

use super::finding::{Finding, Mark, Report};
use super::session::Session;
use super::spelling::at;
use super::visit::{Ask, Fault, Open};

/// The streaming tool of tickgate that the doctor calls.
const TOOL: &str = "stream_stock_prices";
/// How long that call streams.
const CALL_MS: u64 = 2_000;
/// A first byte that comes later than this of a call of [`CALL_MS`] was held back.
const HELD_BACK_MS: u128 = 1_500;
/// Most events that are read of one stream.
const MAX_EVENTS: usize = 50;
/// Most bytes that are read of one stream.
const MAX_BYTES: usize = 1 << 20;
/// How long something that moves is waited for: longer than the rhythm of prices.
const EVENT_WAIT: Duration = Duration::from_secs(3);
/// What is streamed: something that moves, and something that is always there.
const TOPICS: &str = "status,prices:AAPL";
const PROXY: &str = "something between holds the stream back: switch buffering and compression off for it (nginx: `proxy_buffering off; gzip off;`)";

/// What came of a stream.
struct Streamed {
    first_ms: Option<u128>,
    events: Vec<DecodedEvent>,
    head: Vec<Finding>,
}

/// The standing stream of a session.
pub(super) async fn standing(session: &Session<'_>, report: &mut Report) {
    let step = "session stream";
    let ask = session.dressed(Ask::get(&session.url)).header("accept", "text/event-stream").header("accept-encoding", "gzip, br");
    report.add(&match session.visitor.open(ask).await {
        Ok(open) if open.status == 200 && open.is_event_stream() => match packed(step, &open) {
            Some(finding) => finding,
            None => Finding::ok(step, format!("GET opens a stream after {} ms", open.waited_ms())),
        },
        Ok(open) if matches!(open.status, 404 | 405) => {
            Finding::skip(step, format!("the server has none (GET is answered with {}), which is allowed", open.status))
        }
        Ok(open) => {
            Finding::warn(step, format!("GET is answered with {}", open.status), "answer with an event stream, or with 405")
        }
        Err(Fault::Late(_)) => Finding::fail(step, "GET is not answered: not even the head of the stream came", PROXY),
        Err(fault) => Finding::fail(step, fault.to_string(), "look at the server's log"),
    });
}

/// A call that streams.
pub(super) async fn call(session: &Session<'_>, tools: &[Value], report: &mut Report) {
    let step = "streaming call";
    if !session.is_ours || !tools.iter().any(|tool| tool["name"] == TOOL) {
        report.add(&Finding::skip(step, format!("the server has no tool {TOOL}")));
        return;
    }
    let arguments = json!({"symbols": ["AAPL"], "stream": true, "interval": 1_000, "duration": CALL_MS});
    let params = json!({"name": TOOL, "arguments": arguments, "_meta": {"progressToken": "doctor"}});
    let ask = session.request(5, "tools/call", &params).header("accept", "application/json, text/event-stream");
    let mut open = match session.visitor.open(ask.header("accept-encoding", "gzip, br")).await {
        Ok(open) => open,
        Err(Fault::Late(_)) => {
            report.add(&Finding::fail(step, "not even the head of the stream came", PROXY));
            return;
        }
        Err(fault) => {
            report.add(&Finding::fail(step, fault.to_string(), "look at the server's log"));
            return;
        }
    };
    if !open.is_event_stream() {
        report.add(&Finding::skip(step, format!("{TOOL} does not stream here (status {})", open.status)));
        return;
    }
    let until = Instant::now() + session.visitor.deadline + Duration::from_millis(CALL_MS);
    let streamed = follow(step, &mut open, until, |event| event.data.contains("\"result\"")).await;
    report.add_all(&streamed.head);
    if streamed.head.iter().any(|finding| finding.mark == Mark::Fail) {
        return;
    }
    let ended = streamed.events.last().is_some_and(|event| event.data.contains("\"result\""));
    report.add(&match streamed.first_ms {
        Some(first) if first <= HELD_BACK_MS && ended => {
            Finding::ok(step, format!("{TOOL} says something after {first} ms, and its result comes"))
        }
        Some(first) if first > HELD_BACK_MS => {
            Finding::fail(step, format!("the first byte of {TOOL} came after {first} ms, with the end"), PROXY)
        }
        Some(_) => Finding::fail(
            step,
            format!("{TOOL} streams but its result did not come"),
            "something between cuts streams: raise its timeouts",
        ),
        None => Finding::fail(step, format!("{TOOL} sent no byte"), PROXY),
    });
}

/// The event stream of pages, and that nothing is lost when it is cut.
pub(super) async fn events(session: &Session<'_>, report: &mut Report) {
    let step = "event stream";
    if !session.is_ours {
        report.add(&Finding::skip(step, "the server is no tickgate: /events is not looked at"));
        return;
    }
    let mut url = at(&session.url, "/events");
    url.query_pairs_mut().append_pair("topics", TOPICS).append_pair("mode", "all");
    let Some(streamed) = read(session, step, &url, None, report).await else { return };
    report.add_all(&streamed.head);
    if streamed.head.iter().any(|finding| finding.mark == Mark::Fail) {
        return;
    }
    let Some(first) = streamed.first_ms else {
        let seen = format!("no byte within {} s", session.visitor.deadline.as_secs());
        report.add(&Finding::fail(step, seen, PROXY));
        return;
    };
    let Some(id) = streamed.events.iter().rev().find_map(|event| event.id.clone()) else {
        let (seen, todo) = if streamed.events.is_empty() {
            (
                format!("the first byte after {first} ms, then no event"),
                "nothing moves now, or the market's upstream is away: see /health",
            )
        } else {
            ("events without an id".to_owned(), "the gateway cannot number them now (its Redis is away?): nothing can be resumed")
        };
        report.add(&Finding::warn(step, seen, todo));
        return;
    };
    report.add(&Finding::ok(step, format!("/events says something after {first} ms, its events have ids")));
    let step = "resume";
    let Some(again) = read(session, step, &url, Some(&id), report).await else { return };
    // What nobody recorded while nobody looked was not lost on the way.
    let gap = again.events.iter().find(|event| event.name == "gap" && reason(event).as_deref() != Some("unrecorded"));
    report.add(&match (gap, again.first_ms) {
        (Some(gap), _) => {
            let reason = reason(gap).unwrap_or_else(|| "no reason".to_owned());
            let seen = format!("after a cut the stream has a gap ({reason})");
            Finding::fail(step, seen, "several machines answer and do not share their log, or it keeps too little (tickgate: REDIS_URL, TAPE_MAX_EVENTS)")
        }
        (None, _) if again.events.iter().any(|event| event.id.as_ref() == Some(&id)) => {
            Finding::fail(step, "after a cut an event comes twice", "look at what answers: it must go on after the cursor")
        }
        (None, None) => Finding::fail(step, "after a cut no byte came", PROXY),
        (None, Some(_)) => Finding::ok(step, "after a cut the stream goes on without a gap"),
    });
}

/// Opens `/events` and reads until an event with an id has come; `None` when there is no such stream, which is told.
async fn read(
    session: &Session<'_>,
    step: &'static str,
    url: &Url,
    after: Option<&str>,
    report: &mut Report,
) -> Option<Streamed> {
    let mut ask = session.entitled(Ask::get(url)).header("accept", "text/event-stream").header("accept-encoding", "gzip, br");
    if let Some(after) = after {
        ask = ask.header("last-event-id", after);
    }
    let mut open = match session.visitor.open(ask).await {
        Ok(open) => open,
        Err(Fault::Late(_)) => {
            report.add(&Finding::fail(step, "not even the head of the stream came", PROXY));
            return None;
        }
        Err(fault) => {
            report.add(&Finding::fail(step, fault.to_string(), "look at the server's log"));
            return None;
        }
    };
    if open.status != 200 || !open.is_event_stream() {
        let told = format!("/events is no event stream here (status {})", open.status);
        report.add(&match (after, open.status) {
            (None, 401 | 403 | 429 | 503) => {
                Finding::warn(step, told, "this caller gets no stream: look at its scope and limits")
            }
            (None, _) => Finding::skip(step, told),
            (Some(_), _) => {
                Finding::fail(step, format!("a cursor is answered with {}", open.status), "it must resume, or tell the gap")
            }
        });
        return None;
    }
    let until = Instant::now() + session.visitor.deadline.min(EVENT_WAIT);
    // The newest known status may be old; a cursor that is told to be good is that of something that has just happened.
    Some(follow(step, &mut open, until, |event| event.id.is_some() && matches!(event.name.as_str(), "price" | "gap")).await)
}

/// Reads events until one is the last that is wanted.
async fn follow(step: &'static str, open: &mut Open, until: Instant, last: impl Fn(&DecodedEvent) -> bool) -> Streamed {
    let mut head: Vec<Finding> = packed(step, open).into_iter().collect();
    if head.is_empty() && open.header("x-accel-buffering") != Some("no") {
        let todo = "send it, with `Cache-Control: no-cache, no-transform`: nginx and its kin hold streams back otherwise";
        head.push(Finding::warn(step, "no `X-Accel-Buffering: no`", todo));
    }
    let is_packed = open.header("content-encoding").is_some_and(|encoding| encoding != "identity");
    let (mut decoder, mut streamed, mut bytes) = (Decoder::default(), Streamed { first_ms: None, events: Vec::new(), head }, 0);
    while let Some(chunk) = open.next(until).await {
        streamed.first_ms = streamed.first_ms.or_else(|| Some(open.waited_ms()));
        bytes += chunk.len();
        let Ok(events) = decoder.feed(&chunk) else { break };
        streamed.events.extend(events);
        let enough = streamed.events.iter().any(&last) || streamed.events.len() > MAX_EVENTS || bytes > MAX_BYTES;
        if enough || is_packed {
            break;
        }
    }
    streamed
}

fn reason(gap: &DecodedEvent) -> Option<String> {
    serde_json::from_str::<Value>(&gap.data).ok()?["reason"].as_str().map(str::to_owned)
}

fn packed(step: &'static str, open: &Open) -> Option<Finding> {
    let encoding = open.header("content-encoding").filter(|encoding| *encoding != "identity")?;
    Some(Finding::fail(step, format!("the stream is packed ({encoding}), so events come late and in heaps"), PROXY))
}
