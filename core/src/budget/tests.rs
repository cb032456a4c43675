//! The scheduler under plain values, and a simulation with a printed seed.

use std::collections::HashMap;

use proptest::prelude::*;

use super::line::{Line, NoPlace, Waiting};
use super::*;

const HOUR_MS: u64 = 3_600_000;

fn caller(name: &str) -> Payer {
    Payer::Caller(Principal::new("user", name))
}

struct Bench {
    budget: Budget,
    payers: HashMap<Ticket, (Payer, Millis)>,
    granted: Vec<(Millis, Payer, u64)>,
    late: usize,
    now: Millis,
}

impl Bench {
    fn new(per_minute: u32) -> Self {
        let budget = Budget::new(Ledger::new(per_minute));
        Self { budget, payers: HashMap::new(), granted: Vec::new(), late: 0, now: Millis(0) }
    }

    fn ask(&mut self, payer: Payer, patience_ms: u64) -> Result<(), Refusal> {
        self.queue(payer, patience_ms)?;
        self.advance();
        Ok(())
    }

    fn queue(&mut self, payer: Payer, patience_ms: u64) -> Result<(), Refusal> {
        let ticket = Ticket(self.payers.len() as u64);
        self.payers.insert(ticket, (payer.clone(), self.now));
        self.budget.ask(ticket, payer, self.now.plus(patience_ms), self.now)
    }

    fn advance(&mut self) {
        for (ticket, verdict) in self.budget.advance(self.now) {
            let (payer, asked) = self.payers[&ticket].clone();
            match verdict {
                Verdict::Granted { .. } => self.granted.push((self.now, payer, self.now.since(asked))),
                Verdict::Refused(_) => self.late += 1,
            }
        }
    }

    /// Lets time pass, stopping wherever a call goes out.
    fn pass_to(&mut self, end: Millis) {
        while let Some(at) = self.budget.next_due(self.now).filter(|at| *at <= end) {
            assert!(at > self.now, "what is due was done");
            self.now = at;
            self.advance();
        }
        self.now = end;
    }

    fn grants(&self, payer: &Payer) -> usize {
        self.granted.iter().filter(|(_, who, _)| who == payer).count()
    }

    fn most_in_a_minute(&self) -> usize {
        let times: Vec<Millis> = self.granted.iter().map(|(at, ..)| *at).collect();
        (0..times.len()).map(|n| times[n..].iter().take_while(|at| at.since(times[n]) <= 60_000).count()).max().unwrap_or(0)
    }
}

/// A small generator of even numbers, so that a run can be repeated from its seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

#[test]
fn a_caller_alone_may_use_the_whole_budget_at_once() {
    let mut bench = Bench::new(5);
    for _ in 0..5 {
        bench.ask(caller("ada"), 0).unwrap();
    }
    assert_eq!(bench.granted.len(), 5);
    assert_eq!(bench.ask(caller("ada"), 20_000), Err(Refusal::Spent(Millis(61_000))));
    assert_eq!(bench.budget.waiting(), 0, "what is refused does not wait");
    bench.ask(caller("ada"), 61_000).unwrap();
    bench.pass_to(Millis(61_000));
    assert_eq!(bench.granted.len(), 6);
}

#[test]
fn a_million_calls_a_minute_are_not_in_the_way_of_two_hundred() {
    let mut bench = Bench::new(1_000_000);
    for n in 0..192 {
        bench.ask(caller(&(n % 8).to_string()), 0).unwrap();
    }
    assert_eq!(bench.granted.len(), 192);
}

#[test]
fn a_429_costs_a_large_budget_a_moment_and_says_that_it_is_a_pause() {
    let mut bench = Bench::new(1_000_000);
    bench.ask(caller("ada"), 0).unwrap();
    assert_eq!(bench.budget.settle(false, Outcome::Limited(None), bench.now), Some(Millis(1_000)));
    assert_eq!(bench.ask(caller("ada"), 500), Err(Refusal::Paused(Millis(1_001))));
    for _ in 0..60 {
        bench.ask(caller("ada"), 20_000).unwrap();
    }
    bench.pass_to(Millis(1_010));
    assert_eq!(bench.granted.len(), 61);
}

