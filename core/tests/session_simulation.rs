//! A client, a bad network and handlers around one session, driven by a seed; a shadow model of plain lists says what may
//! happen. 200 seeds run; `SIM_SEED=<n>` runs one. A failure prints the seed and everything that led to it.

use std::collections::{BTreeMap, VecDeque};
use std::ops::AddAssign;

use bytes::Bytes;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use tickgate_core::mcp::{FeatureError, FeatureResult, LogLevel, Progress, ServerInfo};
use tickgate_core::rpc::{Body, ErrorCode, RequestId, RpcError};
use tickgate_core::session::{CallEvent, CallId, Effect, EndReason, ExchangeId, Input, Posted, Session, SessionLimits, open};
use tickgate_core::sse::{EventId, StreamId};
use tickgate_core::time::Millis;

const STEPS: usize = 200;
/// Fewer than a session keeps, so that only time takes streams away.
const MOST_STREAMS: usize = 60;
/// What the session promises: how soon a silent POST becomes a stream, and how long a finished stream is kept, sent or not.
const PATIENCE_MS: u64 = 5_000;
const SENT_MS: u64 = 60_000;
const UNSENT_MS: u64 = 600_000;
const LEVELS: [LogLevel; 4] = [LogLevel::Debug, LogLevel::Info, LogLevel::Warning, LogLevel::Error];

