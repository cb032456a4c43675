//! The budget under a clock that the test holds.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use crate::test_support::{Market, on_paused_time, pass, settle};

const HOUR_MS: u64 = 3_600_000;

#[test]
fn no_minute_gives_more_than_the_budget_and_the_burst_however_many_ask() {
    on_paused_time(|| async {
        const PER_MINUTE: u32 = 300;
        let market = Market::with_budget(PER_MINUTE).await;
        let taken = Rc::new(RefCell::new(Vec::new()));
        for _ in 0..50 {
            let (quota, clock, taken) = (market.quota.clone(), market.clock, Rc::clone(&taken));
            actix::spawn(async move {
                for _ in 0..20 {
                    quota.reserve(clock.now().plus(HOUR_MS)).await.unwrap();
                    taken.borrow_mut().push(clock.now());
                }
            });
        }
        pass(240.0).await;
        let taken = taken.borrow();
        assert_eq!(taken.len(), 1_000, "everyone is served in the end");
        let burst = PER_MINUTE / 60;
        for (n, start) in taken.iter().enumerate() {
            let within = taken[n..].iter().take_while(|at| at.since(*start) < 60_000).count();
            assert!(within <= (PER_MINUTE + burst) as usize, "{within} in the minute after call {n}");
        }
        let whole = taken.last().unwrap().since(taken[0]);
        assert!(whole <= 200_000, "nothing of the budget is wasted: {whole} ms");
    });
}

#[test]
fn a_pause_holds_every_call_until_the_time_said() {
    on_paused_time(|| async {
        let market = Market::with_budget(6_000).await;
        let begun = market.clock.now();
        market.quota.reserve(begun.plus(HOUR_MS)).await.unwrap();
        market.quota.pause(30_000);
        market.quota.reserve(begun.plus(HOUR_MS)).await.unwrap();
        let waited = market.clock.now().since(begun);
        assert!((30_000..30_100).contains(&waited), "{waited} ms");
    });
}

#[test]
fn a_wait_beyond_the_deadline_is_refused_at_once_and_says_how_long_it_would_take() {
    on_paused_time(|| async {
        let market = Market::with_budget(5).await;
        let begun = market.clock.now();
        market.quota.reserve(begun.plus(1_000)).await.unwrap();
        let error = market.quota.reserve(begun.plus(1_000)).await.unwrap_err();
        assert_eq!(error.kind, UpstreamErrorKind::Budget);
        let retry_after = error.retry_after_ms.unwrap();
        assert!((11_900..=12_000).contains(&retry_after), "{retry_after} ms");
        assert!(market.clock.now().since(begun) < 100, "it did not wait to say so");
        market.quota.reserve(begun.plus(13_000)).await.unwrap();
    });
}

#[test]
fn a_pause_beyond_the_deadline_is_refused_with_what_is_left_of_it() {
    on_paused_time(|| async {
        let market = Market::with_budget(600).await;
        market.quota.pause(60_000);
        settle().await;
        let error = market.quota.reserve(market.clock.now().plus(10_000)).await.unwrap_err();
        assert!((59_900..=60_000).contains(&error.retry_after_ms.unwrap()), "{error:?}");
    });
}
