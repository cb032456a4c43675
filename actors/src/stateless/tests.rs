//! Stateless requests: what makes an answer a stream, what dropping it stops, how questions come back, who is told of changes.

use std::cell::Cell;
use std::future::pending;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::{Value, json};
use tickgate_core::mcp::{LogLevel, Progress};
use tickgate_core::ports::Shelf;
use tickgate_core::rpc::{ErrorCode, RpcError};
use tickgate_core::session::Notice;
use tickgate_core::task::TaskTerms;
use tokio::time::Instant;

use super::*;
use crate::call::CallLink;
use crate::test_support::{Ask, MemoryStore, PlainSeal, Scripted, caller, metrics, on_paused_time, pass, result, says, settle};

const TERMS: TaskTerms = TaskTerms { ttl_ms: 60_000, poll_ms: 1_000 };

/// One worker's stateless side.
struct Desk {
    stateless: Stateless,
    script: Scripted,
    store: MemoryStore,
    draining: watch::Sender<bool>,
}

impl Desk {
    fn new() -> Self {
        let (script, store, clock, draining) =
            (Scripted::new(), MemoryStore::default(), Clock::start(), watch::Sender::new(false));
        let stateless = Stateless {
            catalog: Rc::new(script.clone()),
            tasks: Tasks::new(Arc::new(store.clone()), clock, metrics()),
            seal: Arc::new(PlainSeal::default()),
            clock,
            draining: draining.subscribe(),
            listen_for: None,
            meta: Bytes::from_static(br#""server":"us""#),
        };
        Self { stateless, script, store, draining }
    }

    async fn ask_as(&self, name: &str, ask: &Ask) -> StatelessAnswer {
        self.stateless.answer(ask.admit().unwrap(), &caller(name), "r-1".into()).await
    }

    async fn ask(&self, ask: &Ask) -> StatelessAnswer {
        self.ask_as("ada", ask).await
    }

    /// Asks for what is answered as JSON.
    async fn json(&self, ask: &Ask) -> (u16, Value) {
        let StatelessAnswer::Json(status, body) = self.ask(ask).await else { panic!("a stream") };
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// Asks for what is answered as a stream.
    async fn stream(&self, ask: &Ask) -> StatelessStream {
        self.stream_as("ada", ask).await
    }

    async fn stream_as(&self, name: &str, ask: &Ask) -> StatelessStream {
        let StatelessAnswer::Stream(stream) = self.ask_as(name, ask).await else { panic!("no stream") };
        stream
    }
}

async fn next(stream: &mut StatelessStream) -> Value {
    serde_json::from_slice(&stream.next().await.expect("the stream goes on")).unwrap()
}

async fn rest(stream: StatelessStream) -> Vec<Value> {
    stream.map(|message| serde_json::from_slice(&message).unwrap()).collect().await
}

/// Whether nothing more is to be read now, and the stream is open.
async fn is_silent(stream: &mut StatelessStream) -> bool {
    settle().await;
    stream.next().now_or_never().is_none()
}

async fn log(call: &CallLink, level: LogLevel, text: &str) {
    call.log(level, "test", Bytes::from(json!(text).to_string())).await;
}

async fn report(call: &CallLink, progress: f64) {
    call.progress(Progress { progress, total: None, message: None, event: None }).await;
}

/// The data of the log messages among these.
fn logged(messages: &[Value]) -> Vec<&str> {
    messages.iter().filter_map(|message| message["params"]["data"].as_str()).collect()
}

mod answers {
    use super::*;

    #[test]
    fn a_call_that_says_nothing_is_answered_as_json_with_its_type_and_our_name() {
        on_paused_time(|| async {
            let desk = Desk::new();
            desk.script.done("done", || says("now"));
            desk.script.tool("later", |_| async {
                pass(4.9).await;
                says("later")
            });
            for (tool, said) in [("done", "now"), ("later", "later")] {
                let (status, answer) = desk.json(&Ask::call(tool).id("7").logging("debug").token(1)).await;
                let result = json!({"resultType": "complete", "says": said, "_meta": {"server": "us"}});
                assert_eq!((status, answer), (200, json!({"jsonrpc": "2.0", "id": "7", "result": result})));
            }
        });
    }

    #[test]
    fn a_call_that_speaks_is_a_stream_and_what_it_said_comes_before_its_answer_in_order() {
        on_paused_time(|| async {
            let desk = Desk::new();
            desk.script.tool("speaks", |call| async move {
                log(&call, LogLevel::Info, "one").await;
                log(&call, LogLevel::Info, "two").await;
                pass(1.0).await;
                log(&call, LogLevel::Info, "three").await;
                says("done")
            });
            let messages = rest(desk.stream(&Ask::call("speaks").logging("info")).await).await;
            assert_eq!((messages.len(), logged(&messages)), (4, vec!["one", "two", "three"]));
            assert_eq!(messages[3]["result"]["says"], "done");
        });
    }

    #[test]
    fn a_call_that_announces_that_it_will_speak_is_a_stream_at_once() {
        on_paused_time(|| async {
            let desk = Desk::new();
            desk.script.tool("announces", |call| async move {
                call.stream().await;
                pass(1.0).await;
                result()
            });
            let begun = Instant::now();
            let stream = desk.stream(&Ask::call("announces")).await;
            assert_eq!(begun.elapsed(), Duration::ZERO);
            assert_eq!(rest(stream).await.len(), 1);
        });
    }

    #[test]
    fn a_patient_call_is_a_stream_after_five_seconds_and_not_before() {
        on_paused_time(|| async {
            let desk = Desk::new();
            desk.script.tool("patient", |_| async {
                pass(60.0).await;
                says("at last")
            });
            let begun = Instant::now();
            let stream = desk.stream(&Ask::call("patient")).await;
            assert!((5_000..5_010).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
            let messages = rest(stream).await;
            assert_eq!((messages.len(), &messages[0]["result"]["says"]), (1, &json!("at last")));
            assert!((60_000..60_010).contains(&begun.elapsed().as_millis()));
        });
    }

    #[test]
    fn an_error_has_a_status_of_its_own_only_as_long_as_nothing_was_sent() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let lacks = || Err(FeatureError::MissingCapability(json!({"sampling": {}})));
            desk.script.done("lacks at once", lacks);
            desk.script.tool("lacks", move |_| async move {
                pass(1.0).await;
                lacks()
            });
            desk.script.tool("says and lacks", move |call| async move {
                log(&call, LogLevel::Error, "x").await;
                lacks()
            });
            for tool in ["lacks at once", "lacks"] {
                let (status, answer) = desk.json(&Ask::call(tool)).await;
                assert_eq!((status, &answer["error"]["code"]), (400, &json!(-32021)));
                assert_eq!(answer["error"]["data"], json!({"requiredCapabilities": {"sampling": {}}}));
            }
            let messages = rest(desk.stream(&Ask::call("says and lacks").logging("debug")).await).await;
            assert_eq!((messages.len(), &messages[1]["error"]["code"]), (2, &json!(-32021)));
            // Without a level nothing is said, so nothing is sent, and the status is still free.
            assert_eq!(desk.json(&Ask::call("says and lacks")).await.0, 400);
        });
    }