#[test]
fn whatever_the_network_does_each_call_is_answered_once_on_its_own_stream() {
    let mut seen = Seen::default();
    match asked_seed() {
        Some(seed) => Simulation::new(seed).run(&mut seen),
        None => {
            (0..200).for_each(|seed| Simulation::new(seed).run(&mut seen));
            seen.everything();
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
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.roll() % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        if all.is_empty() { None } else { all.get(usize::try_from(self.below(all.len() as u64)).ok()?).cloned() }
    }
}

/// How often what came about, so that a simulation that exercises nothing is noticed.
#[derive(Default)]
struct Seen(BTreeMap<&'static str, usize>);

impl Seen {
    fn count(&mut self, what: &'static str) {
        self.0.entry(what).or_default().add_assign(1);
    }

    fn everything(&self) {
        for what in [
            "answered as JSON",
            "answered on a stream",
            "answered after a resume",
            "answer lost with its POST",
            "answer no longer kept",
            "cancelled while waiting",
            "cancelled while streaming",
            "client left first",
            "id in use",
            "too many calls",
            "became a stream by patience",
            "replaced a standalone stream",
            "resumed while attached",
            "nothing more",
            "resume refused",
            "ended: deleted",
            "ended: idle",
            "ended: too_old",
        ] {
            assert!(self.0.get(what).is_some_and(|times| *times >= 3), "rarely or never `{what}`: {:?}", self.0);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// Nothing has been answered.
    Waiting,
    /// An event stream is open.
    Attached,
    /// Answered to the end, or known to be gone.
    Over,
}

/// An HTTP request, and what is on its way to the client.
struct Exchange {
    phase: Phase,
    /// The stream that may come on it.
    stream: u128,
    flight: VecDeque<Bytes>,
    /// The client no longer reads it.
    cut: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Route {
    Waiting,
    Nowhere,
    Stream,
}

/// A call, and what its handler said that the client is owed.
struct Call {
    id: Value,
    exchange: usize,
    name: Option<CallId>,
    token: Option<Value>,
    started: Millis,
    route: Route,
    running: bool,
    progress: Option<u32>,
    said: Vec<Value>,
    answered: bool,
}

impl Call {
    fn new(id: Value, exchange: usize, token: Option<Value>, started: Millis) -> Self {
        let (said, route) = (Vec::new(), Route::Waiting);
        Self { id, exchange, name: None, token, started, route, running: true, progress: None, said, answered: false }
    }
}

/// A request, and what must come of it.
struct Ask {
    id: Value,
    method: &'static str,
    params: Value,
    refused: Option<i64>,
    level: Option<LogLevel>,
    token: Option<Value>,
}

/// A stream that has begun.
#[derive(Default)]
struct Stream {
    call: Option<usize>,
    attached: Option<usize>,
    /// The next event to be sent to the attached exchange.
    next: u64,
    /// Every event that was ever sent, as its frame.
    frames: Vec<Bytes>,
    /// How many events the client has received.
    received: u64,
    resumed: bool,
    expires: Option<Millis>,
    gone: bool,
}

#[derive(Debug)]
enum Answer {
    Whole(Value),
    Error(Value, i64),
}

/// What one input must lead to, no more and no less; frames aside, which follow from the streams.
#[derive(Default, Debug)]
struct Expected {
    accept: Vec<usize>,
    answer: Option<(usize, Answer)>,
    refuse: Vec<(usize, u16)>,
    nothing_more: Option<usize>,
    attach: Vec<usize>,
    finish: Vec<usize>,
    start: Option<usize>,
    stop: Vec<CallId>,
    end: Option<EndReason>,
}

impl Expected {
    fn is_empty(&self) -> bool {
        format!("{self:?}") == format!("{:?}", Self::default())
    }
}

struct Simulation {
    seed: u64,
    dice: Dice,
    session: Session,
    limits: SessionLimits,
    primed: bool,
    opened: Millis,
    now: Millis,
    /// When the session last was busy or heard its client.
    active: Millis,
    /// Whether a call ran or a stream was open after the last input.
    was_busy: bool,
    level: LogLevel,
    exchanges: Vec<Exchange>,
    calls: Vec<Call>,
    streams: BTreeMap<u128, Stream>,
    ended: bool,
    /// Makes each thing that is said unlike all others.
    words: u64,
    story: Vec<String>,
}

impl Drop for Simulation {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}\nfailed: SIM_SEED={}", self.story.join("\n"), self.seed);
        }
    }
}

/// Driving: what the world does.
impl Simulation {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let limits = SessionLimits {
            idle_ms: dice.pick(&[20_000, 200_000, 1_800_000]).expect("three"),
            max_ms: dice.pick(&[1_000_000, 3_600_000, 86_400_000]).expect("three"),
            max_calls: 3 + usize::try_from(dice.below(4)).expect("small"),
            // Clients here answer no pings.
            ping_ms: u64::MAX,
        };
        let revision = dice.pick(&["2025-11-25", "2025-11-25", "2025-06-18"]).expect("three");
        let server = ServerInfo {
            name: "tickgate",
            version: "1",
            instructions: String::new(),
            streaming: true,
            website: String::new(),
            icons: Vec::new(),
        };
        let params = to_raw_value(&json!({"protocolVersion": revision})).expect("JSON");
        let opened = Millis(dice.below(1 << 40));
        let session =
            open(&RequestId::Number(0), Some(&params), &server, limits, opened).expect("initialize is in order").session;
        Self {
            seed,
            dice,
            session,
            limits,
            primed: revision == "2025-11-25",
            opened,
            now: opened,
            active: opened,
            was_busy: false,
            level: LogLevel::Info,
            exchanges: Vec::new(),
            calls: Vec::new(),
            streams: BTreeMap::new(),
            ended: false,
            words: 0,
            story: Vec::new(),
        }
    }

    fn run(mut self, seen: &mut Seen) {
        for _ in 0..STEPS {
            match self.dice.below(200) {
                0..36 => self.client_posts(seen),
                36..48 => self.client_cancels(seen),
                48..54 => self.client_opens_standalone(seen),
                54..74 => self.client_resumes(seen),
                74..78 => self.client_resumes_nonsense(seen),
                78..144 => self.handler_speaks(),
                144..164 => self.network_delivers(),
                164..174 => self.network_cuts(),
                174..182 => self.network_tells(seen),
                182..194 => self.time_passes(seen),
                194..197 => self.session_moves(),
                197 => self.happens(Input::TimeReached, Expected::default()),
                198 => self.gateway_drains(),
                _ if self.dice.one_in(3) => self.client_deletes(seen),
                _ => self.client_leaves(seen),
            }
        }
        if !self.ended {
            self.settle(seen);
        }
    }

    fn client_posts(&mut self, seen: &mut Seen) {
        let ask = self.ask();
        let starts = ask.refused.is_none() && ask.method.starts_with("tools/");
        if self.ended || (starts && !self.has_room()) {
            return;
        }
        let in_use = self.running().any(|call| call.id == ask.id);
        let full = starts && self.running().count() >= self.limits.max_calls;
        let exchange = self.exchange(None);
        let mut expected = Expected::default();
        if ask.method == "initialize" {
            expected.refuse.push((exchange, 400));
        } else if in_use {
            seen.count("id in use");
            expected.answer = Some((exchange, Answer::Error(ask.id.clone(), -32600)));
        } else if let Some(code) = ask.refused {
            expected.answer = Some((exchange, Answer::Error(ask.id.clone(), code)));
        } else if full {
            seen.count("too many calls");
            expected.answer = Some((exchange, Answer::Error(ask.id.clone(), 429)));
        } else if starts {
            self.calls.push(Call::new(ask.id.clone(), exchange, ask.token, self.now));
            expected.start = Some(self.calls.len() - 1);
        } else {
            self.level = ask.level.unwrap_or(self.level);
            expected.answer = Some((exchange, Answer::Whole(json!({"jsonrpc": "2.0", "id": ask.id, "result": {}}))));
        }
        self.post(exchange, &json!({"jsonrpc": "2.0", "id": ask.id, "method": ask.method, "params": ask.params}), expected);
    }

    fn ask(&mut self) -> Ask {
        let id = self.id();
        let plain = |method, params, refused| Ask { id: id.clone(), method, params, refused, level: None, token: None };
        match self.dice.below(14) {
            0 => plain("ping", json!({}), None),
            1 => plain("initialize", json!({}), None),
            2 => plain("no/such", json!({}), Some(-32601)),
            3 => plain("tools/call", json!({}), Some(-32602)),
            4 => plain("tools/list", json!({}), None),
            5 => {
                let level = self.dice.pick(&LEVELS);
                Ask { level, ..plain("logging/setLevel", json!({"level": level}), None) }
            }
            _ => {
                let token = self.dice.pick(&[None, Some(json!(7)), Some(json!("7"))]).flatten();
                let params = json!({"name": "quote", "_meta": {"progressToken": token}});
                Ask { token, ..plain("tools/call", params, None) }
            }
        }
    }

    /// One of few ids, so that they meet again.
    fn id(&mut self) -> Value {
        let number = self.dice.below(8);
        if self.dice.one_in(3) { json!(number.to_string()) } else { json!(number) }
    }

    fn client_cancels(&mut self, seen: &mut Seen) {
        let id = self.id();
        let mut expected = Expected::default();
        let found = self.calls.iter().position(|call| call.running && call.id == id).filter(|_| !self.ended);
        if let Some(at) = found {
            let call = &mut self.calls[at];
            call.running = false;
            expected.stop.extend(call.name);
            match call.route {
                Route::Waiting => {
                    seen.count("cancelled while waiting");
                    expected.accept.push(call.exchange);
                }
                Route::Nowhere => {}
                Route::Stream => {
                    seen.count("cancelled while streaming");
                    self.finish_stream(self.exchanges[self.calls[at].exchange].stream, &mut expected);
                }
            }
        }
        let exchange = self.exchange(None);
        expected.accept.push(exchange);
        let params = json!({"requestId": id});
        self.post(exchange, &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}), expected);
    }

    fn client_opens_standalone(&mut self, seen: &mut Seen) {
        if !self.has_room() {
            return;
        }
        let mut expected = Expected::default();
        if let Some(older) = self.standalone() {
            seen.count("replaced a standalone stream");
            self.finish_stream(older, &mut expected);
        }
        let exchange = self.exchange(None);
        expected.attach.push(exchange);
        let stream = StreamId(self.exchanges[exchange].stream);
        self.happens(Input::StreamOpened { exchange: ExchangeId(exchange as u64), resume: None, stream }, expected);
    }

    /// Comes back for a stream after the last event that really arrived.
    fn client_resumes(&mut self, seen: &mut Seen) {
        let known: Vec<u128> = self.streams.iter().filter(|(_, stream)| stream.received > 0).map(|(name, _)| *name).collect();
        if let Some(name) = self.dice.pick(&known) {
            self.resume(name, self.streams[&name].received - 1, seen);
        }
    }

    /// An event that lies ahead, a stream that never was, or one that has not begun.
    fn client_resumes_nonsense(&mut self, seen: &mut Seen) {
        let name = match self.dice.below(3) {
            0 => self.dice.pick(&self.streams.keys().copied().collect::<Vec<_>>()),
            1 => self.dice.pick(&self.exchanges.iter().map(|exchange| exchange.stream).collect::<Vec<_>>()),
            _ => None,
        };
        let name = name.unwrap_or(7);
        let seq = if self.streams.contains_key(&name) { self.logged(name) + self.dice.below(2) } else { self.dice.below(3) };
        self.resume(name, seq, seen);
    }

    /// Everything is cut and told, handlers finish, and nobody comes back for a while.
    fn client_leaves(&mut self, seen: &mut Seen) {
        for at in 0..self.exchanges.len() {
            self.abandon(at);
            self.network_tells_of(at, seen);
        }
        for at in 0..self.calls.len() {
            self.handler_finishes(at);
        }
        let ms = self.dice.below(1_000_000);
        self.wait(ms, seen);
    }

    fn client_deletes(&mut self, seen: &mut Seen) {
        let mut expected = Expected::default();
        self.expect_end(EndReason::Deleted, &mut expected, seen);
        self.happens(Input::Deleted, expected);
    }

    fn gateway_drains(&mut self) {
        let mut expected = Expected::default();
        if let Some(name) = self.standalone() {
            // The connection ends; the stream does not.
            expected.finish.extend(self.streams[&name].attached);
        }
        self.happens(Input::Draining, expected);
    }

    /// Any handler, also one whose call is over.
    fn handler_speaks(&mut self) {
        let alive: Vec<usize> = (0..self.calls.len()).filter(|at| self.calls[*at].running).collect();
        let all: Vec<usize> = (0..self.calls.len()).collect();
        let from = if self.dice.one_in(8) { all } else { alive };
        let Some(at) = self.dice.pick(&from) else { return };
        match self.dice.below(8) {
            0 => self.say(at, None, CallEvent::Streaming, true),
            1..3 => self.handler_tells_progress(at),
            3..5 => self.handler_logs(at),
            _ => self.handler_finishes(at),
        }
    }

    fn handler_tells_progress(&mut self, at: usize) {
        let (progress, word) = (u32::try_from(self.dice.below(30)).expect("small"), self.word());
        let call = &mut self.calls[at];
        let heard = call.token.is_some() && call.progress.is_none_or(|before| progress > before);
        if heard {
            call.progress = Some(progress);
        }
        let params = json!({
            "progressToken": call.token, "progress": progress, "total": 30, "message": "on", "_meta": {"tickgate/event": {"n": word}},
        });
        let message = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params});
        let event = CallEvent::Progress(Progress {
            progress: progress.into(),
            total: Some(30.0),
            message: Some(Bytes::from_static(b"\"on\"")),
            event: Some(Bytes::from(json!({"n": word}).to_string())),
        });
        self.say(at, Some(message), event, heard);
    }

    fn handler_logs(&mut self, at: usize) {
        let (level, word) = (self.dice.pick(&LEVELS).expect("some"), self.word());
        let params = json!({"level": level, "logger": "quote", "data": word});
        let message = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": params});
        let event = CallEvent::Log { level, logger: "quote", data: Bytes::from(word.to_string()) };
        self.say(at, Some(message), event, level >= self.level);
    }

    fn say(&mut self, at: usize, message: Option<Value>, event: CallEvent, heard: bool) {
        let mut expected = Expected::default();
        let Some(name) = self.calls[at].name else { return };
        let call = &mut self.calls[at];
        if heard && call.running && call.route != Route::Nowhere {
            call.said.extend(message);
            if call.route == Route::Waiting {
                expected.attach.push(call.exchange);
            }
        }
        self.happens(Input::Call(name, event), expected);
    }

    fn handler_finishes(&mut self, at: usize) {
        let word = self.word();
        let Some(name) = self.calls[at].name else { return };
        let (outcome, member, value) = if self.dice.one_in(4) {
            let error = RpcError::new(ErrorCode::INTERNAL, format!("{word}"));
            (Err(FeatureError::Rpc(error)), "error", json!({"code": -32603, "message": word.to_string()}))
        } else {
            (Ok(FeatureResult::new(Bytes::from(json!({"n": word}).to_string()))), "result", json!({"n": word}))
        };
        let mut expected = Expected::default();
        let call = &mut self.calls[at];
        if call.running {
            call.running = false;
            let answer = json!({"jsonrpc": "2.0", "id": call.id, member: value});
            call.answered = call.route != Route::Nowhere;
            match call.route {
                Route::Waiting => expected.answer = Some((call.exchange, Answer::Whole(answer))),
                Route::Nowhere => {}
                Route::Stream => {
                    call.said.push(answer);
                    self.finish_stream(self.exchanges[self.calls[at].exchange].stream, &mut expected);
                }
            }
        }
        self.happens(Input::Call(name, CallEvent::Finished(outcome)), expected);
    }

    fn network_delivers(&mut self) {
        let waiting: Vec<usize> = (0..self.exchanges.len()).filter(|at| !self.exchanges[*at].flight.is_empty()).collect();
        if let Some(at) = self.dice.pick(&waiting) {
            let frames = 1 + self.dice.below(4);
            self.deliver(at, frames);
        }
    }

    /// Some of what is on its way still arrives; the gateway does not know yet.
    fn network_cuts(&mut self) {
        let open: Vec<usize> =
            (0..self.exchanges.len()).filter(|at| !self.exchanges[*at].cut && self.exchanges[*at].phase != Phase::Over).collect();
        if let Some(at) = self.dice.pick(&open) {
            let frames = self.dice.below(4);
            self.deliver(at, frames);
            self.abandon(at);
        }
    }

    /// The gateway learns of a cut, or of the end of an exchange that it had finished itself.
    fn network_tells(&mut self, seen: &mut Seen) {
        let cut: Vec<usize> = (0..self.exchanges.len()).filter(|at| self.exchanges[*at].cut).collect();
        if let Some(at) = self.dice.pick(&cut) {
            self.network_tells_of(at, seen);
        }
    }

    fn network_tells_of(&mut self, at: usize, seen: &mut Seen) {
        if self.exchanges[at].phase == Phase::Waiting
            && let Some(call) = self.calls.iter_mut().find(|call| call.running && call.exchange == at)
        {
            seen.count("client left first");
            call.route = Route::Nowhere;
        }
        for stream in self.streams.values_mut().filter(|stream| stream.attached == Some(at)) {
            stream.attached = None;
        }
        self.exchanges[at].phase = Phase::Over;
        self.happens(Input::Disconnected(ExchangeId(at as u64)), Expected::default());
    }

    fn time_passes(&mut self, seen: &mut Seen) {
        let ms = match self.dice.below(40) {
            0 => 1_000_000,
            1 | 2 => 100_000,
            3..6 => 20_000,
            _ => 2_500,
        };
        let ms = self.dice.below(ms);
        self.wait(ms, seen);
    }

    /// Wakes the session when it asked for it, or once and late.
    fn wait(&mut self, ms: u64, seen: &mut Seen) {
        let target = self.now.plus(ms);
        while !self.ended && self.session.wake_at() <= target {
            self.now = if self.dice.one_in(4) { target } else { self.session.wake_at() };
            self.wake(seen);
        }
        self.now = target;
    }

    fn wake(&mut self, seen: &mut Seen) {
        let mut expected = Expected::default();
        let end = if self.now >= self.opened.plus(self.limits.max_ms) {
            Some(EndReason::TooOld)
        } else {
            (!self.is_busy() && self.now >= self.active.plus(self.limits.idle_ms)).then_some(EndReason::Idle)
        };
        if let Some(reason) = end {
            self.expect_end(reason, &mut expected, seen);
        } else {
            let now = self.now;
            for stream in self.streams.values_mut().filter(|stream| stream.expires.is_some_and(|expires| expires <= now)) {
                stream.gone = true;
            }
            let impatient = self.running().filter(|call| call.route == Route::Waiting && now >= call.started.plus(PATIENCE_MS));
            expected.attach.extend(impatient.map(|call| call.exchange));
            expected.attach.iter().for_each(|_| seen.count("became a stream by patience"));
        }
        self.happens(Input::TimeReached, expected);
    }

    fn session_moves(&mut self) {
        let written = serde_json::to_string(&self.session).expect("a session can be written");
        self.session = serde_json::from_str(&written).expect("what was written can be read");
    }

    /// Every handler finishes, the network heals, and the client comes back for everything that it knows of.
    fn settle(&mut self, seen: &mut Seen) {
        self.story.push("settle".into());
        for at in 0..self.calls.len() {
            self.handler_finishes(at);
        }
        for at in 0..self.exchanges.len() {
            self.deliver(at, u64::MAX);
        }
        for name in self.streams.keys().copied().collect::<Vec<_>>() {
            let stream = &self.streams[&name];
            if stream.received > 0 && (stream.call.is_none() || stream.received < self.logged(name)) {
                self.resume(name, stream.received - 1, seen);
                self.deliver(self.exchanges.len() - 1, u64::MAX);
            }
        }
        self.calls.iter().for_each(|call| self.judge(call, seen));
    }

    /// Whether the client got all that it could get of a call.
    fn judge(&self, call: &Call, seen: &mut Seen) {
        assert!(!call.running, "a handler has not finished");
        let exchange = &self.exchanges[call.exchange];
        let Some(stream) = self.streams.get(&exchange.stream) else {
            assert_ne!(call.route, Route::Stream);
            if call.answered {
                seen.count(if exchange.cut { "answer lost with its POST" } else { "answered as JSON" });
            }
            return;
        };
        if stream.received == self.logged(exchange.stream) {
            if call.answered {
                seen.count(if stream.resumed { "answered after a resume" } else { "answered on a stream" });
            }
        } else if stream.received == 0 {
            assert!(exchange.cut, "a client that stayed got nothing");
            seen.count("answer lost with its POST");
        } else {
            assert!(stream.gone, "{} has not received all that its handler said", call.id);
            seen.count("answer no longer kept");
        }
    }
}

