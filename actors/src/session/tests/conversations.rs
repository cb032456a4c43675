//! What goes the other way: questions to the client, changes that it is told of, pings; and several messages in one POST.

use futures_util::FutureExt as _;
use tickgate_core::mcp::{Question, Revision};
use tickgate_core::session::EndReason;

use super::*;
use crate::test_support::{Scripted as Catalogue, says};

/// One more client of this catalogue, which speaks a revision and can be asked.
fn open_of(desk: &Desk, catalogue: &Catalogue, revision: &str) -> Client {
    let initialize = json!({"protocolVersion": revision, "capabilities": {"roots": {}, "elicitation": {}}});
    desk.open_with("ada", &initialize, Rc::new(catalogue.clone())).unwrap()
}

fn open_on(desk: &Desk, catalogue: &Catalogue) -> Client {
    open_of(desk, catalogue, "2025-11-25")
}

/// The next message of a stream, priming events left out.
async fn next(stream: &mut SessionStream) -> Value {
    loop {
        let frame = stream.next().await.expect("the stream goes on");
        if let Some(json) = std::str::from_utf8(&frame).unwrap().lines().find_map(|line| line.strip_prefix("data: ")) {
            return serde_json::from_str(json).unwrap();
        }
    }
}

async fn is_silent(stream: &mut SessionStream) -> bool {
    settle().await;
    stream.next().now_or_never().is_none()
}

fn roots(count: usize) -> Value {
    json!({"roots": vec![json!({"uri": "file:///x"}); count]})
}

impl Client {
    async fn json(&self, body: &Value) -> Value {
        let Ok(Answer::Json(answer)) = self.post(message(body)).await else { panic!("no JSON") };
        serde_json::from_slice(&answer).unwrap()
    }

