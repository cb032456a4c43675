//! A feed's connection through thousands of random happenings against a server that is itself a small model: whatever comes in
//! whatever order, what is subscribed follows what is wanted, and no pause is shorter than it must be.
//!
//! `FEED_SEED=n` runs one seed again.

use std::collections::{BTreeMap, BTreeSet};

use tickgate_core::feed::{
    Channel, Connection, Effect, FeedEvent, FeedState, Input, Loss, Notice, StatusWord, Timing, Told, channels_of,
};
use tickgate_core::market::{Market, Symbol};
use tickgate_core::time::Millis;

const SEEDS: u64 = 300;
const STEPS: usize = 600;
const SYMBOLS: [&str; 6] = ["AAPL", "MSFT", "TSLA", "F", "GM", "BRK.B"];

/// splitmix64: the test needs no better chance.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn pick(&mut self, of: usize) -> usize {
        usize::try_from(self.below(of as u64)).expect("it is less than a usize")
    }
}

/// What the server believes of the connection.
#[derive(Default)]
struct Server {
    open: bool,
    known: bool,
    held: BTreeSet<Channel>,
    /// What the machine has given up waiting for.
    doubted: BTreeSet<Channel>,
    /// Acknowledgements on their way.
    answers: Vec<Notice>,
}

struct World {
    chance: Chance,
    connection: Connection,
    now: Millis,
    server: Server,
    /// The shadow: who wants what, which symbols are said to be covered, and until when no connection may be made.
    wanted: BTreeMap<Symbol, u32>,
    covered: BTreeSet<Symbol>,
    connecting: bool,
    quiet_until: Millis,
    told: FeedState,
    tries: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            chance: Chance(seed),
            connection: Connection::new(Market::Stocks, Timing::default()),
            now: Millis(1_000_000),
            server: Server::default(),
            wanted: BTreeMap::new(),
            covered: BTreeSet::new(),
            connecting: false,
            quiet_until: Millis(0),
            told: FeedState::Idle,
            tries: 0,
        }
    }

    fn happened(&mut self, input: Input<'_>) {
        let random = self.chance.next();
        for effect in self.connection.handle(input, self.now, random) {
            self.perform(effect);
        }
        self.check();
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Connect => {
                assert!(!self.connecting && !self.server.open, "two connections at once");
                assert!(self.now >= self.quiet_until, "a connection {} ms too early", self.quiet_until.since(self.now));
                assert!(!self.wanted.is_empty(), "a connection that nobody wants");
                self.connecting = true;
                self.tries += 1;
            }
            Effect::Authenticate => assert!(self.server.open && !self.server.known),
            Effect::Subscribe(channels) => {
                assert!(self.server.known && (1..=100).contains(&channels.len()));
                for channel in channels {
                    assert!(self.wanted.contains_key(&channel.symbol), "{channel} is wanted by nobody");
                    // As upstream: what is held already is not acknowledged again.
                    if self.server.held.insert(channel.clone()) {
                        self.server.answers.push(notice(StatusWord::Success, &format!("subscribed to: {channel}")));
                    } else {
                        assert!(self.server.doubted.contains(&channel), "{channel} is held already");
                    }
                }
            }
            Effect::Unsubscribe(channels) => {
                for channel in channels {
                    assert!(self.server.known, "{channel} is given back to nobody");
                    self.server.doubted.remove(&channel);
                    // One that was refused on an earlier connection may not be held on this one: that is not acknowledged.
                    if self.server.held.remove(&channel) {
                        self.server.answers.push(notice(StatusWord::Success, &format!("unsubscribed to: {channel}")));
                    }
                }
            }
            Effect::Disconnect(loss) => {
                self.quiet_until = self.now.plus(match loss {
                    Loss::Crowded => 60_000,
                    Loss::AuthFailed => 300_000,
                    Loss::Unwanted => 0,
                    _ => 500,
                });
                self.server = Server::default();
                self.connecting = false;
                assert!(self.covered.is_empty(), "{:?} are still said to be covered", self.covered);
            }
            Effect::Covered(symbol) => assert!(self.covered.insert(symbol)),
            Effect::Uncovered(symbol) => assert!(self.covered.remove(&symbol)),
            Effect::Denied(channel) => {
                // The answer was late: the server holds it all the same.
                self.server.doubted.insert(channel);
            }
            Effect::State(state) => self.told = state,
        }
    }

    fn check(&self) {
        assert_eq!(self.told, self.connection.state());
        assert_eq!(self.told == FeedState::Live, self.server.known);
        for symbol in &self.covered {
            assert!(self.wanted.contains_key(symbol) && self.server.known, "{symbol} is covered in vain");
        }
        for channel in self.connection.held() {
            assert!(self.server.held.contains(channel), "{channel} is not held by the server");
        }
        if !self.wanted.is_empty() {
            assert!(self.connection.next_wake().is_some(), "wanted, and asleep for ever");
        }
    }

    fn want(&mut self, symbol: Symbol) {
        *self.wanted.entry(symbol.clone()).or_default() += 1;
        self.happened(Input::Want(&channels_of(&symbol)));
    }

    fn release(&mut self, symbol: &Symbol) {
        let Some(count) = self.wanted.get_mut(symbol) else { return };
        *count -= 1;
        if *count == 0 {
            self.wanted.remove(symbol);
            self.covered.remove(symbol);
        }
        self.happened(Input::Release(&channels_of(symbol)));
    }

    fn says(&mut self, word: StatusWord) {
        self.happened(Input::Notice(&notice(word, "")));
    }

    fn step(&mut self) {
        let symbol: Symbol = SYMBOLS[self.chance.pick(SYMBOLS.len())].parse().expect("a symbol");
        match self.chance.below(16) {
            0 | 1 => self.want(symbol),
            2 => self.release(&symbol),
            3 | 4 if self.connecting => {
                self.connecting = false;
                self.server.open = true;
                self.happened(Input::Opened);
                self.says(StatusWord::Connected);
            }
            5 if self.connecting || self.server.open => self.happened(Input::Closed),
            6..=8 if self.server.open && !self.server.known => {
                self.server.known = true;
                let accepted = notice(StatusWord::AuthSuccess, "");
                self.happened(Input::Notice(&accepted));
            }
            9 if self.server.open => {
                let words = [
                    StatusWord::MaxConnections,
                    StatusWord::SlowConsumer,
                    StatusWord::ForceDisconnect,
                    StatusWord::AuthFailed,
                    StatusWord::Other,
                    StatusWord::Error,
                ];
                let word = words[self.chance.pick(words.len())];
                self.says(word);
            }
            10 | 11
                if self.server.known
                    && self.server.held.iter().any(|channel| channel.symbol == symbol && channel.gives_price()) =>
            {
                let told = Told::Trade { price: 1.0, size: None };
                self.happened(Input::Data(&[FeedEvent { symbol, at: self.now, told }]));
            }
            12 => self.happened(Input::Session { open: self.now.0.is_multiple_of(2) }),
            13 if self.server.open => self.happened(Input::Beat),
            _ => self.pass(),
        }
        if self.chance.below(3) > 0 {
            for answer in std::mem::take(&mut self.server.answers) {
                self.happened(Input::Notice(&answer));
            }
        }
    }

    /// Every symbol that is held trades.
    fn trade_all(&mut self) {
        let held: Vec<Symbol> =
            self.server.held.iter().filter(|channel| channel.gives_price()).map(|channel| channel.symbol.clone()).collect();
        for symbol in held {
            let told = Told::Trade { price: 1.0, size: None };
            self.happened(Input::Data(&[FeedEvent { symbol, at: self.now, told }]));
        }
    }

    fn pass(&mut self) {
        let wake = self.connection.next_wake();
        self.now = match wake {
            Some(wake) if self.chance.below(2) == 0 => self.now.max(wake),
            _ => self.now.plus(self.chance.below(3_000)),
        };
        self.happened(Input::Time);
    }

    /// Nothing goes wrong any more: everything that is wanted must come, in bounded time.
    fn recover(&mut self) {
        self.want("AAPL".parse().expect("a symbol"));
        for _ in 0..2_000 {
            if self.connecting {
                self.connecting = false;
                self.server.open = true;
                self.happened(Input::Opened);
                self.says(StatusWord::Connected);
                self.server.known = true;
                self.says(StatusWord::AuthSuccess);
            }
            for answer in std::mem::take(&mut self.server.answers) {
                self.happened(Input::Notice(&answer));
            }
            if self.server.known {
                self.happened(Input::Beat);
                self.trade_all();
            }
            let all = self.wanted.keys().all(|symbol| self.covered.contains(symbol));
            if self.server.known && all {
                return;
            }
            // Channels that went unanswered are asked for again after five minutes.
            self.now = self.now.plus(1_000);
            self.happened(Input::Time);
        }
        panic!("{:?} are wanted, and only {:?} come", self.wanted, self.covered);
    }
}

fn notice(word: StatusWord, message: &str) -> Notice {
    Notice { word, message: message.to_owned() }
}

#[expect(clippy::disallowed_methods, reason = "a seed to run again comes from whoever runs the test")]
fn one_seed() -> Option<u64> {
    std::env::var("FEED_SEED").ok().map(|seed| seed.parse().expect("FEED_SEED is a whole number"))
}

#[test]
fn through_whatever_happens_what_is_subscribed_follows_what_is_wanted_and_the_server_is_left_in_peace() {
    let seeds = one_seed().map_or(0..SEEDS, |seed| seed..seed + 1);
    for seed in seeds {
        let run = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            for _ in 0..STEPS {
                world.step();
            }
            world.recover();
            world.tries
        });
        match run {
            Ok(tries) => assert!(tries > 0, "seed {seed} connects never"),
            Err(panic) => {
                eprintln!("it went wrong with FEED_SEED={seed}");
                std::panic::resume_unwind(panic);
            }
        }
    }
}