/// Verbs that several of the above use.
impl Simulation {
    fn running(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(|call| call.running)
    }

    fn has_room(&self) -> bool {
        self.streams.len() + self.running().count() < MOST_STREAMS
    }

    fn is_busy(&self) -> bool {
        self.running().next().is_some() || self.streams.values().any(|stream| stream.attached.is_some())
    }

    fn word(&mut self) -> u64 {
        self.words += 1;
        self.words
    }

    /// A new request of the client: for `stream`, or for one that may begin.
    fn exchange(&mut self, stream: Option<u128>) -> usize {
        let fresh = u128::from(self.dice.roll()) << 64 | u128::from(self.dice.roll());
        self.exchanges.push(Exchange {
            phase: Phase::Waiting,
            stream: stream.unwrap_or(fresh),
            flight: VecDeque::new(),
            cut: false,
        });
        self.exchanges.len() - 1
    }

    fn post(&mut self, exchange: usize, message: &Value, expected: Expected) {
        let Ok(Body::One(message)) = Body::parse(message.to_string().as_bytes()) else { panic!("{message}") };
        let stream = StreamId(self.exchanges[exchange].stream);
        self.happens(Input::Posted(Posted { exchange: ExchangeId(exchange as u64), message, stream }), expected);
    }

    fn resume(&mut self, name: u128, seq: u64, seen: &mut Seen) {
        let (now, logged) = (self.now, self.logged(name));
        let exchange = self.exchange(Some(name));
        let mut expected = Expected::default();
        let mut abandoned = None;
        match self.streams.get_mut(&name).filter(|stream| !stream.gone && seq < logged) {
            _ if self.ended => {}
            None => {
                seen.count("resume refused");
                expected.refuse.push((exchange, 400));
            }
            Some(stream) if stream.expires.is_some() && seq + 1 == logged => {
                seen.count("nothing more");
                stream.expires = Some(now.plus(SENT_MS));
                expected.nothing_more = Some(exchange);
            }
            Some(stream) => {
                stream.resumed = true;
                stream.next = seq + 1;
                if let Some(attached) = stream.attached {
                    seen.count("resumed while attached");
                    abandoned = Some(attached);
                    expected.finish.push(attached);
                }
                expected.attach.push(exchange);
                if stream.expires.is_some() {
                    stream.expires = Some(now.plus(SENT_MS));
                    expected.finish.push(exchange);
                }
            }
        }
        // The client reads a stream on one exchange at a time.
        let older = (0..exchange).filter(|at| self.exchanges[*at].stream == name && expected.refuse.is_empty());
        older.chain(abandoned).collect::<Vec<_>>().into_iter().for_each(|at| self.abandon(at));
        let resume = Some(EventId { stream: StreamId(name), seq });
        let stream = StreamId(u128::from(self.dice.roll()));
        self.happens(Input::StreamOpened { exchange: ExchangeId(exchange as u64), resume, stream }, expected);
    }

