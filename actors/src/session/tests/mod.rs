//! Sessions as actors: how they end, what is left of them, and what a slow or silent client costs the others. The catalogue is
//! scripted: the tool's name says what it does.

mod backlog;
mod conversations;
mod crowd;

use std::cell::RefCell;
use std::future::pending;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::{self, LocalBoxStream};
use serde_json::{Value, json};
use tickgate_core::mcp::{FeatureError, FeatureRequest, LogLevel, ServerInfo};
use tickgate_core::rpc::{Body, RequestId};
use tickgate_core::session::{SessionLimits, open};

use super::*;
use crate::test_support::{MemoryStore, caller, metrics, on_paused_time, pass, principal, result, server_info, settle};

const IDLE_SECS: f64 = 1_800.0;
const MAX_SECS: f64 = 86_400.0;

/// What became of the calls, by what their tools were called.
type Diary = Rc<RefCell<Vec<String>>>;

/// Writes into the diary when it is dropped.
struct Dropped(&'static str, Diary);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.1.borrow_mut().push(format!("{} dropped", self.0));
    }
}

struct Scripted(Diary, ServerInfo);

impl Catalog for Scripted {
    fn server(&self) -> &ServerInfo {
        &self.1
    }

    fn watch_resource(&self, uri: &str, _: &Caller) -> Result<LocalBoxStream<'static, ()>, FeatureError> {
        Err(FeatureError::ResourceNotFound { uri: uri.into() })
    }

    fn list_changes(&self) -> LocalBoxStream<'static, Notice> {
        stream::pending().boxed_local()
    }

    fn start(&self, request: FeatureRequest, _: &Caller, call: CallLink) -> Started {
        let FeatureRequest::CallTool { name, .. } = request else { return Started::Done(result()) };
        let diary = Rc::clone(&self.0);
        match &*name {
            "done" => Started::Done(result()),
            "panics" => Started::Running(Box::pin(async { panic!("as the script says") })),
            "hangs" => Started::Running(Box::pin(async move {
                let _dropped = Dropped("hangs", diary);
                pending().await
            })),
            "streams and hangs" => Started::Running(Box::pin(async move {
                let _dropped = Dropped("streams and hangs", diary);
                call.stream().await;
                pending().await
            })),
            // Says 0, 1, 2, … as fast as the session takes it.
            number => {
                let events: u32 = number.parse().unwrap();
                Started::Running(Box::pin(async move {
                    for event in 0..events {
                        call.log(LogLevel::Error, "numbers", Bytes::from(event.to_string())).await;
                    }
                    diary.borrow_mut().push("all said".into());
                    result()
                }))
            }
        }
    }
}

/// A gateway's sessions.
struct Desk {
    directory: SessionDirectory,
    clock: Clock,
    metrics: Metrics,
    diary: Diary,
    ping_ms: u64,
}

/// One session, as its client has it.
struct Client {
    id: SessionId,
    handle: SessionHandle,
}

fn message(message: &Value) -> ClientMessage {
    let Ok(Body::One(message)) = Body::parse(message.to_string().as_bytes()) else { panic!("a batch") };
    message
}

fn ping() -> ClientMessage {
    message(&json!({"jsonrpc": "2.0", "id": "p", "method": "ping"}))
}

fn call(id: u64, tool: &str) -> ClientMessage {
    message(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool}}))
}

impl Desk {
    fn new() -> Self {
        Self::of(DirectoryLimits { sessions: 100, per_caller: 100 })
    }

    fn of(limits: DirectoryLimits) -> Self {
        let (clock, metrics) = (Clock::start(), metrics());
        let directory = SessionDirectory::new(limits, std::sync::Arc::new(MemoryStore::default()), clock, metrics.clone());
        // Most clients here answer no pings.
        Self { directory, clock, metrics, diary: Diary::default(), ping_ms: u64::MAX }
    }

    fn try_open(&self, name: &str) -> Result<Client, OpenError> {
        let catalog = Rc::new(Scripted(Rc::clone(&self.diary), server_info()));
        self.open_with(name, &json!({"protocolVersion": "2025-11-25"}), catalog)
    }

    /// Shakes hands with these parameters, over this catalogue.
    fn open_with(&self, name: &str, initialize: &Value, catalog: Rc<dyn Catalog>) -> Result<Client, OpenError> {
        let limits = SessionLimits { idle_ms: 1_800_000, max_ms: 86_400_000, max_calls: 200, ping_ms: self.ping_ms };
        let params = serde_json::value::to_raw_value(initialize).unwrap();
        let opened = open(&RequestId::Number(0), Some(&params), catalog.server(), limits, self.clock.now()).unwrap();
        let id = self.directory.open(opened.session, caller(name), catalog)?;
        Ok(Client { id, handle: self.find(id, name).unwrap() })
    }

