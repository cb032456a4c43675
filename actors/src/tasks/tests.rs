//! Tasks: durable before they are told of, their owner's alone, stopped and forgotten in time, and never deaf to an answer.

use std::cell::RefCell;
use std::future::{Future, pending};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::{Map, Value, json};
use tickgate_core::mcp::{
    ClientCapabilities, FeatureError, FeatureRequest, FeatureResult, Outcome, Progress, Question, Revision,
};
use tickgate_core::ports::{Record, Shelf, Store as _};
use tickgate_core::rpc::{ErrorCode, RpcError};
use tickgate_core::task::{TaskCall, TaskTerms};

use super::table::Entry;
use super::*;
use crate::call::{CallInfo, CallLink};
use crate::test_support::{MemoryStore, metrics, on_paused_time, pass, principal, result, says, settle};
use crate::{Clock, Metrics};

const TERMS: TaskTerms = TaskTerms { ttl_ms: 60_000, poll_ms: 1_000 };
const TTL_SECS: f64 = 60.0;

/// A process with its tasks; the store outlives it.
struct Desk {
    tasks: Tasks,
    store: MemoryStore,
    metrics: Metrics,
    clock: Clock,
    diary: Rc<RefCell<Vec<String>>>,
}

/// Tells the diary when it is dropped.
struct Dropped(Rc<RefCell<Vec<String>>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.borrow_mut().push("dropped".into());
    }
}

impl Desk {
    fn new() -> Self {
        Self::over(MemoryStore::default(), Clock::start())
    }

    fn over(store: MemoryStore, clock: Clock) -> Self {
        let metrics = metrics();
        let tasks = Tasks::new(Arc::new(store.clone()), clock, metrics.clone());
        Self { tasks, store, metrics, clock, diary: Rc::default() }
    }

    /// After a restart.
    async fn restarted(&self) -> Self {
        let desk = Self::over(self.store.clone(), self.clock);
        desk.tasks.restore().await.unwrap();
        desk
    }

    async fn create(&self, name: &str) -> Result<RunningTask, FeatureError> {
        let arguments = serde_json::value::to_raw_value(&json!({"n": 1})).unwrap();
        let info = CallInfo {
            revision: Revision::V2026_07_28,
            client: ClientCapabilities { roots: true, tasks: true, ..ClientCapabilities::default() },
            wants_progress: false,
            request_id: "r".into(),
            traceparent: None,
        };
        let (client, scope) = (info.client, tickgate_core::access::Scope::Read);
        let call = TaskCall { tool: "tool".into(), arguments: Some(arguments), answers: Map::new(), client, scope };
        self.tasks.create(&principal(name), call, TERMS, &info).await
    }

    /// Runs a task of Ada's; gives its id.
    async fn run<F: Future<Output = Outcome> + 'static>(&self, handler: impl FnOnce(CallLink) -> F) -> String {
        let task = self.create("ada").await.unwrap();
        let (_, link) = task.call();
        let id = read(&task.created())["taskId"].as_str().unwrap().to_owned();
        let (handler, guard) = (handler(link), Dropped(Rc::clone(&self.diary)));
        task.run(Box::pin(async move {
            let _guard = guard;
            handler.await
        }));
        settle().await;
        id
    }

    fn get(&self, id: &str) -> Value {
        read(&self.tasks.get(id, &principal("ada")).unwrap())
    }

    fn status(&self, id: &str) -> String {
        self.get(id)["status"].as_str().unwrap().to_owned()
    }

    async fn update(&self, id: &str, responses: Value) {
        let responses = responses.as_object().unwrap().clone();
        assert_eq!(self.tasks.update(id, &principal("ada"), responses).await, result());
        settle().await;
    }

    async fn cancel(&self, id: &str) {
        assert_eq!(self.tasks.cancel(id, &principal("ada")).await, result());
        settle().await;
    }

    /// What the store has of a task.
    fn kept(&self, id: &str) -> Value {
        let id = u128::from_str_radix(id, 16).unwrap();
        let kept = self.store.records(Shelf::Tasks).into_iter().find(|record| record.id == id).expect("it is kept");
        serde_json::from_slice(&kept.body).unwrap()
    }

    fn ended(&self, status: &str) -> u64 {
        self.metrics.tasks_ended.with_label_values(&[status]).get()
    }
}

