//! What a topic is about decides what a change is.

use std::collections::{BTreeMap, HashMap};

use tickgate_core::feed::FeedState;
use tickgate_core::market::{
    ArticleFeed, BarLength, BarMaker, Market, MarketPhase, MarketStatus, Quote, QuoteChange, TickBar, Topic,
};
use tickgate_core::ports::UpstreamErrorKind;
use tickgate_core::tape::{Draft, Event, Identity, Kind};
use tickgate_core::time::Millis;

use super::{StreamParts, status};
use crate::poller::{Observation, PollerKind};

/// The latest that is known of a topic.
pub(super) enum Subject {
    Price(Option<Quote>),
    Bars(BarLength, BarMaker),
    News(NewsSubject),
    Status(StatusSubject),
    /// Nothing is polled; others publish.
    Alerts,
}

#[derive(Default)]
pub(super) struct NewsSubject {
    feed: ArticleFeed,
    /// Whether a poll was answered, even with nothing: what comes later is new.
    looked: bool,
}

#[derive(Default)]
pub(super) struct StatusSubject {
    pub(super) market: Option<MarketStatus>,
    /// The session when it was heard.
    pub(super) phase: Option<MarketPhase>,
    failing: HashMap<PollerKind, UpstreamErrorKind>,
    feeds: BTreeMap<Market, FeedState>,
    told: Option<String>,
}

impl Subject {
    pub(super) fn of(topic: &Topic) -> Self {
        match topic {
            Topic::Prices(_) => Self::Price(None),
            Topic::Bars(_, length) => Self::Bars(*length, BarMaker::new(*length)),
            Topic::News(_) | Topic::AllNews => Self::News(NewsSubject::default()),
            Topic::Status => Self::Status(StatusSubject::default()),
            Topic::Alerts(_) => Self::Alerts,
        }
    }

    pub(super) const fn is_news(&self) -> bool {
        matches!(self, Self::News(_))
    }

    /// Whether the source goes on where it had stopped, so that recording has no hole.
    pub(super) const fn goes_on(&self) -> bool {
        matches!(self, Self::News(news) if news.feed.goes_on())
    }

    pub(super) fn poll_from(&self) -> Option<Millis> {
        match self {
            Self::News(news) => news.feed.poll_from(),
            _ => None,
        }
    }

    /// Takes an event that the tape still has: a stream that starts again knows what was told.
    pub(super) fn remember(&mut self, event: &Event) {
        if let (Self::News(news), Some(identity)) = (self, &event.identity) {
            news.feed.remember(&identity.key, identity.fingerprint, event.as_of);
        }
    }

    /// The tape is new: the next observation is told whatever it says.
    pub(super) fn forget_latest(&mut self) {
        match self {
            Self::Price(latest) => *latest = None,
            Self::Status(status) => status.told = None,
            // What was told of news is not told again; a reader knows of the restart by its gap.
            Self::News(_) | Self::Bars(..) | Self::Alerts => {}
        }
    }

    pub(super) fn observe(&mut self, observation: Observation, parts: &StreamParts) -> Vec<Draft> {
        match (self, observation) {
            (Self::Price(latest), Observation::Quote(quote)) => match QuoteChange::between(latest.as_ref(), &quote) {
                QuoteChange::Changed => {
                    let draft =
                        draft(Kind::Price, vec![parts.topic.clone()], quote.to_item(parts.market_state.phase()), quote.as_of);
                    *latest = Some(quote);
                    vec![draft]
                }
                QuoteChange::Same | QuoteChange::Stale => Vec::new(),
            },
            (Self::Bars(length, maker), Observation::Quote(quote)) => {
                let bar = maker.observe(&quote, parts.clock.now());
                bar.map(|bar| bar_draft(&bar, *length, parts)).into_iter().collect()
            }
            (Self::News(NewsSubject { feed, looked }), Observation::Articles(articles)) => {
                let history = !std::mem::replace(looked, true) && !feed.goes_on();
                let phase = parts.market_state.phase();
                feed.observe(articles)
                    .into_iter()
                    .map(|article| Draft {
                        identity: Some(Identity { key: article.id.clone(), fingerprint: article.fingerprint() }),
                        history,
                        ..draft(Kind::News, article.topics(), article.to_item(phase), article.published)
                    })
                    .collect()
            }
            (Self::Status(status), observation) => status.observe(observation, parts),
            _ => Vec::new(),
        }
    }
}

impl Subject {
    /// When there is something to say though nothing more is seen.
    pub(super) fn due(&self) -> Option<Millis> {
        match self {
            Self::Bars(_, maker) => maker.due(),
            _ => None,
        }
    }

    /// What there is to say now though nothing more was seen.
    pub(super) fn pass(&mut self, parts: &StreamParts) -> Option<Draft> {
        match self {
            Self::Bars(length, maker) => maker.pass(parts.clock.now()).map(|bar| bar_draft(&bar, *length, parts)),
            _ => None,
        }
    }
}

impl StatusSubject {
    /// Why prices, news or the session cannot be had, if some cannot: a market whose feed is live has its prices.
    pub(super) fn failing(&self) -> Option<UpstreamErrorKind> {
        let fed = |of: &PollerKind| matches!(of, PollerKind::Quotes(market) if self.feeds.get(market) == Some(&FeedState::Live));
        self.failing.iter().find(|(of, _)| !fed(of)).map(|(_, kind)| *kind)
    }

    /// The feeds that somebody wants something of, and how they do.
    pub(super) fn feeds(&self) -> BTreeMap<&'static str, &'static str> {
        let used = self.feeds.iter().filter(|(_, state)| **state != FeedState::Idle);
        used.map(|(market, state)| (market.as_str(), state.as_str())).collect()
    }

    fn observe(&mut self, observation: Observation, parts: &StreamParts) -> Vec<Draft> {
        match observation {
            Observation::Status(market) => {
                parts.market_state.hear(&market);
                self.market = Some(market);
                self.phase = Some(parts.market_state.phase());
            }
            Observation::Health { of, failing: Some(kind) } => {
                self.failing.insert(of, kind);
            }
            Observation::Health { of, failing: None } => {
                self.failing.remove(&of);
            }
            Observation::Feed { market, state } => {
                self.feeds.insert(market, state);
            }
            _ => return Vec::new(),
        }
        parts.market_state.fare(self.failing());
        let now = parts.clock.now();
        let told = status::summary(self, &parts.market_state);
        // While starting, nothing is said before there is something to say.
        let silent = self.market.is_none() && self.failing().is_none();
        if silent || self.told.as_ref() == Some(&told) {
            return Vec::new();
        }
        let item = status::item(self, parts, now);
        self.told = Some(told);
        vec![draft(Kind::Status, vec![Topic::Status], item, now)]
    }
}

fn bar_draft(bar: &TickBar, length: BarLength, parts: &StreamParts) -> Draft {
    draft(Kind::Bar, vec![parts.topic.clone()], bar.to_item(length, parts.market_state.phase()), bar.as_of())
}

pub(super) fn draft(kind: Kind, topics: Vec<Topic>, item: Vec<u8>, as_of: Millis) -> Draft {
    Draft { kind, topics, item, as_of, identity: None, history: false }
}