    #[test]
    fn what_a_handler_refuses_is_told_under_200_with_the_requests_own_id() {
        on_paused_time(|| async {
            let desk = Desk::new();
            desk.script.done("fails", || Err(FeatureError::Rpc(RpcError::new(ErrorCode::INTERNAL, "no"))));
            for (tool, code) in [("fails", -32603), ("no such tool", -32602)] {
                let (status, answer) = desk.json(&Ask::call(tool).id("x")).await;
                assert_eq!((status, &answer["id"], &answer["error"]["code"]), (200, &json!("x"), &json!(code)));
            }
        });
    }

    #[test]
    fn a_server_is_discovered_with_hints_for_caches() {
        on_paused_time(|| async {
            let (status, answer) = Desk::new().json(&Ask::new("server/discover", json!({}))).await;
            assert_eq!((status, &answer["result"]["supportedVersions"]), (200, &json!(["2026-07-28"])));
            assert!(answer["result"]["ttlMs"].is_u64() && answer["result"]["_meta"]["server"] == "us");
        });
    }
}

mod leaving {
    use super::*;

    #[test]
    fn dropping_an_answer_that_is_waited_for_drops_its_handler_at_once() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let script = desk.script.clone();
            desk.script.tool("hangs", move |_| {
                let guard = script.guard("hangs");
                async move {
                    let _guard = guard;
                    pending().await
                }
            });
            let call = Ask::call("hangs");
            let mut answer = Box::pin(desk.ask(&call));
            assert!((&mut answer).now_or_never().is_none());
            assert!(desk.script.diary().is_empty());
            drop(answer);
            assert_eq!(desk.script.diary(), ["hangs dropped"]);
        });
    }

    #[test]
    fn dropping_a_stream_drops_its_handler_at_once_whether_or_not_it_was_read() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let script = desk.script.clone();
            desk.script.tool("speaks and hangs", move |call| {
                let guard = script.guard("it");
                async move {
                    let _guard = guard;
                    log(&call, LogLevel::Error, "x").await;
                    pending().await
                }
            });
            let call = Ask::call("speaks and hangs").logging("debug");
            let unread = desk.stream(&call).await;
            drop(unread);
            assert_eq!(desk.script.diary(), ["it dropped"]);
            let mut read = desk.stream(&call).await;
            next(&mut read).await;
            assert!(is_silent(&mut read).await);
            drop(read);
            assert_eq!(desk.script.diary(), ["it dropped"]);
        });
    }

    #[test]
    fn a_handler_that_is_done_is_dropped_before_its_answer_is_read() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let script = desk.script.clone();
            desk.script.tool("done", move |call| {
                let guard = script.guard("it");
                async move {
                    let _guard = guard;
                    log(&call, LogLevel::Error, "x").await;
                    result()
                }
            });
            let _stream = desk.stream(&Ask::call("done").logging("debug")).await;
            assert_eq!(desk.script.diary(), ["it dropped"]);
        });
    }
}