    fn abandon(&mut self, at: usize) {
        self.story.push(format!("{} e{at} is cut", self.now.0));
        self.exchanges[at].cut = true;
        self.exchanges[at].flight.clear();
    }

    fn finish_stream(&mut self, name: u128, expected: &mut Expected) {
        let stream = self.streams.get_mut(&name).expect("the stream has begun");
        stream.expires = Some(self.now.plus(if stream.attached.is_some() { SENT_MS } else { UNSENT_MS }));
        expected.finish.extend(stream.attached);
    }

    fn expect_end(&mut self, reason: EndReason, expected: &mut Expected, seen: &mut Seen) {
        if self.ended {
            return;
        }
        seen.count(match reason {
            EndReason::Deleted => "ended: deleted",
            EndReason::Idle => "ended: idle",
            EndReason::TooOld => "ended: too_old",
            EndReason::Disconnected | EndReason::Unresponsive => panic!("neither a pipe nor a ping is simulated"),
        });
        for call in self.calls.iter_mut().filter(|call| call.running) {
            call.running = false;
            expected.stop.extend(call.name);
            if call.route == Route::Waiting {
                expected.refuse.push((call.exchange, 404));
            }
        }
        expected.finish.extend(self.streams.values().filter_map(|stream| stream.attached));
        expected.end = Some(reason);
    }

