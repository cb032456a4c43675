//! What goes both ways in one session, driven by a seed: batches, questions that are answered well, badly, late or never, watched
//! resources, notices, pings, pauses, moves to another machine. A shadow model of plain lists says what must come of it.
//! 500 seeds run; `SIM_SEED=<n>` runs one. A failure prints the seed and everything that led to it.
//! Resumes, retention and what handlers say are the other simulation's matter.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use tickgate_core::mcp::{FeatureError, FeatureResult, LogLevel, ServerInfo};
use tickgate_core::rpc::{Body, RequestId};
use tickgate_core::session::{
    Ask, CallEvent, CallId, Effect, EndReason, ExchangeId, Input, Notice, Posted, QuestionId, Reply, ReplyError, Session,
    SessionLimits, open,
};
use tickgate_core::sse::{EventId, StreamId};
use tickgate_core::time::Millis;

const STEPS: usize = 150;
const SEEDS: u64 = 500;
/// Fewer than a session keeps, so that none makes room for another.
const MOST_STREAMS: usize = 60;
/// What the session promises: how long a client may take for a ping, and how long a stream is kept whose answers went out.
const PING_PATIENCE_MS: u64 = 60_000;
const SENT_MS: u64 = 60_000;
const URIS: [&str; 3] = ["x:a", "x:b", "x:c"];

