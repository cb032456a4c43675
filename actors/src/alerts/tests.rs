//! Price alerts over a scripted upstream and a store in memory: all actors on one thread, whose time the test holds.

use std::time::Duration;

use actix::Message;
use futures_util::future::join_all;
use tickgate_core::access::Principal;
use tickgate_core::alert::{Condition, MAX_ALERTS_PER_PRINCIPAL, ShownState, Terms, TermsError};
use tickgate_core::ports::UpstreamErrorKind;
use tickgate_core::tape::Start;
use tickgate_core::time::Millis;

use super::book::Room;
use super::*;
use crate::supervisor::WatchError;
use crate::test_support::{LINGER, Market, MemoryStore, Turn, limits, on_paused_time, pass, read, read_all, settle};
use crate::window::TapeReader;

/// Makes the actor panic.
#[derive(Message)]
#[rtype(result = "()")]
struct Crash;

impl Handler<Crash> for AlertsActor {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("as the test wants");
    }
}

/// A gateway with alerts.
struct Bench {
    market: Market,
    store: MemoryStore,
    alerts: Alerts,
    window: TapeWindow,
}

impl Bench {
    async fn open() -> Self {
        Self::between(Market::open().await, MemoryStore::default())
    }

    /// One that finds what another left in the store.
    fn between(market: Market, store: MemoryStore) -> Self {
        let parts = AlertsParts {
            market: market.link.clone(),
            store: Arc::new(store.clone()),
            tape: limits(),
            clock: market.clock,
            metrics: market.metrics.clone(),
        };
        Self { alerts: Alerts::start(parts), window: market.window(), market, store }
    }

    /// A price, and the time to see it.
    async fn price(&self, price: f64) {
        self.market.upstream.sets("AAPL", price);
        pass(2.0).await;
    }

    async fn set(&self, condition: Condition, target: f64) -> Alert {
        self.try_set(&ada(), "AAPL", condition, target).await.unwrap()
    }

    async fn try_set(&self, who: &Principal, symbol: &str, condition: Condition, target: f64) -> Result<Alert, AlertError> {
        self.alerts.create(who, symbol.parse().unwrap(), condition, target, None).await
    }

    async fn reader(&self, alert: &Alert) -> TapeReader {
        read(&self.window, &alert.id.topic().to_string(), Start::Live).await
    }

    async fn watched(&self) -> Vec<String> {
        self.market.link.inspect().await.unwrap().topics
    }

    /// How the store would bring back its only alert.
    fn stored(&self) -> Alert {
        let records = self.store.records(Shelf::Alerts);
        assert_eq!(records.len(), 1);
        Alert::from_record(&records[0]).unwrap()
    }

    fn crash(&self) {
        self.alerts.actor().try_send(Crash).unwrap();
    }
}

fn ada() -> Principal {
    Principal::new("user", "ada")
}

fn eve() -> Principal {
    Principal::new("user", "eve")
}

/// The counts of the firings that a reader has before it.
fn fired(reader: &mut TapeReader) -> Vec<String> {
    let all = read_all(reader).into_iter().filter(|told| told != "mark");
    all.map(|told| told.rsplit_once('-').map_or(told.clone(), |(_, count)| count.to_owned())).collect()
}

mod forgetting {
    use super::*;

    #[test]
    fn who_is_forgotten_has_no_alert_and_nothing_of_them_is_written_afterwards() {
        on_paused_time(|| async {
            let bench = Bench::open().await;
            bench.market.upstream.sets("AAPL", 90.0);
            bench.set(Condition::Above, 100.0).await;
            bench.set(Condition::Above, 110.0).await;
            bench.try_set(&eve(), "AAPL", Condition::Above, 1_000.0).await.unwrap();
            // A firing whose state is on its way into the store.
            bench.store.takes(Duration::from_secs(3));
            bench.price(105.0).await;
            assert_eq!(bench.market.metrics.alerts_fired.get(), 1);
            bench.alerts.forget_all_of(&ada()).await.unwrap();
            bench.store.takes(Duration::ZERO);
            assert_eq!(bench.store.erase("user:ada").await, Ok(2));
            assert!(bench.alerts.list(&ada()).await.unwrap().is_empty());
            bench.price(120.0).await;
            pass(60.0).await;
            assert_eq!(bench.market.metrics.alerts_fired.get(), 1);
            assert_eq!(bench.stored().principal, eve(), "others' stay");
            assert_eq!(bench.market.metrics.alerts.get(), 1);
        });
    }
}

