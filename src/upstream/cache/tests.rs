//! The cache in front of a real client and a scripted upstream, and by itself with answers that a test holds back.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};

use bytes::Bytes;
use futures_util::future::{join_all, poll_immediate};
use prometheus::Registry;
use tokio::sync::oneshot;

use tickgate_core::budget::Payer;

use super::*;
use crate::upstream::polygon::tests::harness::{Scripted, Wanted, json};

/// Noon of a trading day in New York.
const NOON: u64 = 1_773_158_400_000;
/// More than a test puts in.
const PLENTY: u64 = 1 << 26;

/// A cache whose time a test moves.
struct Bench {
    cache: UpstreamCache,
    time: Arc<AtomicU64>,
    asked: Rc<Cell<u32>>,
}

impl Bench {
    fn new(max_bytes: u64) -> Self {
        let time = Arc::new(AtomicU64::new(NOON));
        let shared = Arc::clone(&time);
        let metrics = CacheMetrics::register(&Registry::new()).unwrap();
        let now: Now = Arc::new(move || Millis(shared.load(Ordering::SeqCst)));
        let cache = UpstreamCache::by(now, max_bytes, new_york(), metrics);
        Self { cache, time, asked: Rc::default() }
    }

    fn pass(&self, ms: u64) {
        self.time.fetch_add(ms, Ordering::SeqCst);
    }

    fn now(&self) -> Millis {
        Millis(self.time.load(Ordering::SeqCst))
    }

    fn question(&self, target: &str, patience_ms: u64) -> Question {
        self.cache.question(target.to_owned(), CacheClass::Live, &Session::OPEN, (&Payer::Polling, self.now().plus(patience_ms)))
    }

    /// Asks, and is answered at once.
    async fn ask(
        &self,
        target: &str,
        outcome: Result<&'static str, UpstreamErrorKind>,
    ) -> Result<(Bytes, Hit), UpstreamErrorKind> {
        let fetched = self.now();
        let question = self.question(target, 1_000);
        let cached = self.cache.answer(&question, || {
            self.asked.set(self.asked.get() + 1);
            let outcome = outcome.map(|body| answer(body, fetched)).map_err(|kind| UpstreamError::new(kind, "as the test says"));
            async move { outcome }
        });
        cached.await.map(|cached| (cached.answer.body.clone(), cached.hit)).map_err(|error| error.kind)
    }

    fn counts(&self) -> [u64; 4] {
        let metrics = &self.cache.metrics;
        [&metrics.fresh, &metrics.stale, &metrics.miss, &metrics.joined].map(prometheus::IntCounter::get)
    }
}

fn new_york() -> TimeZone {
    TimeZone::get("America/New_York").unwrap()
}

fn answer(body: &'static str, fetched: Millis) -> UpstreamAnswer {
    UpstreamAnswer { body: Bytes::from_static(body.as_bytes()), delayed: false, next: None, upstream_request_id: None, fetched }
}

fn body(text: &'static str, hit: Hit) -> Result<(Bytes, Hit), UpstreamErrorKind> {
    Ok((Bytes::from_static(text.as_bytes()), hit))
}

mod with_a_client {
    use super::*;

    const LAST: &str = "/v2/last/trade/AAPL";

    fn real_cache(registry: &Registry) -> UpstreamCache {
        UpstreamCache::new(PLENTY, new_york(), Clock::start(), CacheMetrics::register(registry).unwrap())
    }

