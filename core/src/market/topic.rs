//! What a reader can ask the tape for: `prices:<SYMBOL>`, `bars:<SYMBOL>:<n>s`, `news:<SYMBOL>`, `news:*`, `alerts:<ID>`, `status`.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::symbol::{Symbol, SymbolError};
use super::tick_bars::{BarLength, BarLengthError};

/// Longest alert id accepted in a topic, in bytes.
pub const MAX_ALERT_ID_BYTES: usize = 64;

/// One subject on the tape.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// Ticks of one symbol.
    Prices(Symbol),
    /// Bars of one symbol made from its ticks, each of this length.
    Bars(Symbol, BarLength),
    /// Articles that name one symbol.
    News(Symbol),
    /// Every article.
    AllNews,
    /// Firings of one price alert.
    Alerts(Arc<str>),
    /// Market session and upstream health.
    Status,
}

/// Why a text names no topic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// No such kind of topic.
    #[error("{0:?} is not a topic: use prices:<SYMBOL>, bars:<SYMBOL>:<n>s, news:<SYMBOL>, news:*, alerts:<ID> or status")]
    Unknown(String),
    /// The kind exists but its symbol is wrong.
    #[error(transparent)]
    Symbol(#[from] SymbolError),
    /// Bars are not made of this length.
    #[error(transparent)]
    Length(#[from] BarLengthError),
}

impl Topic {
    /// The kind of events that this topic carries, a bounded label for metrics.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Prices(_) => "prices",
            Self::Bars(..) => "bars",
            Self::News(_) | Self::AllNews => "news",
            Self::Alerts(_) => "alerts",
            Self::Status => "status",
        }
    }

    /// Whether the gateway itself makes this topic's events, so that it is recorded from the tape's first moment on.
    #[must_use]
    pub const fn is_always_recorded(&self) -> bool {
        matches!(self, Self::Alerts(_) | Self::Status)
    }

    /// Whether articles come on this topic.
    #[must_use]
    pub const fn is_news(&self) -> bool {
        matches!(self, Self::News(_) | Self::AllNews)
    }

    /// The symbol that the topic is about, if it is about one.
    #[must_use]
    pub const fn symbol(&self) -> Option<&Symbol> {
        match self {
            Self::Prices(symbol) | Self::Bars(symbol, _) | Self::News(symbol) => Some(symbol),
            _ => None,
        }
    }

    /// Reads a comma-separated list, without repeats, in the order given. Spaces around an entry are no part of it; a line break is.
    ///
    /// # Errors
    /// The first entry that is no topic.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, TopicError> {
        let (mut topics, mut seen) = (Vec::new(), HashSet::new());
        for entry in text.split(',').map(|entry| entry.trim_matches(' ')).filter(|entry| !entry.is_empty()) {
            let topic: Self = entry.parse()?;
            if seen.insert(topic.clone()) {
                topics.push(topic);
            }
        }
        Ok(topics)
    }
}

impl FromStr for Topic {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Self, TopicError> {
        let unknown = || TopicError::Unknown(text.chars().take(64).collect());
        match text.split_once(':') {
            None if text == "status" => Ok(Self::Status),
            Some(("prices", symbol)) => Ok(Self::Prices(symbol.parse()?)),
            Some(("bars", bars)) => {
                let (symbol, length) = bars.rsplit_once(':').ok_or_else(unknown)?;
                Ok(Self::Bars(symbol.parse()?, length.parse()?))
            }
            Some(("news", "*")) => Ok(Self::AllNews),
            Some(("news", symbol)) => Ok(Self::News(symbol.parse()?)),
            Some(("alerts", id)) if is_alert_id(id) => Ok(Self::Alerts(id.into())),
            _ => Err(unknown()),
        }
    }
}

fn is_alert_id(id: &str) -> bool {
    (1..=MAX_ALERT_ID_BYTES).contains(&id.len()) && id.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'))
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prices(symbol) => write!(f, "prices:{symbol}"),
            Self::Bars(symbol, length) => write!(f, "bars:{symbol}:{length}"),
            Self::News(symbol) => write!(f, "news:{symbol}"),
            Self::AllNews => f.write_str("news:*"),
            Self::Alerts(id) => write!(f, "alerts:{id}"),
            Self::Status => f.write_str("status"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_reads_back_as_it_is_written() {
        for text in [
            "prices:AAPL",
            "prices:X:BTCUSD",
            "bars:AAPL:5s",
            "bars:X:BTCUSD:60s",
            "news:BRK.B",
            "news:*",
            "alerts:a-1_Z",
            "status",
        ] {
            assert_eq!(text.parse::<Topic>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_topic_is_named() {
        for text in [
            "",
            "prices",
            "prices:",
            "prices:*",
            "prices:aapl",
            "alerts:",
            "alerts:a b",
            "news:**",
            "status:x",
            "trades:AAPL",
            "bars:AAPL",
            "bars:AAPL:7s",
            "bars::5s",
        ] {
            assert!(text.parse::<Topic>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_list_keeps_its_order_and_drops_repeats() {
        let topics = Topic::parse_list("prices:MSFT, status,,prices:AAPL,prices:MSFT").unwrap();
        assert_eq!(topics.iter().map(ToString::to_string).collect::<Vec<_>>(), ["prices:MSFT", "status", "prices:AAPL"]);
        for text in ["prices:AAPL\n", "prices:AAPL,\u{a0}status", "status\0", "prices:AAPL\u{2028}"] {
            assert!(Topic::parse_list(text).is_err(), "{text:?}");
        }
    }
}