mod readers {
    use super::*;

    /// What a call may say in one go.
    const BREATH: u32 = 64;

    /// Offers a tool that never stops talking and never waits for anything else; gives how much it has said.
    fn endless(desk: &Desk) -> Rc<Cell<u32>> {
        let said = Rc::new(Cell::new(0));
        let count = Rc::clone(&said);
        desk.script.tool("endless", move |call| {
            let count = Rc::clone(&count);
            async move {
                loop {
                    log(&call, LogLevel::Error, &count.get().to_string()).await;
                    count.set(count.get() + 1);
                }
            }
        });
        said
    }

    #[test]
    fn one_that_never_stops_talking_gives_its_reader_a_turn_after_each_breath() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let said = endless(&desk);
            let mut stream = desk.stream(&Ask::call("endless").logging("debug")).await;
            for read in 0..1_000_u32 {
                assert!(said.get() <= read + BREATH, "{} said, {read} read", said.get());
                assert_eq!(next(&mut stream).await["params"]["data"], read.to_string());
            }
        });
    }

    #[test]
    fn a_handler_is_not_polled_while_nobody_reads() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let said = endless(&desk);
            let mut stream = desk.stream(&Ask::call("endless").logging("debug")).await;
            next(&mut stream).await;
            let before = said.get();
            pass(3_600.0).await;
            assert_eq!(said.get(), before);
            assert_eq!(next(&mut stream).await["params"]["data"], "1");
        });
    }
}

mod speaking {
    use super::*;

    fn talks(desk: &Desk) {
        desk.script.tool("talks", |call| async move {
            for (level, text) in [(LogLevel::Debug, "debug"), (LogLevel::Warning, "warning"), (LogLevel::Emergency, "emergency")]
            {
                log(&call, level, text).await;
            }
            for progress in [1.0, 3.0, 2.0, 3.0, f64::NAN, 4.0] {
                report(&call, progress).await;
            }
            says(call.wants_progress())
        });
    }

    #[test]
    fn only_messages_from_the_asked_level_up_are_said() {
        on_paused_time(|| async {
            let desk = Desk::new();
            talks(&desk);
            for (level, expected) in [
                ("debug", vec!["debug", "warning", "emergency"]),
                ("warning", vec!["warning", "emergency"]),
                ("emergency", vec!["emergency"]),
            ] {
                let messages = rest(desk.stream(&Ask::call("talks").logging(level)).await).await;
                assert_eq!(logged(&messages), expected, "{level}");
                assert!(messages.iter().all(|message| message["method"] != "notifications/progress"), "no token, no progress");
            }
        });
    }

