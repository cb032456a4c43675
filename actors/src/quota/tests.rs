//! The budget under a clock that the test holds.

use std::cell::RefCell;
use std::rc::Rc;

use tickgate_core::access::Principal;
use tickgate_core::budget::WINDOW_MS;
use tickgate_core::market::cadence::budget_floor_ms;
use tickgate_core::ports::UpstreamErrorKind;

use super::*;
use crate::test_support::{Market, on_paused_time, pass, settle};

const HOUR_MS: u64 = 3_600_000;

fn payer(name: &str) -> Payer {
    Payer::Caller(Principal::new("user", name))
}

async fn call(market: &Market, patience_ms: u64) -> Result<Permit, tickgate_core::ports::UpstreamError> {
    market.quota.reserve(payer("ada"), market.clock.now().plus(patience_ms)).await
}

#[test]
fn no_minute_gives_more_than_the_budget_however_many_ask() {
    on_paused_time(|| async {
        const PER_MINUTE: u32 = 300;
        let market = Market::with_budget(PER_MINUTE).await;
        let taken = Rc::new(RefCell::new(Vec::new()));
        for n in 0..50 {
            let (quota, clock, taken) = (market.quota.clone(), market.clock, Rc::clone(&taken));
            actix::spawn(async move {
                for _ in 0..20 {
                    let permit = quota.reserve(payer(&n.to_string()), clock.now().plus(HOUR_MS)).await.unwrap();
                    taken.borrow_mut().push(clock.now());
                    permit.settle(Outcome::Answered).await;
                }
            });
        }
        pass(240.0).await;
        let taken = taken.borrow();
        assert_eq!(taken.len(), 1_000, "everyone is served in the end");
        for (n, start) in taken.iter().enumerate() {
            let within = taken[n..].iter().take_while(|at| at.since(*start) <= 60_000).count();
            assert!(within <= PER_MINUTE as usize, "{within} in the minute after call {n}");
        }
        let whole = taken.last().unwrap().since(taken[0]);
        assert!(whole <= 205_000, "nothing of the budget is wasted: {whole} ms");
        assert_eq!(market.metrics.budget.grants("caller"), 1_000);
    });
}

#[test]
fn a_pause_holds_every_call_until_the_time_said_and_is_seen_at_once() {
    on_paused_time(|| async {
        let market = Market::with_budget(6_000).await;
        let begun = market.clock.now();
        let permit = call(&market, HOUR_MS).await.unwrap();
        assert_eq!(permit.settle(Outcome::Limited(Some(30_000))).await, Some(30_000));
        assert_eq!(market.quota.view().paused_until, Some(begun.plus(30_000)));
        call(&market, HOUR_MS).await.unwrap().settle(Outcome::Answered).await;
        let waited = market.clock.now().since(begun);
        assert!((30_000..30_100).contains(&waited), "{waited} ms");
    });
}

#[test]
fn a_wait_beyond_the_deadline_is_refused_at_once_and_says_how_long_it_would_take() {
    on_paused_time(|| async {
        let market = Market::with_budget(5).await;
        let begun = market.clock.now();
        for _ in 0..5 {
            call(&market, 1_000).await.unwrap().settle(Outcome::Answered).await;
        }
        let error = call(&market, 1_000).await.err().unwrap();
        assert_eq!(error.kind, UpstreamErrorKind::Budget);
        let retry_after = error.retry_after_ms.unwrap();
        assert!((WINDOW_MS - 100..=WINDOW_MS).contains(&retry_after), "{retry_after} ms");
        assert!(market.clock.now().since(begun) < 100, "it did not wait to say so");
        assert_eq!(market.metrics.budget.refusals("caller", "spent"), 1);
        let view = market.quota.view();
        assert_eq!((view.per_minute, view.remaining), (5, 0));
        call(&market, WINDOW_MS + 1_000).await.unwrap().settle(Outcome::Answered).await;
    });
}

#[test]
fn a_pause_beyond_the_deadline_is_refused_with_what_is_left_of_it_and_not_called_a_spent_budget() {
    on_paused_time(|| async {
        let market = Market::with_budget(1_000_000).await;
        call(&market, 0).await.unwrap().settle(Outcome::Limited(Some(60_000))).await;
        let error = call(&market, 10_000).await.err().unwrap();
        assert!((59_900..=60_001).contains(&error.retry_after_ms.unwrap()), "{error:?}");
        assert!(!error.message.contains("UPSTREAM_RPM"), "{error}");
    });
}

#[test]
fn who_leaves_gives_the_place_back() {
    on_paused_time(|| async {
        let market = Market::with_budget(1).await;
        call(&market, 0).await.unwrap().settle(Outcome::Answered).await;
        let (quota, deadline) = (market.quota.clone(), market.clock.now().plus(HOUR_MS));
        let waiting = actix::spawn(async move { quota.reserve(payer("bob"), deadline).await.map(drop) });
        settle().await;
        assert!(call(&market, WINDOW_MS).await.is_err(), "the next turn is taken");
        waiting.abort();
        settle().await;
        call(&market, WINDOW_MS).await.unwrap().settle(Outcome::Answered).await;
    });
}