#[test]
fn whatever_both_sides_ask_each_request_and_each_question_is_settled_once() {
    let mut seen = BTreeMap::new();
    match asked_seed() {
        Some(seed) => World::new(seed).run(&mut seen),
        None => {
            (0..SEEDS).for_each(|seed| World::new(seed).run(&mut seen));
            for what in [
                "batch answered by an array",
                "batch accepted",
                "batch became a stream",
                "question answered",
                "question refused",
                "question late",
                "question withdrawn",
                "question unreachable",
                "answer to nothing",
                "answer in a batch",
                "cancelled in its own batch",
                "watched",
                "not watched after all",
                "unwatched",
                "subscription cancelled",
                "told of a resource",
                "told of a list",
                "told nobody",
                "pinged",
                "paused",
                "resumed",
                "ended: deleted",
                "ended: unresponsive",
            ] {
                assert!(seen.get(what).is_some_and(|times| *times >= 3), "rarely or never `{what}`: {seen:?}");
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a seed to repeat is asked for at the command line")]
fn asked_seed() -> Option<u64> {
    std::env::var("SIM_SEED").ok().map(|seed| seed.parse().expect("SIM_SEED is a whole number"))
}

/// splitmix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        let at = self.below(all.len().max(1) as u64);
        all.get(usize::try_from(at).ok()?).cloned()
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Pending,
    Answered,
    /// The client took it back: it must never be answered.
    Cancelled,
    /// Its POST was cut before anything came, or refused as a whole.
    Lost,
}

/// A request of the client.
#[derive(Debug)]
struct Request {
    id: u64,
    exchange: usize,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Waiting,
    Attached,
    Over,
}

/// An HTTP request.
#[derive(Debug)]
struct Exchange {
    phase: Phase,
    /// The stream that comes on it, or may.
    stream: u128,
    is_batch: bool,
    /// Elements of a batch that are no messages: each is answered without an id.
    garbage: usize,
}

#[derive(Debug, Default)]
struct Stream {
    /// The POST whose answers it carries; none for the standalone one.
    origin: Option<usize>,
    attached: Option<usize>,
    /// What the client has of it, in order.
    frames: Vec<Bytes>,
    is_over: bool,
}

/// A call whose handler runs.
#[derive(Debug)]
struct Call {
    request: u64,
    /// The resource that it is about to watch.
    watches: Option<String>,
}

/// A question of ours; `call` is none for a ping.
#[derive(Debug)]
struct Open {
    wire: u64,
    call: Option<(CallId, QuestionId)>,
    deadline: Millis,
}

/// What must be told to handlers in a step, no more and no less.
type Tells = Vec<(CallId, QuestionId, &'static str)>;

struct World {
    seed: u64,
    dice: Dice,
    session: Session,
    revision: &'static str,
    now: Millis,
    requests: Vec<Request>,
    exchanges: Vec<Exchange>,
    streams: BTreeMap<u128, Stream>,
    calls: BTreeMap<CallId, Call>,
    questions: Vec<Open>,
    asked: u64,
    watched: BTreeSet<String>,
    /// What the shell watches on the session's behalf.
    sources: BTreeSet<String>,
    told: Tells,
    sent: Vec<(usize, Value)>,
    is_pausing: bool,
    ended: Option<EndReason>,
    story: Vec<String>,
}

type Seen = BTreeMap<&'static str, usize>;

fn count(seen: &mut Seen, what: &'static str) {
    *seen.entry(what).or_default() += 1;
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}\nfailed: SIM_SEED={}", self.story.join("\n"), self.seed);
        }
    }
}

/// What the world does.
impl World {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let revision = dice.pick(&["2025-03-26", "2025-03-26", "2025-11-25"]).expect("three");
        let ping_ms = dice.pick(&[20_000, u64::MAX]).expect("two");
        let limits = SessionLimits { idle_ms: 100_000_000, max_ms: 100_000_000, max_calls: 100, ping_ms };
        let server = ServerInfo {
            name: "tickgate",
            version: "1",
            instructions: String::new(),
            streaming: true,
            website: String::new(),
            icons: Vec::new(),
        };
        let params = to_raw_value(&json!({"protocolVersion": revision})).expect("JSON");
        let opened = open(&RequestId::Number(0), Some(&params), &server, limits, Millis(0)).expect("in order");
        Self {
            seed,
            dice,
            session: opened.session,
            revision,
            now: Millis(0),
            requests: Vec::new(),
            exchanges: Vec::new(),
            streams: BTreeMap::new(),
            calls: BTreeMap::new(),
            questions: Vec::new(),
            asked: 0,
            watched: BTreeSet::new(),
            sources: BTreeSet::new(),
            told: Vec::new(),
            sent: Vec::new(),
            is_pausing: false,
            ended: None,
            story: Vec::new(),
        }
    }

    fn run(mut self, seen: &mut Seen) {
        for _ in 0..STEPS {
            match self.dice.below(100) {
                0..14 => self.client_posts_one(seen),
                14..28 if self.revision == "2025-03-26" => self.client_posts_a_batch(seen),
                28..34 => self.client_cancels(seen),
                34..48 => self.client_replies(seen),
                48..52 => self.client_opens_standalone(),
                52..58 => self.client_resumes(seen),
                58..62 => self.network_cuts(),
                62..74 => self.handler_asks(seen),
                74..80 => self.handler_speaks(),
                80..82 => self.handler_pauses(seen),
                82..90 => self.handler_finishes(seen),
                90..94 => self.something_changes(seen),
                94..97 => self.time_passes(seen),
                97 => self.session_moves(),
                98 if self.dice.one_in(20) => self.client_deletes(seen),
                _ => {}
            }
            if self.ended.is_some() {
                return;
            }
        }
        self.settle(seen);
    }

    /// A message of the client: its JSON; a new request is listed for `exchange`.
    fn message(&mut self, exchange: usize) -> Value {
        let uri = self.dice.pick(&URIS).expect("three");
        let (method, params) = match self.dice.below(8) {
            0 => ("ping", json!({})),
            1 => ("no/such", json!({})),
            2 | 3 => ("resources/subscribe", json!({ "uri": uri })),
            4 => ("resources/unsubscribe", json!({ "uri": uri })),
            _ => ("tools/call", json!({"name": "tool"})),
        };
        let id = self.requests.len() as u64 + 1;
        self.requests.push(Request { id, exchange, fate: Fate::Pending });
        json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
    }

    fn client_posts_one(&mut self, seen: &mut Seen) {
        if self.has_room() {
            let exchange = self.exchange();
            let message = self.message(exchange);
            self.post(exchange, &message);
            self.judge_told(seen);
        }
    }

    fn client_posts_a_batch(&mut self, seen: &mut Seen) {
        if !self.has_room() {
            return;
        }
        let exchange = self.exchange();
        self.exchanges[exchange].is_batch = true;
        let mut messages = Vec::new();
        for _ in 0..=self.dice.below(5) {
            let message = match self.dice.below(10) {
                0 => {
                    self.exchanges[exchange].garbage += 1;
                    json!(7)
                }
                1 => json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
                // Of this very batch, or of any other.
                2 | 3 => {
                    let own: Vec<u64> =
                        self.requests.iter().filter(|request| request.exchange == exchange).map(|request| request.id).collect();
                    let id = self.dice.pick(&own).unwrap_or_else(|| self.any_request());
                    json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}})
                }
                4 => {
                    let wire = self.any_question();
                    json!({"jsonrpc": "2.0", "id": wire, "result": {"in": "batch"}})
                }
                _ => self.message(exchange),
            };
            messages.push(message);
        }
        let Ok(Body::Batch(parsed)) = Body::parse(json!(messages).to_string().as_bytes()) else { panic!("a batch") };
        let stream = StreamId(self.exchanges[exchange].stream);
        // What a step cancels and answers is known when its messages are read in their order.
        let effects = self.effects(Input::BatchPosted { exchange: ExchangeId(exchange as u64), messages: parsed, stream });
        let mut effects = effects.into_iter();
        for message in &messages {
            match message["method"].as_str() {
                Some("notifications/cancelled") => {
                    let id = message["params"]["requestId"].as_u64().expect("a number");
                    if self.expect_cancel(id, &mut effects) && self.request(id).exchange == exchange {
                        count(seen, "cancelled in its own batch");
                    }
                }
                None if message["result"].is_object()
                    && self.expect_reply(message["id"].as_u64().expect("a number"), "answered") =>
                {
                    count(seen, "answer in a batch");
                }
                Some("resources/unsubscribe") => {
                    self.watched.remove(message["params"]["uri"].as_str().expect("text"));
                }
                Some("tools/call" | "resources/subscribe") => {
                    self.expect_begin(message, &mut effects);
                }
                _ => {}
            }
        }
        effects.for_each(|effect| self.apply(effect));
        self.check();
        self.judge_told(seen);
        self.judge_batch(exchange, seen);
    }

    /// Applies what comes before the effect that a message must have, and gives that effect.
    fn apply_until(&mut self, effects: &mut std::vec::IntoIter<Effect>, fits: impl Fn(&Effect) -> bool) -> Effect {
        loop {
            match effects.next().expect("it has its effect") {
                effect if fits(&effect) => return effect,
                effect => self.apply(effect),
            }
        }
    }

    /// A call begins, unless what it asks for is there already.
    fn expect_begin(&mut self, message: &Value, effects: &mut std::vec::IntoIter<Effect>) {
        let uri = message["params"]["uri"].as_str().map(ToOwned::to_owned);
        if uri.as_ref().is_none_or(|uri| !self.watched.contains(uri)) {
            let effect = self.apply_until(effects, |effect| matches!(effect, Effect::Start(..) | Effect::Watch(..)));
            self.begins(&effect, message["id"].as_u64().expect("a number"), uri);
            self.apply(effect);
        }
    }

    fn begins(&mut self, effect: &Effect, request: u64, watches: Option<String>) {
        let (Effect::Start(call, _) | Effect::Watch(call, _)) = effect else { panic!("{effect:?}") };
        assert!(self.calls.insert(*call, Call { request, watches }).is_none(), "the name of a call is used twice");
    }

    fn client_cancels(&mut self, seen: &mut Seen) {
        let id = self.any_request();
        let exchange = self.exchange();
        let message = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
        let mut effects = self.posted(exchange, &message).into_iter();
        let watched = self.calls.values().any(|call| call.request == id && call.watches.is_some());
        if self.expect_cancel(id, &mut effects) && watched {
            count(seen, "subscription cancelled");
        }
        effects.for_each(|effect| self.apply(effect));
        self.check();
        self.judge_told(seen);
    }

    /// A running request stops: its questions are withdrawn, its handler is stopped.
    fn expect_cancel(&mut self, id: u64, effects: &mut std::vec::IntoIter<Effect>) -> bool {
        let Some(call) = self.calls.iter().find(|(_, call)| call.request == id).map(|(name, _)| *name) else { return false };
        let request = self.requests.iter_mut().find(|request| request.id == id).expect("it was posted");
        if request.fate == Fate::Pending {
            request.fate = Fate::Cancelled;
        }
        let stopped = self.apply_until(effects, |effect| matches!(effect, Effect::Stop(stopped) if *stopped == call));
        self.apply(stopped);
        true
    }

    fn client_replies(&mut self, seen: &mut Seen) {
        let wire = self.any_question();
        let exchange = self.exchange();
        let refuses = self.dice.one_in(4);
        let (member, value) =
            if refuses { ("error", json!({"code": -1, "message": "no"})) } else { ("result", json!({"to": wire})) };
        let known = self.expect_reply(wire, if refuses { "refused" } else { "answered" });
        if !known {
            count(seen, "answer to nothing");
        }
        self.post(exchange, &json!({"jsonrpc": "2.0", "id": wire, member: value}));
        self.judge_told(seen);
    }

    /// Whether a reply to this question is one that somebody waits for.
    fn expect_reply(&mut self, wire: u64, how: &'static str) -> bool {
        let Some(at) = self.questions.iter().position(|open| open.wire == wire) else { return false };
        self.told.extend(self.questions.remove(at).call.map(|(call, question)| (call, question, how)));
        true
    }

    fn client_opens_standalone(&mut self) {
        if self.has_room() {
            let exchange = self.exchange();
            let older: Vec<u128> = self.standalone().into_iter().collect();
            older.iter().for_each(|name| self.streams.get_mut(name).expect("it is there").is_over = true);
            let stream = StreamId(self.exchanges[exchange].stream);
            self.happens(Input::StreamOpened { exchange: ExchangeId(exchange as u64), resume: None, stream });
        }
    }

    fn client_resumes(&mut self, seen: &mut Seen) {
        let known: Vec<u128> =
            self.streams.iter().filter(|(_, stream)| !stream.frames.is_empty()).map(|(name, _)| *name).collect();
        if let Some(name) = self.dice.pick(&known) {
            self.resume(name);
            count(seen, "resumed");
        }
    }

    /// Comes back after the last event that it has.
    fn resume(&mut self, name: u128) {
        let exchange = self.exchange();
        self.exchanges[exchange].stream = name;
        let seq = self.streams[&name].frames.len() as u64 - 1;
        let resume = Some(EventId { stream: StreamId(name), seq });
        let attached = self.streams.get_mut(&name).expect("it is there").attached.take();
        if let Some(attached) = attached {
            self.exchanges[attached].phase = Phase::Over;
        }
        self.happens(Input::StreamOpened { exchange: ExchangeId(exchange as u64), resume, stream: StreamId(7) });
    }

    fn network_cuts(&mut self) {
        let open: Vec<usize> = (0..self.exchanges.len()).filter(|at| self.exchanges[*at].phase != Phase::Over).collect();
        let Some(at) = self.dice.pick(&open) else { return };
        if self.exchanges[at].phase == Phase::Waiting {
            self.lose(at);
        }
        self.exchanges[at].phase = Phase::Over;
        self.streams.values_mut().filter(|stream| stream.attached == Some(at)).for_each(|stream| stream.attached = None);
        self.happens(Input::Disconnected(ExchangeId(at as u64)));
    }

    fn handler_asks(&mut self, seen: &mut Seen) {
        let Some((call, exchange)) = self.any_call() else { return };
        let (question, patience_ms) = (QuestionId(self.dice.below(1_000)), 1_000 + self.dice.below(30_000));
        let ask = Ask { question, method: "roots/list", params: Bytes::from_static(b"{}"), patience_ms };
        let is_reachable = self.exchanges[exchange].phase == Phase::Waiting || self.stream_of(exchange).is_some();
        if is_reachable {
            self.asked += 1;
            let deadline = self.now.plus(patience_ms);
            self.questions.push(Open { wire: self.asked, call: Some((call, question)), deadline });
        } else {
            count(seen, "question unreachable");
            self.told.push((call, question, "unreachable"));
        }
        self.happens(Input::Call(call, CallEvent::Ask(ask)));
        let asked: Vec<u64> = self.questions_sent("roots/list");
        if let Some(stream) = self.stream_of(exchange).filter(|_| is_reachable)
            && self.streams[&stream].attached.is_some()
        {
            assert_eq!(asked, [self.asked], "asked once, under our own next number");
        } else {
            assert!(asked.is_empty(), "nobody is there to be asked");
        }
        self.judge_told(seen);
    }

    fn handler_speaks(&mut self) {
        let Some((call, _)) = self.any_call() else { return };
        let event = if self.dice.one_in(2) {
            CallEvent::Streaming
        } else {
            CallEvent::Log { level: LogLevel::Error, logger: "tool", data: Bytes::from_static(b"1") }
        };
        self.happens(Input::Call(call, event));
    }

    fn handler_pauses(&mut self, seen: &mut Seen) {
        let Some((call, exchange)) = self.any_call() else { return };
        self.is_pausing = self.revision == "2025-11-25";
        let was_reachable = self.exchanges[exchange].phase == Phase::Waiting || self.attached(exchange).is_some();
        self.happens(Input::Call(call, CallEvent::Pause { retry_ms: 500 }));
        if self.is_pausing && was_reachable {
            count(seen, "paused");
            assert_eq!(self.attached(exchange), None, "the connection is closed, the stream goes on");
        }
        self.is_pausing = false;
    }

    fn handler_finishes(&mut self, seen: &mut Seen) {
        if let Some(call) = self.dice.pick(&self.calls.keys().copied().collect::<Vec<_>>()) {
            self.finish(call, seen);
        }
    }

    fn finish(&mut self, call: CallId, seen: &mut Seen) {
        let fails = self.dice.one_in(4);
        let outcome = if fails { Err(FeatureError::invalid_params("no")) } else { Ok(FeatureResult::empty()) };
        if let Some(uri) = self.calls[&call].watches.clone() {
            if fails {
                count(seen, "not watched after all");
            } else {
                count(seen, "watched");
                self.watched.insert(uri);
            }
        }
        self.gone(call);
        self.happens(Input::Call(call, CallEvent::Finished(outcome)));
        self.judge_told(seen);
    }

    fn something_changes(&mut self, seen: &mut Seen) {
        let uri = self.dice.pick(&URIS).expect("three");
        let notice = if self.dice.one_in(3) { Notice::ToolsChanged } else { Notice::ResourceUpdated(uri.into()) };
        let is_wanted = notice == Notice::ToolsChanged || self.watched.contains(uri);
        let reader = self.standalone().and_then(|name| self.streams[&name].attached).filter(|_| is_wanted);
        self.happens(Input::Notice(notice.clone()));
        let told: Vec<(usize, Value)> = std::mem::take(&mut self.sent);
        match reader {
            Some(reader) => {
                assert_eq!((told.len(), told[0].0), (1, reader), "on exactly one stream: {told:?}");
                assert_eq!(told[0].1["method"], notice.method());
                count(seen, if notice == Notice::ToolsChanged { "told of a list" } else { "told of a resource" });
            }
            None => {
                count(seen, "told nobody");
                assert!(told.is_empty(), "{told:?}");
            }
        }
    }

    fn time_passes(&mut self, seen: &mut Seen) {
        let ms = self.dice.below(90_000);
        let target = self.now.plus(ms);
        while self.ended.is_none() && self.session.wake_at() <= target {
            let due = self.session.wake_at();
            self.now = if self.dice.one_in(4) { target } else { due.max(self.now) };
            self.wake(seen);
        }
        self.now = target;
    }

    fn wake(&mut self, seen: &mut Seen) {
        let now = self.now;
        let late: Vec<Open> = self.questions.extract_if(.., |open| open.deadline <= now).collect();
        self.told.extend(late.iter().filter_map(|open| open.call).map(|(call, question)| (call, question, "late")));
        // A ping is among them: the session ends, and who hears of a late answer before does not matter.
        if late.iter().any(|open| open.call.is_none()) {
            count(seen, "ended: unresponsive");
            self.happens(Input::TimeReached);
            return assert_eq!(self.ended, Some(EndReason::Unresponsive));
        }
        self.happens(Input::TimeReached);
        for wire in self.questions_sent("ping") {
            count(seen, "pinged");
            self.asked += 1;
            assert_eq!(wire, self.asked);
            self.questions.push(Open { wire, call: None, deadline: now.plus(PING_PATIENCE_MS) });
        }
        let withdrawn = self.sent.iter().filter(|(_, message)| message["method"] == "notifications/cancelled").count();
        assert!(withdrawn <= late.len());
        (0..withdrawn).for_each(|_| count(seen, "question withdrawn"));
        self.judge_told(seen);
        assert!(self.session.wake_at() > now, "woken again for what is done");
    }

    fn session_moves(&mut self) {
        let written = serde_json::to_string(&self.session).expect("a session can be written");
        self.session = serde_json::from_str(&written).expect("what was written can be read");
    }

    fn client_deletes(&mut self, seen: &mut Seen) {
        count(seen, "ended: deleted");
        self.happens(Input::Deleted);
        assert_eq!(self.ended, Some(EndReason::Deleted));
    }

    /// Every handler finishes, and the client comes back for all of its streams: then every request is settled.
    fn settle(&mut self, seen: &mut Seen) {
        self.story.push("settle".into());
        let streaming = (0..self.exchanges.len()).filter(|at| self.exchanges[*at].is_batch && self.stream_of(*at).is_some());
        streaming.for_each(|_| count(seen, "batch became a stream"));
        for call in self.calls.keys().copied().collect::<Vec<_>>() {
            self.finish(call, seen);
        }
        let behind: Vec<u128> =
            self.streams.iter().filter(|(_, stream)| !stream.frames.is_empty()).map(|(name, _)| *name).collect();
        behind.into_iter().for_each(|name| self.resume(name));
        for request in &self.requests {
            let stream = &self.streams.get(&self.exchanges[request.exchange].stream);
            // Of a stream that began with a comment and was cut, the client has no id to come back with.
            let is_unknown = stream.is_some_and(|stream| stream.frames.is_empty());
            assert!(request.fate != Fate::Pending || is_unknown, "{request:?} is never settled");
        }
        assert!(self.questions.iter().all(|open| open.call.is_none()), "questions of calls that are over: {:?}", self.questions);
    }
}

