//! Words in which the tests speak.

pub(crate) mod browser;
pub(crate) mod canary;
pub(crate) mod gateway;
pub(crate) mod http;
pub(crate) mod mcp;
pub(crate) mod oidc_provider;
pub(crate) mod postgres;
pub(crate) mod raw_upstream;
pub(crate) mod stateless;

pub(crate) use browser::Browser;
pub(crate) use gateway::TestGateway;
pub(crate) use http::{Answer, Event, Request, get, post};
pub(crate) use mcp::McpClient;
pub(crate) use oidc_provider::OidcProvider;
pub(crate) use raw_upstream::RawUpstream;
pub(crate) use stateless::Stateless;

/// Waits until something holds, for at most 10 seconds.
pub(crate) fn until(what: &str, holds: impl FnMut() -> bool) {
    until_within(what, 10, holds);
}

/// The same, for at most so many seconds.
pub(crate) fn until_within(what: &str, secs: u64, mut holds: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(secs);
    while !holds() {
        assert!(std::time::Instant::now() < deadline, "{what} did not come about");
        std::thread::park_timeout(std::time::Duration::from_millis(5));
    }
}

/// A small seeded source of random numbers (splitmix64): its seed is printed, so that a failure can be run again.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn seeded(name: &str) -> Self {
        let seed = std::env::var("SIM_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(1, |time| time.subsec_nanos().into())
        });
        println!("{name}: SIM_SEED={seed}");
        Self(seed)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }
}