    /// Opens a session of Ada's.
    fn open(&self) -> Client {
        self.try_open("ada").unwrap()
    }

    fn find(&self, id: SessionId, name: &str) -> Option<SessionHandle> {
        self.directory.find(&id.to_string(), &principal(name))
    }

    fn ended(&self, reason: &str) -> u64 {
        self.metrics.sessions_ended.with_label_values(&[reason]).get()
    }

    /// Asserts that exactly one session was opened, that it ended for this reason, and that nothing is left of it.
    fn assert_only_ended(&self, reason: &str) {
        assert!(self.directory.is_empty());
        assert_eq!((self.metrics.sessions_open.get(), self.metrics.sessions_opened.get()), (0, 1));
        let ends = ["idle", "too_old", "deleted", "crashed", "shutdown", "disconnected", "unresponsive"]
            .map(|reason| (reason, self.ended(reason)));
        assert_eq!(ends.iter().filter(|(_, count)| *count > 0).collect::<Vec<_>>(), [&(reason, 1)]);
    }
}

impl Client {
    async fn post(&self, message: ClientMessage) -> Result<Answer, SubmitError> {
        self.handle.submit(message, "r".into()).await
    }

    async fn ping(&self) {
        assert!(matches!(self.post(ping()).await, Ok(Answer::Json(_))));
    }

    async fn cancel(&self, id: u64) {
        let params = json!({"requestId": id});
        let cancelled = message(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}));
        assert!(matches!(self.post(cancelled).await, Ok(Answer::Accepted)));
    }

    /// Calls a tool whose answer is a stream.
    async fn stream(&self, id: u64, tool: &str) -> SessionStream {
        let Ok(Answer::Stream(stream)) = self.post(call(id, tool)).await else { panic!("no stream") };
        stream
    }

    async fn get(&self) -> SessionStream {
        let Ok(Answer::Stream(stream)) = self.handle.open_stream(None).await else { panic!("no stream") };
        stream
    }

    async fn resume(&self, after: EventId) -> SessionStream {
        let Ok(Answer::Stream(stream)) = self.handle.open_stream(Some(after)).await else { panic!("not resumed") };
        stream
    }
}

/// What a frame carries: its id and its JSON, if it is not the priming event.
fn parse(frame: &Bytes) -> (EventId, Option<Value>) {
    let text = std::str::from_utf8(frame).unwrap();
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    (field("id: ").unwrap().parse().unwrap(), field("data: ").map(|json| serde_json::from_str(json).unwrap()))
}

/// Reads a stream to its end: the last id, the numbers that the tool said, and how often it gave its result.
async fn read(stream: SessionStream) -> (EventId, Vec<u64>, usize) {
    let frames: Vec<_> =
        tokio::time::timeout(Duration::from_secs(60), stream.collect::<Vec<_>>()).await.expect("the stream ends");
    let events: Vec<_> = frames.iter().map(parse).collect();
    let numbers = events.iter().filter_map(|(_, json)| json.as_ref()?["params"]["data"].as_u64()).collect();
    let results = events.iter().filter(|(_, json)| json.as_ref().is_some_and(|json| json["result"].is_object())).count();
    (events.last().unwrap().0, numbers, results)
}

mod ends {
    use super::*;