/// What several of the above use.
impl World {
    fn has_room(&self) -> bool {
        self.streams.len() + self.calls.len() < MOST_STREAMS
    }

    fn any_request(&mut self) -> u64 {
        let running: Vec<u64> = self.calls.values().map(|call| call.request).collect();
        if self.dice.one_in(4) { 1 + self.dice.below(200) } else { self.dice.pick(&running).unwrap_or(1) }
    }

    fn any_question(&mut self) -> u64 {
        let open: Vec<u64> = self.questions.iter().map(|open| open.wire).collect();
        if self.dice.one_in(4) { self.dice.below(100) } else { self.dice.pick(&open).unwrap_or(1) }
    }

    /// A handler that can speak, and the POST that it answers.
    fn any_call(&mut self) -> Option<(CallId, usize)> {
        let handlers: Vec<CallId> = self.calls.iter().filter(|(_, call)| call.watches.is_none()).map(|(name, _)| *name).collect();
        let call = self.dice.pick(&handlers)?;
        Some((call, self.request(self.calls[&call].request).exchange))
    }

    fn request(&self, id: u64) -> &Request {
        self.requests.iter().find(|request| request.id == id).expect("it was posted")
    }

    fn standalone(&self) -> Option<u128> {
        self.streams.iter().find(|(_, stream)| stream.origin.is_none() && !stream.is_over).map(|(name, _)| *name)
    }