mod firing {
    use super::*;

    #[test]
    fn every_reader_is_told_once_per_crossing() {
        on_paused_time(|| async {
            let bench = Bench::open().await;
            bench.market.upstream.sets("AAPL", 90.0);
            let alert = bench.set(Condition::Above, 100.0).await;
            assert_eq!((alert.fired(), alert.shown().state), (0, ShownState::Armed));
            let mut readers = [bench.reader(&alert).await, bench.reader(&alert).await];
            for price in [99.0, 100.0, 101.0, 99.95, 100.0] {
                bench.price(price).await;
            }
            readers.iter_mut().for_each(|reader| assert_eq!(fired(reader), ["1"]));
            for price in [90.0, 105.0] {
                bench.price(price).await;
            }
            readers.iter_mut().for_each(|reader| assert_eq!(fired(reader), ["2"]));
            assert_eq!(bench.market.metrics.alerts_fired.get(), 2);
            assert_eq!(bench.alerts.list(&ada()).await.unwrap()[0].fired(), 2);
        });
    }

    #[test]
    fn a_firing_of_an_alert_that_holds_when_it_is_set_is_told_before_it_is_stored() {
        on_paused_time(|| async {
            let bench = Bench::open().await;
            bench.market.upstream.sets("AAPL", 150.0);
            bench.store.takes(Duration::from_millis(100));
            assert_eq!(bench.set(Condition::Above, 100.0).await.fired(), 1);
            assert_eq!((bench.market.metrics.alerts_fired.get(), bench.stored().fired()), (1, 0), "a crash now tells it again");
            pass(1.0).await;
            assert_eq!((bench.market.metrics.alerts_fired.get(), bench.stored().fired()), (1, 1));
        });
    }

    #[test]
    fn an_alert_that_holds_when_it_is_set_has_fired_when_its_owner_is_answered() {
        on_paused_time(|| async {
            let bench = Bench::open().await;
            bench.market.upstream.sets("AAPL", 150.0);
            assert_eq!(bench.set(Condition::Above, 100.0).await.fired(), 1);
            assert_eq!(bench.stored().fired(), 1);
            assert_eq!(bench.set(Condition::Below, 100.0).await.fired(), 0);
            // The symbol is watched already, and its price does not change.
            let alert = bench.set(Condition::Above, 149.0).await;
            pass(5.0).await;
            let mut reader = bench.reader(&alert).await;
            assert_eq!((alert.fired(), fired(&mut reader)), (1, vec![]));
        });
    }

    #[test]
    fn an_alert_is_a_subscriber_of_its_symbol_until_it_is_deleted() {
        on_paused_time(|| async {
            let bench = Bench::open().await;
            let alerts = [bench.set(Condition::Above, 1e6).await, bench.set(Condition::Below, 1e-6).await];
            pass(120.0).await;
            assert!(bench.watched().await.contains(&"prices:AAPL".to_owned()));
            let polls = bench.market.upstream.quote_calls("AAPL");
            assert!((118..=124).contains(&polls), "{polls}");
            bench.alerts.delete(&ada(), alerts[0].id).await.unwrap();
            pass(120.0).await;
            assert!(bench.watched().await.contains(&"prices:AAPL".to_owned()));
            bench.alerts.delete(&ada(), alerts[1].id).await.unwrap();
            tokio::time::sleep(LINGER * 2).await;
            assert!(!bench.watched().await.contains(&"prices:AAPL".to_owned()));
            assert!(bench.store.records(Shelf::Alerts).is_empty());
            assert_eq!(bench.market.metrics.alerts.get(), 0);
        });
    }

