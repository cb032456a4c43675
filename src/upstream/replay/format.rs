//! How does an event stand in a file? JSON lines: a header, then an event per line, in the order of the tape.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tickgate_core::market::{Source, Topic};
use tickgate_core::tape::Kind;
use tickgate_core::time::Millis;

/// The version that is written, and the only one that is read.
pub const FORMAT_VERSION: u32 = 1;
/// Longest line, in bytes: an event of a stream is at most so long, and its head a little.
pub(super) const MAX_LINE_BYTES: usize = tickgate_core::sse::MAX_EVENT_BYTES + 4_096;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    pub tickgate_recording: u32,
    /// When it began, RFC 3339.
    pub recorded_at: String,
    /// Where its numbers came from.
    pub source: Source,
    /// What was listened to.
    pub topics: Vec<String>,
}

/// One line after it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Line<'a> {
    /// Milliseconds after the recording began.
    pub(super) at_ms: u64,
    /// Where it was on the tape that was recorded.
    pub(super) position: String,
    pub(super) topics: Vec<String>,
    /// `price`, `bar`, `news`, `status`; `gap` where the recorder missed something.
    pub(super) kind: String,
    pub(super) as_of: String,
    #[serde(borrow)]
    pub(super) body: &'a RawValue,
}

/// One event of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Milliseconds after the recording began.
    pub at_ms: u64,
    /// What it tells.
    pub kind: Kind,
    /// Where it belongs.
    pub topics: Vec<Topic>,
    /// Time of the data.
    pub as_of: Millis,
    /// The body without its position: a JSON object on one line.
    pub body: String,
}

/// The topics of a frame, which does not name them itself.
pub(super) fn topics_of(kind: &str, body: &str) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct About {
        #[serde(default)]
        symbol: Option<String>,
        #[serde(default)]
        seconds: Option<u32>,
        #[serde(default)]
        tickers: Vec<String>,
    }
    let about: About = serde_json::from_str(body).ok()?;
    match kind {
        "price" => Some(vec![format!("prices:{}", about.symbol?)]),
        "bar" => Some(vec![format!("bars:{}:{}s", about.symbol?, about.seconds?)]),
        "news" => Some(about.tickers.iter().map(|ticker| format!("news:{ticker}")).chain(["news:*".to_owned()]).collect()),
        "status" => Some(vec![about.symbol.map_or_else(|| "status".to_owned(), |symbol| format!("prices:{symbol}"))]),
        "gap" => Some(Vec::new()),
        _ => None,
    }
}

/// Takes the position out of a body, where the tape has put it: at the end.
pub(super) fn without_position<'a>(body: &'a str, position: &str) -> std::borrow::Cow<'a, str> {
    let end = format!("\"position\":\"{position}\"}}");
    match body.strip_suffix(end.as_str()) {
        Some(rest) => format!("{}}}", rest.trim_end_matches(',')).into(),
        None => body.into(),
    }
}

/// The line of an event; `None` when it is none that is recorded.
pub(super) fn line_of(at_ms: u64, position: &str, kind: &str, body: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct When {
        as_of: Option<String>,
    }
    let topics = topics_of(kind, body)?;
    let as_of = serde_json::from_str::<When>(body).ok()?.as_of.unwrap_or_default();
    let body = without_position(body, position);
    let line = Line {
        at_ms,
        position: position.to_owned(),
        topics,
        kind: kind.to_owned(),
        as_of,
        body: serde_json::from_str(&body).ok()?,
    };
    serde_json::to_string(&line).ok()
}

/// An event from its line; `None` for a gap.
pub(super) fn event_of(line: &str) -> Result<Option<Recorded>, String> {
    let line: Line<'_> = serde_json::from_str(line).map_err(|error| {
        let problem = error.to_string();
        format!("it is no event ({})", problem.split(" at line ").next().unwrap_or_default())
    })?;
    let kind = match line.kind.as_str() {
        "price" => Kind::Price,
        "bar" => Kind::Bar,
        "news" => Kind::News,
        "status" => Kind::Status,
        "gap" => return Ok(None),
        other => return Err(format!("there is no kind {other:?}")),
    };
    let topics = line.topics.iter().map(|topic| topic.parse::<Topic>()).collect::<Result<Vec<_>, _>>();
    let topics = topics.map_err(|error| error.to_string())?;
    if topics.is_empty() {
        return Err("it has no topic".to_owned());
    }
    let as_of = Millis::parse_rfc3339(&line.as_of).ok_or("its as_of is no time")?;
    let body = line.body.get();
    if !body.starts_with('{') || body.contains('\n') {
        return Err("its body is no JSON object".to_owned());
    }
    // An unescaped quotation mark stands in no string, so this cannot be text.
    Ok(Some(Recorded { at_ms: line.at_ms, kind, topics, as_of, body: body.replace("\"delayed\":false", "\"delayed\":true") }))
}