    /// The stream that a POST became.
    fn stream_of(&self, exchange: usize) -> Option<u128> {
        self.streams.iter().find(|(_, stream)| stream.origin == Some(exchange)).map(|(name, _)| *name)
    }

    fn attached(&self, exchange: usize) -> Option<usize> {
        self.stream_of(exchange).and_then(|name| self.streams[&name].attached)
    }

    fn exchange(&mut self) -> usize {
        let stream = u128::from(self.dice.below(u64::MAX)) << 64 | u128::from(self.dice.below(u64::MAX));
        self.exchanges.push(Exchange { phase: Phase::Waiting, stream, is_batch: false, garbage: 0 });
        self.exchanges.len() - 1
    }

    /// Nobody is there any more for what this POST asked.
    fn lose(&mut self, exchange: usize) {
        let lost = self.requests.iter_mut().filter(|request| request.exchange == exchange && request.fate == Fate::Pending);
        lost.for_each(|request| request.fate = Fate::Lost);
        self.exchanges[exchange].garbage = 0;
    }

    /// A call is over: its questions are nobody's.
    fn gone(&mut self, call: CallId) {
        self.calls.remove(&call);
        self.questions.retain(|open| open.call.is_none_or(|(asker, _)| asker != call));
    }

    fn posted(&mut self, exchange: usize, message: &Value) -> Vec<Effect> {
        let Ok(Body::One(parsed)) = Body::parse(message.to_string().as_bytes()) else { panic!("{message}") };
        let stream = StreamId(self.exchanges[exchange].stream);
        self.effects(Input::Posted(Posted { exchange: ExchangeId(exchange as u64), message: parsed, stream }))
    }