    #[test]
    fn without_a_level_and_a_token_nothing_is_said() {
        on_paused_time(|| async {
            let desk = Desk::new();
            talks(&desk);
            assert_eq!(desk.json(&Ask::call("talks")).await.1["result"]["says"], false);
        });
    }

    #[test]
    fn progress_carries_the_token_as_it_was_and_only_goes_forward() {
        on_paused_time(|| async {
            let desk = Desk::new();
            talks(&desk);
            for token in [json!(7), json!("7")] {
                let messages = rest(desk.stream(&Ask::call("talks").token(token.clone())).await).await;
                let (answer, told) = messages.split_last().unwrap();
                assert!(told.iter().all(|message| message["params"]["progressToken"] == token));
                let steps: Vec<f64> = told.iter().map(|message| message["params"]["progress"].as_f64().unwrap()).collect();
                assert_eq!((steps, &answer["result"]["says"]), (vec![1.0, 3.0, 4.0], &json!(true)));
            }
        });
    }
}

mod questions {
    use super::*;

    const FORMS: fn() -> Value = || json!({"elicitation": {}, "roots": {}});

    fn schema() -> Value {
        json!({"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]})
    }

    fn filled(text: &str) -> Value {
        json!({"action": "accept", "content": {"text": text}})
    }

    async fn elicit(call: &CallLink, key: &str) -> Result<String, FeatureError> {
        let elicited = call.elicit(key, "Which?", schema()).await?;
        Ok(elicited.content.unwrap()["text"].as_str().unwrap().to_owned())
    }

    /// Offers a tool that asks for `a`, then for `b`.
    fn asks(desk: &Desk) {
        let script = desk.script.clone();
        desk.script.tool("asks", move |call| {
            let script = script.clone();
            async move {
                script.note("begins");
                let first = elicit(&call, "a").await?;
                let second = elicit(&call, "b").await?;
                says(format!("{first} {second}"))
            }
        });
    }

    fn ask() -> Ask {
        Ask::call("asks").able(FORMS())
    }

    fn state(answer: &Value) -> Value {
        answer["result"]["requestState"].clone()
    }

    fn keys(answer: &Value) -> Vec<&str> {
        assert_eq!(answer["result"]["resultType"], "input_required", "{answer}");
        assert!(answer["result"].get("ttlMs").is_none());
        answer["result"]["inputRequests"].as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn a_question_is_the_answer_and_the_call_is_over_until_its_client_comes_back() {
        on_paused_time(|| async {
            let desk = Desk::new();
            asks(&desk);
            let (status, first) = desk.json(&ask()).await;
            assert_eq!((status, keys(&first)), (200, vec!["a"]));
            let question = &first["result"]["inputRequests"]["a"];
            let params = json!({"mode": "form", "message": "Which?", "requestedSchema": schema()});
            assert_eq!(question, &json!({"method": "elicitation/create", "params": params}));
            let second = ask().id(2).with("inputResponses", json!({"a": filled("x")})).with("requestState", state(&first));
            let (_, second) = desk.json(&second).await;
            assert_eq!((keys(&second), &second["id"]), (vec!["b"], &json!(2)));
            let third = ask().id("3").with("inputResponses", json!({"b": filled("y")})).with("requestState", state(&second));
            let (status, third) = desk.json(&third).await;
            assert_eq!((status, &third["id"], &third["result"]["says"]), (200, &json!("3"), &json!("x y")));
            assert_eq!(desk.script.diary(), ["begins", "begins", "begins"]);
        });
    }

    #[test]
    fn several_questions_at_once_are_asked_at_once_and_only_what_is_missing_is_asked_again() {
        on_paused_time(|| async {
            let desk = Desk::new();
            desk.script.tool("asks both", |call| async move {
                let (first, second) = futures_util::future::join(elicit(&call, "a"), elicit(&call, "b")).await;
                says(format!("{} {}", first?, second?))
            });
            let call = Ask::call("asks both").able(FORMS());
            let (_, first) = desk.json(&call).await;
            assert_eq!(keys(&first), ["a", "b"]);
            let answers = json!({"b": filled("y"), "a": 7, "unknown": filled("z")});
            let (_, second) = desk.json(&call.clone().with("inputResponses", answers).with("requestState", state(&first))).await;
            assert_eq!(keys(&second), ["a"]);
            let answers = json!({"a": filled("x")});
            let (_, third) = desk.json(&call.with("inputResponses", answers).with("requestState", state(&second))).await;
            assert_eq!(third["result"]["says"], "x y");
        });
    }

    #[test]
    fn a_question_may_come_after_messages_and_ends_their_stream() {
        on_paused_time(|| async {
            let desk = Desk::new();
            desk.script.tool("speaks and asks", |call| async move {
                log(&call, LogLevel::Error, "x").await;
                pass(1.0).await;
                says(elicit(&call, "a").await?)
            });
            let messages = rest(desk.stream(&Ask::call("speaks and asks").able(FORMS()).logging("debug")).await).await;
            assert_eq!((messages.len(), keys(&messages[1])), (2, vec!["a"]));
        });
    }

    #[test]
    fn a_state_that_was_tampered_with_moved_or_has_expired_is_an_error_and_never_asked_again() {
        on_paused_time(|| async {
            let desk = Desk::new();
            asks(&desk);
            desk.script.tool("asks too", |call| async move { says(elicit(&call, "a").await?) });
            let (_, first) = desk.json(&ask().with("arguments", json!({"n": 1}))).await;
            let back = |ask: Ask, state: Value| ask.with("inputResponses", json!({"a": filled("x")})).with("requestState", state);
            let told = |answer: StatelessAnswer| {
                let StatelessAnswer::Json(status, body) = answer else { panic!("a stream") };
                let answer: Value = serde_json::from_slice(&body).unwrap();
                assert!(answer.get("result").is_none(), "{answer}");
                (status, answer["error"]["code"].as_i64().unwrap())
            };
            desk.script.diary();
            let call = || ask().with("arguments", json!({"n": 1}));
            let refused = (200, -32602);
            for (name, ask) in [
                ("eve", back(call(), state(&first))),
                ("ada", back(Ask::call("asks too").with("arguments", json!({"n": 1})).able(FORMS()), state(&first))),
                ("ada", back(ask().with("arguments", json!({"n": 2})), state(&first))),
                ("ada", back(ask(), state(&first))),
                (
                    "ada",
                    back(Ask::new("prompts/get", json!({"name": "asks", "arguments": {"n": 1}})).able(FORMS()), state(&first)),
                ),
                ("ada", back(call(), json!("sealed 0 "))),
                ("ada", back(call(), json!(""))),
            ] {
                assert_eq!(told(desk.ask_as(name, &ask).await), refused);
            }
            assert!(desk.script.diary().is_empty(), "no handler has begun");
            pass(599.0).await;
            assert_eq!(keys(&desk.json(&back(call(), state(&first))).await.1), ["b"], "it is still good");
            pass(2.0).await;
            assert_eq!(told(desk.ask(&back(call(), state(&first))).await), refused);
        });
    }

    #[test]
    fn a_call_that_never_stops_asking_is_stopped() {
        on_paused_time(|| async {
            let desk = Desk::new();
            desk.script.tool("asks for ever", |call| async move {
                for n in 0.. {
                    elicit(&call, &n.to_string()).await?;
                }
                result()
            });
            let call = Ask::call("asks for ever").able(FORMS());
            let mut answer = desk.json(&call).await.1;
            let mut rounds = 1;
            while answer.get("error").is_none() {
                let key = keys(&answer)[0].to_owned();
                let next = call.clone().with("inputResponses", json!({key: filled("x")})).with("requestState", state(&answer));
                answer = desk.json(&next).await.1;
                rounds += 1;
                assert!(rounds < 100, "it goes on and on");
            }
            assert_eq!((rounds, &answer["error"]["code"]), (17, &json!(-32602)));
        });
    }

    #[test]
    fn what_a_client_does_not_declare_is_not_asked() {
        on_paused_time(|| async {
            let desk = Desk::new();
            asks(&desk);
            desk.script.tool("wants roots", |call| async move {
                call.roots("r").await?;
                result()
            });
            desk.script.tool("wants a url", |call| async move {
                call.elicit_url("u", "Sign in", "https://x.example").await?;
                result()
            });
            for (tool, able, needs) in [
                ("asks", json!({}), json!({"elicitation": {"form": {}}})),
                ("asks", json!({"elicitation": {"url": {}}}), json!({"elicitation": {"form": {}}})),
                ("wants roots", json!({"elicitation": {}}), json!({"roots": {}})),
                ("wants a url", json!({"elicitation": {}}), json!({"elicitation": {"url": {}}})),
            ] {
                let (status, answer) = desk.json(&Ask::call(tool).able(able)).await;
                assert_eq!((status, &answer["error"]["code"]), (400, &json!(-32021)));
                assert_eq!(answer["error"]["data"]["requiredCapabilities"], needs, "{tool}");
            }
        });
    }
}

mod listening {
    use super::*;

    fn listen(notifications: Value) -> Ask {
        Ask::new("subscriptions/listen", json!({ "notifications": notifications }))
    }

    const KEY: &str = "io.modelcontextprotocol/subscriptionId";

    #[test]
    fn the_acknowledgement_comes_first_and_names_what_is_honoured() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let wanted = json!({
                "toolsListChanged": true, "promptsListChanged": false, "resourcesListChanged": true,
                "resourceSubscriptions": ["x:a", "x:missing", "x:private"], "taskIds": ["0".repeat(32), "garbage"],
            });
            for id in [json!(41), json!("41")] {
                let mut stream = desk.stream_as("bob", &listen(wanted.clone()).id(id.clone())).await;
                let honoured = json!({"toolsListChanged": true, "resourceSubscriptions": ["x:a"]});
                let params = json!({"notifications": honoured, "_meta": {KEY: id}});
                let method = "notifications/subscriptions/acknowledged";
                assert_eq!(next(&mut stream).await, json!({"jsonrpc": "2.0", "method": method, "params": params}));
                desk.script.changes(Notice::ToolsChanged);
                assert_eq!(next(&mut stream).await["params"], json!({"_meta": {KEY: id}}));
                desk.script.updates("x:a");
                assert_eq!(next(&mut stream).await["params"], json!({"uri": "x:a", "_meta": {KEY: id}}));
                assert!(is_silent(&mut stream).await);
            }
        });
    }