    async fn request(&self, id: u64, method: &str, params: Value) -> Value {
        self.json(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await
    }

    /// Answers a question of ours.
    async fn replies(&self, id: &Value, member: &str, value: Value) {
        let reply = message(&json!({"jsonrpc": "2.0", "id": id, member: value}));
        assert!(matches!(self.post(reply).await, Ok(Answer::Accepted)));
    }

    async fn batch(&self, messages: Value) -> Result<Answer, SubmitError> {
        let Ok(Body::Batch(messages)) = Body::parse(messages.to_string().as_bytes()) else { panic!("no batch") };
        self.handle.submit_batch(messages, "r-batch".into()).await
    }

    /// A batch that is answered by one array, in the order of its ids.
    async fn array(&self, messages: Value) -> Vec<Value> {
        let Ok(Answer::Json(answers)) = self.batch(messages).await else { panic!("no array") };
        let mut answers: Vec<Value> = serde_json::from_slice(&answers).unwrap();
        answers.sort_by_key(|answer| answer["id"].as_u64());
        answers
    }
}

fn request(id: u64, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

fn subscribe(id: u64, uri: &str) -> Value {
    request(id, "resources/subscribe", json!({ "uri": uri }))
}

mod questions {
    use super::*;

    /// Offers a tool that asks for the roots and says how many there are, or why it got none.
    fn asks(catalogue: &Catalogue) {
        catalogue.tool("asks", |call| async move {
            match call.roots("r").await {
                Ok(roots) => says(roots.len()),
                Err(error) => says(error.to_string()),
            }
        });
    }

    #[test]
    fn a_question_rides_the_calls_own_stream_and_its_answer_reaches_the_call() {
        on_paused_time(|| async {
            let (desk, catalogue) = (Desk::new(), Catalogue::new());
            asks(&catalogue);
            let client = open_on(&desk, &catalogue);
            let mut standalone = client.get().await;
            let mut stream = client.stream(7, "asks").await;
            let question = next(&mut stream).await;
            assert_eq!((&question["method"], &question["params"]), (&json!("roots/list"), &json!({})));
            standalone.next().await.unwrap();
            assert!(is_silent(&mut standalone).await);
            client.replies(&question["id"], "result", roots(3)).await;
            let answer = next(&mut stream).await;
            assert_eq!((&answer["id"], &answer["result"]["says"]), (&json!(7), &json!(3)));
            assert!(stream.next().await.is_none());
        });
    }

    #[test]
    fn answers_reach_the_call_that_asked_in_whatever_order_they_come() {
        on_paused_time(|| async {
            let (desk, catalogue) = (Desk::new(), Catalogue::new());
            asks(&catalogue);
            let (client, other) = (open_on(&desk, &catalogue), open_on(&desk, &catalogue));
            let (mut one, mut two) = (client.stream(1, "asks").await, client.stream(2, "asks").await);
            let mut third = other.stream(1, "asks").await;
            let (first, second) = (next(&mut one).await["id"].clone(), next(&mut two).await["id"].clone());
            assert_eq!(next(&mut third).await["id"], first, "each session numbers its own");
            client.replies(&second, "result", roots(2)).await;
            client.replies(&first, "result", roots(1)).await;
            assert_eq!(next(&mut one).await["result"]["says"], 1);
            assert_eq!(next(&mut two).await["result"]["says"], 2);
            assert!(is_silent(&mut third).await, "another session's answer is none");
        });
    }

    #[test]
    fn a_refusal_and_nonsense_reach_the_call_as_what_they_are() {
        on_paused_time(|| async {
            let (desk, catalogue) = (Desk::new(), Catalogue::new());
            asks(&catalogue);
            let client = open_on(&desk, &catalogue);
            for (member, value, told) in [
                ("error", json!({"code": -1, "message": "User rejected"}), "the client refused: User rejected (-1)"),
                ("result", json!(7), "the client's answer has not the form that the protocol asks for"),
                ("error", json!(7), "the client refused:  (0)"),
                ("result", json!({"roots": [7]}), "the client's answer has not the form that the protocol asks for"),
            ] {
                let mut stream = client.stream(1, "asks").await;
                let id = next(&mut stream).await["id"].clone();
                client.replies(&id, member, value).await;
                assert_eq!(next(&mut stream).await["result"]["says"], told);
            }
        });
    }

    #[test]
    fn an_answer_that_comes_too_late_is_harmless_and_the_question_is_withdrawn() {
        on_paused_time(|| async {
            let (desk, catalogue) = (Desk::new(), Catalogue::new());
            asks(&catalogue);
            let client = open_on(&desk, &catalogue);
            let mut stream = client.stream(1, "asks").await;
            let id = next(&mut stream).await["id"].clone();
            let begun = tokio::time::Instant::now();
            let withdrawn = next(&mut stream).await;
            assert!((30_000..30_100).contains(&begun.elapsed().as_millis()));
            assert_eq!((&withdrawn["method"], &withdrawn["params"]["requestId"]), (&json!("notifications/cancelled"), &id));
            assert_eq!(next(&mut stream).await["result"]["says"], "the client did not answer in time");
            client.replies(&id, "result", roots(1)).await;
            client.ping().await;
        });
    }

    #[test]
    fn an_answer_after_its_call_is_gone_is_harmless() {
        on_paused_time(|| async {
            let (desk, catalogue) = (Desk::new(), Catalogue::new());
            asks(&catalogue);
            let client = open_on(&desk, &catalogue);
            let mut stream = client.stream(1, "asks").await;
            let id = next(&mut stream).await["id"].clone();
            client.cancel(1).await;
            let withdrawn = next(&mut stream).await;
            assert_eq!((&withdrawn["method"], &withdrawn["params"]["requestId"]), (&json!("notifications/cancelled"), &id));
            assert!(stream.next().await.is_none());
            for id in [&id, &json!(0), &json!("1"), &json!(-1), &json!(i64::MAX)] {
                client.replies(id, "result", roots(1)).await;
            }
            client.ping().await;
            assert_eq!(client.remains().await, (0, 0, 0));
        });
    }

    #[test]
    fn a_question_that_a_call_does_not_wait_for_leaves_nothing_behind() {
        on_paused_time(|| async {
            let (desk, catalogue) = (Desk::new(), Catalogue::new());
            catalogue.tool("asks and goes", |call| async move {
                assert!(call.ask("r", Question::Roots, 1_000).now_or_never().is_none());
                result()
            });
            let client = open_on(&desk, &catalogue);
            client.request(1, "tools/call", json!({"name": "asks and goes"})).await;
            settle().await;
            assert_eq!(client.remains().await, (0, 0, 0));
        });
    }

    #[test]
    fn what_a_client_does_not_declare_is_not_asked() {
        on_paused_time(|| async {
            let (desk, catalogue) = (Desk::new(), Catalogue::new());
            asks(&catalogue);
            catalogue.tool("needs", |call| async move {
                call.roots("r").await?;
                result()
            });
            let client = desk.open_with("ada", &json!({"protocolVersion": "2025-11-25"}), Rc::new(catalogue.clone())).unwrap();
            let told = client.request(1, "tools/call", json!({"name": "asks"})).await["result"]["says"].clone();
            assert!(told.as_str().unwrap().contains("does not declare"), "{told}");
            let refused = client.request(2, "tools/call", json!({"name": "needs"})).await;
            assert_eq!(refused["error"]["data"]["requiredCapabilities"], json!({"roots": {}}));
        });
    }

    #[test]
    fn a_session_that_ends_drops_the_call_that_waits_for_an_answer() {
        on_paused_time(|| async {
            let (desk, catalogue) = (Desk::new(), Catalogue::new());
            let diary = catalogue.clone();
            catalogue.tool("asks", move |call| {
                let guard = diary.guard("it");
                async move {
                    let _guard = guard;
                    call.roots("r").await?;
                    result()
                }
            });
            let client = open_on(&desk, &catalogue);
            let mut stream = client.stream(1, "asks").await;
            next(&mut stream).await;
            client.handle.close().await.unwrap();
            assert!(stream.next().await.is_none());
            settle().await;
            assert_eq!(catalogue.diary(), ["it dropped"]);
            desk.assert_only_ended("deleted");
        });
    }
}

mod watching {
    use super::*;

    #[test]
    fn a_watched_resource_is_told_of_on_the_standalone_stream_until_it_is_unsubscribed() {
        on_paused_time(|| async {
            let (desk, catalogue) = (Desk::new(), Catalogue::new());
            let client = open_on(&desk, &catalogue);
            let mut stream = client.get().await;
            assert_eq!(client.json(&subscribe(1, "x:a")).await["result"], json!({}));
            assert_eq!(client.json(&subscribe(2, "x:a")).await["result"], json!({}), "twice is once");
            assert_eq!(catalogue.listeners(), 1);
            catalogue.updates("x:a");
            catalogue.updates("x:b");
            let told = next(&mut stream).await;
            assert_eq!((&told["method"], &told["params"]), (&json!("notifications/resources/updated"), &json!({"uri": "x:a"})));
            assert!(is_silent(&mut stream).await);
            client.request(3, "resources/unsubscribe", json!({"uri": "x:a"})).await;
            settle().await;
            assert_eq!((catalogue.listeners(), catalogue.diary()), (0, vec!["x:a dropped".to_owned()]));
            catalogue.updates("x:a");
            assert!(is_silent(&mut stream).await);
        });
    }

    #[test]
    fn what_cannot_be_watched_is_refused_and_another_ones_resource_like_none() {
        on_paused_time(|| async {
            let (desk, catalogue) = (Desk::new(), Catalogue::new());
            let initialize = json!({"protocolVersion": "2025-11-25"});
            let eve = desk.open_with("eve", &initialize, Rc::new(catalogue.clone())).unwrap();
            for uri in ["x:missing", "x:private"] {
                assert_eq!(eve.json(&subscribe(1, uri)).await["error"]["code"], -32002);
            }
            assert_eq!(open_on(&desk, &catalogue).json(&subscribe(1, "x:private")).await["result"], json!({}));
        });
    }

    #[test]
    fn the_end_of_a_session_frees_what_it_watched() {
        on_paused_time(|| async {
            let (desk, catalogue) = (Desk::new(), Catalogue::new());
            let client = open_on(&desk, &catalogue);
            for n in 0..10 {
                client.json(&subscribe(n, &format!("x:{n}"))).await;
            }
            assert_eq!(catalogue.listeners(), 10);
            client.handle.close().await.unwrap();
            settle().await;
            assert_eq!((catalogue.listeners(), catalogue.diary().len()), (0, 10));
        });
    }

    #[test]
    fn a_resource_that_a_batch_subscribes_to_twice_is_watched_once() {
        on_paused_time(|| async {
            let (desk, catalogue) = (Desk::new(), Catalogue::new());
            let client = open_of(&desk, &catalogue, "2025-03-26");
            let mut stream = client.get().await;
            stream.next().await.unwrap();
            let answers = client.array(json!([subscribe(1, "x:a"), subscribe(2, "x:a")])).await;
            assert!(answers.iter().all(|answer| answer["result"] == json!({})), "{answers:?}");
            assert_eq!(catalogue.listeners(), 1);
            catalogue.updates("x:a");
            next(&mut stream).await;
            assert!(is_silent(&mut stream).await);
            client.request(3, "resources/unsubscribe", json!({"uri": "x:a"})).await;
            settle().await;
            assert_eq!(catalogue.listeners(), 0);
            catalogue.updates("x:a");
            assert!(is_silent(&mut stream).await);
        });
    }

    #[test]
    fn a_subscription_that_is_cancelled_in_its_own_batch_watches_nothing() {
        on_paused_time(|| async {
            let (desk, catalogue) = (Desk::new(), Catalogue::new());
            let client = open_of(&desk, &catalogue, "2025-03-26");
            let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}});
            for n in 0..5 {
                assert!(matches!(client.batch(json!([subscribe(1, &format!("x:{n}")), cancel])).await, Ok(Answer::Accepted)));
            }
            settle().await;
            assert_eq!((catalogue.listeners(), client.remains().await), (0, (0, 0, 0)));
        });
    }

    #[test]
    fn everybody_is_told_of_a_change_of_a_list_once() {
        on_paused_time(|| async {
            let (desk, catalogue) = (Desk::new(), Catalogue::new());
            let clients = [open_on(&desk, &catalogue), open_on(&desk, &catalogue)];
            let mut streams = [clients[0].get().await, clients[1].get().await];
            let deaf = open_on(&desk, &catalogue);
            let mut replaced = clients[0].get().await;
            desk.directory.tell_all(&Notice::ToolsChanged);
            streams.swap(0, 1);
            for stream in [&mut streams[0], &mut replaced] {
                assert_eq!(next(stream).await["method"], "notifications/tools/list_changed");
                assert!(is_silent(stream).await);
            }
            assert_eq!(streams[1].by_ref().collect::<Vec<_>>().await.len(), 1, "the replaced stream heard nothing more");
            deaf.ping().await;
        });
    }
}