#[test]
fn polls_are_spaced_and_leave_a_fifth_to_callers() {
    let mut bench = Bench::new(5);
    for _ in 0..40 {
        bench.ask(Payer::Polling, HOUR_MS).unwrap();
    }
    bench.pass_to(Millis(10 * WINDOW_MS - 1));
    assert_eq!(bench.granted.len(), 40);
    assert_eq!(bench.most_in_a_minute(), 4);
    bench.ask(caller("ada"), 0).unwrap();
}

#[test]
fn the_market_session_is_polled_before_all_else_that_is_polled() {
    let mut bench = Bench::new(5);
    for _ in 0..40 {
        bench.ask(Payer::Polling, HOUR_MS).unwrap();
    }
    bench.ask(Payer::Status, 15_250).unwrap();
    bench.pass_to(Millis(15_250));
    assert_eq!(bench.grants(&Payer::Status), 1);
}

#[test]
fn polls_and_callers_take_turns_when_both_wait() {
    let mut bench = Bench::new(5);
    for _ in 0..30 {
        bench.ask(Payer::Polling, HOUR_MS).unwrap();
        bench.ask(caller("ada"), HOUR_MS).unwrap();
    }
    bench.pass_to(Millis(8 * WINDOW_MS));
    let (polls, calls) = (bench.grants(&Payer::Polling), bench.grants(&caller("ada")));
    assert!(polls >= 2 * 8 && calls >= 3 * 8 && polls + calls >= 5 * 8, "{polls} polls, {calls} calls");
}

#[test]
fn who_has_many_calls_waiting_delays_anothers_first_by_one_round() {
    let mut bench = Bench::new(5);
    for _ in 0..5 + MAX_WAITING_PER_CALLER {
        bench.ask(caller("greedy"), u64::MAX).unwrap();
    }
    assert!(matches!(bench.ask(caller("greedy"), u64::MAX), Err(Refusal::TooMany(_))));
    bench.ask(caller("modest"), 62_000).unwrap();
    bench.pass_to(Millis(WINDOW_MS));
    assert_eq!(bench.grants(&caller("modest")), 1);
}

#[test]
fn who_asks_all_the_time_does_not_take_the_turns_of_who_asks_now_and_then() {
    let mut bench = Bench::new(5);
    let (eager, modest) = (caller("eager"), caller("modest"));
    for tenth in 0..30 * 60 * 10_u64 {
        bench.pass_to(Millis(tenth * 100));
        if tenth % 120 == 0 {
            // Polls that want more than there is.
            let _ = bench.ask(Payer::Polling, 600_000);
        }
        // One has always just asked, the other comes every 7 seconds and takes no for an answer.
        let _ = bench.ask(eager.clone(), 20_000);
        if tenth % 70 == 35 {
            let _ = bench.ask(modest.clone(), 20_000);
        }
    }
    let (eager, modest) = (bench.grants(&eager), bench.grants(&modest));
    assert!(modest * 4 >= eager * 3 && modest >= 25, "{eager} for the eager one, {modest} for the modest one");
    assert!(bench.most_in_a_minute() <= 5);
}

#[test]
fn who_asks_last_of_all_each_time_has_as_many_turns_as_who_asks_first() {
    let mut bench = Bench::new(5);
    let callers: Vec<Payer> = (0..4).map(|n| caller(&n.to_string())).collect();
    for second in 0..60 * 60_u64 {
        bench.pass_to(Millis(second * 1_000));
        if second % 12 == 0 {
            let _ = bench.ask(Payer::Polling, 600_000);
        }
        if second % 5 == 0 {
            for who in &callers {
                let _ = bench.ask(who.clone(), 20_000);
            }
        }
    }
    let grants: Vec<usize> = callers.iter().map(|who| bench.grants(who)).collect();
    let (least, most) = (grants.iter().min().unwrap(), grants.iter().max().unwrap());
    // A place is free now and then when the one with the oldest turn is not just asking.
    assert!(least * 4 >= most * 3 && *least > 20, "{grants:?}");
}