    #[test]
    fn a_deleted_alert_fires_no_more() {
        on_paused_time(|| async {
            let bench = Bench::open().await;
            bench.market.upstream.sets("AAPL", 90.0);
            let [gone, stays] = [bench.set(Condition::Above, 100.0).await, bench.set(Condition::Above, 100.0).await];
            let mut readers = [bench.reader(&gone).await, bench.reader(&stays).await];
            bench.alerts.delete(&ada(), gone.id).await.unwrap();
            bench.price(110.0).await;
            assert_eq!(readers.each_mut().map(fired), [vec![], vec!["1".to_owned()]]);
        });
    }

    #[test]
    fn ten_thousand_alerts_cost_no_more_polls_than_their_hundred_symbols() {
        on_paused_time(|| async {
            let bench = Bench::open().await;
            for nth in 0..100 {
                let who = Principal::new("user", &nth.to_string());
                let symbols: Vec<String> = (0..100).map(|symbol| format!("S{symbol}")).collect();
                let set = symbols.iter().map(|symbol| bench.try_set(&who, symbol, Condition::Above, 1e9));
                assert!(join_all(set).await.iter().all(Result::is_ok));
            }
            assert_eq!(bench.market.metrics.alerts.get(), 10_000);
            pass(5.0).await;
            let before = bench.market.upstream.all_quote_calls();
            pass(60.0).await;
            let polls = bench.market.upstream.all_quote_calls() - before;
            assert!((55..=65).contains(&polls), "{polls} calls in a minute");
        });
    }
}

mod owners {
    use super::*;

    #[test]
    fn anothers_alert_is_like_one_that_does_not_exist() {
        on_paused_time(|| async {
            let bench = Bench::open().await;
            let alert = bench.set(Condition::Above, 1e6).await;
            assert_eq!(bench.alerts.owned(&ada(), &[alert.id]).await, Ok(()));
            let nobodys = AlertId(alert.id.0 ^ 1);
            for id in [alert.id, nobodys] {
                assert_eq!(bench.alerts.delete(&eve(), id).await, Err(AlertError::NotFound));
                assert_eq!(bench.alerts.owned(&eve(), &[id]).await, Err(AlertError::NotFound));
            }
            assert_eq!(bench.alerts.owned(&ada(), &[alert.id, nobodys]).await, Err(AlertError::NotFound));
            assert_eq!(bench.alerts.list(&eve()).await, Ok(vec![]));
            assert_eq!(bench.alerts.list(&ada()).await.unwrap().len(), 1);
            bench.alerts.delete(&ada(), alert.id).await.unwrap();
            assert_eq!(bench.alerts.delete(&ada(), alert.id).await, Err(AlertError::NotFound));
        });
    }

    #[test]
    fn one_principal_has_so_many_alerts_and_no_more() {
        on_paused_time(|| async {
            let bench = Bench::open().await;
            // At once: those on their way into the store count too.
            let ada = ada();
            let wanted = (0..MAX_ALERTS_PER_PRINCIPAL + 5).map(|_| bench.try_set(&ada, "AAPL", Condition::Above, 1e6));
            let refused = join_all(wanted).await.into_iter().filter(|set| *set == Err(AlertError::TooMany)).count();
            assert_eq!(refused, 5);
            assert!(bench.try_set(&eve(), "AAPL", Condition::Above, 1e6).await.is_ok());
            let mine = bench.alerts.list(&ada).await.unwrap();
            assert!(mine.len() == MAX_ALERTS_PER_PRINCIPAL && mine.is_sorted_by_key(|alert| alert.created));
            bench.alerts.delete(&ada, mine[0].id).await.unwrap();
            assert!(bench.try_set(&ada, "AAPL", Condition::Above, 1e6).await.is_ok());
        });
    }