    fn post(&mut self, exchange: usize, message: &Value) {
        let effects = self.posted(exchange, message);
        let uri = message["params"]["uri"].as_str().map(ToOwned::to_owned);
        if message["method"] == "resources/unsubscribe" {
            self.watched.remove(uri.as_deref().expect("it names one"));
        }
        for effect in effects {
            if matches!(effect, Effect::Start(..) | Effect::Watch(..)) {
                self.begins(&effect, message["id"].as_u64().expect("a number"), uri.clone());
            }
            self.apply(effect);
        }
        self.check();
    }

    fn happens(&mut self, input: Input) {
        self.effects(input).into_iter().for_each(|effect| self.apply(effect));
        self.check();
    }

    fn effects(&mut self, input: Input) -> Vec<Effect> {
        self.story.push(format!("{} {input:?}", self.now.0));
        self.sent.clear();
        let mut effects = Vec::new();
        self.session.handle(input, self.now, &mut effects);
        self.story.extend(effects.iter().map(|effect| format!("    {effect:?}")));
        effects
    }

    fn questions_sent(&self, method: &str) -> Vec<u64> {
        let asked = self.sent.iter().filter(|(_, message)| message["method"] == method);
        asked.map(|(_, message)| message["id"].as_u64().expect("our ids are numbers")).collect()
    }
}