#[test]
fn newcomers_without_end_do_not_go_before_those_who_were_there() {
    let mut bench = Bench::new(5);
    let old = caller("old");
    for second in 0..30 * 60_u64 {
        bench.pass_to(Millis(second * 1_000));
        let _ = bench.ask(caller(&format!("new {second}")), 20_000);
        if second % 5 == 0 {
            let _ = bench.ask(old.clone(), 20_000);
        }
    }
    // 5 a minute go out, one of them at least every round of those who wait.
    assert!(bench.grants(&old) >= 25, "{}", bench.grants(&old));
}

#[test]
fn everyone_together_can_not_fill_more_than_the_line_and_polls_have_a_line_of_their_own() {
    let mut line = Line::default();
    for n in 0..MAX_WAITING as u64 {
        let payer = caller(&n.to_string());
        assert_eq!(line.has_place(&payer), Ok(()));
        line.push(payer, Waiting { ticket: Ticket(n), deadline: Millis(0) });
    }
    assert_eq!(line.has_place(&caller("late")), Err(NoPlace::All));
    assert_eq!(line.has_place(&Payer::Polling), Ok(()));
    line.leave(Ticket(7));
    assert_eq!(line.has_place(&caller("late")), Ok(()));
}

#[test]
fn who_leaves_gives_the_place_back() {
    let mut bench = Bench::new(1);
    bench.ask(caller("first"), 0).unwrap();
    bench.ask(caller("second"), WINDOW_MS).unwrap();
    assert_eq!(bench.ask(caller("third"), WINDOW_MS), Err(Refusal::Spent(Millis(2 * WINDOW_MS))));
    assert!(bench.budget.leave(Ticket(1)) && !bench.budget.leave(Ticket(1)));
    bench.ask(caller("third"), WINDOW_MS).unwrap();
    bench.pass_to(Millis(WINDOW_MS));
    assert_eq!((bench.grants(&caller("second")), bench.grants(&caller("third"))), (0, 1));
}

#[test]
fn a_429_pauses_everyone_until_the_minute_is_over() {
    let mut bench = Bench::new(5);
    bench.now = Millis(8_000);
    bench.ask(caller("ada"), 0).unwrap();
    assert_eq!(bench.budget.settle(false, Outcome::Limited(None), bench.now), Some(Millis(60_000)));
    let view = bench.budget.view(bench.now);
    assert_eq!((view.remaining, view.paused_until, view.next_at), (0, Some(Millis(60_000)), Millis(60_000)));
    assert_eq!(bench.ask(caller("bob"), 20_000), Err(Refusal::Paused(Millis(60_000))));
    bench.ask(Payer::Polling, 60_000).unwrap();
    bench.pass_to(Millis(60_000));
    assert_eq!(bench.grants(&Payer::Polling), 1);
}

#[test]
fn a_429_refuses_at_once_those_who_wait_and_can_not_wait_so_long() {
    let mut bench = Bench::new(1);
    bench.ask(caller("ada"), 0).unwrap();
    bench.ask(caller("bob"), 70_000).unwrap();
    bench.ask(caller("eve"), 500_000).unwrap();
    let until = bench.budget.settle(false, Outcome::Limited(Some(100_000)), bench.now).unwrap();
    assert_eq!(bench.budget.advance(bench.now), [(Ticket(1), Verdict::Refused(Refusal::Paused(until)))]);
    assert_eq!(bench.budget.waiting(), 1);
}