mod batches {
    use super::*;

    #[test]
    fn a_batch_is_answered_by_one_array_and_every_call_knows_its_request() {
        on_paused_time(|| async {
            let (desk, catalogue) = (Desk::new(), Catalogue::new());
            catalogue.tool("knows", |call| async move { says(call.request_id()) });
            let client = open_of(&desk, &catalogue, "2025-03-26");
            let knows = |id| request(id, "tools/call", json!({"name": "knows"}));
            let told = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
            let answers = client.array(json!([knows(1), request(2, "ping", json!({})), told, 7, knows(3)])).await;
            let said: Vec<&Value> = answers.iter().map(|answer| &answer["result"]["says"]).collect();
            assert_eq!(answers.len(), 4);
            assert_eq!((&answers[0]["id"], &answers[0]["error"]["code"]), (&Value::Null, &json!(-32600)));
            assert_eq!(said, [&Value::Null, &json!("r-batch"), &Value::Null, &json!("r-batch")]);
        });
    }

    #[test]
    fn what_comes_after_a_cancelled_call_of_a_batch_is_still_answered() {
        on_paused_time(|| async {
            let (desk, catalogue) = (Desk::new(), Catalogue::new());
            catalogue.tool("hangs", |_| pending());
            catalogue.tool("works", |_| async {
                pass(1.0).await;
                says("done")
            });
            let client = open_of(&desk, &catalogue, "2025-03-26");
            let call = |id, tool| request(id, "tools/call", json!({ "name": tool }));
            let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}});
            let answers = client.array(json!([call(1, "hangs"), cancel, request(2, "ping", json!({})), call(3, "works")])).await;
            let ids: Vec<&Value> = answers.iter().map(|answer| &answer["id"]).collect();
            assert_eq!((ids, &answers[1]["result"]["says"]), (vec![&json!(2), &json!(3)], &json!("done")));
        });
    }

    #[test]
    fn a_batch_whose_call_speaks_is_a_stream_with_an_answer_each() {
        on_paused_time(|| async {
            let (desk, catalogue) = (Desk::new(), Catalogue::new());
            catalogue.tool("asks", |call| async move { says(call.roots("r").await?.len()) });
            let client = open_of(&desk, &catalogue, "2025-03-26");
            let ask = request(1, "tools/call", json!({"name": "asks"}));
            let Ok(Answer::Stream(mut stream)) = client.batch(json!([ask, request(2, "ping", json!({}))])).await else {
                panic!("no stream")
            };
            assert_eq!(next(&mut stream).await["id"], 2);
            let question = next(&mut stream).await;
            client.replies(&question["id"], "result", roots(1)).await;
            let answer = next(&mut stream).await;
            assert_eq!((&answer["id"], &answer["result"]["says"]), (&json!(1), &json!(1)));
            assert!(stream.next().await.is_none());
        });
    }

    #[test]
    fn newer_revisions_have_none() {
        on_paused_time(|| async {
            let (desk, catalogue) = (Desk::new(), Catalogue::new());
            for revision in Revision::STATEFUL.into_iter().filter(|revision| !revision.has_batches()) {
                let client = open_of(&desk, &catalogue, revision.as_str());
                let refused = client.batch(json!([request(1, "ping", json!({}))])).await;
                assert!(matches!(refused, Ok(Answer::Refused(refusal)) if refusal.status == 400));
            }
        });
    }
}

