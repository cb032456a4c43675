//! Everything a request needs: the settings, the fixed market and news desk, the clock, and what tests have turned.

use super::SimulatorSettings;
use super::clock::SimulatedClock;
use super::controls::Controls;
use super::feed::FeedControls;
use super::market::Exchange;
use super::market::prices::{Pin, Series};
use super::market::universe::Instrument;
use super::newsroom::Newsroom;

/// Shared by the handle and the server.
pub(crate) struct State {
    pub(crate) settings: SimulatorSettings,
    pub(crate) exchange: Exchange,
    pub(crate) newsroom: Newsroom,
    pub(crate) clock: SimulatedClock,
    pub(crate) controls: Controls,
    pub(crate) feed: FeedControls,
}

/// One look at the market: everything in an answer is read at the same moment.
pub(crate) struct View<'a> {
    pub(crate) exchange: &'a Exchange,
    pub(crate) controls: &'a Controls,
    pub(crate) now_ms: i64,
}

impl State {
    pub(crate) fn new(settings: SimulatorSettings) -> Self {
        let exchange = Exchange::new(settings.seed, settings.symbols, settings.session);
        let newsroom = Newsroom::new(settings.seed, &exchange.universe);
        let clock = SimulatedClock::start(settings.speed);
        let controls = Controls::new(settings.faults.clone());
        Self { settings, exchange, newsroom, clock, controls, feed: FeedControls::default() }
    }

    /// Looks at the market now.
    pub(crate) fn view(&self) -> View<'_> {
        self.view_at(self.clock.now_ms())
    }

    /// Looks at the market as it is at a moment.
    pub(crate) fn view_at(&self, now_ms: i64) -> View<'_> {
        View { exchange: &self.exchange, controls: &self.controls, now_ms }
    }

    /// Pins the price of a known symbol from now on. Says whether it did.
    pub(crate) fn pin_price(&self, ticker: &str, price: f64) -> bool {
        let possible = self.exchange.universe.find(ticker).is_some() && price.is_finite() && price > 0.0;
        if possible {
            self.controls.pin(ticker, Pin { at_ms: self.clock.now_ms(), price });
        }
        possible
    }
}

impl<'a> View<'a> {
    /// Hands the prices of a symbol to a rule.
    pub(crate) fn with_series<R>(&self, instrument: &'a Instrument, rule: impl FnOnce(Series<'_>) -> R) -> R {
        let pins = self.controls.pins(&instrument.ticker);
        rule(Series { instrument, calendar: &self.exchange.calendar, pins: &pins })
    }
}