/// What must hold.
impl World {
    fn apply(&mut self, effect: Effect) {
        assert_eq!(self.ended, None, "nothing follows the end: {effect:?}");
        match effect {
            Effect::Accept(exchange) => {
                let at = self.turn(exchange, Phase::Waiting, Phase::Over);
                assert_eq!(self.exchanges[at].garbage, 0, "what cannot be read is answered");
                self.is_settled(at);
            }
            Effect::Answer(exchange, json) => {
                let at = self.turn(exchange, Phase::Waiting, Phase::Over);
                let answer: Value = serde_json::from_slice(&json).expect("JSON");
                assert_eq!(answer.is_array(), self.exchanges[at].is_batch, "an array answers an array");
                match answer {
                    Value::Array(answers) => answers.iter().for_each(|answer| self.answered(at, answer)),
                    answer => self.answered(at, &answer),
                }
                self.is_settled(at);
            }
            Effect::Refuse(exchange, refusal) => {
                let at = self.turn(exchange, Phase::Waiting, Phase::Over);
                assert!(matches!(refusal.status, 400 | 404), "{refusal:?}");
                self.lose(at);
                // A stream that is over is kept for a while only.
                if let Some(origin) = self.streams.get(&self.exchanges[at].stream).and_then(|stream| stream.origin) {
                    assert!(self.now >= Millis(SENT_MS) && !self.is_running(origin), "its answers are still wanted");
                    self.lose(origin);
                }
            }
            Effect::NothingMore(exchange) => {
                let at = self.turn(exchange, Phase::Waiting, Phase::Over);
                let Stream { origin, is_over, .. } = self.streams[&self.exchanges[at].stream];
                assert!(is_over || origin.is_some_and(|origin| !self.is_running(origin)), "it goes on");
            }
            Effect::Attach(exchange, frames) => self.attach(exchange, frames),
            Effect::Send(exchange, frame) => {
                let at = self.turn(exchange, Phase::Attached, Phase::Attached);
                self.frame(at, frame);
            }
            Effect::Finish(exchange) => {
                let at = self.turn(exchange, Phase::Attached, Phase::Over);
                let stream = self.streams.get_mut(&self.exchanges[at].stream).expect("it has begun");
                // One that was resumed elsewhere goes on there.
                let is_here = stream.attached.take_if(|attached| *attached == at).is_some();
                if let Some(origin) = stream.origin.filter(|_| is_here && !self.is_pausing) {
                    stream.is_over = true;
                    self.over(origin);
                }
            }
            Effect::Start(call, _) => assert!(self.calls.contains_key(&call)),
            Effect::Watch(call, uri) => {
                assert_eq!(self.calls[&call].watches.as_deref(), Some(&*uri));
                self.sources.insert(uri.into());
            }
            Effect::Unwatch(uri) => assert!(self.sources.remove(&*uri), "{uri} is not watched"),
            Effect::Tell(call, question, reply) => self.tell(call, question, &reply),
            Effect::Stop(call) => self.gone(call),
            Effect::End(reason) => self.ended = Some(reason),
            Effect::Greet(..) => panic!("nobody asked for it"),
        }
    }