    #[test]
    fn a_listener_hears_only_of_what_it_named() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let mut stream = desk.stream(&listen(json!({"promptsListChanged": true, "resourceSubscriptions": ["x:a"]}))).await;
            next(&mut stream).await;
            desk.script.changes(Notice::ToolsChanged);
            desk.script.updates("x:b");
            assert!(is_silent(&mut stream).await);
            desk.script.changes(Notice::PromptsChanged);
            assert_eq!(next(&mut stream).await["method"], "notifications/prompts/list_changed");
            desk.script.updates("x:a");
            assert_eq!(next(&mut stream).await["method"], "notifications/resources/updated");
        });
    }

    #[test]
    fn every_listener_hears_of_a_change_whoever_made_it() {
        on_paused_time(|| async {
            let desk = Desk::new();
            desk.script.tool("changes", {
                let script = desk.script.clone();
                move |_| {
                    script.changes(Notice::ToolsChanged);
                    async { result() }
                }
            });
            let wanted = listen(json!({"toolsListChanged": true}));
            let mut streams = vec![desk.stream(&wanted).await, desk.stream(&wanted).await, desk.stream_as("bob", &wanted).await];
            desk.json(&Ask::call("changes")).await;
            for stream in &mut streams {
                next(stream).await;
                assert_eq!(next(stream).await["method"], "notifications/tools/list_changed");
                assert!(is_silent(stream).await, "once");
            }
        });
    }

    #[test]
    fn what_is_named_twice_is_told_once() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let mut stream = desk.stream(&listen(json!({"resourceSubscriptions": ["x:a", "x:a"]}))).await;
            assert_eq!(next(&mut stream).await["params"]["notifications"]["resourceSubscriptions"], json!(["x:a"]));
            desk.script.updates("x:a");
            next(&mut stream).await;
            assert!(is_silent(&mut stream).await);
        });
    }

    #[test]
    fn a_listener_to_nothing_is_acknowledged_and_closed() {
        on_paused_time(|| async {
            let desk = Desk::new();
            for wanted in [json!({}), json!({"resourcesListChanged": true}), json!({"resourceSubscriptions": ["x:missing"]})] {
                let messages = rest(desk.stream(&listen(wanted).id(9)).await).await;
                assert_eq!((messages.len(), &messages[0]["params"]["notifications"]), (2, &json!({})));
                let result = json!({"resultType": "complete", "_meta": {KEY: 9, "server": "us"}});
                assert_eq!(messages[1], json!({"jsonrpc": "2.0", "id": 9, "result": result}));
            }
        });
    }

    #[test]
    fn a_shutdown_ends_every_listener_with_its_result() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let wanted = listen(json!({"toolsListChanged": true, "resourceSubscriptions": ["x:a"]})).id("l");
            let mut open = desk.stream(&wanted).await;
            next(&mut open).await;
            assert!(is_silent(&mut open).await);
            desk.draining.send_replace(true);
            let last = rest(open).await;
            assert_eq!((last.len(), &last[0]["id"], &last[0]["result"]["_meta"][KEY]), (1, &json!("l"), &json!("l")));
            let late = rest(desk.stream(&wanted).await).await;
            assert_eq!(late.len(), 2, "who comes later is acknowledged and closed");
        });
    }

    #[test]
    fn a_listener_that_leaves_frees_what_it_listened_to() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let stream = desk.stream(&listen(json!({"toolsListChanged": true, "resourceSubscriptions": ["x:a"]}))).await;
            assert_eq!(desk.script.listeners(), 2);
            drop(stream);
            assert_eq!((desk.script.listeners(), desk.script.diary()), (0, vec!["x:a dropped".to_owned()]));
        });
    }
}