mod pings {
    use super::*;

    const PING_MS: u64 = 300_000;
    const PING_SECS: f64 = 300.0;
    const PATIENCE_SECS: f64 = 60.0;

    #[test]
    fn a_client_that_does_not_answer_pings_loses_its_session_and_its_place() {
        on_paused_time(|| async {
            let desk = Desk { ping_ms: PING_MS, ..Desk::of(DirectoryLimits { sessions: 1, per_caller: 1 }) };
            let client = desk.open();
            let mut stream = client.get().await;
            pass(PING_SECS + 0.1).await;
            assert_eq!(next(&mut stream).await["method"], "ping");
            pass(PATIENCE_SECS - 1.0).await;
            assert_eq!((desk.directory.len(), desk.try_open("ada").err()), (1, Some(OpenError::Full)));
            pass(2.0).await;
            assert!(stream.next().await.is_none());
            desk.assert_only_ended(EndReason::Unresponsive.as_str());
            desk.open().ping().await;
        });
    }

    #[test]
    fn a_client_that_answers_keeps_its_session() {
        on_paused_time(|| async {
            let desk = Desk { ping_ms: PING_MS, ..Desk::new() };
            let client = desk.open();
            let mut stream = client.get().await;
            for _ in 0..20 {
                let ping = next(&mut stream).await;
                client.replies(&ping["id"], "result", json!({})).await;
            }
            assert_eq!(desk.directory.len(), 1);
        });
    }
}