fn read(result: &FeatureResult) -> Value {
    serde_json::from_slice(result.body()).unwrap()
}

fn roots() -> Value {
    json!({"roots": [{"uri": "file:///x"}]})
}

fn message(text: &str) -> Progress {
    Progress { progress: 1.0, total: None, message: Some(json!(text).to_string().into()), event: None }
}

mod endings {
    use super::*;

    #[test]
    fn a_result_and_an_error_are_kept_and_fetched_as_often_as_wanted() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let good = desk.run(|_| async { says("done") }).await;
            let bad = desk.run(|_| async { Err(FeatureError::Rpc(RpcError::new(ErrorCode::INTERNAL, "no"))) }).await;
            for _ in 0..2 {
                assert_eq!(desk.get(&good)["result"], json!({"resultType": "complete", "says": "done"}));
                assert_eq!(desk.get(&bad)["error"], json!({"code": -32603, "message": "no"}));
            }
            assert_eq!((desk.status(&good), desk.status(&bad)), ("completed".into(), "failed".into()));
            assert_eq!((&desk.kept(&good)["status"], &desk.kept(&bad)["status"]), (&json!("completed"), &json!("failed")));
            assert_eq!((desk.ended("completed"), desk.ended("failed"), desk.metrics.tasks_running.get()), (1, 1, 0));
        });
    }

    #[test]
    fn a_result_that_tells_of_a_failure_is_completed() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let id = desk.run(|_| async { Ok(FeatureResult::new(r#"{"content":[],"isError":true}"#.into())) }).await;
            assert_eq!((desk.status(&id), &desk.get(&id)["result"]["isError"]), ("completed".into(), &json!(true)));
        });
    }

    #[test]
    fn a_handler_that_panics_fails_its_task_and_nothing_else() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let other = desk.run(|_| pending()).await;
            let id = desk.run(|_| async { panic!("secret words") }).await;
            assert_eq!(desk.get(&id)["error"], json!({"code": -32603, "message": "Internal error"}));
            assert_eq!((desk.status(&other), desk.metrics.tasks_running.get()), ("working".into(), 1));
            let next = desk.run(|_| async { result() }).await;
            assert_eq!(desk.status(&next), "completed");
        });
    }

    #[test]
    fn cancelling_drops_the_handler_and_twice_is_once() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let id = desk.run(|_| pending()).await;
            desk.cancel(&id).await;
            assert_eq!((desk.status(&id), desk.diary.take()), ("cancelled".into(), vec!["dropped".to_owned()]));
            assert_eq!(desk.kept(&id)["status"], "cancelled");
            let (told, writes) = (desk.get(&id), desk.store.writes());
            pass(1.0).await;
            desk.cancel(&id).await;
            assert_eq!((desk.get(&id), desk.store.writes()), (told, writes));
            assert_eq!((desk.ended("cancelled"), desk.metrics.tasks_running.get()), (1, 0));
        });
    }

    #[test]
    fn a_task_that_is_over_stays_as_it_is() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let id = desk.run(|_| async { says("done") }).await;
            let told = desk.get(&id);
            pass(1.0).await;
            desk.cancel(&id).await;
            desk.update(&id, json!({"r": roots()})).await;
            assert_eq!(desk.get(&id), told);
        });
    }

    #[test]
    fn time_stops_what_still_runs_and_forgets_what_is_over() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let running = desk.run(|_| pending()).await;
            let done = desk.run(|_| async { result() }).await;
            desk.diary.take();
            pass(TTL_SECS - 1.0).await;
            assert_eq!((desk.status(&running), desk.status(&done)), ("working".into(), "completed".into()));
            pass(2.0).await;
            assert_eq!(desk.diary.take(), ["dropped"]);
            for id in [&running, &done] {
                assert!(desk.tasks.get(id, &principal("ada")).is_err());
            }
            desk.tasks.forget_the_expired();
            assert!(desk.tasks.is_empty());
            assert_eq!((desk.ended("cancelled"), desk.metrics.tasks_running.get()), (1, 0));
        });
    }

    #[test]
    fn what_expires_and_is_swept_at_the_same_moment_is_stopped_once() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let tasks = desk.tasks.clone();
            let sweeper = actix::spawn(async move {
                for _ in 0..7_000 {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    tasks.forget_the_expired();
                }
            });
            desk.run(|_| pending()).await;
            sweeper.await.unwrap();
            assert!(desk.tasks.is_empty());
            assert_eq!((desk.diary.take().len(), desk.ended("cancelled"), desk.metrics.tasks_running.get()), (1, 1, 0));
        });
    }
}