#[test]
fn an_upstream_that_keeps_failing_is_left_alone_and_a_lost_probe_is_repeated() {
    on_paused_time(|| async {
        let market = Market::with_budget(600_000).await;
        for _ in 0..5 {
            call(&market, 0).await.unwrap().settle(Outcome::Failed).await;
        }
        settle().await;
        let error = call(&market, HOUR_MS).await.err().unwrap();
        assert_eq!(error.kind, UpstreamErrorKind::Unavailable);
        assert!((29_900..=30_000).contains(&error.retry_after_ms.unwrap()), "{error:?}");
        pass(30.0).await;
        let probe = call(&market, 0).await.unwrap();
        assert_eq!(call(&market, HOUR_MS).await.err().unwrap().kind, UpstreamErrorKind::Unavailable, "one probe at a time");
        drop(probe);
        settle().await;
        call(&market, 0).await.unwrap().settle(Outcome::Answered).await;
        settle().await;
        assert_eq!(market.quota.view().breaker, BreakerState::Closed);
    });
}

#[test]
fn a_rebuilt_budget_grants_nothing_twice_and_serves_who_waited() {
    on_paused_time(|| async {
        let market = Market::with_budget(5).await;
        for _ in 0..5 {
            call(&market, 0).await.unwrap().settle(Outcome::Answered).await;
        }
        let begun = market.clock.now();
        let (quota, clock) = (market.quota.clone(), market.clock);
        let waiting = actix::spawn(async move {
            quota.reserve(payer("bob"), begun.plus(HOUR_MS)).await.unwrap().settle(Outcome::Answered).await;
            clock.now()
        });
        settle().await;
        market.quota.crash();
        settle().await;
        assert_eq!(market.restarts("quota"), 1);
        assert_eq!(call(&market, 0).await.err().unwrap().kind, UpstreamErrorKind::Budget);
        let served = waiting.await.unwrap().since(begun);
        assert!((WINDOW_MS - 100..WINDOW_MS + 200).contains(&served), "{served} ms");
    });
}

/// Even numbers from a seed, so that a run can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Who was given a call, and when.
type Given = Rc<RefCell<Vec<(Millis, &'static str)>>>;

fn poll_for_ever(market: &Market, first_ms: u64, given: &Given) {
    let (quota, clock, given) = (market.quota.clone(), market.clock, Rc::clone(given));
    actix::spawn(async move {
        tokio::time::sleep(Duration::from_millis(first_ms)).await;
        loop {
            if let Ok(permit) = quota.reserve(Payer::Polling, clock.now().plus(610_000)).await {
                given.borrow_mut().push((clock.now(), "polling"));
                permit.settle(Outcome::Answered).await;
            }
            tokio::time::sleep(Duration::from_millis(budget_floor_ms(20, 5))).await;
        }
    });
}

#[test]
fn half_an_hour_of_polls_calls_429s_departures_and_deaths_never_exceeds_a_free_plan_in_any_minute() {
    for seed in 1..=5 {
        on_paused_time(move || half_an_hour(seed));
    }
}

async fn half_an_hour(seed: u64) {
    let (mut dice, market, given) = (Dice(seed), Market::with_budget(5).await, Given::default());
    (0..20).for_each(|_| poll_for_ever(&market, dice.below(budget_floor_ms(20, 5)), &given));
    let (mut asked, begun) = (0, market.clock.now());
    while market.clock.now().since(begun) < 30 * 60_000 {
        pass(Duration::from_millis(1_000 + dice.below(58_000)).as_secs_f64()).await;
        let (quota, clock, given) = (market.quota.clone(), market.clock, Rc::clone(&given));
        let (who, luck) = (dice.below(5).to_string(), dice.below(20));
        asked += 1;
        let call = actix::spawn(async move {
            let Ok(permit) = quota.reserve(payer(&who), clock.now().plus(20_000)).await else { return };
            given.borrow_mut().push((clock.now(), "caller"));
            permit.settle(if luck == 0 { Outcome::Limited(None) } else { Outcome::Answered }).await;
        });
        match luck {
            1 => market.quota.crash(),
            2 => {
                settle().await;
                call.abort();
            }
            _ => {}
        }
    }
    let given = given.borrow();
    let calls = given.iter().filter(|(_, who)| *who == "caller").count();
    let polls = given.len() - calls;
    let told = format!("seed {seed}: {polls} polls; {calls} calls made of {asked}, {} deaths", market.restarts("quota"));
    println!("{told}");
    for (n, (start, _)) in given.iter().enumerate() {
        let within = given[n..].iter().take_while(|(at, _)| at.since(*start) <= 60_000).count();
        assert!(within <= 5, "{within} in the minute after call {n}; {told}");
    }
    assert!(calls * 2 >= asked && polls >= 50, "{told}");
}

/// Makes the actor panic, as a defect would.
#[derive(Message)]
#[rtype(result = "()")]
struct Panic;

impl Handler<Panic> for QuotaActor {
    type Result = ();

    fn handle(&mut self, _: Panic, _: &mut Self::Context) {
        panic!("the test asks for it");
    }
}

impl Quota {
    fn crash(&self) {
        self.slot().get().unwrap().try_send(Panic).unwrap();
    }
}
