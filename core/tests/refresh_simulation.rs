//! Two who hold a refresh token race for it, with lost replies, late repetitions and a store that swaps, driven by a seed.
//!
//! One of them may be a thief. A shadow list of all tokens that ever went out says what must happen: at most one is live, only
//! its predecessor is answered within the grace and with the same answer, every other use ends the family, and what is ended
//! stays so. 150 seeds run; `SIM_SEED=<n>` runs one. A failure prints the seed.

use secrecy::{ExposeSecret as _, SecretString};
use tickgate_core::access::{Principal, Scope};
use tickgate_core::identity::oauth::ScopeSet;
use tickgate_core::identity::refresh::{
    FamilyTerms, Issue, Presented, PresentedRefresh, REPEAT_GRACE_MS, RefreshFamily, RefreshRandom, RefreshRefusal,
};
use tickgate_core::identity::{HashKey, HashKeys};
use tickgate_core::time::Millis;

const STEPS: usize = 120;
const BEGIN: Millis = Millis(1_773_167_467_294);
/// How many of the newest tokens are tried after each step: what matters is around the last one.
const LOOKED_BACK: usize = 5;
const CLIENT: &str = "app";

#[test]
fn of_two_who_race_for_a_family_never_two_hold_live_tokens_and_reuse_ends_it() {
    let mut seen = Seen::default();
    match asked_seed() {
        Some(seed) => Simulation::new(seed).run(&mut seen),
        None => {
            (0..150).for_each(|seed| Simulation::new(seed).run(&mut seen));
            assert!(seen.rotated > 0 && seen.again > 0 && seen.reused > 0 && seen.ended > 0 && seen.lost_races > 0, "{seen:?}");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a seed to repeat is asked for at the command line")]
fn asked_seed() -> Option<u64> {
    std::env::var("SIM_SEED").ok().map(|seed| seed.parse().expect("SIM_SEED is a whole number"))
}

/// What happened at all, so that the simulation does not pass by doing nothing.
#[derive(Debug, Default)]
struct Seen {
    rotated: u64,
    again: u64,
    reused: u64,
    ended: u64,
    lost_races: u64,
}

/// SplitMix64: as good as any for this, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }
}

struct Simulation {
    seed: u64,
    dice: Dice,
    keys: HashKeys,
    now: Millis,
    stored: RefreshFamily,
    /// Every token that went out, the oldest first: the last one is live.
    out: Vec<String>,
    /// What each of the two holds, as places in `out`; a reply that was lost is not learnt.
    holds: [usize; 2],
    rotated_at: Millis,
    is_dead: bool,
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let keys = HashKeys::new(HashKey::new([7; 32]), vec![]);
        let terms = FamilyTerms {
            principal: Principal::new("user", "ada"),
            client: CLIENT.into(),
            resource: "https://host/mcp".into(),
            scopes: ScopeSet::of(Scope::Write),
            absolute_ms: u64::MAX / 4,
            idle_ms: u64::MAX / 4,
        };
        let mut dice = Dice(seed);
        let random = RefreshRandom { family: u128::from(dice.next()), token: [seed as u8; 16] };
        let (stored, issue) = RefreshFamily::begin(terms, &random, &keys, BEGIN);
        let out = vec![text(&issue)];
        Self { seed, dice, keys, now: BEGIN, stored, out, holds: [0, 0], rotated_at: BEGIN, is_dead: false }
    }

    fn run(mut self, seen: &mut Seen) {
        for _ in 0..STEPS {
            self.now = self.now.plus(self.pause());
            match self.dice.below(4) {
                0 => self.race(seen),
                1 => self.made_up(),
                _ => self.one(seen),
            }
        }
    }

    /// Often within the grace, sometimes on its edge, sometimes long after.
    fn pause(&mut self) -> u64 {
        match self.dice.below(4) {
            0 => 0,
            1 => self.dice.below(REPEAT_GRACE_MS),
            2 => REPEAT_GRACE_MS - 1 + self.dice.below(3),
            _ => REPEAT_GRACE_MS + self.dice.below(3_600_000),
        }
    }

    /// What somebody sends: mostly what they hold, sometimes something older.
    fn sent(&mut self, who: usize) -> usize {
        let held = self.holds[who];
        if self.dice.below(12) == 0 { self.dice.below(held as u64 + 1) as usize } else { held }
    }

    fn present(&mut self, on: &RefreshFamily, place: usize) -> Presented {
        let token = PresentedRefresh::read(&self.out[place]).expect("it went out");
        let salt = u128::from(self.dice.next());
        on.present(&token, CLIENT, &self.keys, salt, self.now)
    }

    fn one(&mut self, seen: &mut Seen) {
        let who = self.dice.below(2) as usize;
        let place = self.sent(who);
        let stored = self.stored.clone();
        let answer = self.present(&stored, place);
        self.settle(who, place, answer, seen);
    }

    /// Both ask at once: both decisions are made on the same record, one swap wins, the other reads again.
    fn race(&mut self, seen: &mut Seen) {
        let stored = self.stored.clone();
        let places = [self.sent(0), self.sent(1)];
        let first = self.present(&stored, places[0]);
        let second = self.present(&stored, places[1]);
        self.settle(0, places[0], first, seen);
        if self.stored == stored {
            self.settle(1, places[1], second, seen);
        } else {
            seen.lost_races += 1;
            let stored = self.stored.clone();
            let again = self.present(&stored, places[1]);
            self.settle(1, places[1], again, seen);
        }
    }

    /// A stranger who knows the name of the family guesses: nothing may happen.
    fn made_up(&mut self) {
        let live = self.out.last().expect("one went out at the beginning");
        let begin = &live[..live.len() - 49];
        let mut bytes = [0_u8; 32];
        bytes.fill_with(|| self.dice.next() as u8);
        let random = RefreshRandom { family: self.stored.id.0, token: [self.dice.next() as u8; 16] };
        let strange = HashKeys::new(HashKey::new(bytes), vec![]);
        let (_, issue) = RefreshFamily::begin(self.stored.terms.clone(), &random, &strange, self.now);
        let guess = text(&issue);
        assert!(guess.starts_with(begin), "seed {}", self.seed);
        let token = PresentedRefresh::read(&guess).expect("it is well written");
        let answer = self.stored.present(&token, CLIENT, &self.keys, 0, self.now);
        assert!(matches!(answer, Presented::Refused(RefreshRefusal::Forged)), "seed {}: {answer:?}", self.seed);
    }

    /// Holds an answer against the shadow, stores what is to be stored, and lets the asker learn the answer or lose it.
    fn settle(&mut self, who: usize, place: usize, answer: Presented, seen: &mut Seen) {
        let seed = self.seed;
        let live = self.out.len() - 1;
        let in_grace = self.now.since(self.rotated_at) < REPEAT_GRACE_MS;
        match answer {
            Presented::Rotated(family, issue) => {
                assert!(!self.is_dead && place == live, "seed {seed}: token {place} of {live} was rotated");
                self.stored = *family;
                assert!(!self.out.contains(&text(&issue)), "seed {seed}: a token came twice");
                self.out.push(text(&issue));
                self.rotated_at = self.now;
                self.learn(who, live + 1);
                seen.rotated += 1;
            }
            Presented::Again(issue) => {
                assert!(!self.is_dead && place + 1 == live && in_grace, "seed {seed}: token {place} of {live} was forgiven");
                assert_eq!(text(&issue), self.out[live], "seed {seed}: not the same answer");
                assert_eq!(issue.issued, self.rotated_at, "seed {seed}");
                self.learn(who, live);
                seen.again += 1;
            }
            Presented::Reused(family) => {
                let forgiven = place + 1 == live && in_grace;
                assert!(!self.is_dead && place < live && !forgiven, "seed {seed}: token {place} of {live} ended the family");
                self.stored = *family;
                self.is_dead = true;
                seen.reused += 1;
            }
            Presented::Refused(why) => {
                assert!(self.is_dead && why == RefreshRefusal::Ended, "seed {seed}: token {place} of {live}: {why}");
                seen.ended += 1;
            }
        }
        self.only_one_is_live();
    }

    fn learn(&mut self, who: usize, place: usize) {
        if self.dice.below(4) > 0 {
            self.holds[who] = place;
        }
    }

    /// Of the newest tokens that went out (older ones are sent at random), exactly the last one can be rotated, or none once the family is dead.
    fn only_one_is_live(&mut self) {
        let stored = self.stored.clone();
        let live: Vec<usize> = (self.out.len().saturating_sub(LOOKED_BACK)..self.out.len())
            .filter(|place| matches!(self.present(&stored, *place), Presented::Rotated(..)))
            .collect();
        let expected = if self.is_dead { vec![] } else { vec![self.out.len() - 1] };
        assert_eq!(live, expected, "seed {}", self.seed);
    }
}

fn text(issue: &Issue) -> String {
    let token: &SecretString = &issue.refresh_token;
    token.expose_secret().to_owned()
}