    #[test]
    fn the_gateway_has_room_for_so_many_in_all() {
        let mut book = Book::with_room(Room { per_principal: 2, in_all: 3 });
        assert_eq!([(); 3].map(|()| book.reserve(&ada())), [Ok(()), Ok(()), Err(AlertError::TooMany)]);
        assert_eq!([(); 2].map(|()| book.reserve(&eve())), [Ok(()), Err(AlertError::Full)]);
        book.release(&ada());
        assert_eq!(book.reserve(&eve()), Ok(()));
    }

    #[test]
    fn what_can_be_no_alert_is_refused_before_anything_is_watched() {
        on_paused_time(|| async {
            let bench = Bench::open().await;
            let refused = bench.try_set(&ada(), "AAPL", Condition::Above, -1.0).await;
            assert_eq!(refused, Err(AlertError::Terms(TermsError::Target(-1.0))));
            assert_eq!(bench.watched().await, ["status"]);
        });
    }
}

mod upstream {
    use super::*;

    #[test]
    fn a_symbol_that_the_upstream_does_not_know_is_refused_and_leaves_nothing_behind() {
        on_paused_time(|| async {
            let bench = Bench::open().await;
            bench.market.upstream.knows_not("NOPE");
            for _ in 0..2 {
                let refused = bench.try_set(&ada(), "NOPE", Condition::Above, 1.0).await.unwrap_err();
                assert!(matches!(refused, AlertError::Watch(WatchError::UnknownSymbol(_))), "{refused}");
            }
            tokio::time::sleep(LINGER * 2).await;
            assert_eq!(bench.watched().await, ["status"]);
            assert_eq!((bench.store.writes(), bench.alerts.list(&ada()).await), (0, Ok(vec![])));
        });
    }

    #[test]
    fn an_upstream_that_is_down_or_slow_delays_no_alert_and_the_first_price_is_its_first_look() {
        on_paused_time(|| async {
            let bench = Bench::open().await;
            bench.market.upstream.sets("AAPL", 150.0);
            bench.market.upstream.next([Turn::Fails(UpstreamErrorKind::Unavailable); 3]);
            let alert = bench.set(Condition::Above, 100.0).await;
            assert_eq!((alert.fired(), alert.shown().state), (0, ShownState::Waiting));
            let mut reader = bench.reader(&alert).await;
            pass(60.0).await;
            assert_eq!(fired(&mut reader), ["1"]);
            bench.market.upstream.takes(Duration::from_secs(60));
            let begun = bench.market.clock.now();
            let alert = bench.try_set(&ada(), "MSFT", Condition::Above, 1e6).await.unwrap();
            assert_eq!(alert.shown().state, ShownState::Waiting);
            assert!(bench.market.clock.now().since(begun) < 6_000);
        });
    }

    #[test]
    fn a_price_from_before_the_upstream_went_down_is_no_first_look() {
        on_paused_time(|| async {
            let bench = Bench::open().await;
            bench.market.upstream.sets("AAPL", 150.0);
            let old = bench.set(Condition::Above, 1e6).await;
            bench.alerts.delete(&ada(), old.id).await.unwrap();
            tokio::time::sleep(LINGER * 2).await;
            bench.market.upstream.next([Turn::Fails(UpstreamErrorKind::Unavailable); 3]);
            assert_eq!(bench.set(Condition::Above, 100.0).await.fired(), 0);
        });
    }

