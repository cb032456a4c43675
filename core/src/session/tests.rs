//! The rules of a session, each as a short conversation. The driver names exchanges `e1, e2, …` in the order in which the
//! client opens them, calls `c0, c1, …` as the machine does, and a stream that begins at `e1` is `s1`, its events `s1.0, …`.

use std::fmt::Write;

use bytes::Bytes;
use serde_json::{Value, json};

use super::limits::{ANSWER_PATIENCE_MS, DELIVERED_GRACE_MS, MAX_STREAMS, UNDELIVERED_GRACE_MS};
use super::*;
use crate::mcp::{FeatureError, FeatureRequest, FeatureResult, LogLevel, Progress, Refusal, Revision, ServerInfo};
use crate::rpc::{Body, ErrorCode, RequestId, RpcError};
use crate::sse::{EventId, MAX_LOG_BYTES, MAX_LOG_EVENTS, StreamId};
use crate::time::Millis;

const NOW: Millis = Millis(1_000_000);
const LIMITS: SessionLimits = SessionLimits { idle_ms: 1_800_000, max_ms: 86_400_000, max_calls: 3, ping_ms: u64::MAX };

/// A client, its network and the handlers behind the gateway, as one session meets them. Every verb tells what the session
/// did, in one line.
struct Client {
    session: Session,
    now: Millis,
    exchanges: u64,
}

impl Client {
    /// Of the newest revision.
    fn new() -> Self {
        Self::of("2025-11-25", LIMITS)
    }

    fn of(revision: &str, limits: SessionLimits) -> Self {
        Self { session: initialize(&json!({"protocolVersion": revision}), limits).unwrap().session, now: NOW, exchanges: 0 }
    }

    fn handle(&mut self, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.session.handle(input, self.now, &mut effects);
        effects
    }

    fn does(&mut self, input: Input) -> String {
        self.handle(input).iter().map(effect).collect::<Vec<_>>().join("; ")
    }

    fn exchange(&mut self) -> (ExchangeId, StreamId) {
        self.exchanges += 1;
        (ExchangeId(self.exchanges), StreamId(self.exchanges.into()))
    }

    fn posted(&mut self, message: &Value) -> Input {
        let (exchange, stream) = self.exchange();
        let Body::One(message) = Body::parse(message.to_string().as_bytes()).unwrap() else { panic!("a batch") };
        Input::Posted(Posted { exchange, message, stream })
    }

    fn post(&mut self, message: &Value) -> String {
        let input = self.posted(message);
        self.does(input)
    }

    fn request(&mut self, method: &str, params: Value) -> String {
        self.post(&json!({"jsonrpc": "2.0", "id": 9, "method": method, "params": params}))
    }

    /// Calls a tool.
    fn call(&mut self, id: Value) -> String {
        self.post(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "quote"}}))
    }

    /// Calls a tool and wants progress.
    fn call_with_token(&mut self, id: Value, token: Value) -> String {
        let params = json!({"name": "quote", "_meta": {"progressToken": token}});
        self.post(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}))
    }

    /// Calls a tool whose answer is a stream from the start.
    fn streaming_call(&mut self, id: Value) -> u64 {
        let started = self.call(id);
        let call = started.strip_prefix("start c").unwrap().parse().unwrap();
        assert_ne!(self.streaming(call), "");
        call
    }

    fn cancel(&mut self, id: Value) -> String {
        let params = json!({"requestId": id, "reason": "enough"});
        self.post(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}))
    }

    fn get(&mut self) -> String {
        let (exchange, stream) = self.exchange();
        self.does(Input::StreamOpened { exchange, resume: None, stream })
    }

    /// `after` is written `s1.0`.
    fn resume(&mut self, after: &str) -> String {
        let (stream, seq) = after.strip_prefix('s').unwrap().split_once('.').unwrap();
        let resume = EventId { stream: StreamId(stream.parse().unwrap()), seq: seq.parse().unwrap() };
        let (exchange, stream) = self.exchange();
        self.does(Input::StreamOpened { exchange, resume: Some(resume), stream })
    }

    fn says(&mut self, call: u64, event: CallEvent) -> String {
        self.does(Input::Call(CallId(call), event))
    }

    fn streaming(&mut self, call: u64) -> String {
        self.says(call, CallEvent::Streaming)
    }

    fn progress(&mut self, call: u64, progress: f64) -> String {
        self.says(call, CallEvent::Progress(Progress { progress, total: None, message: None, event: None }))
    }

    fn log(&mut self, call: u64, level: LogLevel) -> String {
        self.says(call, CallEvent::Log { level, logger: "quote", data: Bytes::from_static(b"7") })
    }

    fn finish(&mut self, call: u64) -> String {
        self.says(call, CallEvent::Finished(Ok(FeatureResult::empty())))
    }

    fn fail(&mut self, call: u64) -> String {
        let error = RpcError::new(ErrorCode::INTERNAL, "Internal error");
        self.says(call, CallEvent::Finished(Err(FeatureError::Rpc(error))))
    }

    fn cut(&mut self, exchange: u64) -> String {
        self.does(Input::Disconnected(ExchangeId(exchange)))
    }

    fn delete(&mut self) -> String {
        self.does(Input::Deleted)
    }

    fn wait(&mut self, ms: u64) -> String {
        self.now = self.now.plus(ms);
        self.does(Input::TimeReached)
    }

    /// Milliseconds until the session wants to be woken.
    fn sleeps(&self) -> u64 {
        let wake = self.session.wake_at();
        assert!(wake > self.now, "nothing is due now");
        wake.since(self.now)
    }

    /// Writes the session down and goes on with what is read back.
    fn moves(&mut self) {
        let written = serde_json::to_string(&self.session).unwrap();
        self.session = serde_json::from_str(&written).unwrap();
        assert_eq!(serde_json::to_string(&self.session).unwrap(), written);
    }
}

fn initialize(params: &Value, limits: SessionLimits) -> Result<Opened, RpcError> {
    let server = ServerInfo {
        name: "tickgate",
        version: "1",
        instructions: String::new(),
        streaming: true,
        website: String::new(),
        icons: Vec::new(),
    };
    let params = serde_json::value::to_raw_value(params).unwrap();
    open(&RequestId::Number(0), Some(&params), &server, limits, NOW)
}

fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Accept(exchange) => format!("e{} accept", exchange.0),
        Effect::Answer(exchange, json) => format!("e{} answer {}", exchange.0, message(json)),
        Effect::Refuse(exchange, Refusal { status, error, .. }) => format!("e{} refuse {status} {}", exchange.0, error.code.0),
        Effect::NothingMore(exchange) => format!("e{} nothing more", exchange.0),
        Effect::Attach(exchange, frames) => {
            format!("e{} attach [{}]", exchange.0, frames.iter().map(frame).collect::<Vec<_>>().join(", "))
        }
        Effect::Send(exchange, bytes) => format!("e{} send {}", exchange.0, frame(bytes)),
        Effect::Finish(exchange) => format!("e{} finish", exchange.0),
        Effect::Start(call, _) => format!("start c{}", call.0),
        Effect::Greet(call, revision) => format!("greet c{} {}", call.0, revision.as_str()),
        Effect::Watch(call, uri) => format!("watch c{} {uri}", call.0),
        Effect::Unwatch(uri) => format!("unwatch {uri}"),
        Effect::Tell(call, question, reply) => format!("tell c{} q{} {}", call.0, question.0, told(reply)),
        Effect::Stop(call) => format!("stop c{}", call.0),
        Effect::End(reason) => format!("end {}", reason.as_str()),
    }
}

fn told(reply: &Reply) -> String {
    match reply {
        Ok(result) => result.get().to_owned(),
        Err(ReplyError::Refused { code, message }) => format!("refused {code} {message}"),
        Err(ReplyError::TimedOut) => "timed out".into(),
        Err(ReplyError::Unreachable) => "unreachable".into(),
    }
}

/// `s1.0 priming`, `s1.1 result 1`, or a comment as it is.
fn frame(frame: &Bytes) -> String {
    let mut words = String::new();
    for line in std::str::from_utf8(frame).unwrap().lines() {
        if line.starts_with('{') {
            words.push_str(&message(line.as_bytes()));
            continue;
        }
        match line.split_once(':') {
            Some(("id", id)) => {
                let id: EventId = id.trim().parse().unwrap();
                write!(words, "s{}.{}", id.stream.0, id.seq).unwrap();
            }
            Some(("data", "")) => words.push_str(" priming"),
            Some(("data", json)) => write!(words, " {}", message(json.as_bytes())).unwrap(),
            Some(("", comment)) => words.push_str(comment.trim()),
            _ => {}
        }
    }
    words
}

