//! The simulated upstream: an HTTP server that speaks the vendor's REST shapes, so that the gateway's ordinary client talks
//! to it over a real socket and no second path through the code exists.
//!
//! | room | the question it answers |
//! |---|---|
//! | `market` | what does the market look like at a time: pure |
//! | `newsroom` | which articles are there at a time: pure |
//! | `faults` | what goes wrong, and when: pure |
//! | `feed` | the WebSocket feed beside the REST routes |
//! | `controls`, `state`, `clock` | what is kept and shared |
//! | `gate`, `parameters`, `answer`, `routes` | how requests are read and answered |
//! | `table` | how endpoints answer that are only described: filters, orders, pages |

mod answer;
mod clock;
mod controls;
mod faults;
mod feed;
mod gate;
mod market;
mod newsroom;
mod noise;
mod parameters;
mod routes;
mod state;
mod table;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use actix_web::dev::Server;
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App, HttpServer, web};

pub use faults::{FaultKind, Faults, FaultsError};
pub use feed::SimulatedFeed;
pub use market::{SessionMode, UnknownSessionMode};
use state::State;

/// A faster market would run out of the calendar's years while a process lives.
const MAX_SPEED: f64 = 100_000.0;

/// How the simulated upstream behaves.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatorSettings {
    /// Decides everything random: prices, news, faults.
    pub seed: u64,
    /// How many seconds of the market pass in one of the wall clock.
    pub speed: f64,
    /// How many stocks there are; currencies and indices come on top.
    pub symbols: usize,
    /// Whether the stock market keeps New York hours.
    pub session: SessionMode,
    /// How much later every answer comes.
    pub latency_ms: u64,
    /// What goes wrong, and how often.
    pub faults: Faults,
}

impl Default for SimulatorSettings {
    fn default() -> Self {
        Self { seed: 1, speed: 1.0, symbols: 500, session: SessionMode::Open, latency_ms: 0, faults: Faults::default() }
    }
}

/// A handle to a running simulated upstream.
#[derive(Clone)]
pub struct Simulator {
    state: web::Data<State>,
    address: SocketAddr,
}

impl Simulator {
    /// Binds the address and prepares the server; the caller awaits or spawns it. Port 0 takes a free one.
    ///
    /// # Errors
    /// If the address cannot be bound, or the speed is not between 0 (the market stands still) and 100,000.
    pub fn start(settings: SimulatorSettings, address: SocketAddr) -> io::Result<(Self, Server)> {
        if !(0.0..=MAX_SPEED).contains(&settings.speed) {
            let text = format!("the simulated speed must be between 0 and {MAX_SPEED}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let state = web::Data::new(State::new(settings));
        let shared = state.clone();
        let server = HttpServer::new(move || {
            App::new().app_data(shared.clone()).wrap(from_fn(gate::pass)).wrap(Compress::default()).configure(routes::configure)
        })
        .workers(1)
        .disable_signals()
        .shutdown_timeout(1)
        .bind(address)?;
        let address = server.addrs().first().copied().ok_or_else(|| io::Error::other("the simulated upstream has no address"))?;
        tracing::debug!(%address, "simulated upstream bound");
        Ok((Self { state, address }, server.run()))
    }

    /// Gives the address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Gives the address of the feed; a cluster's name follows as the path.
    pub fn feed_url(&self) -> String {
        self.base_url().replacen("http", "ws", 1)
    }

    /// Turns and shows the feed.
    pub fn feed(&self) -> SimulatedFeed<'_> {
        SimulatedFeed(&self.state.feed)
    }

    /// Gives the address a client uses as its base.
    pub fn base_url(&self) -> String {
        let ip = if self.address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { self.address.ip() };
        format!("http://{}", SocketAddr::new(ip, self.address.port()))
    }

    /// Counts the upstream requests so far, those that failed included; control routes do not count.
    pub fn requests(&self) -> u64 {
        self.state.controls.counts().requests
    }

    /// Counts the requests whose path begins so. Only the first 10,000 different paths are counted.
    pub fn requests_to(&self, path_prefix: &str) -> u64 {
        self.state.controls.requests_to(path_prefix)
    }

    /// Counts the requests that came with this key. Only the first 1,000 different keys are counted.
    pub fn requests_with_key(&self, key: &str) -> u64 {
        self.state.controls.requests_with(key)
    }

    /// Refuses a key from now on as one that nobody has, or takes it again.
    pub fn refuse_key(&self, key: &str, refused: bool) {
        self.state.controls.refuse_key(key, refused);
    }

    /// Changes what goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.state.controls.set_faults(faults);
    }

    /// Publishes an article that can be seen at once; fields that are left out are made up. One with the id of an earlier
    /// published one replaces it.
    pub fn publish_article(&self, article: serde_json::Value) {
        self.state.controls.publish(article, self.state.clock.now_ms());
    }

    /// Holds the price of a symbol from now on. Nothing happens if there is no such symbol or the price is not positive.
    pub fn set_price(&self, symbol: &str, price: f64) {
        if !self.state.pin_price(symbol, price) {
            tracing::warn!(symbol, price, "no such symbol or no such price to pin in the simulated market");
        }
    }

    /// Makes every upstream route answer 503, or work again.
    pub fn set_down(&self, down: bool) {
        self.state.controls.set_down(down);
    }
}