#[test]
fn a_view_is_written_with_words_and_dates() {
    let mut ledger = Ledger::new(5);
    let now = Millis(1_773_167_467_294);
    let written = |ledger: &Ledger| serde_json::to_string(&ledger.view(now)).unwrap();
    assert_eq!(written(&ledger), r#"{"per_minute":5,"remaining":5,"next_at":"2026-03-10T18:31:07.294Z","breaker":"closed"}"#);
    ledger.settle(false, Outcome::Limited(Some(90_000)), now);
    assert_eq!(
        written(&ledger),
        r#"{"per_minute":5,"remaining":0,"next_at":"2026-03-10T18:32:37.294Z","refills_at":"2026-03-10T18:32:37.294Z","paused_until":"2026-03-10T18:32:37.294Z","breaker":"closed"}"#
    );
}

#[test]
fn a_failing_upstream_is_left_alone_and_one_probe_finds_out_when_to_go_on() {
    let mut bench = Bench::new(600);
    bench.ask(Payer::Polling, 0).unwrap();
    for _ in 0..5 {
        assert_eq!(bench.budget.settle(false, Outcome::Failed, bench.now), None);
    }
    assert_eq!(bench.budget.view(bench.now).breaker, BreakerState::Open);
    assert_eq!(bench.ask(caller("ada"), HOUR_MS), Err(Refusal::Broken(Millis(30_000))));
    bench.now = Millis(30_000);
    bench.budget.ask(Ticket(900), caller("ada"), Millis(HOUR_MS), bench.now).unwrap();
    bench.budget.ask(Ticket(901), caller("bob"), Millis(HOUR_MS), bench.now).unwrap();
    let verdicts = bench.budget.advance(bench.now);
    assert_eq!(verdicts[0], (Ticket(900), Verdict::Granted { probe: true }));
    assert_eq!(verdicts[1], (Ticket(901), Verdict::Refused(Refusal::Broken(Millis(32_000)))));
    bench.budget.settle(true, Outcome::Answered, bench.now);
    bench.ask(caller("bob"), 1_000).unwrap();
}

#[test]
fn refusals_of_single_endpoints_never_open_the_breaker() {
    use crate::ports::UpstreamErrorKind as Kind;
    let mut bench = Bench::new(600);
    for kind in [Kind::NotFound, Kind::InvalidParams, Kind::Auth, Kind::NotEntitled, Kind::TooLarge] {
        for _ in 0..50 {
            assert_eq!(bench.budget.settle(false, Outcome::of(Some(kind), None), bench.now), None);
        }
    }
    assert_eq!(bench.budget.view(bench.now).breaker, BreakerState::Closed);
}

#[test]
fn a_budget_that_goes_on_from_its_ledger_grants_nothing_twice() {
    let mut bench = Bench::new(5);
    for _ in 0..5 {
        bench.ask(caller("ada"), 0).unwrap();
    }
    bench.budget = Budget::new(bench.budget.ledger().clone());
    assert_eq!(bench.ask(caller("ada"), 0), Err(Refusal::Spent(Millis(61_000))));
}

#[test]
fn twenty_callers_of_very_different_demand_differ_by_one_round_at_most() {
    (1..=5).for_each(different_demand);
}

fn different_demand(seed: u64) {
    let (mut dice, mut bench) = (Dice(seed), Bench::new(5));
    let payers: Vec<Payer> = (0..20).map(|n| caller(&n.to_string())).collect();
    // Everyone always has something waiting, some one call and some as many as fit.
    let mut missing: Vec<usize> = (0..20).map(|_| 1 + dice.below(60) as usize).collect();
    let demand = missing.clone();
    for second in 0..2 * 3_600 {
        let before = bench.granted.len();
        bench.pass_to(Millis(second * 1_000));
        for (_, payer, _) in &bench.granted[before..] {
            missing[payers.iter().position(|who| who == payer).unwrap()] += 1;
        }
        for (payer, missing) in payers.iter().zip(&mut missing) {
            (0..std::mem::take(missing)).for_each(|_| bench.queue(payer.clone(), u64::MAX).unwrap());
        }
        bench.advance();
    }
    let grants: Vec<usize> = payers.iter().map(|payer| bench.grants(payer)).collect();
    let (least, most) = (grants.iter().min().unwrap(), grants.iter().max().unwrap());
    assert!(most - least <= 1 && *least >= 28, "seed {seed}: {grants:?} for {demand:?}");
    assert!(bench.most_in_a_minute() <= 5, "seed {seed}");
}

#[test]
fn half_an_hour_of_twenty_polled_topics_and_tool_calls_stays_within_a_free_plan_and_callers_get_through() {
    (1..=10).for_each(half_an_hour);
}

fn half_an_hour(seed: u64) {
    let (mut dice, mut bench) = (Dice(seed), Bench::new(5));
    let floor_ms = crate::market::cadence::budget_floor_ms(20, 5);
    let mut due: Vec<u64> = (0..20).map(|_| dice.below(floor_ms)).collect();
    let (mut asked, mut refused) = (0, 0);
    for second in 0..1_800 {
        bench.pass_to(Millis(second * 1_000));
        for due in &mut due {
            if *due <= second * 1_000 {
                *due += floor_ms;
                bench.ask(Payer::Polling, 600_000).unwrap();
            }
        }
        // About two calls a minute, of five callers.
        if dice.below(30) == 0 {
            asked += 1;
            refused += usize::from(bench.ask(caller(&dice.below(5).to_string()), 20_000).is_err());
        }
    }
    let polls = bench.grants(&Payer::Polling);
    let calls = bench.granted.len() - polls;
    // Who was let in can still be too late when others come after whose last turn is longer ago.
    let late = bench.late;
    let told = format!("seed {seed}: {polls} polls; of {asked} calls {calls} made, {refused} refused at once, {late} later");
    assert!(bench.most_in_a_minute() <= 5, "{told}");
    assert!(late * 8 <= asked && calls + refused + late + 1 >= asked && calls * 3 >= asked * 2 && polls >= 60, "{told}");
}

proptest! {
    #[test]
    fn no_minute_holds_more_than_the_plan_and_no_poll_takes_a_callers_share(
        per_minute in 1u32..120,
        arrivals in proptest::collection::vec((0u64..8_000, 0usize..6, 0u64..200_000, 0u8..30), 1..300),
    ) {
        let mut bench = Bench::new(per_minute);
        for (wait, who, patience, luck) in arrivals {
            let at = bench.now.plus(wait);
            bench.pass_to(at);
            let payer = if who == 0 { Payer::Polling } else { caller(&who.to_string()) };
            let before = bench.granted.len();
            let asked = bench.ask(payer, patience);
            if let Err(refusal) = asked {
                prop_assert!(refusal.retry_at() > bench.now && bench.granted.len() == before);
            }
            if luck == 0 {
                bench.budget.settle(false, Outcome::Limited(None), bench.now);
            }
        }
        bench.pass_to(bench.now.plus(HOUR_MS));
        prop_assert!(bench.most_in_a_minute() <= per_minute as usize);
        bench.granted.retain(|(_, payer, _)| *payer == Payer::Polling);
        prop_assert!(bench.most_in_a_minute() <= poll_share(per_minute) as usize);
    }

    #[test]
    fn what_is_not_refused_at_once_goes_out_at_the_moment_foreseen_if_nobody_comes_after(
        per_minute in 1u32..20, line in proptest::collection::vec(0usize..6, 0..60), who in 0usize..6,
    ) {
        let payer = |who: usize| if who == 0 { Payer::Polling } else { caller(&who.to_string()) };
        let mut bench = Bench::new(per_minute);
        for waiting in line {
            bench.ask(payer(waiting), u64::MAX).unwrap();
        }
        let foreseen = match bench.budget.ask(Ticket(u64::MAX), payer(who), Millis(0), bench.now) {
            Err(refusal) => refusal.retry_at(),
            Ok(()) => return Ok(()),
        };
        bench.ask(payer(who), foreseen.0).unwrap();
        let granted = bench.granted.len();
        let ticket = Ticket(bench.payers.len() as u64 - 1);
        bench.pass_to(Millis(foreseen.0 - 1));
        prop_assert!(granted == bench.granted.len() || bench.budget.leave(ticket));
        if bench.budget.waiting() > 0 {
            bench.budget.ask(ticket, payer(who), Millis(u64::MAX), bench.now).unwrap();
        }
    }
}