    /// The standalone stream that is not finished.
    fn standalone(&self) -> Option<u128> {
        let mut open = self.streams.iter().filter(|(_, stream)| stream.call.is_none() && stream.expires.is_none());
        open.next().map(|(name, _)| *name).filter(|_| !self.ended)
    }

    /// How many events a stream must have by now.
    fn logged(&self, name: u128) -> u64 {
        let Some(stream) = self.streams.get(&name) else { return 0 };
        u64::from(self.primed) + stream.call.map_or(0, |call| self.calls[call].said.len() as u64)
    }

    /// The client reads up to `frames` frames of an exchange.
    fn deliver(&mut self, at: usize, frames: u64) {
        for _ in 0..frames {
            let Some(frame) = self.exchanges[at].flight.pop_front() else { return };
            let Some((id, _)) = read(&frame) else { continue };
            self.story.push(format!("{} client reads {id}", self.now.0));
            let stream = self.streams.get_mut(&id.stream.0).expect("the stream has begun");
            assert_eq!(id.seq, stream.received, "each event arrives once and in order");
            stream.received += 1;
        }
    }
}

/// Judging: what the session does.
impl Simulation {
    fn happens(&mut self, input: Input, mut expected: Expected) {
        let ended = self.ended;
        if self.was_busy || matches!(input, Input::Posted(_) | Input::StreamOpened { .. }) {
            self.active = self.now;
        }
        self.story.push(format!("{} {input:?}", self.now.0));
        let mut effects = Vec::new();
        self.session.handle(input, self.now, &mut effects);
        for effect in effects {
            self.story.push(format!("    {effect:?}"));
            assert!(!ended, "an effect after the end");
            self.obey(effect, &mut expected);
        }
        self.was_busy = self.is_busy();
        if ended {
            return;
        }
        assert!(expected.is_empty(), "still expected: {expected:?}");
        for (name, stream) in self.streams.iter().filter(|(_, stream)| stream.attached.is_some()) {
            assert_eq!(stream.next, self.logged(*name), "an attached stream has been told everything");
            assert!(stream.expires.is_none(), "an attached stream is not finished");
        }
        let attached = self.streams.values().filter(|stream| stream.attached.is_some()).count();
        assert_eq!(self.session.attached_streams(), attached);
        if !self.ended {
            assert_eq!(self.session.wake_at(), self.next_due(), "woken neither late nor in vain");
            assert!(self.session.wake_at() > self.now, "what was due is done");
        }
    }

