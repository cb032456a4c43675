//! What can be subscribed to, and how it is written: `T.AAPL`, `Q.AAPL`, `C.USD/CNH`, `XT.BTC-USD`, `V.I:SPX`.

use std::fmt;

use crate::market::{Market, Symbol};

/// Endings of crypto pairs that are longer than the three letters of an ordinary currency.
const LONG_QUOTES: [&str; 2] = ["USDT", "USDC"];

/// What a channel carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChannelKind {
    /// Trades; of an index its values; of a currency pair, which has no trades, nothing.
    Trades,
    /// Best bid and ask.
    Quotes,
    /// Bars of a second.
    Seconds,
    /// Bars of a minute.
    Minutes,
}

impl ChannelKind {
    /// The upstream's name for it; `None` where the market has none.
    #[must_use]
    pub const fn prefix(self, market: Market) -> Option<&'static str> {
        Some(match (market, self) {
            (Market::Stocks | Market::Options, Self::Trades) => "T",
            (Market::Stocks | Market::Options, Self::Quotes) => "Q",
            (Market::Stocks | Market::Options | Market::Indices, Self::Seconds) => "A",
            (Market::Stocks | Market::Options | Market::Indices, Self::Minutes) => "AM",
            (Market::Indices, Self::Trades) => "V",
            (Market::Forex, Self::Quotes) => "C",
            (Market::Forex, Self::Seconds) => "CAS",
            (Market::Forex, Self::Minutes) => "CA",
            (Market::Crypto, Self::Trades) => "XT",
            (Market::Crypto, Self::Quotes) => "XQ",
            (Market::Crypto, Self::Seconds) => "XAS",
            (Market::Crypto, Self::Minutes) => "XA",
            (Market::Indices, Self::Quotes) | (Market::Forex, Self::Trades) => return None,
        })
    }
}

/// One subscription.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Channel {
    /// Of which instrument.
    pub symbol: Symbol,
    /// What of it.
    pub kind: ChannelKind,
}

impl Channel {
    /// Whether this channel alone gives the symbol's price: a symbol without it has to be polled.
    #[must_use]
    pub fn gives_price(&self) -> bool {
        self.kind == if self.symbol.market() == Market::Forex { ChannelKind::Quotes } else { ChannelKind::Trades }
    }

    /// Reads a channel of a market as the upstream writes it; `None` for wildcards and what is no channel.
    #[must_use]
    pub fn read(market: Market, text: &str) -> Option<Self> {
        let (prefix, name) = text.split_once('.')?;
        let kinds = [ChannelKind::Trades, ChannelKind::Quotes, ChannelKind::Seconds, ChannelKind::Minutes];
        let kind = kinds.into_iter().find(|kind| kind.prefix(market) == Some(prefix))?;
        Some(Self { symbol: symbol_of(market, name)?, kind })
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let market = self.symbol.market();
        let prefix = self.kind.prefix(market).unwrap_or("T");
        match (market, pair_of(&self.symbol)) {
            (Market::Crypto, Some((base, quote))) => write!(f, "{prefix}.{base}-{quote}"),
            (Market::Forex, Some((base, quote))) => write!(f, "{prefix}.{base}/{quote}"),
            _ => write!(f, "{prefix}.{}", self.symbol),
        }
    }
}

/// The channels that make a symbol's price: its trades, its quotes, and its bars of a second, which tell the day's volume.
#[must_use]
pub fn channels_of(symbol: &Symbol) -> Vec<Channel> {
    let kinds: &[ChannelKind] = match symbol.market() {
        Market::Stocks | Market::Options => &[ChannelKind::Trades, ChannelKind::Quotes, ChannelKind::Seconds],
        Market::Indices => &[ChannelKind::Trades],
        Market::Forex => &[ChannelKind::Quotes],
        Market::Crypto => &[ChannelKind::Trades, ChannelKind::Quotes],
    };
    kinds.iter().map(|kind| Channel { symbol: symbol.clone(), kind: *kind }).collect()
}

/// The two sides of a pair.
fn pair_of(symbol: &Symbol) -> Option<(&str, &str)> {
    let name = symbol.as_str().get(2..)?;
    let long = LONG_QUOTES.iter().find(|quote| name.ends_with(**quote) && name.len() > quote.len() + 1);
    name.split_at_checked(name.len().checked_sub(long.map_or(3, |quote| quote.len()))?)
}

/// Reads the name of an instrument as the feed of its market writes it: `AAPL`, `USD/CNH`, `BTC-USD`, and also our own spelling.
pub(super) fn symbol_of(market: Market, name: &str) -> Option<Symbol> {
    let symbol: Symbol = match (market, name.split_once(['-', '/'])) {
        (Market::Crypto, Some((base, quote))) => format!("X:{}{quote}", base.trim_start_matches("X:")).parse().ok()?,
        (Market::Forex, Some((base, quote))) => format!("C:{}{quote}", base.trim_start_matches("C:")).parse().ok()?,
        (Market::Crypto, None) if !name.starts_with("X:") => format!("X:{name}").parse().ok()?,
        (Market::Forex, None) if !name.starts_with("C:") => format!("C:{name}").parse().ok()?,
        _ => name.parse().ok()?,
    };
    (symbol.market() == market).then_some(symbol)
}

/// The message that subscribes channels, or gives them back.
#[must_use]
pub fn action_message(subscribe: bool, channels: &[Channel]) -> String {
    let names: Vec<String> = channels.iter().map(Channel::to_string).collect();
    let action = if subscribe { "subscribe" } else { "unsubscribe" };
    // The grammar of symbols leaves nothing that JSON would have to escape.
    format!(r#"{{"action":"{action}","params":"{}"}}"#, names.join(","))
}