fn message(json: &[u8]) -> String {
    let message: Value = serde_json::from_slice(json).unwrap();
    if let Value::Array(messages) = message {
        let all = messages.iter().map(|message| self::message(message.to_string().as_bytes()));
        return format!("[{}]", all.collect::<Vec<_>>().join(", "));
    }
    assert_eq!(message["jsonrpc"], "2.0");
    let (id, params) = (&message["id"], &message["params"]);
    match message["method"].as_str() {
        Some("notifications/progress") => format!("progress {} {}", params["progressToken"], params["progress"]),
        Some("notifications/message") => format!("log {}", params["level"].as_str().unwrap()),
        Some("notifications/cancelled") => format!("withdraw {}", params["requestId"]),
        Some("notifications/resources/updated") => format!("updated {}", params["uri"].as_str().unwrap()),
        Some("notifications/tools/list_changed") => "tools changed".into(),
        Some(method) => format!("ask {id} {method}"),
        None if message["error"].is_null() => format!("result {id}"),
        None => format!("error {id} {}", message["error"]["code"]),
    }
}

mod handshake {
    use super::*;

    #[test]
    fn a_client_gets_the_revision_it_asks_for_or_else_our_newest() {
        let newest = "2025-11-25";
        let known = ["2024-11-05", "2025-03-26", "2025-06-18", newest].map(|name| (name, name));
        let unknown = ["2026-07-28", "1999-01-01", "", "2025-11-25 "].map(|name| (name, newest));
        for (asked, given) in known.into_iter().chain(unknown) {
            let opened = initialize(&json!({"protocolVersion": asked, "capabilities": {}, "later": 1}), LIMITS).unwrap();
            let answer: Value = serde_json::from_slice(&opened.answer).unwrap();
            assert_eq!((&answer["id"], &answer["result"]["protocolVersion"]), (&json!(0), &json!(given)), "{asked}");
            assert_eq!(opened.session.revision(), Revision::by_name(given).unwrap());
        }
    }

    #[test]
    fn initialize_without_a_version_opens_nothing_and_odd_capabilities_count_as_none() {
        for params in [json!({}), json!({"protocolVersion": 7}), json!([])] {
            assert_eq!(initialize(&params, LIMITS).unwrap_err().code, ErrorCode::INVALID_PARAMS, "{params}");
        }
        let odd = initialize(&json!({"protocolVersion": "2025-11-25", "capabilities": {"sampling": 7}}), LIMITS).unwrap();
        assert_eq!(odd.session.client, crate::mcp::ClientCapabilities::default());
        let server = ServerInfo {
            name: "tickgate",
            version: "1",
            instructions: String::new(),
            streaming: false,
            website: String::new(),
            icons: Vec::new(),
        };
        assert!(open(&RequestId::Number(0), None, &server, LIMITS, NOW).is_err());
    }

    #[test]
    fn initialize_in_a_session_is_refused_with_400_even_when_its_id_is_in_use() {
        let mut client = Client::new();
        assert_eq!(client.request("initialize", json!({"protocolVersion": "2025-11-25"})), "e1 refuse 400 -32600");
        client.call(json!(9));
        assert_eq!(client.request("initialize", json!({"protocolVersion": "2025-11-25"})), "e3 refuse 400 -32600");
    }

    #[test]
    fn a_refusal_in_a_session_carries_the_id_of_its_request() {
        let mut client = Client::new();
        let input = client.posted(&json!({"jsonrpc": "2.0", "id": "a", "method": "initialize"}));
        let [Effect::Refuse(_, refusal)] = &client.handle(input)[..] else { panic!("not refused") };
        assert_eq!(refusal.id, Some(RequestId::Text("a".into())));
    }
}

mod requests {
    use super::*;

    #[test]
    fn ping_is_answered_with_an_empty_result_also_before_initialized() {
        let mut client = Client::new();
        let input = client.posted(&json!({"jsonrpc": "2.0", "id": "p", "method": "ping"}));
        let [Effect::Answer(_, answer)] = &client.handle(input)[..] else { panic!("no answer") };
        assert_eq!(answer, r#"{"jsonrpc":"2.0","id":"p","result":{}}"#);
    }

    #[test]
    fn notifications_and_responses_are_accepted_without_a_word() {
        let mut client = Client::new();
        assert_eq!(client.post(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})), "e1 accept");
        assert_eq!(client.post(&json!({"jsonrpc": "2.0", "method": "notifications/of/tomorrow"})), "e2 accept");
        assert_eq!(client.post(&json!({"jsonrpc": "2.0", "id": 1, "result": {}})), "e3 accept");
        assert_eq!(client.post(&json!({"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "no"}})), "e4 accept");
    }

    #[test]
    fn an_unknown_method_is_32601_under_200() {
        let mut client = Client::new();
        for method in ["no/such", "server/discover", "subscriptions/listen", "Tools/List", ""] {
            assert!(client.request(method, json!({})).ends_with(" answer error 9 -32601"), "{method}");
        }
    }

    #[test]
    fn bad_parameters_are_32602_and_start_nothing() {
        let mut client = Client::new();
        for (method, params) in [
            ("tools/call", json!({})),
            ("tools/call", json!({"name": 7})),
            ("tools/call", json!({"name": "quote", "_meta": 7})),
            ("tools/call", json!({"name": "quote", "_meta": {"progressToken": 1.5}})),
            ("tools/call", json!({"name": "quote", "_meta": {"progressToken": true}})),
            ("tools/call", json!(["quote"])),
            ("tools/list", json!({"cursor": 7})),
            ("tools/list", json!({"_meta": {"progressToken": []}})),
            ("tools/list", json!([])),
            ("logging/setLevel", json!({})),
            ("logging/setLevel", json!({"level": "loud"})),
            ("logging/setLevel", json!(["debug"])),
        ] {
            let answer = client.request(method, params.clone());
            assert!(answer.ends_with(" answer error 9 -32602"), "{method} {params}: {answer}");
        }
    }

    #[test]
    fn a_tool_is_called_with_what_the_client_sent() {
        let mut client = Client::new();
        let params = json!({"name": "quote", "arguments": {"symbol": "F"}, "_meta": {"progressToken": 0}});
        let input = client.posted(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}));
        let [Effect::Start(CallId(0), Start { request: FeatureRequest::CallTool { name, arguments }, wants_progress, .. })] =
            &client.handle(input)[..]
        else {
            panic!("not started")
        };
        assert_eq!((&**name, *wants_progress), ("quote", true));
        assert_eq!(arguments.as_ref().unwrap().get(), r#"{"symbol":"F"}"#);
    }

    #[test]
    fn a_null_token_is_no_token() {
        let mut client = Client::new();
        let params = json!({"name": "quote", "_meta": {"progressToken": null}});
        let input = client.posted(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}));
        let [Effect::Start(_, Start { request: FeatureRequest::CallTool { arguments: None, .. }, wants_progress: false, .. })] =
            &client.handle(input)[..]
        else {
            panic!("not started without progress")
        };
        assert_eq!(client.progress(0, 1.0), "");
    }

    #[test]
    fn tools_are_listed_from_a_cursor_or_from_the_start() {
        let mut client = Client::new();
        for (params, expected) in [(None, None), (Some(json!({})), None), (Some(json!({"cursor": "a.4"})), Some("a.4"))] {
            let mut message = json!({"jsonrpc": "2.0", "id": expected.unwrap_or("0"), "method": "tools/list"});
            message["params"] = params.unwrap_or_else(|| json!({"_meta": {}}));
            let input = client.posted(&message);
            let [Effect::Start(call, Start { request: FeatureRequest::ListTools { cursor }, .. })] = &client.handle(input)[..]
            else {
                panic!("{message}")
            };
            assert_eq!(cursor.as_deref(), expected);
            client.finish(call.0);
        }
        assert_eq!(client.post(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})), "start c3");
    }

    #[test]
    fn an_id_that_is_in_use_is_refused_until_its_request_is_done() {
        let mut client = Client::new();
        assert_eq!(client.call(json!(1)), "start c0");
        assert_eq!(client.call(json!(1)), "e2 answer error 1 -32600");
        assert_eq!(client.post(&json!({"jsonrpc": "2.0", "id": 1, "method": "ping"})), "e3 answer error 1 -32600");
        assert_eq!(client.call(json!("1")), "start c1", "a string is another id than a number");
        assert_eq!(client.finish(0), "e1 answer result 1");
        assert_eq!(client.call(json!(1)), "start c2");
    }

    #[test]
    fn an_id_that_is_in_use_changes_nothing() {
        let mut client = Client::new();
        client.call(json!(9));
        client.request("logging/setLevel", json!({"level": "emergency"}));
        assert_ne!(client.log(0, LogLevel::Info), "");
    }

    #[test]
    fn one_call_too_many_is_told_to_come_back_under_200() {
        let mut client = Client::new();
        for id in 1..=3 {
            client.call(json!(id));
        }
        let input = client.posted(&json!({"jsonrpc": "2.0", "id": 4, "method": "tools/list"}));
        let [Effect::Answer(_, answer)] = &client.handle(input)[..] else { panic!("no answer") };
        let answer: Value = serde_json::from_slice(answer).unwrap();
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(4), &json!(429)));
        assert_eq!(answer["error"]["data"], json!({"reason": "too_many_calls", "retry_after_seconds": 1}));
        assert_eq!(client.request("ping", json!({})), "e5 answer result 9", "what starts nothing is still served");
        client.finish(1);
        assert_eq!(client.call(json!(4)), "start c3");
    }
}

mod answers {
    use super::*;