mod owners {
    use super::*;

    #[test]
    fn another_ones_task_is_answered_like_one_that_never_was_and_like_nonsense() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let id = desk.run(|_| pending()).await;
            let garbage = [
                String::new(),
                "0".repeat(32),
                id[1..].to_owned(),
                id.to_uppercase() + "0",
                format!("+{}", &id[1..]),
                "x".repeat(10_000),
                "é".repeat(16),
            ];
            let mut answers: Vec<Outcome> = Vec::new();
            for (name, id) in garbage.iter().map(|id| ("ada", id)).chain([("eve", &id)]) {
                let caller = principal(name);
                answers.push(desk.tasks.get(id, &caller));
                answers.push(desk.tasks.update(id, &caller, Map::new()).await);
                answers.push(desk.tasks.cancel(id, &caller).await);
                assert!(desk.tasks.watch(id, &caller).is_none());
            }
            assert!(matches!(&answers[0], Err(FeatureError::InvalidParams { .. })), "{:?}", answers[0]);
            assert!(answers.iter().all(|answer| *answer == answers[0]));
            settle().await;
            assert_eq!((desk.status(&id), desk.diary.take().len()), ("working".into(), 0));
        });
    }

    #[test]
    fn one_caller_has_room_for_so_many_and_takes_none_of_anothers() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let mut ids = Vec::new();
            for _ in 0..MAX_TASKS_PER_CALLER {
                ids.push(desk.run(|_| pending()).await);
            }
            let refused = desk.create("ada").await.err().unwrap();
            assert_eq!(refused.rpc(Revision::V2026_07_28).code.0, 429);
            assert_eq!(desk.tasks.len(), MAX_TASKS_PER_CALLER);
            assert!(desk.create("bob").await.is_ok());
            pass(TTL_SECS + 1.0).await;
            desk.tasks.forget_the_expired();
            assert!(desk.create("ada").await.is_ok());
        });
    }

    #[test]
    fn cancelling_makes_room_and_the_results_of_others_stay() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let done = desk.run(|_| async { result() }).await;
            let mut cancelled = String::new();
            for _ in 1..MAX_TASKS_PER_CALLER {
                cancelled = desk.run(|_| pending()).await;
            }
            assert!(desk.create("ada").await.is_err());
            desk.cancel(&cancelled).await;
            assert!(desk.create("ada").await.is_ok());
            assert!(desk.create("ada").await.is_err(), "one place for one that was cancelled");
            settle().await;
            assert!(desk.tasks.get(&cancelled, &principal("ada")).is_err());
            assert_eq!((desk.status(&done), desk.store.records(Shelf::Tasks).len()), ("completed".into(), MAX_TASKS_PER_CALLER));
        });
    }

    #[test]
    fn the_log_does_not_give_a_tasks_name_away() {
        on_paused_time(|| async {
            let task = Desk::new().create("ada").await.unwrap();
            let id = read(&task.created())["taskId"].as_str().unwrap().to_owned();
            let parsed: tickgate_core::task::TaskId = id.parse().unwrap();
            assert!(!format!("{parsed:?}").contains(&id));
        });
    }
}