mod tasks {
    use super::*;

    fn detaches(desk: &Desk) {
        let script = desk.script.clone();
        desk.script.tool("detaches", move |call| {
            let guard = script.guard("it");
            async move {
                let _guard = guard;
                call.detach(TERMS).await;
                pass(10.0).await;
                says(call.task_began().is_some())
            }
        });
    }

    async fn get(desk: &Desk, id: &Value) -> Value {
        desk.json(&Ask::new("tasks/get", json!({"taskId": id})).able_to_task()).await.1["result"].clone()
    }

    #[test]
    fn a_task_is_durable_before_its_name_is_told() {
        on_paused_time(|| async {
            let desk = Desk::new();
            detaches(&desk);
            desk.store.takes(Duration::from_secs(2));
            let begun = Instant::now();
            let (status, answer) = desk.json(&Ask::call("detaches").able_to_task()).await;
            assert!(begun.elapsed() >= Duration::from_secs(2));
            assert_eq!(
                (status, &answer["result"]["resultType"], &answer["result"]["status"]),
                (200, &json!("task"), &json!("working"))
            );
            assert_eq!(desk.store.records(Shelf::Tasks).len(), 1);
            desk.store.takes(Duration::ZERO);
            let id = &answer["result"]["taskId"];
            assert_eq!(get(&desk, id).await["status"], "working");
            pass(11.0).await;
            let done = get(&desk, id).await;
            assert_eq!((&done["status"], &done["result"]["says"]), (&json!("completed"), &json!(true)));
            assert_eq!(done["resultType"], "complete");
        });
    }

