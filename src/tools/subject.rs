//! What does a streaming tool read of the tape, and which symbols may it be asked for?

use tickgate_core::alert::MAX_ALERTS_PER_PRINCIPAL;
use tickgate_core::market::{Market, Symbol, Topic};

use super::outcome::ToolFailure;

/// Symbols of one stream.
const MAX_SYMBOLS: usize = 100;

/// What a tool streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// Articles.
    News,
    /// Prices of any market.
    Prices,
    /// Prices of crypto pairs.
    Crypto,
    /// Firings of price alerts.
    Alerts,
}

impl Subject {
    /// Whether only the newest of each symbol counts.
    pub(super) const fn is_prices(self) -> bool {
        matches!(self, Self::Prices | Self::Crypto)
    }

    /// The topics of the symbols that are named, each once; of news without any, everything.
    ///
    /// # Errors
    /// When one is no symbol or of another market, or there are none or more than 100: names the argument.
    pub(super) fn topics(self, symbol: Option<&str>, symbols: &[String]) -> Result<Vec<Topic>, ToolFailure> {
        let named = symbol.iter().map(|symbol| ("symbol", *symbol));
        let named = named.chain(symbols.iter().map(|symbol| ("symbols", symbol.as_str())));
        let mut topics = Vec::new();
        for (argument, text) in named {
            let symbol = text.parse().map_err(|error| ToolFailure::argument(argument, error))?;
            let topic = self.topic(symbol).map_err(|problem| ToolFailure::argument(argument, problem))?;
            if !topics.contains(&topic) {
                // At once: a list as long as a body may be would be compared with itself for a minute.
                if topics.len() == MAX_SYMBOLS {
                    return Err(ToolFailure::argument("symbols", format!("name at most {MAX_SYMBOLS}")));
                }
                topics.push(topic);
            }
        }
        match (topics.len(), self) {
            (0, Self::News) => Ok(vec![Topic::AllNews]),
            (0, _) => {
                let example = if self == Self::Crypto { "X:BTCUSD" } else { "AAPL" };
                Err(ToolFailure::argument("symbols", format!("it is required: name at least one symbol, e.g. [\"{example}\"]")))
            }
            _ => Ok(topics),
        }
    }

    /// The topics of alerts that are named, each once.
    ///
    /// # Errors
    /// When one is no id, or there are more than one caller can have: names the argument.
    pub(super) fn alert_topics(ids: &[String]) -> Result<Vec<Topic>, ToolFailure> {
        let mut topics = Vec::new();
        for id in ids {
            let topic = format!("alerts:{id}").parse().map_err(|error| ToolFailure::argument("ids", error))?;
            if !topics.contains(&topic) {
                if topics.len() == MAX_ALERTS_PER_PRINCIPAL {
                    return Err(ToolFailure::argument("ids", format!("name at most {MAX_ALERTS_PER_PRINCIPAL}")));
                }
                topics.push(topic);
            }
        }
        Ok(topics)
    }

    fn topic(self, symbol: Symbol) -> Result<Topic, String> {
        match self {
            Self::News => Ok(Topic::News(symbol)),
            Self::Crypto if symbol.market() != Market::Crypto => Err(format!(
                "{symbol} is no crypto pair, which begins with X: as X:BTCUSD does; stream_stock_prices has the others"
            )),
            Self::Prices | Self::Crypto | Self::Alerts => Ok(Topic::Prices(symbol)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics(subject: Subject, symbols: &[&str]) -> Result<Vec<String>, String> {
        let symbols: Vec<String> = symbols.iter().map(|symbol| (*symbol).to_owned()).collect();
        let topics = subject.topics(None, &symbols).map_err(|failure| failure.to_string())?;
        Ok(topics.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn each_symbol_is_a_topic_once() {
        assert_eq!(topics(Subject::Prices, &["AAPL", "X:BTCUSD", "AAPL"]).unwrap(), ["prices:AAPL", "prices:X:BTCUSD"]);
        assert_eq!(topics(Subject::News, &[]).unwrap(), ["news:*"]);
        assert_eq!(topics(Subject::Crypto, &["X:BTCUSD"]).unwrap(), ["prices:X:BTCUSD"]);
    }

    #[test]
    fn a_symbol_of_another_market_and_a_missing_one_are_told_what_would_do() {
        let other = topics(Subject::Crypto, &["X:BTCUSD", "AAPL"]).unwrap_err();
        assert!(other.contains("`symbols`: AAPL is no crypto pair") && other.contains("stream_stock_prices"), "{other}");
        assert!(topics(Subject::Crypto, &[]).unwrap_err().contains("X:BTCUSD"));
        assert!(topics(Subject::Prices, &[]).unwrap_err().contains("AAPL"));
        let many: Vec<String> = (0..101).map(|n| format!("A{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(topics(Subject::News, &many).unwrap_err().contains("at most 100"));
    }

    #[test]
    fn an_alert_that_is_named_again_and_again_is_one_topic_and_nobody_has_more_than_a_hundred() {
        let same = vec!["0".repeat(32); 50_000];
        assert_eq!(Subject::alert_topics(&same).unwrap().len(), 1);
        let many: Vec<String> = (0..50_000).map(|n| format!("{n:032x}")).collect();
        assert!(Subject::alert_topics(&many).unwrap_err().to_string().contains("at most 100"));
        assert!(Subject::alert_topics(&["a b".to_owned()]).unwrap_err().to_string().contains("`ids`"));
    }

    #[test]
    fn a_list_as_long_as_a_body_is_refused_without_reading_all_of_it() {
        let many: Vec<String> = (0..100_000).map(|n| format!("A{n}")).chain(["no symbol".to_owned()]).collect();
        let refused = Subject::Prices.topics(None, &many).unwrap_err().to_string();
        assert!(refused.contains("at most 100"), "{refused}");
    }
}