mod store {
    use super::*;

    #[test]
    fn a_task_is_in_the_store_before_anybody_is_told_its_name() {
        on_paused_time(|| async {
            let desk = Desk::new();
            desk.store.takes(Duration::from_secs(2));
            let mut made = Box::pin(desk.create("ada"));
            assert!((&mut made).now_or_never().is_none());
            assert!(desk.store.records(Shelf::Tasks).is_empty());
            let task = made.await.unwrap();
            let id = read(&task.created())["taskId"].as_str().unwrap().to_owned();
            let kept = desk.kept(&id);
            assert_eq!(
                (&kept["call"]["tool"], &kept["call"]["arguments"], &kept["status"]),
                (&json!("tool"), &json!({"n": 1}), &json!("working"))
            );
        });
    }

    #[test]
    fn who_is_forgotten_has_no_task_and_nothing_of_them_runs_or_is_written_afterwards() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let asking = desk
                .run(|call| async move {
                    call.roots("r").await?;
                    says("done")
                })
                .await;
            desk.run(|_| pending()).await;
            let others = desk.create("eve").await.unwrap();
            desk.store.takes(Duration::from_secs(1));
            let responses = json!({"r": roots()}).as_object().unwrap().clone();
            let (tasks, id) = (desk.tasks.clone(), asking.clone());
            let answering = actix::spawn(async move { tasks.update(&id, &principal("ada"), responses).await });
            settle().await;
            assert_eq!(desk.tasks.forget_all_of(&principal("ada")).await, 2);
            desk.store.takes(Duration::ZERO);
            assert_eq!(desk.store.erase(principal("ada").as_str()).await, Ok(2));
            let _ = answering.await;
            pass(TTL_SECS).await;
            assert_eq!(desk.store.records(Shelf::Tasks).len(), 1, "others' stay");
            assert_eq!(*desk.diary.borrow(), ["dropped", "dropped"]);
            assert!(desk.tasks.get(&asking, &principal("ada")).is_err());
            drop(others);
        });
    }

    #[test]
    fn what_cannot_be_kept_is_refused_without_a_trace() {
        on_paused_time(|| async {
            let desk = Desk::new();
            desk.store.fails(true);
            let refused = desk.create("ada").await.err().unwrap().rpc(Revision::V2026_07_28);
            assert_eq!(refused.code, ErrorCode::INTERNAL);
            assert!(!refused.message.contains("script"), "the store's own words stay inside");
            assert!(desk.tasks.is_empty());
        });
    }

    #[test]
    fn a_store_that_fails_later_does_not_stop_a_task() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let id = desk
                .run(|call| async move {
                    call.roots("r").await?;
                    says("done")
                })
                .await;
            desk.store.fails(true);
            desk.update(&id, json!({"r": roots()})).await;
            assert_eq!(desk.status(&id), "completed");
        });
    }

    #[test]
    fn after_a_restart_what_ran_runs_again_and_what_was_over_is_still_there() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let done = desk.run(|_| async { says("done") }).await;
            let cancelled = desk.run(|_| pending()).await;
            desk.cancel(&cancelled).await;
            let running = desk
                .run(|call| async move {
                    call.roots("r").await?;
                    pending().await
                })
                .await;
            desk.update(&running, json!({"r": roots()})).await;
            pass(10.0).await;
            let desk = desk.restarted().await;
            assert_eq!((desk.tasks.len(), &desk.get(&done)["result"]["says"]), (3, &json!("done")));
            assert_eq!((desk.status(&cancelled), desk.status(&running)), ("cancelled".into(), "working".into()));
            let mut claimed = desk.tasks.claim();
            assert_eq!((claimed.len(), desk.tasks.claim().len()), (1, 0), "who takes it runs it, once");
            let task = claimed.remove(0);
            assert_eq!(task.caller().principal, principal("ada"));
            let (FeatureRequest::CallTool { name, arguments }, link) = task.call() else { panic!("a call of its tool") };
            assert_eq!((&*name, arguments.unwrap().get()), ("tool", r#"{"n":1}"#));
            let began = link.task_began().unwrap();
            assert!(desk.clock.now().since(began) >= 10_000, "it knows when it began");
            task.run(Box::pin(async move { says(link.roots("r").await?.len()) }));
            settle().await;
            assert_eq!(desk.get(&running)["result"]["says"], 1, "what was answered before is not asked again");
        });
    }

    #[test]
    fn a_question_that_was_open_at_the_restart_is_asked_again() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let id = desk
                .run(|call| async move {
                    let _ = futures_util::future::join(call.roots("a"), call.roots("b")).await;
                    result()
                })
                .await;
            desk.update(&id, json!({"a": roots()})).await;
            let desk = desk.restarted().await;
            let task = desk.tasks.claim().remove(0);
            let (_, link) = task.call();
            task.run(Box::pin(async move {
                link.roots("a").await?;
                link.roots("b").await?;
                result()
            }));
            settle().await;
            assert_eq!(desk.get(&id)["inputRequests"].as_object().unwrap().keys().collect::<Vec<_>>(), ["b"]);
            desk.update(&id, json!({"b": roots()})).await;
            assert_eq!(desk.status(&id), "completed");
        });
    }

    #[test]
    fn what_cannot_be_read_is_left_out_and_what_has_expired_is_not_restored() {
        on_paused_time(|| async {
            let desk = Desk::new();
            desk.run(|_| pending()).await;
            pass(TTL_SECS / 2.0).await;
            let id = desk.run(|_| pending()).await;
            let odd = Record { id: 7, principal: "user:ada".into(), expires: None, body: bytes::Bytes::from_static(b"{") };
            desk.store.put(Shelf::Tasks, vec![odd]).await.unwrap();
            pass(TTL_SECS / 2.0 + 1.0).await;
            let desk = desk.restarted().await;
            assert_eq!((desk.tasks.len(), desk.status(&id)), (1, "working".into()));
        });
    }
}