    #[test]
    fn an_alert_on_a_symbol_that_is_gone_waits_and_watches_again_when_it_is_back() {
        on_paused_time(|| async {
            let first = Bench::open().await;
            first.market.upstream.sets("AAPL", 90.0);
            let alert = first.set(Condition::Above, 100.0).await;
            let market = first.market.successor().await;
            market.upstream.knows_not("AAPL");
            let bench = Bench::between(market, first.store.clone());
            tokio::time::sleep(LINGER * 3).await;
            assert_eq!(bench.watched().await, ["status"]);
            assert_eq!(bench.alerts.list(&ada()).await.unwrap().len(), 1);
            let mut reader = bench.reader(&alert).await;
            bench.market.upstream.knows("AAPL");
            bench.market.upstream.sets("AAPL", 110.0);
            pass(2.0 * 3_600.0).await;
            assert_eq!(fired(&mut reader), ["1"]);
        });
    }
}

mod store {
    use super::*;

    #[test]
    fn after_a_restart_an_alert_goes_on_and_a_crossing_meanwhile_is_told_at_the_first_look() {
        on_paused_time(|| async {
            let first = Bench::open().await;
            first.market.upstream.sets("AAPL", 90.0);
            let alert = first.set(Condition::Above, 100.0).await;
            let market = first.market.successor().await;
            market.upstream.sets("AAPL", 110.0);
            let second = Bench::between(market, first.store.clone());
            let mut reader = second.reader(&alert).await;
            pass(3.0).await;
            assert_eq!(fired(&mut reader), ["1"]);
            assert_eq!((second.stored().fired(), second.market.metrics.alerts.get()), (1, 1));

            let market = second.market.successor().await;
            market.upstream.sets("AAPL", 120.0);
            let third = Bench::between(market, first.store.clone());
            let mut reader = third.reader(&alert).await;
            pass(3.0).await;
            assert_eq!(fired(&mut reader), Vec::<String>::new(), "it has fired before the restart");
            third.price(90.0).await;
            third.price(110.0).await;
            assert_eq!(fired(&mut reader), ["2"]);
        });
    }

    #[test]
    fn that_the_price_has_gone_back_survives_a_restart_too() {
        on_paused_time(|| async {
            let first = Bench::open().await;
            first.market.upstream.sets("AAPL", 110.0);
            let alert = first.set(Condition::Above, 100.0).await;
            first.price(90.0).await;
            let market = first.market.successor().await;
            market.upstream.sets("AAPL", 110.0);
            let second = Bench::between(market, first.store.clone());
            let mut reader = second.reader(&alert).await;
            pass(3.0).await;
            assert_eq!(fired(&mut reader), ["2"]);
        });
    }

    #[test]
    fn a_store_that_fails_refuses_alerts_and_leaves_nothing_behind() {
        on_paused_time(|| async {
            let bench = Bench::open().await;
            settle().await;
            bench.store.fails(true);
            assert_eq!(bench.try_set(&ada(), "AAPL", Condition::Above, 1e-6).await, Err(AlertError::Store));
            assert_eq!(bench.alerts.list(&ada()).await, Ok(vec![]));
            assert_eq!(bench.market.metrics.alerts_fired.get(), 0);
            tokio::time::sleep(LINGER * 2).await;
            assert_eq!(bench.watched().await, ["status"]);
            bench.store.fails(false);
            bench.store.takes(Duration::from_secs(3_600));
            assert_eq!(bench.try_set(&ada(), "AAPL", Condition::Above, 1e-6).await, Err(AlertError::Store));
        });
    }

    #[test]
    fn a_firing_is_told_although_the_store_fails_and_stored_when_it_can_be() {
        on_paused_time(|| async {
            let bench = Bench::open().await;
            bench.market.upstream.sets("AAPL", 90.0);
            let alert = bench.set(Condition::Above, 100.0).await;
            let mut reader = bench.reader(&alert).await;
            bench.store.fails(true);
            bench.price(110.0).await;
            assert_eq!(fired(&mut reader), ["1"]);
            let before = bench.store.writes();
            pass(600.0).await;
            let tries = bench.store.writes() - before;
            assert!((30..=50).contains(&tries), "{tries} tries in ten minutes");
            assert_eq!(bench.stored().fired(), 0);
            bench.store.fails(false);
            tokio::time::sleep(SWEEP_EVERY * 2).await;
            assert_eq!(bench.stored().fired(), 1);
        });
    }