    /// An effect names an exchange that is in the state for it.
    fn turn(&mut self, exchange: ExchangeId, from: Phase, to: Phase) -> usize {
        let at = usize::try_from(exchange.0).expect("small");
        // A stream that was resumed elsewhere is finished where it was.
        if (from, to) == (Phase::Attached, Phase::Over) && self.exchanges[at].phase == Phase::Over {
            return at;
        }
        assert_eq!(self.exchanges[at].phase, from, "e{at}");
        self.exchanges[at].phase = to;
        at
    }

    fn attach(&mut self, exchange: ExchangeId, mut frames: Vec<Bytes>) {
        let at = self.turn(exchange, Phase::Waiting, Phase::Attached);
        let name = self.exchanges[at].stream;
        if !self.streams.contains_key(&name) {
            let origin = self.requests.iter().any(|request| request.exchange == at).then_some(at);
            self.streams.insert(name, Stream { origin, ..Stream::default() });
            if self.revision != "2025-11-25" {
                frames.remove(0);
            }
        }
        self.streams.get_mut(&name).expect("it is there").attached = Some(at);
        frames.into_iter().for_each(|frame| self.frame(at, frame));
    }

    /// An event comes to the client: the next of its stream, and where it belongs.
    fn frame(&mut self, at: usize, frame: Bytes) {
        let name = self.exchanges[at].stream;
        let text = std::str::from_utf8(&frame).expect("frames are text").to_owned();
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let id: EventId = field("id:").expect("an event has an id").parse().expect("an event id");
        let stream = self.streams.get_mut(&name).expect("it has begun");
        assert_eq!((id.stream.0, id.seq), (name, stream.frames.len() as u64), "ids name the stream and count without a gap");
        let origin = stream.origin;
        stream.frames.push(frame);
        let Some(data) = field("data:").filter(|data| !data.is_empty()) else { return };
        let message: Value = serde_json::from_str(data).expect("JSON");
        match message["method"].as_str() {
            Some("ping" | "notifications/resources/updated" | "notifications/tools/list_changed") => assert_eq!(origin, None),
            Some(_) => assert!(origin.is_some(), "a standalone stream carries nothing of a call"),
            None => self.answered(origin.expect("answers ride the stream of their POST"), &message),
        }
        self.sent.push((at, message));
    }