mod pauses {
    use super::*;

    #[test]
    fn a_paused_call_goes_on_and_its_client_collects_the_rest_once() {
        on_paused_time(|| async {
            let (desk, catalogue) = (Desk::new(), Catalogue::new());
            catalogue.tool("pauses", |call| async move {
                call.log(LogLevel::Error, "t", Bytes::from_static(b"0")).await;
                call.pause(500).await;
                call.log(LogLevel::Error, "t", Bytes::from_static(b"1")).await;
                pass(10.0).await;
                result()
            });
            let client = open_on(&desk, &catalogue);
            let frames: Vec<Bytes> = client.stream(1, "pauses").await.collect().await;
            let last = frames.last().unwrap();
            assert!(std::str::from_utf8(last).unwrap().contains("retry: 500\n"), "{last:?}");
            let (_, numbers, results) = read(client.resume(parse_id(last)).await).await;
            assert_eq!((numbers, results), (vec![1], 1));
        });
    }

    /// The id of an event that has perhaps no data.
    fn parse_id(frame: &Bytes) -> EventId {
        let text = std::str::from_utf8(frame).unwrap();
        text.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().parse().unwrap()
    }
}

/// Asks a session how many questions, calls and watched resources its shell holds.
#[derive(Message)]
#[rtype(result = "Remains")]
struct Count;

#[derive(actix::MessageResponse)]
struct Remains(usize, usize, usize);

impl Handler<Count> for SessionActor {
    type Result = Remains;

    fn handle(&mut self, _: Count, _: &mut Self::Context) -> Remains {
        Remains(self.asking.len(), self.running.len(), self.watching.len())
    }
}

impl Client {
    async fn remains(&self) -> (usize, usize, usize) {
        let Remains(asking, running, watching) = self.handle.session.send(Count).await.unwrap();
        (asking, running, watching)
    }
}