    /// When time alone brings something about.
    fn next_due(&self) -> Millis {
        let idle = (!self.was_busy).then(|| self.active.plus(self.limits.idle_ms));
        let waiting = self.running().filter(|call| call.route == Route::Waiting).map(|call| call.started.plus(PATIENCE_MS));
        let kept = self.streams.values().filter(|stream| !stream.gone).filter_map(|stream| stream.expires);
        waiting.chain(kept).chain(idle).fold(self.opened.plus(self.limits.max_ms), Millis::min)
    }

    fn obey(&mut self, effect: Effect, expected: &mut Expected) {
        match effect {
            Effect::Accept(exchange) => {
                let at = self.turn(exchange, Phase::Waiting, Phase::Over);
                take(&mut expected.accept, &at);
            }
            Effect::Answer(exchange, json) => {
                let at = self.turn(exchange, Phase::Waiting, Phase::Over);
                let json: Value = serde_json::from_slice(&json).expect("an answer is JSON");
                match expected.answer.take() {
                    Some((due, Answer::Whole(answer))) => assert_eq!((due, answer), (at, json)),
                    Some((due, Answer::Error(id, code))) => {
                        assert_eq!((due, &id, &json!(code)), (at, &json["id"], &json["error"]["code"]));
                    }
                    None => panic!("an answer that is not due"),
                }
            }
            Effect::Refuse(exchange, refusal) => {
                let at = self.turn(exchange, Phase::Waiting, Phase::Over);
                take(&mut expected.refuse, &(at, refusal.status));
            }
            Effect::NothingMore(exchange) => {
                let at = self.turn(exchange, Phase::Waiting, Phase::Over);
                assert_eq!(expected.nothing_more.take(), Some(at));
            }
            Effect::Attach(exchange, frames) => {
                let at = self.turn(exchange, Phase::Waiting, Phase::Attached);
                take(&mut expected.attach, &at);
                self.attach(at, frames);
            }
            Effect::Send(exchange, frame) => {
                let at = self.turn(exchange, Phase::Attached, Phase::Attached);
                self.send(at, frame);
            }
            Effect::Finish(exchange) => {
                let at = self.turn(exchange, Phase::Attached, Phase::Over);
                take(&mut expected.finish, &at);
                let stream = self.streams.get_mut(&self.exchanges[at].stream).expect("the stream has begun");
                assert_eq!(stream.attached.take(), Some(at));
            }
            Effect::Start(call, _) => {
                assert!(self.calls.iter().all(|other| other.name != Some(call)), "the name of a call is used twice");
                self.calls[expected.start.take().expect("a call is asked for")].name = Some(call);
            }
            Effect::Greet(..) | Effect::Watch(..) | Effect::Unwatch(_) | Effect::Tell(..) => panic!("nobody asked for it"),
            Effect::Stop(call) => take(&mut expected.stop, &call),
            Effect::End(reason) => {
                assert_eq!(expected.end.take(), Some(reason));
                assert!(expected.is_empty(), "nothing follows the end: {expected:?}");
                self.ended = true;
            }
        }
    }