    #[test]
    fn a_session_that_nobody_uses_ends_after_its_idle_time_and_not_before() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let client = desk.open();
            pass(IDLE_SECS - 1.0).await;
            client.ping().await;
            pass(IDLE_SECS - 1.0).await;
            assert_eq!((desk.directory.len(), desk.metrics.sessions_open.get()), (1, 1));
            pass(2.0).await;
            desk.assert_only_ended("idle");
            assert!(desk.find(client.id, "ada").is_none());
            assert_eq!(client.post(ping()).await.err(), Some(SubmitError::Ended));
        });
    }

    #[test]
    fn an_open_stream_keeps_its_session_and_its_end_begins_the_idle_time() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let client = desk.open();
            let stream = client.get().await;
            pass(IDLE_SECS * 10.0).await;
            client.ping().await;
            drop(stream);
            pass(IDLE_SECS - 1.0).await;
            assert_eq!(desk.directory.len(), 1);
            pass(2.0).await;
            desk.assert_only_ended("idle");
        });
    }

    #[test]
    fn a_running_call_keeps_its_session() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let client = desk.open();
            let _stream = client.stream(1, "streams and hangs").await;
            pass(IDLE_SECS * 3.0).await;
            assert_eq!(desk.directory.len(), 1);
        });
    }

    #[test]
    fn no_session_outlives_its_time_whatever_goes_on_in_it() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let client = desk.open();
            let mut stream = client.get().await;
            stream.next().await.unwrap();
            let answer = client.stream(1, "streams and hangs").await;
            pass(MAX_SECS - 1.0).await;
            client.ping().await;
            pass(2.0).await;
            desk.assert_only_ended("too_old");
            assert!(stream.next().await.is_none());
            read(answer).await;
            assert_eq!(*desk.diary.borrow(), ["streams and hangs dropped"]);
        });
    }

    #[test]
    fn delete_ends_streams_and_calls_and_frees_the_place_at_once() {
        on_paused_time(|| async {
            let desk = Desk::of(DirectoryLimits { sessions: 1, per_caller: 1 });
            let client = desk.open();
            let stream = client.get().await;
            let answer = client.stream(1, "streams and hangs").await;
            let handle = desk.find(client.id, "ada").unwrap();
            let waiting = actix::spawn(async move { handle.submit(call(2, "hangs"), "r".into()).await });
            settle().await;
            client.handle.close().await.unwrap();
            desk.assert_only_ended("deleted");
            read(stream).await;
            read(answer).await;
            assert!(matches!(waiting.await.unwrap(), Ok(Answer::Refused(refusal)) if refusal.status == 404));
            let mut dropped = desk.diary.borrow().clone();
            dropped.sort();
            assert_eq!(dropped, ["hangs dropped", "streams and hangs dropped"]);
            assert_eq!(client.handle.close().await, Err(SubmitError::Ended));
            desk.try_open("ada").unwrap();
        });
    }

    #[test]
    fn all_sessions_of_a_principal_end_and_nobody_elses() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let (one, two, others) = (desk.open(), desk.open(), desk.try_open("eve").unwrap());
            let stream = one.get().await;
            assert_eq!(desk.directory.end_all_of(&principal("ada")).await, 2);
            read(stream).await;
            assert!(desk.find(one.id, "ada").is_none() && desk.find(two.id, "ada").is_none());
            assert!(desk.find(others.id, "eve").is_some());
            assert_eq!(desk.directory.end_all_of(&principal("ada")).await, 0);
        });
    }

    #[test]
    fn a_call_that_panics_takes_its_session_with_it_and_nothing_else() {
        on_paused_time(|| async {
            let desk = Desk::of(DirectoryLimits { sessions: 2, per_caller: 1 });
            let client = desk.open();
            let other = desk.try_open("bob").unwrap();
            assert_eq!(client.post(call(1, "panics")).await.err(), Some(SubmitError::Ended));
            settle().await;
            assert!(desk.find(client.id, "ada").is_none());
            assert_eq!((desk.ended("crashed"), desk.directory.len(), desk.metrics.sessions_open.get()), (1, 1, 1));
            other.ping().await;
            desk.open().ping().await;
        });
    }

    #[test]
    fn a_shutdown_ends_streams_that_wait_for_nothing_and_still_gives_answers() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let client = desk.open();
            let stream = client.get().await;
            desk.directory.drain();
            read(stream).await;
            let (_, numbers, results) = read(client.stream(1, "3").await).await;
            assert_eq!((numbers, results), (vec![0, 1, 2], 1));
        });
    }
}

mod places {
    use super::*;

    #[test]
    fn a_stolen_id_is_answered_like_one_that_never_was() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let client = desk.open();
            assert!(desk.find(client.id, "ada").is_some());
            assert!(desk.find(client.id, "eve").is_none());
            let id = client.id.to_string();
            for wrong in [String::new(), id.to_uppercase() + "0", id[1..].to_owned(), format!("+{}", &id[1..]), "0".repeat(32)] {
                assert!(desk.directory.find(&wrong, &principal("ada")).is_none(), "{wrong}");
            }
            assert!(!format!("{:?}", client.id).contains(&id), "logs do not give it away");
        });
    }

    #[test]
    fn there_is_room_for_so_many_sessions_in_all_and_so_many_of_one_caller() {
        on_paused_time(|| async {
            let desk = Desk::of(DirectoryLimits { sessions: 3, per_caller: 2 });
            let first = desk.open();
            desk.open();
            assert_eq!(desk.try_open("ada").err(), Some(OpenError::TooMany));
            desk.try_open("bob").unwrap();
            assert_eq!(desk.try_open("eve").err(), Some(OpenError::Full));
            first.handle.close().await.unwrap();
            desk.try_open("eve").unwrap();
            settle().await;
            assert_eq!((desk.directory.len(), desk.metrics.sessions_open.get(), desk.metrics.sessions_opened.get()), (3, 3, 4));
        });
    }

    #[test]
    fn a_client_that_pipelines_too_much_is_told_to_wait_and_what_was_taken_is_answered() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let client = desk.open();
            client.ping().await;
            // Each request finds its session by itself, as at the edge.
            let handles: Vec<_> = (0..1_000).map(|_| desk.find(client.id, "ada").unwrap()).collect();
            let answers = join_all(handles.iter().map(|handle| handle.submit(ping(), "r".into()))).await;
            let answered = answers.iter().filter(|answer| matches!(answer, Ok(Answer::Json(_)))).count();
            let busy = answers.iter().filter(|answer| answer.as_ref().err() == Some(&SubmitError::Busy)).count();
            assert_eq!(answered + busy, 1_000);
            assert!((MAILBOX..MAILBOX + 8).contains(&answered), "{answered} were taken");
            client.ping().await;
        });
    }
}

