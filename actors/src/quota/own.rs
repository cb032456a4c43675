//! Budgets of callers' own upstream keys: which are in use, and which may be forgotten?

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tickgate_core::time::Millis;

use super::{BudgetMetrics, Quota, QuotaSettings};
use crate::clock::Clock;

/// Budgets in use at once, each with an actor of some kilobytes: more than callers who ask in the same minute.
const MAX_OWN_BUDGETS: usize = 1_024;

/// How long a budget that nobody asks for is kept, in ms: longer than a window and any pause, so that nothing of it matters by then.
const IDLE_MS: u64 = 600_000;

/// Tells keys apart and tells nothing of them: a hash.
pub type Fingerprint = [u8; 32];

/// A budget is of a key and of what its plan is said to be.
type Name = (Fingerprint, u32);

struct InUse {
    quota: Quota,
    used: Millis,
}

/// The budgets of callers' own keys. Callers with the same key share one, whoever they are and however often they set it. Clones
/// are the same.
#[derive(Clone)]
pub struct OwnQuotas {
    in_use: Arc<Mutex<HashMap<Name, InUse>>>,
    metrics: BudgetMetrics,
    clock: Clock,
    most: usize,
}

impl OwnQuotas {
    /// None in use.
    #[must_use]
    pub fn new(metrics: BudgetMetrics, clock: Clock) -> Self {
        Self { in_use: Arc::default(), metrics, clock, most: MAX_OWN_BUDGETS }
    }

    /// The budget of a key. Its actor, if it has none, is started on this thread. Nothing when 1,024 are in use and none of
    /// them rests: a budget that is forgotten before would be spent twice.
    #[must_use]
    pub fn of(&self, key: Fingerprint, settings: QuotaSettings) -> Option<Quota> {
        let (name, now) = ((key, settings.per_minute), self.clock.now());
        let mut in_use = self.lock();
        if !in_use.contains_key(&name) && in_use.len() >= self.most {
            let longest = in_use.iter().filter(|(_, other)| other.quota.view().rests()).min_by_key(|(_, other)| other.used);
            let longest = *longest?.0;
            in_use.remove(&longest);
        }
        let new = || InUse { quota: Quota::of_caller(settings, self.clock), used: now };
        let entry = in_use.entry(name).or_insert_with(new);
        entry.used = now;
        entry.quota.serve(&self.metrics);
        let quota = entry.quota.clone();
        self.count(&in_use);
        Some(quota)
    }

    /// Forgets the budgets that nobody has asked for lately; now and then.
    pub fn forget_the_idle(&self) {
        let now = self.clock.now();
        let mut in_use = self.lock();
        in_use.retain(|_, entry| now.since(entry.used) < IDLE_MS);
        self.count(&in_use);
    }

    fn count(&self, in_use: &HashMap<Name, InUse>) {
        self.metrics.own.set(i64::try_from(in_use.len()).unwrap_or(i64::MAX));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Name, InUse>> {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tickgate_core::access::Principal;
    use tickgate_core::budget::{Outcome, Payer};
    use tickgate_core::ports::UpstreamErrorKind;

    use super::*;
    use crate::quota::QuotaActor;
    use crate::test_support::{on_paused_time, pass, settle};

    const FREE: QuotaSettings = QuotaSettings { per_minute: 5 };

    fn quotas(clock: Clock, most: usize) -> OwnQuotas {
        let metrics = crate::Metrics::register(&prometheus::Registry::new()).unwrap().budget;
        OwnQuotas { most, ..OwnQuotas::new(metrics, clock) }
    }

    async fn spend(quota: &Quota, calls: usize) -> Result<(), UpstreamErrorKind> {
        for _ in 0..calls {
            let payer = Payer::Caller(Principal::new("user", "ada"));
            let permit = quota.reserve(payer, quota.clock.now().plus(1_000)).await.map_err(|error| error.kind)?;
            permit.settle(Outcome::Answered).await;
        }
        Ok(())
    }

    #[test]
    fn each_key_has_its_own_budget_and_setting_it_again_makes_no_new_one() {
        on_paused_time(|| async {
            let quotas = quotas(Clock::start(), 8);
            let (ada, bob) = (quotas.of([1; 32], FREE).unwrap(), quotas.of([2; 32], FREE).unwrap());
            assert_eq!(spend(&ada, 5).await, Ok(()));
            assert_eq!(spend(&ada, 1).await, Err(UpstreamErrorKind::Budget));
            assert_eq!(spend(&quotas.of([1; 32], FREE).unwrap(), 1).await, Err(UpstreamErrorKind::Budget));
            assert_eq!(spend(&bob, 5).await, Ok(()));
            assert_eq!((quotas.metrics.grants("own_key"), quotas.metrics.refusals("own_key", "spent")), (10, 2));
            assert_eq!(quotas.metrics.own.get(), 2);
        });
    }

    #[test]
    fn a_budget_is_forgotten_when_it_rests_and_never_before() {
        on_paused_time(|| async {
            let quotas = quotas(Clock::start(), 2);
            for key in [1, 2] {
                spend(&quotas.of([key; 32], FREE).unwrap(), 1).await.unwrap();
                pass(1.0).await;
            }
            assert!(quotas.of([3; 32], FREE).is_none(), "both have spent something");
            pass(60.5).await;
            assert!(quotas.of([3; 32], FREE).is_some(), "the first rests again");
            assert!(quotas.lock().contains_key(&([2; 32], 5)) && !quotas.lock().contains_key(&([1; 32], 5)));
            pass(599.0).await;
            quotas.forget_the_idle();
            assert_eq!(quotas.metrics.own.get(), 1, "the second has been idle for long");
            pass(1.5).await;
            quotas.forget_the_idle();
            assert_eq!(quotas.metrics.own.get(), 0);
        });
    }

    #[test]
    fn who_asks_next_rebuilds_a_budget_whose_actor_died_and_it_remembers_what_was_spent() {
        on_paused_time(|| async {
            let quotas = quotas(Clock::start(), 2);
            let quota = quotas.of([1; 32], FREE).unwrap();
            spend(&quota, 5).await.unwrap();
            let actor = quota.slot().get().unwrap();
            actor.try_send(Die).unwrap();
            settle().await;
            assert!(!actor.connected());
            let again = quotas.of([1; 32], FREE).unwrap();
            assert_eq!(spend(&again, 1).await, Err(UpstreamErrorKind::Budget));
            pass(61.0).await;
            assert_eq!(spend(&quota, 5).await, Ok(()), "those who held it before go on with the new actor");
        });
    }

    #[derive(actix::Message)]
    #[rtype(result = "()")]
    struct Die;

    impl actix::Handler<Die> for QuotaActor {
        type Result = ();

        fn handle(&mut self, _: Die, ctx: &mut Self::Context) {
            actix::ActorContext::stop(ctx);
        }
    }
}