    #[actix_rt::test]
    async fn a_thousand_identical_calls_on_two_workers_are_one_call_upstream() {
        let upstream = Scripted::start(|_, _| json(r#"{"status":"OK","results":{"p":1}}"#));
        let cache = real_cache(&Registry::new());
        let together = Arc::new(Barrier::new(2));
        let workers: Vec<_> = (0..2)
            .map(|_| {
                let (cache, base, together) = (cache.clone(), upstream.base.clone(), Arc::clone(&together));
                std::thread::spawn(move || {
                    actix_rt::System::new().block_on(async move {
                        let bench = Wanted::at(&base).make();
                        let call = bench.call(LAST, &[]);
                        let client = Rc::new(bench.client);
                        together.wait();
                        let calls = (0..500).map(|_| cache.get(&client, call.clone(), CacheClass::Reference, &Session::OPEN));
                        join_all(calls).await.into_iter().filter(Result::is_ok).count()
                    })
                })
            })
            .collect();
        let answered = actix_rt::task::spawn_blocking(|| workers.into_iter().map(|worker| worker.join().unwrap()).sum::<usize>());
        assert_eq!(answered.await.unwrap(), 1_000);
        assert_eq!(upstream.targets(), [LAST]);
        let [hits, joined] = [&cache.metrics.fresh, &cache.metrics.joined].map(prometheus::IntCounter::get);
        assert_eq!((cache.metrics.miss.get(), hits + joined), (1, 999));
        assert!(joined >= 499, "all of the first worker's, and those of the other that were in time: {joined}");
    }

    #[actix_rt::test]
    async fn the_order_of_a_query_makes_no_difference_and_its_values_do() {
        let upstream = Scripted::start(|number, _| json(format!(r#"{{"status":"OK","n":{number}}}"#)));
        let (cache, bench) = (real_cache(&Registry::new()), Wanted::at(&upstream.base).make());
        let calls = [
            bench.call("/v3/x", &[("limit", "10"), ("order", "asc")]),
            bench.call("/v3/x", &[("order", "asc"), ("limit", "10")]),
            bench.call("/v3/x", &[("limit", "10"), ("order", "desc")]),
            bench.call("/v3/y", &[("limit", "10"), ("order", "asc")]),
        ];
        let client = Rc::new(bench.client);
        let mut numbers = Vec::new();
        for call in calls {
            let cached = cache.get(&client, call, CacheClass::Reference, &Session::OPEN).await.unwrap();
            numbers.push((cached.answer.body.clone(), cached.hit));
        }
        let number = |n, hit| (Bytes::from(format!(r#"{{"status":"OK","n":{n}}}"#)), hit);
        assert_eq!(numbers, [number(0, Hit::Miss), number(0, Hit::Fresh), number(1, Hit::Miss), number(2, Hit::Miss)]);
    }

    #[actix_rt::test]
    async fn a_page_is_kept_by_its_cursor_and_what_is_never_kept_is_asked_each_time() {
        let upstream = Scripted::start(|_, _| json(r#"{"status":"OK"}"#));
        let (cache, bench) = (real_cache(&Registry::new()), Wanted::at(&upstream.base).make());
        let (once, deadline) = (bench.call("/v1/once", &[]), bench.call("/v1/once", &[]).deadline);
        let client = Rc::new(bench.client);
        let page = crate::upstream::polygon::NextPage::parse("/v3/x?cursor=abc").unwrap();
        for _ in 0..2 {
            cache
                .get_page(
                    &client,
                    PageCall { next: page.clone(), payer: Payer::Polling, deadline, request_id: None },
                    CacheClass::Reference,
                    &Session::OPEN,
                )
                .await
                .unwrap();
            cache.get(&client, once.clone(), CacheClass::None, &Session::OPEN).await.unwrap();
        }
        assert_eq!(upstream.targets(), ["/v3/x?cursor=abc", "/v1/once", "/v1/once"]);
    }
}

mod keeping {
    use super::*;

    #[actix_rt::test]
    async fn an_answer_is_fresh_for_its_time_and_keeps_the_time_of_its_fetch() {
        let bench = Bench::new(PLENTY);
        assert_eq!(bench.ask("/a", Ok("1")).await, body("1", Hit::Miss));
        bench.pass(999);
        assert_eq!(bench.ask("/a", Ok("2")).await, body("1", Hit::Fresh));
        let kept = bench.cache.store.get("/a").unwrap();
        assert_eq!(kept.outcome.as_ref().unwrap().fetched, Millis(NOON));
        bench.pass(1);
        assert_eq!(bench.ask("/a", Ok("3")).await, body("3", Hit::Miss));
        assert_eq!((bench.asked.get(), bench.counts()), (2, [1, 0, 2, 0]));
    }

    #[actix_rt::test]
    async fn an_older_answer_stands_in_while_the_upstream_fails_but_not_for_ever() {
        let bench = Bench::new(PLENTY);
        bench.ask("/a", Ok("1")).await.unwrap();
        bench.pass(30_000);
        assert_eq!(bench.ask("/a", Err(UpstreamErrorKind::Unavailable)).await, body("1", Hit::Stale));
        assert_eq!(bench.ask("/a", Err(UpstreamErrorKind::Budget)).await, body("1", Hit::Stale));
        assert_eq!(bench.ask("/a", Err(UpstreamErrorKind::InvalidParams)).await, Err(UpstreamErrorKind::InvalidParams));
        bench.pass(31_000);
        assert_eq!(bench.ask("/a", Err(UpstreamErrorKind::Unavailable)).await, Err(UpstreamErrorKind::Unavailable));
        assert_eq!(bench.ask("/a", Ok("2")).await, body("2", Hit::Miss));
    }

    #[actix_rt::test]
    async fn what_was_got_with_an_own_key_is_its_owners_alone_and_that_the_key_is_refused_is_told() {
        let bench = Bench::new(PLENTY);
        let ask = async |owner: Option<u64>, outcome: Result<&'static str, UpstreamErrorKind>| {
            let question = bench.question("/a", 1_000).with_key_of(owner);
            let cached = bench.cache.answer(&question, || {
                let outcome =
                    outcome.map(|body| answer(body, bench.now())).map_err(|kind| UpstreamError::new(kind, "as the test says"));
                async move { outcome }
            });
            cached.await.map(|cached| (cached.answer.body.clone(), cached.hit)).map_err(|error| error.kind)
        };
        for (owner, text) in [(Some(1), "1"), (Some(11), "11"), (None, "all")] {
            assert_eq!(ask(owner, Ok(text)).await, body(text, Hit::Miss));
        }
        for (owner, text) in [(Some(1), "1"), (Some(11), "11"), (None, "all")] {
            assert_eq!(ask(owner, Ok("newer")).await, body(text, Hit::Fresh));
        }
        bench.pass(2_000);
        assert_eq!(ask(Some(1), Err(UpstreamErrorKind::Unavailable)).await, body("1", Hit::Stale));
        assert_eq!(ask(Some(1), Err(UpstreamErrorKind::Auth)).await, Err(UpstreamErrorKind::Auth));
        assert_eq!(ask(None, Err(UpstreamErrorKind::Auth)).await, body("all", Hit::Stale), "its operator has to act");
        let questions = [None, Some(1), Some(2)].map(|owner| bench.question("/b", 1_000).with_key_of(owner));
        let flights = questions.iter().map(|question| {
            bench.cache.answer(question, || {
                bench.asked.set(bench.asked.get() + 1);
                let answered = answer("1", bench.now());
                async move { Ok(answered) }
            })
        });
        assert!(join_all(flights).await.into_iter().all(|outcome| outcome.is_ok()));
        assert_eq!(bench.asked.get(), 3, "nor does anybody wait for another's answer");
    }

    #[actix_rt::test]
    async fn a_failure_is_not_kept_and_a_refusal_is_for_a_while() {
        let bench = Bench::new(PLENTY);
        for kind in [UpstreamErrorKind::Unavailable, UpstreamErrorKind::RateLimited, UpstreamErrorKind::InvalidParams] {
            assert_eq!(bench.ask("/a", Err(kind)).await, Err(kind));
        }
        assert_eq!(bench.ask("/a", Ok("1")).await, body("1", Hit::Miss));
        assert_eq!(bench.ask("/b", Err(UpstreamErrorKind::NotFound)).await, Err(UpstreamErrorKind::NotFound));
        assert_eq!(bench.ask("/b", Ok("1")).await, Err(UpstreamErrorKind::NotFound), "asked a moment ago");
        bench.pass(store::REFUSAL_MS);
        assert_eq!(bench.ask("/b", Ok("1")).await, body("1", Hit::Miss));
    }

    #[actix_rt::test]
    async fn what_is_kept_has_a_bound_in_bytes() {
        const MAX_BYTES: u64 = 64 << 10;
        const BODY: &str = match std::str::from_utf8(&[b'x'; 4_096]) {
            Ok(body) => body,
            Err(_) => unreachable!(),
        };
        let bench = Bench::new(MAX_BYTES);
        for number in 0..200 {
            bench.ask(&format!("/{number}"), Ok(BODY)).await.unwrap();
        }
        bench.cache.tidy();
        let (bytes, entries) = (bench.cache.metrics.bytes.get(), bench.cache.metrics.entries.get());
        assert!(bytes <= MAX_BYTES.cast_signed() && (1..16).contains(&entries), "{bytes} bytes of {entries} entries");
    }

    #[actix_rt::test]
    async fn a_cache_without_room_keeps_nothing() {
        let bench = Bench::new(0);
        bench.ask("/a", Ok("1")).await.unwrap();
        assert_eq!(bench.ask("/a", Ok("2")).await, body("2", Hit::Miss));
    }

    #[actix_rt::test]
    async fn crypto_is_not_kept_over_a_night_in_new_york() {
        let bench = Bench::new(PLENTY);
        let closed = Session { phase: Some(tickgate_core::market::MarketPhase::Closed), ..Session::OPEN };
        let phase = |target: &str| {
            bench.cache.question(target.to_owned(), CacheClass::Live, &closed, (&Payer::Polling, Millis(0))).session.phase
        };
        assert_eq!(phase("/v2/last/trade/AAPL"), closed.phase);
        assert_eq!(phase("/v2/aggs/ticker/X:BTCUSD/prev"), Session::OPEN.phase);
    }
}

mod flying {
    use super::*;

    /// An answer that comes when a test says so.
    async fn held(answer: oneshot::Receiver<UpstreamAnswer>) -> Result<UpstreamAnswer, UpstreamError> {
        answer.await.map_err(|_| UpstreamError::new(UpstreamErrorKind::Unavailable, "the test is over"))
    }

    async fn never() -> Result<UpstreamAnswer, UpstreamError> {
        std::future::pending().await
    }

    #[actix_rt::test]
    async fn a_question_goes_on_for_the_others_when_the_first_to_ask_leaves() {
        let bench = Bench::new(PLENTY);
        let question = bench.question("/a", 1_000);
        let (sender, receiver) = oneshot::channel();
        let receiver = Cell::new(Some(receiver));
        let mut first = Box::pin(bench.cache.answer(&question, || held(receiver.take().unwrap())));
        assert!(poll_immediate(&mut first).await.is_none());
        let mut second = Box::pin(bench.cache.answer(&question, never));
        assert!(poll_immediate(&mut second).await.is_none());
        drop(first);
        sender.send(answer("1", bench.now())).unwrap();
        assert_eq!(second.await.unwrap().answer.body, "1");
        assert_eq!(bench.ask("/a", Ok("2")).await, body("1", Hit::Fresh));
    }

    #[actix_rt::test]
    async fn a_question_that_everybody_left_is_answered_for_those_who_come() {
        let bench = Bench::new(PLENTY);
        let question = bench.question("/a", 1_000);
        let (sender, receiver) = oneshot::channel();
        let receiver = Cell::new(Some(receiver));
        let mut first = Box::pin(bench.cache.answer(&question, || held(receiver.take().unwrap())));
        assert!(poll_immediate(&mut first).await.is_none());
        drop(first);
        sender.send(answer("1", bench.now())).unwrap();
        assert_eq!(bench.ask("/a", Ok("2")).await.map(|(body, _)| body), Ok(Bytes::from_static(b"1")));
    }

    #[actix_rt::test]
    async fn an_error_is_shared_with_all_who_waited_for_it() {
        let bench = Bench::new(PLENTY);
        let asks = (0..50).map(|_| bench.ask("/a", Err(UpstreamErrorKind::Unavailable)));
        assert!(join_all(asks).await.into_iter().all(|outcome| outcome == Err(UpstreamErrorKind::Unavailable)));
        assert_eq!((bench.asked.get(), bench.counts()), (1, [0, 0, 1, 49]));
    }

    #[actix_rt::test]
    async fn a_panic_wakes_everyone_with_an_error_and_the_next_one_may_ask() {
        let bench = Bench::new(PLENTY);
        let question = bench.question("/a", 1_000);
        let mut first = Box::pin(bench.cache.answer(&question, || async { panic!("as the test says") }));
        assert!(poll_immediate(&mut first).await.is_none());
        let (first, second) = futures_util::future::join(first, bench.cache.answer(&question, never)).await;
        for outcome in [first, second] {
            assert_eq!(outcome.unwrap_err().kind, UpstreamErrorKind::Unavailable);
        }
        assert_eq!(bench.ask("/a", Ok("1")).await, body("1", Hit::Miss));
    }

    #[actix_rt::test]
    async fn who_joined_one_that_had_no_budget_left_tries_alone() {
        let bench = Bench::new(PLENTY);
        let question = bench.question("/a", 5_000);
        let somebody = Payer::Caller(tickgate_core::access::Principal::new("key", "somebody"));
        let other = Question { payer: somebody, ..bench.question("/a", 5_000) };
        let refused = || async { Err(UpstreamError::new(UpstreamErrorKind::Budget, "as the test says")) };
        let granted = || {
            let granted = answer("1", bench.now());
            async move { Ok(granted) }
        };
        let asked = [bench.cache.answer(&question, refused), bench.cache.answer(&question, refused)];
        let (asked, other) = futures_util::future::join(join_all(asked), bench.cache.answer(&other, granted)).await;
        for outcome in asked {
            assert_eq!(outcome.unwrap_err().kind, UpstreamErrorKind::Budget, "another try would be refused as well");
        }
        assert_eq!(other.unwrap().hit, Hit::Miss);
    }

    #[actix_rt::test]
    async fn everyone_waits_as_long_as_their_own_deadline_and_an_older_answer_stands_in_then() {
        let bench = Bench::new(PLENTY);
        let question = bench.question("/a", 1);
        assert_eq!(bench.cache.answer(&question, never).await.unwrap_err().kind, UpstreamErrorKind::Timeout);
        bench.ask("/b", Ok("1")).await.unwrap();
        bench.pass(2_000);
        let question = bench.question("/b", 1);
        assert_eq!(bench.cache.answer(&question, never).await.unwrap().hit, Hit::Stale);
    }

    #[actix_rt::test]
    async fn a_worker_that_ends_lets_go_of_those_who_wait_for_it_elsewhere() {
        let bench = Bench::new(PLENTY);
        let cache = bench.cache.clone();
        let worker = std::thread::spawn(move || {
            actix_rt::System::new().block_on(async move {
                let question = cache.question(
                    "/a".to_owned(),
                    CacheClass::Live,
                    &Session::OPEN,
                    (&Payer::Polling, Millis(NOON).plus(20_000)),
                );
                assert!(poll_immediate(Box::pin(cache.answer(&question, never))).await.is_none());
            });
        });
        let question = bench.question("/a", 20_000);
        actix_rt::task::spawn_blocking(|| worker.join().unwrap()).await.unwrap();
        let granted = || async { Ok(answer("1", Millis(NOON))) };
        assert_eq!(bench.cache.answer(&question, granted).await.unwrap().hit, Hit::Miss);
    }
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever happens, an answer is never shown after its time, and the newest is shown.
        #[test]
        fn no_answer_is_shown_after_its_time(steps in proptest::collection::vec((0u64..40_000, any::<bool>()), 1..40)) {
            actix_rt::System::new().block_on(async {
                let bench = Bench::new(PLENTY);
                let kept = ttl(CacheClass::Live, &Session::OPEN, Millis(NOON));
                let mut newest: Option<Millis> = None;
                for (pause, answers) in steps {
                    bench.pass(pause);
                    let age = newest.map(|newest| bench.now().since(newest));
                    let outcome = bench.ask("/a", if answers { Ok("1") } else { Err(UpstreamErrorKind::Timeout) }).await;
                    let expected = match age {
                        Some(age) if age < kept.fresh_ms => body("1", Hit::Fresh),
                        _ if answers => body("1", Hit::Miss),
                        Some(age) if age < kept.fresh_ms + kept.stale_ms => body("1", Hit::Stale),
                        _ => Err(UpstreamErrorKind::Timeout),
                    };
                    if expected == body("1", Hit::Miss) {
                        newest = Some(bench.now());
                    }
                    prop_assert_eq!(outcome, expected);
                }
                Ok(())
            })?;
        }
    }
}