    #[test]
    fn an_alert_that_the_store_does_not_let_go_stays_armed() {
        on_paused_time(|| async {
            let bench = Bench::open().await;
            bench.market.upstream.sets("AAPL", 90.0);
            let alert = bench.set(Condition::Above, 100.0).await;
            let mut reader = bench.reader(&alert).await;
            bench.store.fails(true);
            assert_eq!(bench.alerts.delete(&ada(), alert.id).await, Err(AlertError::Store));
            bench.price(110.0).await;
            assert_eq!(fired(&mut reader), ["1"]);
            bench.store.fails(false);
            bench.alerts.delete(&ada(), alert.id).await.unwrap();
            tokio::time::sleep(SWEEP_EVERY * 2).await;
            assert!(bench.store.records(Shelf::Alerts).is_empty());
        });
    }

    #[test]
    fn a_state_that_is_being_stored_does_not_bring_a_deleted_alert_back() {
        on_paused_time(|| async {
            let bench = Bench::open().await;
            bench.market.upstream.sets("AAPL", 90.0);
            let alert = bench.set(Condition::Above, 100.0).await;
            let before = bench.store.writes();
            bench.store.takes(Duration::from_millis(1_500));
            bench.market.upstream.sets("AAPL", 110.0);
            while bench.store.writes() == before {
                settle().await;
            }
            bench.alerts.delete(&ada(), alert.id).await.unwrap();
            pass(60.0).await;
            assert!(bench.store.records(Shelf::Alerts).is_empty());
        });
    }

    #[test]
    fn what_cannot_be_loaded_is_tried_again_and_refused_until_then() {
        on_paused_time(|| async {
            let first = Bench::open().await;
            let alert = first.set(Condition::Above, 1e6).await;
            first.store.fails(true);
            let second = Bench::between(first.market.successor().await, first.store.clone());
            settle().await;
            assert_eq!(second.alerts.list(&ada()).await, Err(AlertError::Unavailable));
            assert_eq!(second.try_set(&ada(), "AAPL", Condition::Above, 1.0).await, Err(AlertError::Unavailable));
            assert_eq!(second.alerts.delete(&ada(), alert.id).await, Err(AlertError::Unavailable));
            first.store.fails(false);
            tokio::time::sleep(LOAD_AGAIN * 2).await;
            assert_eq!(second.alerts.owned(&ada(), &[alert.id]).await, Ok(()));
        });
    }

    #[test]
    fn an_alert_whose_owner_has_stopped_waiting_for_it_is_taken_back() {
        on_paused_time(|| async {
            let bench = Bench::open().await;
            settle().await;
            bench.store.takes(Duration::from_secs(3));
            let ada = ada();
            let wanted = bench.try_set(&ada, "AAPL", Condition::Above, 1e6);
            assert!(tokio::time::timeout(Duration::from_secs(2), wanted).await.is_err());
            pass(2.0).await;
            assert_eq!((bench.store.records(Shelf::Alerts).len(), bench.alerts.list(&ada).await), (1, Ok(vec![])));
            pass(10.0).await;
            assert!(bench.store.records(Shelf::Alerts).is_empty());
            assert_eq!(bench.market.metrics.alerts.get(), 0);
        });
    }
}

mod deaths {
    use super::*;

