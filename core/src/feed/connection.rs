//! What is to be done next with the one connection of a market: a pure machine of what happened and when.
//!
//! Down → connecting → greeting → authenticating → live → down … A connection that is lost is tried again after 1, 2, 4 … 30 s;
//! the row begins anew only after ten seconds of data, because a server that is about to evict us accepts the key, and even
//! subscriptions, before it says so (polygon.md §5.1).

use super::channel::{Channel, ChannelKind};
use super::deed::{Effect, Input, Loss, Timing};
use super::event::{FeedEvent, Notice, Span, StatusWord, Told};
use super::state::FeedState;
use super::subscriptions::{MAX_CHANNELS_PER_MESSAGE, Subscriptions};
use crate::market::Market;
use crate::time::Millis;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Down,
    Connecting,
    Greeting,
    Authenticating,
    Live,
}

/// The connection of one market.
#[derive(Debug)]
pub struct Connection {
    market: Market,
    timing: Timing,
    subscriptions: Subscriptions,
    link: Link,
    /// Since when the link is what it is.
    since: Millis,
    /// When the last frame came, and the last data.
    heard: Millis,
    fed: Millis,
    first_data: Option<Millis>,
    session_open: bool,
    losses: u32,
    last_loss: Option<Loss>,
    not_before: Millis,
    unwanted_since: Option<Millis>,
    told: FeedState,
}

impl Connection {
    /// No connection, and nothing wanted.
    #[must_use]
    pub fn new(market: Market, timing: Timing) -> Self {
        Self {
            market,
            timing,
            subscriptions: Subscriptions::default(),
            link: Link::Down,
            since: Millis(0),
            heard: Millis(0),
            fed: Millis(0),
            first_data: None,
            session_open: true,
            losses: 0,
            last_loss: None,
            not_before: Millis(0),
            unwanted_since: None,
            told: FeedState::Idle,
        }
    }