mod questions {
    use super::*;

    #[test]
    fn a_task_waits_for_all_that_it_asks_and_goes_on_with_the_answers() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let id = desk
                .run(|call| async move {
                    let (a, b) = futures_util::future::join(call.roots("a"), call.roots("b")).await;
                    says(a?.len() + b?.len())
                })
                .await;
            let asked = desk.get(&id);
            assert_eq!((&asked["status"], asked["inputRequests"].as_object().unwrap().len()), (&json!("input_required"), 2));
            assert_eq!(asked["inputRequests"]["a"], json!({"method": "roots/list", "params": {}}));
            desk.update(&id, json!({"a": 7, "nobody asked": roots()})).await;
            assert_eq!(desk.get(&id), asked, "what does not fit changes nothing");
            desk.update(&id, json!({"a": roots()})).await;
            assert_eq!(desk.status(&id), "input_required");
            desk.update(&id, json!({"b": roots()})).await;
            assert_eq!(desk.get(&id)["result"]["says"], 2);
        });
    }

    #[test]
    fn a_client_that_leaves_while_its_answer_is_being_kept_has_answered_all_the_same() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let id = desk
                .run(|call| async move {
                    call.roots("r").await?;
                    says("done")
                })
                .await;
            desk.store.takes(Duration::from_secs(2));
            let responses = json!({"r": roots()}).as_object().unwrap().clone();
            let caller = principal("ada");
            let mut update = Box::pin(desk.tasks.update(&id, &caller, responses));
            assert!((&mut update).now_or_never().is_none());
            drop(update);
            pass(10.0).await;
            assert_eq!(desk.status(&id), "completed");
        });
    }

    /// Answers the moment that it is told of a change: between a handler's look and its wait.
    struct AtOnce(Mutex<Option<Arc<Entry>>>);

    impl Wake for AtOnce {
        fn wake(self: Arc<Self>) {
            if let Some(entry) = self.0.lock().unwrap().take() {
                let responses = json!({"r": roots()}).as_object().unwrap().clone();
                assert!(entry.task().update(responses, tickgate_core::time::Millis(1)));
                entry.raise();
            }
        }
    }

    #[test]
    fn an_answer_that_comes_between_a_look_and_the_wait_is_not_lost() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let task = desk.create("ada").await.unwrap();
            let (line, entry) = (task.line(), task.entry());
            let waker = Waker::from(Arc::new(AtOnce(Mutex::new(Some(Arc::clone(&entry))))));
            let mut changed = entry.changed.subscribe();
            let mut change: Pin<Box<dyn Future<Output = _>>> = Box::pin(changed.changed());
            assert!(matches!(change.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Pending));
            let answer = tokio::time::timeout(Duration::from_secs(60), line.ask("r", &Question::Roots)).await;
            assert_eq!(answer, Ok(roots()), "the handler waits for ever");
        });
    }

    #[test]
    fn a_question_that_is_waited_for_spins_not() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let id = desk
                .run(|call| async move {
                    let _ = futures_util::future::join(call.roots("a"), call.roots("b")).await;
                    result()
                })
                .await;
            let mut told = desk.tasks.watch(&id, &principal("ada")).unwrap();
            pass(10.0).await;
            assert!(told.next().now_or_never().is_none(), "a change without a change");
        });
    }
}