    /// An effect names an exchange that exists and is in the state for it.
    fn turn(&mut self, exchange: ExchangeId, from: Phase, to: Phase) -> usize {
        let at = usize::try_from(exchange.0).expect("small");
        assert_eq!(self.exchanges[at].phase, from, "e{at}");
        self.exchanges[at].phase = to;
        at
    }

    fn attach(&mut self, at: usize, mut frames: Vec<Bytes>) {
        let name = self.exchanges[at].stream;
        if let Some(stream) = self.streams.get_mut(&name) {
            assert_eq!(stream.attached.replace(at), None, "a stream goes to one exchange at a time");
        } else {
            let call = self.calls.iter().position(|call| call.exchange == at);
            if let Some(call) = call {
                self.calls[call].route = Route::Stream;
            }
            let stream = Stream { call, attached: Some(at), ..Stream::default() };
            self.streams.insert(name, stream);
            assert_eq!(frames.len(), 1, "a stream begins with one frame");
            if !self.primed {
                assert_eq!(read(&frames.remove(0)), None, "older clients get a comment");
            }
        }
        for frame in frames {
            self.send(at, frame);
        }
    }

    fn send(&mut self, at: usize, frame: Bytes) {
        let name = self.exchanges[at].stream;
        let (id, data) = read(&frame).expect("an event has an id");
        let first = u64::from(self.primed);
        let stream = self.streams.get_mut(&name).expect("the stream has begun");
        assert_eq!((id.stream.0, id.seq), (name, stream.next), "ids name the stream and count from 0 without a gap");
        stream.next += 1;
        let seq = usize::try_from(id.seq).expect("small");
        match stream.frames.get(seq) {
            Some(before) => assert_eq!(before, &frame, "an event is always the same"),
            None => stream.frames.push(frame.clone()),
        }
        assert!(stream.frames.len() > seq, "no event was skipped");
        if id.seq < first {
            assert_eq!(data, Value::Null, "the priming event is empty");
        } else {
            let call = stream.call.expect("a standalone stream carries nothing of a call");
            let said = &self.calls[call].said;
            assert_eq!(Some(&data), said.get(seq - usize::from(self.primed)), "what the handler said, in its order");
        }
        if !self.exchanges[at].cut {
            self.exchanges[at].flight.push_back(frame);
        }
    }
}

fn take<T: PartialEq + std::fmt::Debug>(expected: &mut Vec<T>, what: &T) {
    let at = expected.iter().position(|one| one == what);
    expected.remove(at.unwrap_or_else(|| panic!("{what:?} is not due, but {expected:?}")));
}

/// The id and the data of an event, null if it has none; nothing for a comment.
fn read(frame: &Bytes) -> Option<(EventId, Value)> {
    let text = std::str::from_utf8(frame).expect("frames are text");
    assert!(text.ends_with("\n\n") && text.matches("\n\n").count() == 1, "one frame: {text:?}");
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim_start);
    let data = field("data:").filter(|data| !data.is_empty());
    let data = data.map_or(Value::Null, |data| serde_json::from_str(data).expect("data is JSON"));
    Some((field("id:")?.parse().expect("an event id"), data))
}