mod calls {
    use super::*;

    #[test]
    fn a_call_that_is_done_at_once_is_answered_at_once() {
        on_paused_time(|| async {
            let client = Desk::new().open();
            let Ok(Answer::Json(answer)) = client.post(call(7, "done")).await else { panic!("no answer") };
            assert_eq!(&answer[..], br#"{"jsonrpc":"2.0","id":7,"result":{}}"#);
        });
    }

    #[test]
    fn a_call_that_is_cancelled_is_dropped_and_its_request_accepted_without_an_answer() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let client = desk.open();
            let handle = desk.find(client.id, "ada").unwrap();
            let waiting = actix::spawn(async move { handle.submit(call(1, "hangs"), "r".into()).await });
            settle().await;
            assert!(desk.diary.borrow().is_empty());
            client.cancel(1).await;
            settle().await;
            assert_eq!(*desk.diary.borrow(), ["hangs dropped"]);
            assert!(matches!(waiting.await.unwrap(), Ok(Answer::Accepted)));
        });
    }

    #[test]
    fn a_streaming_call_that_is_cancelled_is_dropped_and_its_stream_ends_without_a_result() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let client = desk.open();
            let stream = client.stream(1, "streams and hangs").await;
            client.cancel(1).await;
            let (_, numbers, results) = read(stream).await;
            assert_eq!((numbers.len(), results), (0, 0));
            assert_eq!(*desk.diary.borrow(), ["streams and hangs dropped"]);
        });
    }

    #[test]
    fn a_client_that_leaves_does_not_cancel_its_call_and_collects_the_answer_later() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let client = desk.open();
            let mut stream = client.stream(1, "5").await;
            let (id, _) = parse(&stream.next().await.unwrap());
            drop(stream);
            pass(1.0).await;
            assert_eq!(*desk.diary.borrow(), ["all said"]);
            let (last, numbers, results) = read(client.resume(id).await).await;
            assert_eq!((numbers, results), ((0..5).collect(), 1));
            assert!(matches!(client.handle.open_stream(Some(last)).await, Ok(Answer::NothingMore)));
        });
    }

    #[test]
    fn a_patient_call_becomes_a_stream_before_proxies_cut_it() {
        on_paused_time(|| async {
            let client = Desk::new().open();
            let begun = tokio::time::Instant::now();
            let _stream = client.stream(1, "hangs").await;
            let waited = begun.elapsed();
            assert!((5_000..5_100).contains(&waited.as_millis()), "{waited:?}");
        });
    }
}

mod slow_readers {
    use super::*;

    const WAITING_FRAMES: u64 = 256;

    #[test]
    fn one_that_stops_reading_is_cut_and_holds_up_nobody_and_resumes_with_everything_exactly_once() {
        on_paused_time(|| async {
            const EVENTS: u64 = 600;
            let desk = Desk::new();
            let client = desk.open();
            let stream = client.stream(1, &EVENTS.to_string()).await;
            pass(1.0).await;
            assert_eq!(*desk.diary.borrow(), ["all said"], "the call was not held up");
            client.ping().await;
            assert_eq!(desk.metrics.slow_readers.with_label_values(&["mcp"]).get(), 1);
            let (last, mut numbers, mut results) = read(stream).await;
            assert_eq!((numbers.len() as u64, results), (WAITING_FRAMES, 0), "it was cut where its room ended");
            let (_, rest, result) = read(client.resume(last).await).await;
            numbers.extend(rest);
            results += result;
            assert_eq!((numbers, results), ((0..EVENTS).collect(), 1));
        });
    }

    #[test]
    fn one_that_reads_slowly_but_keeps_up_is_not_cut() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let client = desk.open();
            let (_, numbers, results) = read(client.stream(1, "200").await).await;
            assert_eq!((numbers.len(), results), (200, 1));
            assert_eq!(desk.metrics.slow_readers.with_label_values(&["mcp"]).get(), 0);
        });
    }

    #[test]
    fn one_that_stops_reading_costs_other_streams_of_its_session_nothing() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let client = desk.open();
            let _stuck = client.stream(1, "600").await;
            let (_, numbers, results) = read(client.stream(2, "250").await).await;
            assert_eq!((numbers, results), ((0..250).collect(), 1));
            client.handle.close().await.unwrap();
            desk.assert_only_ended("deleted");
        });
    }
}