mod watchers {
    use super::*;

    #[test]
    fn a_watcher_is_told_every_change_and_the_stream_ends_with_the_task() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let id = desk
                .run(|call| async move {
                    pass(1.0).await;
                    call.progress(message("half way")).await;
                    pass(1.0).await;
                    call.roots("r").await?;
                    says("done")
                })
                .await;
            let mut told = desk.tasks.watch(&id, &principal("ada")).unwrap();
            let mut next = async || serde_json::from_str::<Value>(&told.next().await.unwrap()).unwrap();
            assert_eq!((&next().await["statusMessage"], desk.status(&id)), (&json!("half way"), "working".into()));
            let asked = next().await;
            assert_eq!(
                (&asked["status"], &asked["inputRequests"]["r"]["method"]),
                (&json!("input_required"), &json!("roots/list"))
            );
            desk.update(&id, json!({"r": roots()})).await;
            let done = next().await;
            assert_eq!((&done["status"], &done["result"]["says"]), (&json!("completed"), &json!("done")));
            assert_eq!(told.next().await, None);
        });
    }

    #[test]
    fn the_stream_of_a_task_that_is_over_tells_its_end_and_is_over() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let id = desk.run(|_| async { result() }).await;
            let mut told = desk.tasks.watch(&id, &principal("ada")).unwrap();
            assert!(told.next().await.unwrap().contains("\"status\":\"completed\""));
            assert_eq!(told.next().await, None);
        });
    }

    #[test]
    fn a_task_that_is_stopped_by_time_tells_its_watchers() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let id = desk.run(|_| pending()).await;
            let mut told = desk.tasks.watch(&id, &principal("ada")).unwrap();
            let last: Value = serde_json::from_str(&told.next().await.unwrap()).unwrap();
            assert_eq!(last["status"], "cancelled");
            assert_eq!(told.next().await, None);
        });
    }

    #[test]
    fn a_long_status_is_cut() {
        on_paused_time(|| async {
            let desk = Desk::new();
            let id = desk
                .run(|call| async move {
                    call.progress(message(&"é".repeat(5_000))).await;
                    pending().await
                })
                .await;
            assert_eq!(desk.get(&id)["statusMessage"].as_str().unwrap().chars().count(), 500);
        });
    }
}