    #[test]
    fn a_result_that_comes_first_is_answered_as_json() {
        let mut client = Client::new();
        client.call(json!("a"));
        assert_eq!(client.finish(0), r#"e1 answer result "a""#);
        client.call(json!(2));
        assert_eq!(client.fail(1), "e2 answer error 2 -32603");
    }

    #[test]
    fn a_call_is_answered_once() {
        let mut client = Client::new();
        client.call(json!(1));
        client.finish(0);
        assert_eq!([client.finish(0), client.log(0, LogLevel::Error), client.streaming(0), client.wait(10_000)], [""; 4]);
    }

    #[test]
    fn an_answer_becomes_a_stream_once_the_call_will_speak() {
        let mut client = Client::new();
        client.call(json!(1));
        assert_eq!(client.streaming(0), "e1 attach [s1.0 priming]");
        assert_eq!(client.streaming(0), "");
        assert_eq!(client.finish(0), "e1 send s1.1 result 1; e1 finish");
    }

    #[test]
    fn an_answer_becomes_a_stream_with_the_first_progress_or_log_message() {
        let mut client = Client::new();
        client.call_with_token(json!(1), json!("t"));
        assert_eq!(client.progress(0, 0.0), r#"e1 attach [s1.0 priming]; e1 send s1.1 progress "t" 0"#);
        client.call(json!(2));
        assert_eq!(client.log(1, LogLevel::Info), "e2 attach [s2.0 priming]; e2 send s2.1 log info");
        assert_eq!(client.fail(1), "e2 send s2.2 error 2 -32603; e2 finish");
    }

    #[test]
    fn only_the_newest_revision_has_priming_events_and_older_ones_a_comment() {
        for (revision, first) in [
            ("2024-11-05", "connected"),
            ("2025-03-26", "connected"),
            ("2025-06-18", "connected"),
            ("2025-11-25", "s1.0 priming"),
        ] {
            let mut client = Client::of(revision, LIMITS);
            client.call(json!(1));
            assert_eq!(client.streaming(0), format!("e1 attach [{first}]"), "{revision}");
            assert_eq!(client.get(), format!("e2 attach [{}]", first.replace('1', "2")), "{revision}");
        }
    }

    #[test]
    fn without_priming_the_first_message_is_event_0() {
        let mut client = Client::of("2025-06-18", LIMITS);
        client.call(json!(1));
        assert_eq!(client.log(0, LogLevel::Info), "e1 attach [connected]; e1 send s1.0 log info");
        assert_eq!(client.cut(1), "");
        assert_eq!(client.finish(0), "");
        assert_eq!(client.resume("s1.0"), "e2 attach [s1.1 result 1]; e2 finish");
    }

    #[test]
    fn a_post_that_is_not_answered_in_time_becomes_a_stream() {
        let mut client = Client::new();
        client.call(json!(1));
        client.now = client.now.plus(1_000);
        client.call(json!(2));
        assert_eq!(client.sleeps(), ANSWER_PATIENCE_MS - 1_000);
        assert_eq!(client.wait(ANSWER_PATIENCE_MS - 1_001), "");
        assert_eq!(client.wait(1), "e1 attach [s1.0 priming]");
        assert_eq!(client.sleeps(), 1_000, "until the second one's patience ends");
        assert_eq!(client.wait(1_000), "e2 attach [s2.0 priming]");
        assert_eq!(client.finish(1), "e2 send s2.1 result 2; e2 finish");
    }

    #[test]
    fn streams_of_two_calls_do_not_mix() {
        let mut client = Client::new();
        client.call_with_token(json!(1), json!(1));
        client.call_with_token(json!(2), json!("1"));
        client.streaming(0);
        client.streaming(1);
        assert_eq!(client.progress(1, 5.0), r#"e2 send s2.1 progress "1" 5"#);
        assert_eq!(client.progress(0, 1.0), "e1 send s1.1 progress 1 1");
        assert_eq!(client.finish(0), "e1 send s1.2 result 1; e1 finish");
        assert_eq!(client.finish(1), "e2 send s2.2 result 2; e2 finish");
    }
}

mod speaking {
    use super::*;

    #[test]
    fn progress_is_told_only_to_who_gave_a_token() {
        let mut client = Client::new();
        client.call(json!(1));
        assert_eq!(client.progress(0, 1.0), "");
        assert_eq!(client.finish(0), "e1 answer result 1", "nothing was said, so nothing became a stream");
    }

    #[test]
    fn a_token_is_echoed_as_the_json_that_it_was() {
        for token in [json!("7"), json!(7), json!(0), json!(-1), json!(i64::MAX), json!(""), json!("a\"\\\u{1}é")] {
            let mut client = Client::new();
            client.call_with_token(json!(1), token.clone());
            client.streaming(0);
            assert_eq!(client.progress(0, 1.0), format!("e1 send s1.1 progress {token} 1"));
        }
    }

    #[test]
    fn progress_never_goes_back_and_never_stands_still() {
        let mut client = Client::new();
        client.call_with_token(json!(1), json!(0));
        client.streaming(0);
        assert_eq!(client.progress(0, 0.5), "e1 send s1.1 progress 0 0.5");
        assert_eq!([client.progress(0, 0.5), client.progress(0, 0.25), client.progress(0, -1.0)], [""; 3]);
        assert_eq!(client.progress(0, 3.0), "e1 send s1.2 progress 0 3");
    }

    #[test]
    fn progress_and_log_messages_are_written_byte_for_byte() {
        let mut client = Client::new();
        client.call_with_token(json!(1), json!("t"));
        client.streaming(0);
        let progress = CallEvent::Progress(Progress {
            progress: 1.5,
            total: Some(60_000.0),
            message: Some(Bytes::from_static(br#""half""#)),
            event: Some(Bytes::from_static(br#"{"status":"connected"}"#)),
        });
        let log = CallEvent::Log { level: LogLevel::Warning, logger: "quote", data: Bytes::from_static(br#"{"a":1}"#) };
        for (seq, event, method, params) in [
            (
                1,
                progress,
                "progress",
                r#"{"progressToken":"t","progress":1.5,"total":60000,"message":"half","_meta":{"tickgate/event":{"status":"connected"}}}"#,
            ),
            (2, log, "message", r#"{"level":"warning","logger":"quote","data":{"a":1}}"#),
        ] {
            let json = format!(r#"{{"jsonrpc":"2.0","method":"notifications/{method}","params":{params}}}"#);
            let [Effect::Send(_, frame)] = &client.handle(Input::Call(CallId(0), event))[..] else { panic!("nothing sent") };
            assert_eq!(frame, &format!("event: message\nid: {:032x}.{seq}\ndata: {json}\n\n", 1));
        }
    }

    #[test]
    fn log_messages_below_the_level_are_not_said() {
        let mut client = Client::new();
        client.call(json!(1));
        assert_eq!(client.log(0, LogLevel::Debug), "", "the level is info until the client sets one");
        assert_eq!(client.request("logging/setLevel", json!({"level": "error"})), "e2 answer result 9");
        assert_eq!([client.log(0, LogLevel::Info), client.log(0, LogLevel::Warning)], [""; 2]);
        assert_eq!(client.log(0, LogLevel::Error), "e1 attach [s1.0 priming]; e1 send s1.1 log error");
        client.request("logging/setLevel", json!({"level": "debug"}));
        assert_eq!(client.log(0, LogLevel::Debug), "e1 send s1.2 log debug");
    }

    #[test]
    fn a_level_that_is_refused_leaves_the_old_one() {
        let mut client = Client::new();
        client.call(json!(1));
        client.request("logging/setLevel", json!({"level": "loud"}));
        assert_eq!(client.log(0, LogLevel::Debug), "");
        assert_ne!(client.log(0, LogLevel::Info), "");
    }
}

mod resuming {
    use super::*;

    #[test]
    fn a_disconnect_is_no_cancellation() {
        let mut client = Client::new();
        client.streaming_call(json!(1));
        assert_eq!(client.cut(1), "");
        assert_eq!([client.log(0, LogLevel::Info), client.finish(0)], [""; 2], "said to the log of the stream");
        assert_eq!(client.resume("s1.0"), "e2 attach [s1.1 log info, s1.2 result 1]; e2 finish");
    }

    #[test]
    fn a_dropped_stream_replays_strictly_after_the_last_event_id() {
        let mut client = Client::new();
        client.streaming_call(json!(1));
        client.log(0, LogLevel::Info);
        client.log(0, LogLevel::Error);
        client.cut(1);
        client.finish(0);
        assert_eq!(client.resume("s1.1"), "e2 attach [s1.2 log error, s1.3 result 1]; e2 finish");
        assert_eq!(client.resume("s1.2"), "e3 attach [s1.3 result 1]; e3 finish");
        assert_eq!(client.resume("s1.3"), "e4 nothing more");
        assert_eq!(
            client.resume("s1.0"),
            "e5 attach [s1.1 log info, s1.2 log error, s1.3 result 1]; e5 finish",
            "as often as wanted"
        );
    }

    #[test]
    fn a_stream_resumed_in_the_middle_goes_on_live_until_its_answer() {
        let mut client = Client::new();
        client.streaming_call(json!(1));
        client.cut(1);
        client.log(0, LogLevel::Info);
        assert_eq!(client.resume("s1.0"), "e2 attach [s1.1 log info]");
        assert_eq!(client.log(0, LogLevel::Error), "e2 send s1.2 log error");
        assert_eq!(client.finish(0), "e2 send s1.3 result 1; e2 finish");
    }

    #[test]
    fn resuming_a_stream_that_is_still_attached_moves_it_and_finishes_the_old_exchange() {
        let mut client = Client::new();
        client.streaming_call(json!(1));
        client.log(0, LogLevel::Info);
        assert_eq!(client.resume("s1.0"), "e1 finish; e2 attach [s1.1 log info]");
        assert_eq!(client.resume("s1.1"), "e2 finish; e3 attach []");
        assert_eq!([client.cut(1), client.cut(2)], [""; 2], "the old exchanges mean nothing any more");
        assert_eq!(client.finish(0), "e3 send s1.2 result 1; e3 finish");
    }

    #[test]
    fn an_impatient_stream_can_be_resumed_too() {
        let mut client = Client::new();
        client.call(json!(1));
        client.wait(ANSWER_PATIENCE_MS);
        client.cut(1);
        assert_eq!(client.finish(0), "");
        assert_eq!(client.resume("s1.0"), "e2 attach [s1.1 result 1]; e2 finish");
    }

    #[test]
    fn who_leaves_before_anything_was_sent_gets_no_answer_and_the_call_goes_on() {
        let mut client = Client::new();
        client.call_with_token(json!(1), json!(0));
        assert_eq!(client.cut(1), "", "no call is stopped");
        assert_eq!([client.streaming(0), client.progress(0, 1.0), client.log(0, LogLevel::Error), client.wait(10_000)], [""; 4]);
        assert_eq!(client.call(json!(1)), "e2 answer error 1 -32600", "it still runs");
        assert_eq!(client.finish(0), "");
        assert_eq!(client.call(json!(1)), "start c1");
    }

    #[test]
    fn ids_that_are_foreign_or_never_were_or_lie_ahead_or_were_dropped_are_refused_alike() {
        let mut client = Client::new();
        let dropped = client.streaming_call(json!(1));
        for _ in 0..MAX_LOG_EVENTS {
            client.log(dropped, LogLevel::Info);
        }
        client.call(json!(2));
        let refusal = |client: &mut Client, stream, seq| {
            let (exchange, name) = client.exchange();
            let resume = Some(EventId { stream: StreamId(stream), seq });
            match &client.handle(Input::StreamOpened { exchange, resume, stream: name })[..] {
                [Effect::Refuse(refused, refusal)] if *refused == exchange => refusal.clone(),
                effects => panic!("{effects:?}"),
            }
        };
        let foreign = refusal(&mut client, 77, 0);
        assert_eq!((foreign.status, &foreign.id, foreign.error.code), (400, &None, ErrorCode::INVALID_REQUEST));
        for (stream, seq) in [(78, 5), (1, MAX_LOG_EVENTS as u64 + 1), (1, u64::MAX), (2, 0)] {
            assert_eq!(refusal(&mut client, stream, seq), foreign, "{stream}.{seq}");
        }
        assert_eq!(client.resume("s1.0"), "e1 finish; e8 attach ".to_owned() + &all_logged(1), "nothing was dropped yet");
        client.log(dropped, LogLevel::Info);
        assert_eq!(refusal(&mut client, 1, 0), foreign);
        assert_eq!(client.finish(dropped), format!("e8 send s1.{} result 1; e8 finish", MAX_LOG_EVENTS + 2), "it goes on");
    }

    fn all_logged(first: usize) -> String {
        let events: Vec<String> = (first..=MAX_LOG_EVENTS).map(|seq| format!("s1.{seq} log info")).collect();
        format!("[{}]", events.join(", "))
    }

    #[test]
    fn an_answer_larger_than_the_log_is_still_kept_for_who_has_all_before_it() {
        let mut client = Client::new();
        client.streaming_call(json!(1));
        client.log(0, LogLevel::Info);
        client.cut(1);
        let result = Bytes::from(format!("\"{}\"", "a".repeat(MAX_LOG_BYTES)));
        client.says(0, CallEvent::Finished(Ok(FeatureResult::new(result))));
        assert_eq!(client.resume("s1.0"), "e2 refuse 400 -32600");
        assert_eq!(client.resume("s1.1"), "e3 attach [s1.2 result 1]; e3 finish");
    }
}

mod standalone {
    use super::*;

    #[test]
    fn the_newest_standalone_stream_takes_the_place_of_the_older_one() {
        let mut client = Client::new();
        assert_eq!(client.get(), "e1 attach [s1.0 priming]");
        assert_eq!(client.get(), "e1 finish; e2 attach [s2.0 priming]");
        assert_eq!(client.session.attached_streams(), 1);
        assert_eq!(client.cut(1), "", "the old one means nothing any more");
        assert_eq!(client.session.attached_streams(), 1);
    }

    #[test]
    fn a_standalone_stream_is_resumed_and_stays_open() {
        let mut client = Client::new();
        client.get();
        client.cut(1);
        assert_eq!(client.session.attached_streams(), 0);
        assert_eq!(client.resume("s1.0"), "e2 attach []");
        assert_eq!(client.resume("s1.0"), "e2 finish; e3 attach []");
        assert_eq!(client.session.attached_streams(), 1);
    }

    #[test]
    fn a_replaced_standalone_stream_is_over_for_who_resumes_it() {
        let mut client = Client::new();
        client.get();
        client.get();
        assert_eq!(client.resume("s1.0"), "e3 nothing more");
        assert_eq!(client.session.attached_streams(), 1, "the newer one is untouched");
    }

    #[test]
    fn a_standalone_stream_carries_nothing_of_a_call() {
        let mut client = Client::new();
        client.get();
        client.call_with_token(json!(1), json!(0));
        assert_eq!(client.progress(0, 1.0), "e2 attach [s2.0 priming]; e2 send s2.1 progress 0 1");
        client.cut(2);
        assert_eq!([client.log(0, LogLevel::Error), client.finish(0)], [""; 2]);
        assert_eq!(client.resume("s1.0"), "e1 finish; e3 attach []");
    }

    #[test]
    fn opening_a_standalone_stream_leaves_answers_alone() {
        let mut client = Client::new();
        client.streaming_call(json!(1));
        assert_eq!(client.get(), "e2 attach [s2.0 priming]");
        assert_eq!(client.finish(0), "e1 send s1.1 result 1; e1 finish");
    }
}

mod cancelling {
    use super::*;

    #[test]
    fn cancelling_a_waiting_call_stops_it_and_ends_its_post_without_an_answer() {
        let mut client = Client::new();
        client.call(json!(1));
        assert_eq!(client.cancel(json!(1)), "stop c0; e1 accept; e2 accept");
        assert_eq!([client.finish(0), client.log(0, LogLevel::Error), client.streaming(0), client.wait(10_000)], [""; 4]);
        assert_eq!(client.call(json!(1)), "start c1", "the id is free");
    }

    #[test]
    fn cancelling_a_streaming_call_closes_its_stream_without_an_answer() {
        let mut client = Client::new();
        client.streaming_call(json!("a"));
        client.log(0, LogLevel::Info);
        assert_eq!(client.cancel(json!("a")), "stop c0; e1 finish; e2 accept");
        assert_eq!([client.finish(0), client.progress(0, 1.0), client.log(0, LogLevel::Error)], [""; 3]);
        assert_eq!(client.resume("s1.0"), "e3 attach [s1.1 log info]; e3 finish");
    }

    #[test]
    fn a_call_whose_client_is_away_can_be_cancelled() {
        let mut client = Client::new();
        client.streaming_call(json!(1));
        client.call(json!(2));
        client.cut(1);
        client.cut(2);
        assert_eq!(client.cancel(json!(1)), "stop c0; e3 accept");
        assert_eq!(client.cancel(json!(2)), "stop c1; e4 accept");
        assert_eq!(client.resume("s1.0"), "e5 nothing more");
    }

    #[test]
    fn cancelling_what_is_unknown_or_done_or_nonsense_is_ignored() {
        let mut client = Client::new();
        client.call(json!(1));
        for id in [json!(2), json!("1"), json!(null), json!(1.5)] {
            assert!(client.cancel(id.clone()).ends_with(" accept") && client.session.wake_at() < NOW.plus(10_000), "{id}");
        }
        assert_eq!(client.post(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled"})), "e6 accept");
        assert_eq!(client.finish(0), "e1 answer result 1");
        assert_eq!(client.cancel(json!(1)), "e7 accept");
    }

    #[test]
    fn a_cancellation_that_overtakes_its_request_is_ignored() {
        let mut client = Client::new();
        assert_eq!(client.cancel(json!(1)), "e1 accept");
        assert_eq!(client.call(json!(1)), "start c0");
        assert_eq!(client.finish(0), "e2 answer result 1");
    }

    #[test]
    fn cancelling_one_call_leaves_the_others() {
        let mut client = Client::new();
        for id in 0..3 {
            client.streaming_call(json!(id));
        }
        client.cancel(json!(0));
        assert_eq!(client.log(1, LogLevel::Info), "e2 send s2.1 log info");
        assert_eq!(client.finish(2), "e3 send s3.1 result 2; e3 finish");
        assert_eq!(client.finish(1), "e2 send s2.2 result 1; e2 finish");
    }
}

mod ending {
    use super::*;

    #[test]
    fn delete_stops_calls_finishes_streams_and_refuses_waiting_posts() {
        let mut client = Client::new();
        client.call(json!("a"));
        client.streaming_call(json!(2));
        client.get();
        assert_eq!(client.delete(), "stop c0; e1 refuse 404 -32600; stop c1; e2 finish; e3 finish; end deleted");
    }

    #[test]
    fn a_refused_post_is_told_its_id_and_that_the_session_is_gone() {
        let mut client = Client::new();
        client.call(json!("a"));
        let effects = client.handle(Input::Deleted);
        let [_, Effect::Refuse(_, refusal), _] = &effects[..] else { panic!("{effects:?}") };
        assert_eq!((refusal.status, &refusal.id), (404, &Some(RequestId::Text("a".into()))));
        assert_eq!(refusal.error.message, "Session not found or expired");
    }

    #[test]
    fn nothing_follows_the_end() {
        let mut client = Client::new();
        client.streaming_call(json!(1));
        client.delete();
        assert_eq!([client.call(json!(2)), client.cancel(json!(1)), client.get(), client.resume("s1.0")], [""; 4]);
        assert_eq!([client.finish(0), client.cut(1), client.delete(), client.wait(u64::MAX)], [""; 4]);
        assert_eq!(client.session.attached_streams(), 0);
    }

    #[test]
    fn who_left_gets_no_word_at_the_end() {
        let mut client = Client::new();
        client.call(json!(1));
        client.streaming_call(json!(2));
        client.cut(1);
        client.cut(2);
        assert_eq!(client.delete(), "stop c0; stop c1; end deleted");
    }

    #[test]
    fn a_session_ends_when_nothing_happened_for_too_long() {
        let mut client = Client::new();
        client.wait(1_000);
        client.request("ping", json!({}));
        assert_eq!(client.sleeps(), LIMITS.idle_ms);
        assert_eq!(client.wait(LIMITS.idle_ms - 1), "");
        assert_eq!(client.wait(1), "end idle");
    }

    #[test]
    fn an_open_stream_keeps_a_session() {
        let mut client = Client::new();
        client.get();
        assert_eq!(client.wait(LIMITS.idle_ms * 3), "");
        assert_eq!(client.sleeps(), LIMITS.max_ms - LIMITS.idle_ms * 3);
        client.cut(1);
        assert_eq!(client.sleeps(), LIMITS.idle_ms, "idle from when the stream went");
        assert_eq!(client.wait(LIMITS.idle_ms - 1), "");
        assert_eq!(client.wait(1), "end idle");
    }

    #[test]
    fn a_running_call_keeps_a_session_even_when_its_client_is_away() {
        let mut client = Client::new();
        client.streaming_call(json!(1));
        client.call(json!(2));
        client.cut(1);
        client.cut(2);
        assert_eq!(client.wait(LIMITS.idle_ms * 3), "");
        client.finish(0);
        assert_eq!(client.wait(LIMITS.idle_ms * 3), "");
        client.finish(1);
        assert_eq!(client.sleeps(), LIMITS.idle_ms, "idle from when the last call was done");
        assert_eq!(client.wait(LIMITS.idle_ms), "end idle");
    }

    #[test]
    fn draining_ends_the_standalone_stream_and_answers_are_still_given() {
        let mut client = Client::new();
        client.get();
        client.streaming_call(json!(1));
        client.call(json!(2));
        assert_eq!(client.does(Input::Draining), "e1 finish");
        assert_eq!(client.does(Input::Draining), "");
        assert_eq!(client.finish(1), "e3 answer result 2");
        assert_eq!(client.finish(0), "e2 send s2.1 result 1; e2 finish");
    }

    #[test]
    fn a_stream_that_draining_ended_kept_its_session_until_then() {
        let mut client = Client::new();
        client.get();
        client.wait(LIMITS.idle_ms * 3);
        client.does(Input::Draining);
        assert_eq!(client.wait(LIMITS.idle_ms - 1), "");
        assert_eq!(client.wait(1), "end idle");
    }

    #[test]
    fn a_session_ends_when_it_is_too_old_whatever_happens() {
        let mut client = Client::new();
        client.streaming_call(json!(1));
        client.get();
        assert_eq!(client.wait(LIMITS.max_ms - 1), "");
        assert_eq!(client.sleeps(), 1);
        assert_eq!(client.wait(1), "stop c0; e1 finish; e2 finish; end too_old");
    }

    #[test]
    fn a_session_is_never_woken_in_vain() {
        let mut client = Client::new();
        client.streaming_call(json!(1));
        client.call(json!(2));
        client.get();
        client.get();
        client.finish(0);
        client.cut(4);
        client.finish(1);
        let mut woken = 0;
        while !client.wait(client.sleeps()).contains("end idle") {
            woken += 1;
            assert!(woken < 10, "still awake at {}", client.now);
        }
    }
}

mod keeping {
    use super::*;

    /// Whether s1 is still kept after `ms`, looked at without resuming it before.
    fn kept(client: &mut Client, ms: u64) -> bool {
        client.wait(ms);
        client.moves();
        !client.resume("s1.0").contains("refuse")
    }

    #[test]
    fn a_stream_whose_answer_went_out_is_kept_for_a_while() {
        for (ms, expected) in [(DELIVERED_GRACE_MS - 1, true), (DELIVERED_GRACE_MS, false)] {
            let mut client = Client::new();
            client.streaming_call(json!(1));
            client.finish(0);
            assert_eq!(client.sleeps(), DELIVERED_GRACE_MS);
            client.cut(1);
            assert_eq!(kept(&mut client, ms), expected, "{ms}");
        }
    }

    #[test]
    fn an_answer_that_nobody_has_fetched_is_kept_for_longer() {
        for (ms, expected) in [(UNDELIVERED_GRACE_MS - 1, true), (UNDELIVERED_GRACE_MS, false)] {
            let mut client = Client::new();
            client.streaming_call(json!(1));
            client.cut(1);
            client.finish(0);
            assert_eq!(client.sleeps(), UNDELIVERED_GRACE_MS);
            assert_eq!(kept(&mut client, ms), expected, "{ms}");
        }
    }

    #[test]
    fn an_answer_that_was_fetched_is_kept_as_if_just_sent() {
        for (ms, expected) in [(DELIVERED_GRACE_MS - 1, true), (DELIVERED_GRACE_MS, false)] {
            let mut client = Client::new();
            client.streaming_call(json!(1));
            client.cut(1);
            client.finish(0);
            client.wait(UNDELIVERED_GRACE_MS / 2);
            client.resume("s1.0");
            assert_eq!(client.sleeps(), DELIVERED_GRACE_MS);
            assert_eq!(kept(&mut client, ms), expected, "{ms}");
        }
    }

    #[test]
    fn a_stream_that_is_not_finished_is_kept_however_long_its_client_is_away() {
        let mut client = Client::new();
        client.streaming_call(json!(1));
        client.cut(1);
        assert!(kept(&mut client, UNDELIVERED_GRACE_MS * 10));
    }

    #[test]
    fn a_replaced_standalone_stream_that_was_open_is_kept_no_longer_than_a_sent_answer() {
        let mut client = Client::new();
        client.get();
        client.get();
        assert_eq!(client.sleeps(), DELIVERED_GRACE_MS);
    }

    #[test]
    fn the_stream_that_would_go_first_makes_room_when_there_are_too_many() {
        let mut client = Client::new();
        for id in 0..MAX_STREAMS {
            let call = client.streaming_call(json!(id));
            client.finish(call);
            client.now = client.now.plus(1);
        }
        assert_eq!(client.resume("s2.0"), "e65 attach [s2.1 result 1]; e65 finish");
        client.get();
        assert_eq!(client.resume("s1.0"), "e67 refuse 400 -32600");
        assert_ne!(client.resume("s2.0"), "e68 refuse 400 -32600");
        client.get();
        assert_eq!(client.resume("s3.0"), "e70 refuse 400 -32600", "the second was fetched after it");
    }

    #[test]
    fn an_answer_that_nobody_has_fetched_does_not_make_room_for_what_was_sent() {
        let mut client = Client::new();
        client.streaming_call(json!("away"));
        client.cut(1);
        for id in 1..MAX_STREAMS {
            let call = client.streaming_call(json!(id));
            client.finish(call);
        }
        client.finish(0);
        client.get();
        assert_eq!(client.resume("s1.0"), r#"e66 attach [s1.1 result "away"]; e66 finish"#);
    }

    #[test]
    fn streams_that_are_not_finished_never_make_room() {
        let mut client = Client::of("2025-11-25", SessionLimits { max_calls: 100, ..LIMITS });
        for id in 0..=MAX_STREAMS {
            client.streaming_call(json!(id));
        }
        assert_eq!(client.session.attached_streams(), MAX_STREAMS + 1);
        assert_eq!(client.finish(0), "e1 send s1.1 result 0; e1 finish");
    }
}

mod all_logs_together {
    use super::super::limits::MAX_LOGGED_BYTES;
    use super::*;

    fn client() -> Client {
        Client::of("2025-11-25", SessionLimits { max_calls: 100, ..LIMITS })
    }

    /// Says so many bytes of JSON.
    fn says(client: &mut Client, call: u64, bytes: usize) {
        let data = Bytes::from(format!("\"{}\"", "a".repeat(bytes)));
        client.says(call, CallEvent::Log { level: LogLevel::Error, logger: "l", data });
    }

    fn answers(client: &mut Client, call: u64, bytes: usize) {
        let result = Bytes::from(format!("\"{}\"", "a".repeat(bytes)));
        client.says(call, CallEvent::Finished(Ok(FeatureResult::new(result))));
    }

    fn kept(client: &Client) -> usize {
        client.session.streams.iter().map(|stream| stream.log.bytes()).sum()
    }

    #[test]
    fn a_session_keeps_eight_mebibytes_however_many_streams_it_has() {
        let mut client = client();
        for id in 0..MAX_STREAMS as u64 {
            let call = client.streaming_call(json!(id));
            for _ in 0..16 {
                says(&mut client, call, MAX_LOG_BYTES / 16);
                assert!(kept(&client) <= MAX_LOGGED_BYTES);
            }
        }
        assert_eq!(client.session.attached_streams(), MAX_STREAMS, "the streams go on");
        assert!(kept(&client) > MAX_LOGGED_BYTES - MAX_LOG_BYTES / 8);
        assert_eq!(client.resume("s1.0"), "e65 refuse 400 -32600", "its oldest events are no longer kept");
        assert!(client.resume("s1.15").starts_with("e1 finish; e66 attach [s1.16 log error]"));
    }

    #[test]
    fn what_was_read_to_its_end_goes_before_what_was_not() {
        let mut client = client();
        let unread = client.streaming_call(json!("unread"));
        says(&mut client, unread, MAX_LOG_BYTES / 2);
        client.cut(1);
        for id in 0..16 {
            let call = client.streaming_call(json!(id));
            answers(&mut client, call, MAX_LOG_BYTES / 2);
            client.now = client.now.plus(1);
        }
        assert!(kept(&client) <= MAX_LOGGED_BYTES);
        assert_eq!(client.resume("s2.0"), "e18 refuse 400 -32600", "the first to be read is gone");
        assert_eq!(client.resume("s17.0"), "e19 attach [s17.1 result 15]; e19 finish");
        assert_eq!(client.resume("s1.0"), "e20 attach [s1.1 log error]");
    }

    #[test]
    fn an_answer_that_nobody_has_fetched_goes_after_all_that_was_said_before_others() {
        let mut client = client();
        let answered = client.streaming_call(json!("answered"));
        client.cut(1);
        answers(&mut client, answered, 2 * MAX_LOG_BYTES);
        for id in 0..12 {
            let call = client.streaming_call(json!(id));
            for _ in 0..8 {
                says(&mut client, call, MAX_LOG_BYTES / 8);
            }
        }
        assert!(kept(&client) <= MAX_LOGGED_BYTES);
        client.resume("s1.0");
        assert!(client.session.streams[0].log.bytes() > 2 * MAX_LOG_BYTES, "it is kept whole");
    }

    #[test]
    fn one_event_above_the_bound_is_sent_and_not_kept() {
        let mut client = client();
        client.streaming_call(json!(1));
        let result = Bytes::from(format!("\"{}\"", "a".repeat(MAX_LOGGED_BYTES)));
        assert_eq!(client.says(0, CallEvent::Finished(Ok(FeatureResult::new(result)))), "e1 send s1.1 result 1; e1 finish");
        assert_eq!(kept(&client), 0);
    }
}

mod moving {
    use super::*;

    #[test]
    fn a_busy_session_goes_on_after_it_was_written_down_and_read_back() {
        let mut client = Client::new();
        client.request("logging/setLevel", json!({"level": "error"}));
        client.call_with_token(json!(1), json!("t\n"));
        client.progress(0, 1.5);
        client.call_with_token(json!("2"), json!(7));
        client.call(json!(3));
        client.cut(4);
        client.get();
        let wake = client.session.wake_at();
        client.moves();
        assert_eq!((client.session.wake_at(), client.session.attached_streams()), (wake, 2));
        assert_eq!(client.log(0, LogLevel::Warning), "");
        assert_eq!(client.progress(0, 1.5), "");
        assert_eq!(client.progress(0, 2.0), r#"e2 send s2.2 progress "t\n" 2"#);
        assert_eq!(client.progress(1, 1.0), "e3 attach [s3.0 priming]; e3 send s3.1 progress 7 1");
        assert_eq!(client.finish(2), "");
        assert_eq!(client.finish(1), r#"e3 send s3.2 result "2"; e3 finish"#);
        client.moves();
        assert_eq!(client.resume("s3.0"), r#"e6 attach [s3.1 progress 7 1, s3.2 result "2"]; e6 finish"#);
        assert_eq!(client.call(json!(4)), "start c3", "no call's name is used twice");
        assert_eq!(client.delete(), "stop c0; stop c3; e7 refuse 404 -32600; e2 finish; e5 finish; end deleted");
        client.moves();
        assert_eq!(client.call(json!(5)), "", "what has ended stays ended");
    }

    #[test]
    fn the_logs_of_a_session_read_back_equal_and_are_written_in_little_more_than_their_own_size() {
        let mut client = Client::new();
        let call = client.streaming_call(json!(1));
        let quote = br#"{"symbol":"AAPL","price":"189.4300","bid":"189.42","ask":"189.44","as_of":"2025-06-03T14:30:00.123Z","note":"\u00fcber"}"#;
        let mut framed = 0;
        for _ in 0..500 {
            let log = CallEvent::Log { level: LogLevel::Error, logger: "quote", data: Bytes::from_static(quote) };
            for effect in client.handle(Input::Call(CallId(call), log)) {
                let Effect::Send(_, frame) = effect else { panic!("{effect:?}") };
                framed += frame.len();
            }
        }
        let empty = serde_json::to_string(&Client::new().session).unwrap().len();
        let written = serde_json::to_string(&client.session).unwrap().len();
        // Quotes and line ends are escaped with one byte each.
        assert!(written - empty < framed * 120 / 100, "{written} bytes for {framed} bytes of frames");
        let frames = |client: &mut Client| {
            let resume = Some(EventId { stream: StreamId(1), seq: 0 });
            let (exchange, stream) = client.exchange();
            client.handle(Input::StreamOpened { exchange, resume, stream }).into_iter().find_map(|effect| match effect {
                Effect::Attach(_, frames) => Some(frames),
                _ => None,
            })
        };
        let before = frames(&mut client).unwrap();
        client.moves();
        assert_eq!((before.len(), frames(&mut client).unwrap()), (500, before));
    }

    #[test]
    fn a_random_stream_name_survives_the_move() {
        let mut client = Client::new();
        let (exchange, stream) = (ExchangeId(u64::MAX), StreamId(u128::MAX));
        client.handle(Input::StreamOpened { exchange, resume: None, stream });
        client.moves();
        let resume = Some(EventId { stream, seq: 0 });
        let effects = client.handle(Input::StreamOpened { exchange: ExchangeId(1), resume, stream: StreamId(1) });
        assert!(matches!(&effects[..], [Effect::Finish(_), Effect::Attach(_, frames)] if frames.is_empty()), "{effects:?}");
    }
}

mod batches {
    use super::*;

    fn old() -> Client {
        Client::of("2025-03-26", LIMITS)
    }

    fn ping(id: u64) -> Value {
        json!({"jsonrpc": "2.0", "id": id, "method": "ping"})
    }

    fn call(id: u64) -> Value {
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "quote"}})
    }

    fn post(client: &mut Client, messages: &Value) -> String {
        let (exchange, stream) = client.exchange();
        let Body::Batch(messages) = Body::parse(messages.to_string().as_bytes()).unwrap() else { panic!("no batch") };
        client.does(Input::BatchPosted { exchange, messages, stream })
    }

    #[test]
    fn a_batch_is_answered_by_one_array_once_its_last_call_is_done() {
        let mut client = old();
        assert_eq!(post(&mut client, &json!([ping(1), call(2), call(3), 7])), "start c0; start c1");
        client.moves();
        assert_eq!(client.finish(1), "");
        assert_eq!(client.finish(0), "e1 answer [result 1, error null -32600, result 3, result 2]");
    }

    #[test]
    fn a_batch_that_asks_nothing_is_accepted_and_one_element_is_still_a_batch() {
        let mut client = old();
        let notification = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert_eq!(post(&mut client, &json!([notification, {"jsonrpc": "2.0", "id": 1, "result": {}}])), "e1 accept");
        assert_eq!(post(&mut client, &json!([ping(1)])), "e2 answer [result 1]");
    }

    #[test]
    fn answers_that_are_too_much_together_are_refused_one_by_one_and_the_others_come() {
        let mut client = old();
        post(&mut client, &json!([call(1), call(2), call(3)]));
        let big =
            || CallEvent::Finished(Ok(FeatureResult::new(json!({"text": "x".repeat(600_000)}).to_string().into_bytes().into())));
        assert_eq!(client.says(0, big()), "");
        assert_eq!(client.says(1, big()), "");
        assert_eq!(client.finish(2), "e1 answer [result 1, error 2 -32600, result 3]");
    }

    #[test]
    fn a_batch_whose_call_speaks_becomes_a_stream_that_ends_with_its_last_answer() {
        let mut client = old();
        post(&mut client, &json!([ping(1), call(2), call(3)]));
        assert_eq!(client.log(0, LogLevel::Error), "e1 attach [connected]; e1 send s1.0 result 1; e1 send s1.1 log error");
        assert_eq!(client.finish(1), "e1 send s1.2 result 3");
        assert_eq!(client.finish(0), "e1 send s1.3 result 2; e1 finish");
    }

    #[test]
    fn a_batch_becomes_a_stream_by_patience_and_goes_nowhere_when_its_client_leaves() {
        let mut client = old();
        post(&mut client, &json!([call(1), call(2)]));
        assert_eq!(client.wait(ANSWER_PATIENCE_MS), "e1 attach [connected]");
        client.finish(0);
        client.finish(1);
        post(&mut client, &json!([call(1)]));
        assert_eq!((client.cut(2), client.finish(2)), (String::new(), String::new()));
    }

    #[test]
    fn a_cancelled_call_of_a_batch_is_left_out_of_the_array() {
        let mut client = old();
        post(&mut client, &json!([call(1), call(2)]));
        assert_eq!(client.cancel(json!(1)), "stop c0; e2 accept");
        assert_eq!(client.finish(1), "e1 answer [result 2]");
        post(&mut client, &json!([call(1)]));
        assert_eq!(client.cancel(json!(1)), "stop c2; e3 accept; e4 accept");
    }

    #[test]
    fn what_comes_after_a_cancelled_call_is_still_taken() {
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}});
        let mut client = old();
        assert_eq!(post(&mut client, &json!([call(1), cancel, ping(2)])), "start c0; stop c0; e1 answer [result 2]");
        assert_eq!(post(&mut client, &json!([call(1), cancel, call(3)])), "start c1; stop c1; start c2");
        assert_eq!(client.wait(5_000), "e2 attach [connected]", "it is not forgotten by time");
        assert_eq!(client.finish(2), "e2 send s2.0 result 3; e2 finish");
        assert_eq!(post(&mut client, &json!([call(1), cancel])), "start c3; stop c3; e3 accept");
    }

    #[test]
    fn newer_revisions_an_initialize_and_a_flood_are_refused() {
        assert_eq!(post(&mut Client::of("2025-06-18", LIMITS), &json!([ping(1)])), "e1 refuse 400 -32600");
        assert_eq!(post(&mut Client::new(), &json!([ping(1)])), "e1 refuse 400 -32600");
        let initialize = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-03-26"}});
        assert_eq!(post(&mut old(), &json!([initialize])), "e1 refuse 400 -32600");
        let flood: Vec<Value> = (0..=super::super::limits::MAX_BATCH as u64).map(ping).collect();
        assert_eq!(post(&mut old(), &json!(flood)), "e1 refuse 400 -32600");
    }

    #[test]
    fn an_end_refuses_the_batch_that_waits() {
        let mut client = old();
        post(&mut client, &json!([call(1)]));
        assert_eq!(client.delete(), "stop c0; e1 refuse 404 -32600; end deleted");
    }
}

mod questions {
    use super::*;

    const PINGS: SessionLimits = SessionLimits { ping_ms: 300_000, ..LIMITS };

    fn asks(client: &mut Client, call: u64, question: u64) -> String {
        let params = Bytes::from_static(b"{}");
        let ask = Ask { question: QuestionId(question), method: "roots/list", params, patience_ms: 1_000 };
        client.says(call, CallEvent::Ask(ask))
    }

    fn answers(client: &mut Client, id: Value, member: &str, value: Value) -> String {
        client.post(&json!({"jsonrpc": "2.0", "id": id, member: value}))
    }

    #[test]
    fn a_question_goes_out_on_the_calls_own_stream_and_its_answer_comes_back_once() {
        let mut client = Client::new();
        client.call(json!(1));
        assert_eq!(asks(&mut client, 0, 7), "e1 attach [s1.0 priming]; e1 send s1.1 ask 1 roots/list");
        client.moves();
        assert_eq!(answers(&mut client, json!(1), "result", json!({"roots": []})), r#"tell c0 q7 {"roots":[]}; e2 accept"#);
        assert_eq!(answers(&mut client, json!(1), "result", json!({})), "e3 accept");
        assert_eq!(client.finish(0), "e1 send s1.2 result 1; e1 finish");
    }

    #[test]
    fn a_refusal_reaches_the_call_with_its_reason() {
        let mut client = Client::new();
        client.call(json!(1));
        asks(&mut client, 0, 0);
        let refusal = json!({"code": -1, "message": "User rejected"});
        assert_eq!(answers(&mut client, json!(1), "error", refusal), "tell c0 q0 refused -1 User rejected; e2 accept");
        asks(&mut client, 0, 1);
        assert_eq!(answers(&mut client, json!(2), "error", json!("no")), "tell c0 q1 refused 0 ; e3 accept");
    }

    #[test]
    fn a_late_answer_is_withdrawn_and_ignored() {
        let mut client = Client::new();
        client.call(json!(1));
        asks(&mut client, 0, 0);
        assert_eq!(client.sleeps(), 1_000);
        assert_eq!(client.wait(1_000), "e1 send s1.2 withdraw 1; tell c0 q0 timed out");
        assert_eq!(answers(&mut client, json!(1), "result", json!({})), "e2 accept");
    }

    #[test]
    fn answers_to_nothing_are_ignored() {
        let mut client = Client::new();
        for id in [json!(1), json!(-1), json!("1"), json!(i64::MAX)] {
            assert!(answers(&mut client, id, "result", json!({})).ends_with("accept"));
        }
    }

    #[test]
    fn a_call_that_is_cancelled_or_done_withdraws_what_it_asked() {
        let mut client = Client::new();
        client.call(json!(1));
        asks(&mut client, 0, 0);
        assert_eq!(client.cancel(json!(1)), "e1 send s1.2 withdraw 1; stop c0; e1 finish; e2 accept");
        client.call(json!(2));
        asks(&mut client, 1, 0);
        assert_eq!(client.finish(1), "e3 send s3.2 withdraw 2; e3 send s3.3 result 2; e3 finish");
    }

    #[test]
    fn a_client_that_left_before_the_stream_began_cannot_be_asked() {
        let mut client = Client::new();
        client.call(json!(1));
        client.cut(1);
        assert_eq!(asks(&mut client, 0, 0), "tell c0 q0 unreachable");
    }

    #[test]
    fn a_question_waits_for_a_client_that_resumes() {
        let mut client = Client::new();
        client.call(json!(1));
        client.streaming(0);
        client.cut(1);
        assert_eq!(asks(&mut client, 0, 0), "");
        assert_eq!(client.resume("s1.0"), "e2 attach [s1.1 ask 1 roots/list]");
    }

    #[test]
    fn a_silent_client_that_holds_a_stream_is_pinged_and_given_up() {
        let mut client = Client::of("2025-11-25", PINGS);
        client.get();
        assert_eq!(client.sleeps(), PINGS.ping_ms);
        assert_eq!(client.wait(PINGS.ping_ms), "e1 send s1.1 ask 1 ping");
        assert_eq!(answers(&mut client, json!(1), "result", json!({})), "e2 accept");
        assert_eq!(client.wait(PINGS.ping_ms), "e1 send s1.2 ask 2 ping");
        assert_eq!(client.wait(super::super::limits::PING_PATIENCE_MS), "e1 finish; end unresponsive");
    }

    #[test]
    fn a_client_without_an_open_stream_is_not_pinged() {
        let mut client = Client::of("2025-11-25", PINGS);
        assert_eq!(client.wait(PINGS.ping_ms + 1), "");
    }
}

mod notices {
    use super::*;

    fn subscribe(client: &mut Client, id: u64, uri: &str) -> String {
        client.post(&json!({"jsonrpc": "2.0", "id": id, "method": "resources/subscribe", "params": {"uri": uri}}))
    }

    fn updated(client: &mut Client, uri: &str) -> String {
        client.does(Input::Notice(Notice::ResourceUpdated(uri.into())))
    }

    #[test]
    fn a_change_is_told_on_the_standalone_stream_alone() {
        let mut client = Client::new();
        client.streaming_call(json!(1));
        assert_eq!(client.does(Input::Notice(Notice::ToolsChanged)), "", "nobody listens");
        client.get();
        assert_eq!(client.does(Input::Notice(Notice::ToolsChanged)), "e2 send s2.1 tools changed");
        client.cut(2);
        assert_eq!(client.does(Input::Notice(Notice::ToolsChanged)), "");
        assert_eq!(client.resume("s2.1"), "e3 attach [s2.2 tools changed]");
    }

    #[test]
    fn a_watched_resource_is_told_of_until_it_is_unsubscribed() {
        let mut client = Client::new();
        client.get();
        assert_eq!(subscribe(&mut client, 1, "x:a"), "watch c0 x:a");
        assert_eq!(updated(&mut client, "x:a"), "", "not yet");
        assert_eq!(client.finish(0), "e2 answer result 1");
        client.moves();
        assert_eq!(updated(&mut client, "x:a"), "e1 send s1.1 updated x:a");
        assert_eq!(updated(&mut client, "x:b"), "");
        assert_eq!(subscribe(&mut client, 2, "x:a"), "e3 answer result 2", "twice is once");
        assert_eq!(client.request("resources/unsubscribe", json!({"uri": "x:a"})), "unwatch x:a; e4 answer result 9");
        assert_eq!(updated(&mut client, "x:a"), "");
        assert_eq!(client.request("resources/unsubscribe", json!({"uri": "x:a"})), "e5 answer result 9");
    }

    #[test]
    fn a_resource_that_cannot_be_watched_is_not() {
        let mut client = Client::new();
        subscribe(&mut client, 1, "x:a");
        assert_eq!(client.fail(0), "unwatch x:a; e1 answer error 1 -32603");
        client.get();
        assert_eq!(updated(&mut client, "x:a"), "");
    }

    #[test]
    fn a_resource_that_two_calls_want_is_watched_once_and_as_long_as_one_succeeds() {
        let mut client = Client::new();
        client.get();
        subscribe(&mut client, 1, "x:a");
        assert_eq!(subscribe(&mut client, 2, "x:a"), "watch c1 x:a");
        assert_eq!(client.finish(0), "e2 answer result 1");
        assert_eq!(client.fail(1), "e3 answer error 2 -32603");
        assert_eq!(updated(&mut client, "x:a"), "e1 send s1.1 updated x:a");
        assert_eq!(client.request("resources/unsubscribe", json!({"uri": "x:a"})), "unwatch x:a; e4 answer result 9");
        assert_eq!(updated(&mut client, "x:a"), "");
    }

    #[test]
    fn what_is_unsubscribed_while_another_call_wants_it_goes_on() {
        let mut client = Client::new();
        subscribe(&mut client, 1, "x:a");
        subscribe(&mut client, 2, "x:a");
        client.finish(0);
        assert_eq!(client.request("resources/unsubscribe", json!({"uri": "x:a"})), "e3 answer result 9");
        assert_eq!(client.fail(1), "unwatch x:a; e2 answer error 2 -32603");
    }

    #[test]
    fn a_subscription_that_is_cancelled_watches_nothing() {
        let mut client = Client::new();
        subscribe(&mut client, 1, "x:a");
        subscribe(&mut client, 2, "x:a");
        assert_eq!(client.cancel(json!(1)), "stop c0; e1 accept; e3 accept", "another still wants it");
        assert_eq!(client.cancel(json!(2)), "stop c1; unwatch x:a; e2 accept; e4 accept");
    }

    #[test]
    fn what_a_session_watches_is_bounded_and_dropped_with_it() {
        let mut client = Client::new();
        for n in 0..super::super::limits::MAX_WATCHES {
            subscribe(&mut client, 1, &format!("x:{n}"));
            client.finish(n as u64);
        }
        assert_eq!(subscribe(&mut client, 1, "x:more"), "e101 answer error 1 -32602");
        assert_eq!(client.delete().matches("unwatch").count(), 100);
    }
}

mod pauses {
    use super::*;

    #[test]
    fn a_paused_stream_goes_on_where_its_client_comes_back() {
        let mut client = Client::new();
        client.call(json!(1));
        assert_eq!(
            client.says(0, CallEvent::Pause { retry_ms: 500 }),
            "e1 attach [s1.0 priming]; e1 send s1.1 priming; e1 finish"
        );
        client.cut(1);
        assert_eq!(client.finish(0), "");
        assert_eq!(client.resume("s1.1"), "e2 attach [s1.2 result 1]; e2 finish");
    }

    #[test]
    fn older_clients_are_never_paused() {
        let mut client = Client::of("2025-06-18", LIMITS);
        client.call(json!(1));
        assert_eq!(client.says(0, CallEvent::Pause { retry_ms: 500 }), "");
    }
}

mod pipes {
    use super::*;

    fn pipe(framing: Framing) -> Client {
        Client { session: Session::on_a_pipe(framing, LIMITS, NOW), now: NOW, exchanges: 0 }
    }

    fn greeted() -> Client {
        let mut client = pipe(Framing::Lines);
        client.get();
        client.request("initialize", json!({"protocolVersion": "2024-11-05"}));
        client.finish(0);
        client
    }

    #[test]
    fn everything_is_said_on_the_one_stream() {
        let mut client = pipe(Framing::BareEvents);
        assert_eq!(client.get(), "e1 attach []");
        assert_eq!(client.request("tools/list", json!({})), "e2 accept; e1 send  error 9 -32600");
        assert_eq!(client.request("ping", json!({})), "e3 accept; e1 send  result 9");
        assert_eq!(client.request("initialize", json!({"protocolVersion": "2024-11-05"})), "e4 accept; greet c0 2024-11-05");
        assert_eq!(client.finish(0), "e1 send  result 9");
        assert_eq!(client.request("initialize", json!({"protocolVersion": "2024-11-05"})), "e5 accept; e1 send  error 9 -32600");
        assert_eq!(client.call(json!(1)), "e6 accept; start c1");
        assert_eq!(client.log(1, LogLevel::Error), "e1 send  log error");
        assert_eq!(client.finish(1), "e1 send  result 1");
        assert_eq!(client.does(Input::Notice(Notice::ToolsChanged)), "e1 send  tools changed");
    }

    #[test]
    fn on_stdio_a_message_is_a_line() {
        let mut client = greeted();
        let [_, Effect::Send(_, line)] = &{
            let input = client.posted(&json!({"jsonrpc": "2.0", "id": 2, "method": "ping"}));
            client.handle(input)
        }[..] else {
            panic!("no line")
        };
        assert_eq!(&line[..], b"{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}\n");
    }

    #[test]
    fn a_pipe_ends_with_its_stream_and_has_no_second() {
        let mut client = greeted();
        client.call(json!(1));
        assert_eq!(client.get(), "e4 refuse 400 -32600");
        assert_eq!(client.cut(1), "stop c1; e1 finish; end disconnected");
    }

    #[test]
    fn a_pipe_that_drains_ends_when_its_last_call_is_answered() {
        let mut client = greeted();
        client.call(json!(1));
        client.call(json!(2));
        assert_eq!(client.does(Input::Draining), "");
        assert_eq!(client.finish(1), "e1 send result 1");
        assert_eq!(client.finish(2), "e1 send result 2; e1 finish; end disconnected");
        let mut idle = greeted();
        assert_eq!(idle.does(Input::Draining), "e1 finish; end disconnected");
    }

    #[test]
    fn a_client_that_has_not_shaken_hands_is_told_and_asked_nothing() {
        let limits = SessionLimits { ping_ms: 300_000, ..LIMITS };
        let session = Session::on_a_pipe(Framing::Lines, limits, NOW);
        let mut client = Client { session, now: NOW, exchanges: 0 };
        client.get();
        assert_eq!(client.does(Input::Notice(Notice::ToolsChanged)), "");
        client.now = NOW.plus(limits.ping_ms);
        assert_eq!(client.does(Input::TimeReached), "");
    }

    #[test]
    fn a_pipe_of_an_old_revision_takes_batches_message_by_message() {
        let mut client = greeted();
        let (exchange, stream) = client.exchange();
        let batch = json!([{"jsonrpc": "2.0", "id": 1, "method": "ping"}, 7]).to_string();
        let Body::Batch(messages) = Body::parse(batch.as_bytes()).unwrap() else { panic!("no batch") };
        let done = client.does(Input::BatchPosted { exchange, messages, stream });
        assert_eq!(done, "e3 accept; e1 send result 1; e1 send error null -32600");
    }
}

mod resting {
    use super::*;

    #[test]
    fn a_session_goes_on_after_a_restart_and_tells_what_became_of_its_calls() {
        let mut client = Client::new();
        client.streaming_call(json!(1));
        client.call(json!(2));
        client.get();
        client.moves();
        client.session.wake_up(client.now);
        assert_eq!(client.session.running_calls(), 0);
        assert_eq!(client.resume("s1.0"), "e4 attach [s1.1 error 1 -32603]; e4 finish");
        assert_eq!(client.resume("s3.0"), "e5 attach []");
        assert_eq!(client.call(json!(1)), "start c2", "no call's name is used twice");
    }

    #[test]
    fn a_session_that_is_too_large_forgets_what_its_client_has_received() {
        let mut client = Client::new();
        let call = client.streaming_call(json!(1));
        client.finish(call);
        client.session.slim();
        assert_eq!(client.resume("s1.0"), "e2 refuse 400 -32600");
    }

    #[test]
    fn a_pipe_cannot_rest() {
        assert!(Client::new().session.can_rest());
        assert!(!Session::on_a_pipe(Framing::Lines, LIMITS, NOW).can_rest());
    }
}