    fn answered(&mut self, exchange: usize, answer: &Value) {
        let Some(id) = answer["id"].as_u64() else {
            let garbage = &mut self.exchanges[exchange].garbage;
            *garbage = garbage.checked_sub(1).expect("an error without an id is for what could not be read");
            return;
        };
        let request = self.requests.iter_mut().find(|request| request.id == id).expect("it was asked");
        assert_eq!((request.exchange, request.fate), (exchange, Fate::Pending), "answered once, where it was asked: {answer}");
        request.fate = Fate::Answered;
    }

    /// A POST is over only when all that it asked is answered or taken back.
    fn is_settled(&self, exchange: usize) {
        let open = self.requests.iter().find(|request| request.exchange == exchange && request.fate == Fate::Pending);
        assert!(open.is_none(), "{open:?} is forgotten");
        assert_eq!(self.exchanges[exchange].garbage, 0, "what cannot be read is answered");
    }

    fn over(&self, origin: usize) {
        // At the end of a session everything is over.
        if !self.is_ending() {
            assert!(!self.is_running(origin), "a stream ends with its last call");
            self.is_settled(origin);
        }
    }

    fn is_running(&self, origin: usize) -> bool {
        self.calls.values().any(|call| self.request(call.request).exchange == origin)
    }

    fn is_ending(&self) -> bool {
        self.last_effects().any(|line| line.starts_with("End("))
    }

    /// What the last input led to.
    fn last_effects(&self) -> impl Iterator<Item = &str> {
        self.story.iter().rev().take_while(|line| line.starts_with(' ')).map(|line| line.trim())
    }

    fn tell(&mut self, call: CallId, question: QuestionId, reply: &Reply) {
        let how = match reply {
            Ok(_) => "answered",
            Err(ReplyError::Refused { .. }) => "refused",
            Err(ReplyError::TimedOut) => "late",
            Err(ReplyError::Unreachable) => "unreachable",
        };
        let at = self.told.iter().position(|told| *told == (call, question, how));
        self.told.remove(at.unwrap_or_else(|| panic!("{how} is not due: {:?}", self.told)));
        assert!(self.calls.contains_key(&call), "a call that is over is told nothing");
        self.story.push(format!("    told {how}"));
    }

    /// All that had to be told was told.
    fn judge_told(&mut self, seen: &mut Seen) {
        assert!(self.told.is_empty() || self.ended.is_some(), "never told: {:?}", self.told);
        for line in self.last_effects() {
            match line {
                "told answered" => count(seen, "question answered"),
                "told refused" => count(seen, "question refused"),
                "told late" => count(seen, "question late"),
                line if line.starts_with("Unwatch") => count(seen, "unwatched"),
                _ => {}
            }
        }
    }

    fn judge_batch(&self, exchange: usize, seen: &mut Seen) {
        let did = |what: &str| self.last_effects().any(|line| line.starts_with(&format!("{what}(ExchangeId({exchange})")));
        if did("Answer") {
            count(seen, "batch answered by an array");
        } else if did("Accept") {
            count(seen, "batch accepted");
        }
    }

    fn check(&self) {
        if self.ended.is_some() {
            return;
        }
        let starting = self.calls.values().filter_map(|call| call.watches.clone());
        let wanted: BTreeSet<String> = self.watched.iter().cloned().chain(starting).collect();
        assert_eq!(self.sources, wanted, "exactly what somebody wants is watched");
    }
}