    /// Takes what happened and says what is to be done. `random`: any number, spreads the pauses of many gateways.
    pub fn handle(&mut self, input: Input<'_>, now: Millis, random: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        match input {
            Input::Want(channels) => self.subscriptions.want(channels),
            Input::Release(channels) => self.release(channels, &mut effects),
            Input::Opened if self.link == Link::Connecting => self.enter(Link::Greeting, now),
            Input::Closed if self.link != Link::Down => self.lose(Loss::Closed, now, random, &mut effects),
            Input::Notice(notice) => self.noticed(notice, now, random, &mut effects),
            Input::Data(events) => self.data(events, now, &mut effects),
            Input::Beat => self.heard = now,
            Input::Session { open } => {
                // Silence counts from the opening on.
                self.fed = if open && !self.session_open { now } else { self.fed };
                self.session_open = open;
            }
            Input::Opened | Input::Closed | Input::Time => {}
        }
        self.check_time(now, random, &mut effects);
        self.go_on(now, &mut effects);
        let state = self.state();
        if state != std::mem::replace(&mut self.told, state) {
            effects.push(Effect::State(state));
        }
        effects
    }

    /// When [`Input::Time`] is due next.
    #[must_use]
    pub fn next_wake(&self) -> Option<Millis> {
        let timing = &self.timing;
        let idle = self.unwanted_since.map(|since| since.plus(timing.idle));
        match self.link {
            Link::Down => (!self.subscriptions.is_unwanted()).then_some(self.not_before),
            Link::Connecting | Link::Greeting | Link::Authenticating => {
                idle.into_iter().chain([self.since.plus(timing.step)]).min()
            }
            Link::Live => {
                let answer = self.subscriptions.oldest_question().map(|asked| asked.plus(timing.answer));
                let stuck = self.expects_data().then(|| self.fed.plus(timing.data_silence));
                let denied = self.subscriptions.next_denial_over();
                [idle, answer, stuck, denied].into_iter().flatten().chain([self.heard.plus(timing.link_silence)]).min()
            }
        }
    }

    /// How the feed does.
    #[must_use]
    pub fn state(&self) -> FeedState {
        match (self.link, self.last_loss) {
            (Link::Live, _) => FeedState::Live,
            (_, Some(Loss::Crowded)) => FeedState::Crowded,
            (_, Some(Loss::AuthFailed)) => FeedState::AuthFailed,
            (Link::Down, _) if self.subscriptions.is_unwanted() => FeedState::Idle,
            (_, None | Some(Loss::Unwanted)) => FeedState::Connecting,
            (_, Some(_)) => FeedState::Lost,
        }
    }

    /// The channels that the server has acknowledged.
    pub fn held(&self) -> impl Iterator<Item = &Channel> {
        self.subscriptions.held()
    }

    fn enter(&mut self, link: Link, now: Millis) {
        self.link = link;
        (self.since, self.heard) = (now, now);
    }

    fn release(&mut self, channels: &[Channel], effects: &mut Vec<Effect>) {
        let mut gone = self.subscriptions.release(channels);
        gone.retain(|_| self.link == Link::Live);
        effects.extend(gone.chunks(MAX_CHANNELS_PER_MESSAGE).map(|chunk| Effect::Unsubscribe(chunk.to_vec())));
    }

    /// Connects and subscribes, if that is what is missing.
    fn go_on(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        if !self.subscriptions.is_unwanted() {
            self.unwanted_since = None;
        } else if self.link != Link::Down && self.unwanted_since.is_none() {
            self.unwanted_since = Some(now);
        }
        if self.link == Link::Down && !self.subscriptions.is_unwanted() && now >= self.not_before {
            self.enter(Link::Connecting, now);
            effects.push(Effect::Connect);
        }
        if self.link == Link::Live {
            let ask = self.subscriptions.ask(now);
            effects.extend(ask.chunks(MAX_CHANNELS_PER_MESSAGE).map(|chunk| Effect::Subscribe(chunk.to_vec())));
        }
    }

    fn noticed(&mut self, notice: &Notice, now: Millis, random: u64, effects: &mut Vec<Effect>) {
        if self.link == Link::Down {
            return;
        }
        self.heard = now;
        match (notice.word, self.link) {
            (StatusWord::Connected, Link::Greeting) => {
                self.enter(Link::Authenticating, now);
                effects.push(Effect::Authenticate);
            }
            (StatusWord::AuthSuccess, Link::Authenticating) => {
                self.enter(Link::Live, now);
                (self.fed, self.first_data) = (now, None);
            }
            (StatusWord::AuthFailed, _) => self.lose(Loss::AuthFailed, now, random, effects),
            (StatusWord::AuthTimeout, _) => self.lose(Loss::Silent, now, random, effects),
            (StatusWord::MaxConnections, _) => self.lose(Loss::Crowded, now, random, effects),
            (StatusWord::SlowConsumer, _) => self.lose(Loss::SlowConsumer, now, random, effects),
            (StatusWord::ForceDisconnect, _) => self.lose(Loss::Dismissed, now, random, effects),
            (StatusWord::Success, Link::Live) => self.acknowledged(&notice.message, effects),
            (StatusWord::Error, Link::Live) => {
                let denied = self.subscriptions.denied_by(&notice.message, now.plus(self.timing.denied));
                effects.extend(denied.into_iter().map(Effect::Denied));
            }
            _ => {}
        }
    }

    /// `subscribed to: T.AAPL`, for one channel or several.
    fn acknowledged(&mut self, message: &str, effects: &mut Vec<Effect>) {
        let market = self.market;
        let Some((_, channels)) = message.split_once(':').filter(|(what, _)| !what.starts_with("unsubscribed")) else { return };
        for channel in channels.split(',').filter_map(|text| Channel::read(market, text.trim())) {
            self.hold(&channel, effects);
        }
    }

    fn hold(&mut self, channel: &Channel, effects: &mut Vec<Effect>) {
        if self.subscriptions.acknowledged(channel) && channel.gives_price() {
            effects.push(Effect::Covered(channel.symbol.clone()));
        }
    }

    fn data(&mut self, events: &[FeedEvent], now: Millis, effects: &mut Vec<Effect>) {
        self.heard = now;
        if self.link != Link::Live || events.is_empty() {
            return;
        }
        self.fed = now;
        let since = *self.first_data.get_or_insert(now);
        if now.since(since) >= self.timing.stable {
            self.losses = 0;
            self.last_loss = None;
        }
        if self.subscriptions.awaits_answers() {
            // A channel that was held already is not acknowledged again, but what comes on it shows that it is.
            for event in events {
                if let Some(channel) = channel_of(event) {
                    self.hold(&channel, effects);
                }
            }
        }
    }

    const fn watches_data(&self) -> bool {
        // An option contract may not trade for hours.
        !matches!(self.market, Market::Options)
    }

    fn expects_data(&self) -> bool {
        self.session_open && self.watches_data() && self.subscriptions.holds_any()
    }

    fn check_time(&mut self, now: Millis, random: u64, effects: &mut Vec<Effect>) {
        let timing = self.timing;
        let unwanted = self.unwanted_since.is_some_and(|since| now.since(since) >= timing.idle);
        match self.link {
            Link::Down => {}
            _ if unwanted && self.subscriptions.is_unwanted() => self.lose(Loss::Unwanted, now, random, effects),
            Link::Connecting | Link::Greeting | Link::Authenticating => {
                if now.since(self.since) >= timing.step {
                    self.lose(Loss::Silent, now, random, effects);
                }
            }
            Link::Live => {
                if now.since(self.heard) >= timing.link_silence {
                    self.lose(Loss::Silent, now, random, effects);
                } else if self.expects_data() && now.since(self.fed) >= timing.data_silence {
                    self.lose(Loss::Stuck, now, random, effects);
                } else {
                    let late = self.subscriptions.unanswered(now.minus(timing.answer), now.plus(timing.denied));
                    effects.extend(late.into_iter().map(Effect::Denied));
                }
            }
        }
    }

    fn lose(&mut self, loss: Loss, now: Millis, random: u64, effects: &mut Vec<Effect>) {
        effects.extend(self.subscriptions.covered().cloned().map(Effect::Uncovered));
        self.subscriptions.lost();
        self.enter(Link::Down, now);
        (self.first_data, self.unwanted_since) = (None, None);
        self.last_loss = Some(loss);
        let pause = match loss {
            Loss::Crowded => spread(self.timing.cool_down, random),
            Loss::AuthFailed => spread(self.timing.auth_pause, random),
            Loss::Unwanted => 0,
            _ => {
                let doubled = self.timing.first_pause.saturating_mul(1 << self.losses.min(20));
                self.losses = self.losses.saturating_add(1);
                let longest = doubled.min(self.timing.longest_pause);
                longest / 2 + random % (longest / 2 + 1)
            }
        };
        self.not_before = self.not_before.max(now.plus(pause));
        effects.push(Effect::Disconnect(loss));
    }
}

/// At least `ms`, and up to half as much more.
const fn spread(ms: u64, random: u64) -> u64 {
    ms + random % (ms / 2 + 1)
}

/// The channel that an event came on.
fn channel_of(event: &FeedEvent) -> Option<Channel> {
    let kind = match &event.told {
        Told::Trade { .. } => ChannelKind::Trades,
        Told::Quote { .. } => ChannelKind::Quotes,
        Told::Bar(bar) => match bar.span {
            Span::Second => ChannelKind::Seconds,
            Span::Minute => ChannelKind::Minutes,
        },
        Told::FairValue(_) => return None,
    };
    Some(Channel { symbol: event.symbol.clone(), kind })
}