    #[test]
    fn what_the_store_does_not_keep_is_an_error_and_no_task() {
        on_paused_time(|| async {
            let desk = Desk::new();
            detaches(&desk);
            desk.store.fails(true);
            let (status, answer) = desk.json(&Ask::call("detaches").able_to_task()).await;
            assert_eq!((status, &answer["error"]["code"]), (200, &json!(-32603)));
            assert!(desk.stateless.tasks.is_empty());
            assert_eq!(desk.script.diary(), ["it dropped"]);
        });
    }

    #[test]
    fn a_client_that_leaves_while_its_task_is_being_kept_leaves_no_task_behind() {
        on_paused_time(|| async {
            let desk = Desk::new();
            detaches(&desk);
            desk.store.takes(Duration::from_secs(2));
            let call = Ask::call("detaches").able_to_task();
            let mut answer = Box::pin(desk.ask(&call));
            assert!((&mut answer).now_or_never().is_none());
            drop(answer);
            assert_eq!(desk.script.diary(), ["it dropped"]);
            assert!(desk.stateless.tasks.is_empty(), "a task that nobody runs and nobody knows takes no place");
            pass(10.0).await;
            assert!(desk.store.records(Shelf::Tasks).is_empty());
        });
    }

    #[test]
    fn a_client_without_tasks_gets_the_answer_itself_or_is_told_what_it_needs() {
        on_paused_time(|| async {
            let desk = Desk::new();
            detaches(&desk);
            desk.script.tool("must", |call| async move {
                call.must_detach(TERMS).await?;
                result()
            });
            assert_eq!(rest(desk.stream(&Ask::call("detaches")).await).await[0]["result"]["says"], false);
            let (status, answer) = desk.json(&Ask::call("must")).await;
            assert_eq!((status, &answer["error"]["code"]), (400, &json!(-32021)));
            let needs = json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
            assert_eq!(answer["error"]["data"]["requiredCapabilities"], needs);
            let task = Ask::new("tasks/get", json!({"taskId": "0".repeat(32)}));
            assert_eq!(task.admit().unwrap_err().error.code.0, -32021);
            assert!(desk.stateless.tasks.is_empty());
        });
    }