    #[test]
    fn alerts_that_die_are_rebuilt_and_miss_nothing_and_tell_nothing_twice() {
        on_paused_time(|| async {
            let bench = Bench::open().await;
            bench.market.upstream.sets("AAPL", 90.0);
            let alert = bench.set(Condition::Above, 100.0).await;
            let mut reader = bench.reader(&alert).await;
            bench.price(110.0).await;
            assert_eq!(fired(&mut reader), ["1"]);
            bench.price(90.0).await;
            bench.store.takes(Duration::from_secs(10));
            bench.crash();
            settle().await;
            assert_eq!(bench.alerts.list(&ada()).await, Err(AlertError::Unavailable));
            // While nobody looks, the price visits the other side.
            bench.price(110.0).await;
            bench.price(95.0).await;
            pass(20.0).await;
            assert_eq!(fired(&mut reader), ["2"]);
            bench.store.takes(Duration::ZERO);
            pass(5.0).await;
            bench.price(110.0).await;
            assert_eq!(fired(&mut reader), ["3"]);
            assert_eq!((bench.market.restarts("alerts"), bench.alerts.list(&ada()).await.unwrap()[0].fired()), (1, 3));
            let untold = || bench.market.metrics.mailbox_full.with_label_values(&["window"]).get();
            let before = untold();
            bench.price(120.0).await;
            assert_eq!(untold(), before, "the tape has forgotten the dead one");
        });
    }

    #[test]
    fn a_firing_that_was_told_and_not_stored_is_not_told_again() {
        on_paused_time(|| async {
            let bench = Bench::open().await;
            bench.market.upstream.sets("AAPL", 90.0);
            let alert = bench.set(Condition::Above, 100.0).await;
            let mut reader = bench.reader(&alert).await;
            // It dies of what it does after telling.
            bench.store.panics_next();
            bench.price(110.0).await;
            pass(10.0).await;
            assert_eq!(fired(&mut reader), ["1"]);
            assert_eq!((bench.market.restarts("alerts"), bench.stored().fired()), (1, 1));
        });
    }

    #[test]
    fn what_an_alert_has_seen_tells_nothing_when_it_is_looked_at_again() {
        let now = Millis(1_000_000);
        // Data of its own time, data with one time for all, and data ahead of the clock.
        let times: [fn(u64) -> u64; 3] = [|nth| 1_000 + nth, |_| 1_000, |nth| 2_000_000 + nth];
        for as_of in times {
            let terms = Terms::new("AAPL".parse().unwrap(), Condition::Crosses, 100.0, None).unwrap();
            let symbol = terms.symbol.clone();
            let prices = [90.0, 110.0, 90.0, 110.0, 95.0];
            let tick = |(nth, price): (u64, f64)| Tick { price, as_of: Millis(as_of(nth)), recorded: now.plus(nth) };
            let ticks: Vec<Tick> = (0..).zip(prices).map(tick).collect();
            let mut book = Book::default();
            book.insert(Alert::new(AlertId(1), ada(), terms, now), None);
            let fired: usize = ticks.iter().map(|tick| book.observe(&symbol, *tick, tick.recorded.plus(1)).len()).sum();
            assert_eq!((fired, book.catch_up(&symbol, &ticks, now.plus(60_000)).len()), (4, 0));
        }
    }

    #[test]
    fn alerts_that_die_again_and_again_do_so_with_a_pause_and_their_interest_is_not_counted_twice() {
        on_paused_time(|| async {
            let bench = Bench::open().await;
            let alert = bench.set(Condition::Above, 1e6).await;
            for _ in 0..5 {
                bench.store.panics_next();
                bench.crash();
                pass(3.0).await;
            }
            assert_eq!(bench.market.restarts("alerts"), 10);
            pass(5.0).await;
            bench.alerts.delete(&ada(), alert.id).await.unwrap();
            tokio::time::sleep(LINGER * 2).await;
            assert_eq!(bench.watched().await, ["status"]);
        });
    }

    #[test]
    fn a_tape_that_is_rebuilt_is_followed() {
        on_paused_time(|| async {
            let bench = Bench::open().await;
            bench.market.upstream.sets("AAPL", 90.0);
            let alert = bench.set(Condition::Above, 100.0).await;
            bench.market.kill_tape();
            pass(2.0).await;
            let mut reader = bench.reader(&alert).await;
            bench.price(110.0).await;
            assert_eq!(fired(&mut reader), ["1"]);
            assert_eq!(bench.market.restarts("tape"), 1);
        });
    }
}