    #[test]
    fn a_call_that_has_spoken_can_still_become_a_task() {
        on_paused_time(|| async {
            let desk = Desk::new();
            desk.script.tool("speaks and detaches", |call| async move {
                log(&call, LogLevel::Error, "before").await;
                call.detach(TERMS).await;
                log(&call, LogLevel::Error, "after").await;
                says("done")
            });
            let call = Ask::call("speaks and detaches").able_to_task().logging("debug");
            let messages = rest(desk.stream(&call).await).await;
            assert_eq!((messages.len(), logged(&messages)), (2, vec!["before"]));
            assert_eq!(messages[1]["result"]["resultType"], "task");
            settle().await;
            assert_eq!(get(&desk, &messages[1]["result"]["taskId"]).await["result"]["says"], "done");
        });
    }

    #[test]
    fn what_a_task_logs_goes_nowhere_and_piles_up_nowhere() {
        on_paused_time(|| async {
            let desk = Desk::new();
            desk.script.tool("detaches and logs", |call| async move {
                call.detach(TERMS).await;
                let mut held_up = 0;
                for _ in 0..1_000 {
                    held_up += u32::from(log(&call, LogLevel::Error, "x").now_or_never().is_none());
                }
                says(held_up)
            });
            let (_, answer) = desk.json(&Ask::call("detaches and logs").able_to_task().logging("debug")).await;
            settle().await;
            assert_eq!(get(&desk, &answer["result"]["taskId"]).await["result"]["says"], 0, "whoever waits fills a queue");
        });
    }

    #[test]
    fn answers_of_before_are_kept_with_the_task() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let script = desk.script.clone();
            desk.script.tool("asks and detaches", move |call| {
                let script = script.clone();
                async move {
                    let roots = call.roots("r").await?;
                    call.detach(TERMS).await;
                    let again = call.roots("r").await?;
                    script.note(format!("{} {}", roots.len(), again.len()));
                    result()
                }
            });
            let call = Ask::call("asks and detaches").able_to_task();
            let (_, first) = desk.json(&call).await;
            let answers = json!({"r": {"roots": [{"uri": "file:///x"}]}});
            let again = call.with("inputResponses", answers).with("requestState", first["result"]["requestState"].clone());
            assert_eq!(desk.json(&again).await.1["result"]["resultType"], "task");
            settle().await;
            assert_eq!(desk.script.diary(), ["1 1"]);
        });
    }

    #[test]
    fn a_listener_is_told_each_change_of_its_task_and_no_others_are() {
        on_paused_time(|| async {
            let desk = Desk::new();
            detaches(&desk);
            let id = desk.json(&Ask::call("detaches").able_to_task()).await.1["result"]["taskId"].clone();
            let wanted = Ask::new("subscriptions/listen", json!({"notifications": {"taskIds": [id]}})).able_to_task();
            assert_eq!(rest(desk.stream_as("eve", &wanted).await).await.len(), 2, "another's task is left out");
            let mut stream = desk.stream(&wanted).await;
            assert_eq!(next(&mut stream).await["params"]["notifications"]["taskIds"], json!([id]));
            let told = next(&mut stream).await;
            assert_eq!((&told["method"], &told["params"]["taskId"]), (&json!("notifications/tasks"), &id));
            assert_eq!((&told["params"]["status"], &told["params"]["result"]["says"]), (&json!("completed"), &json!(true)));
            let closing = rest(stream).await;
            assert_eq!((closing.len(), &closing[0]["result"]["resultType"]), (1, &json!("complete")), "nothing more will change");
        });
    }
}
