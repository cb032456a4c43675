//! Names of channels and instruments.

use super::super::channel::symbol_of;
use super::super::{Channel, ChannelKind, action_message, channels_of};
use crate::market::Market;

#[test]
fn a_channel_reads_back_as_it_is_written_in_every_market() {
    for (text, market) in [
        ("T.AAPL", Market::Stocks),
        ("Q.BRK.B", Market::Stocks),
        ("A.AAPL", Market::Stocks),
        ("AM.O:AAPL260417C00240000", Market::Options),
        ("V.I:SPX", Market::Indices),
        ("C.USD/CNH", Market::Forex),
        ("CA.EUR/USD", Market::Forex),
        ("XT.BTC-USD", Market::Crypto),
        ("XQ.ETH-USDT", Market::Crypto),
        ("XAS.USDT-USD", Market::Crypto),
    ] {
        assert_eq!(Channel::read(market, text).unwrap().to_string(), text);
    }
}

#[test]
fn pairs_are_the_same_symbols_as_over_rest() {
    for (name, market, symbol) in [
        ("BTC-USD", Market::Crypto, "X:BTCUSD"),
        ("X:BTC-USD", Market::Crypto, "X:BTCUSD"),
        ("X:BTCUSD", Market::Crypto, "X:BTCUSD"),
        ("USD/CNH", Market::Forex, "C:USDCNH"),
        ("USD-CNH", Market::Forex, "C:USDCNH"),
        ("C:USDCNH", Market::Forex, "C:USDCNH"),
        ("I:SPX", Market::Indices, "I:SPX"),
    ] {
        assert_eq!(symbol_of(market, name).unwrap().as_str(), symbol);
    }
}

#[test]
fn wildcards_and_symbols_of_other_markets_or_grammars_are_none() {
    for (text, market) in [
        ("T.*", Market::Stocks),
        ("T.", Market::Stocks),
        ("T", Market::Stocks),
        ("X.AAPL", Market::Stocks),
        ("T.I:SPX", Market::Stocks),
        ("V.AAPL", Market::Indices),
        ("T.aapl", Market::Stocks),
        ("C.USD/", Market::Forex),
        ("XT.btc-usd", Market::Crypto),
        ("XT.BTC-USD-EUR", Market::Crypto),
    ] {
        assert_eq!(Channel::read(market, text), None, "{text}");
    }
}

#[test]
fn every_market_has_one_channel_that_gives_the_price() {
    for symbol in ["AAPL", "O:AAPL260417C00240000", "I:SPX", "C:EURUSD", "X:BTCUSD"] {
        let channels = channels_of(&symbol.parse().unwrap());
        assert_eq!(channels.iter().filter(|channel| channel.gives_price()).count(), 1, "{symbol}");
        assert!(channels.iter().all(|channel| channel.kind.prefix(channel.symbol.market()).is_some()), "{symbol}");
    }
    assert_eq!(ChannelKind::Trades.prefix(Market::Forex), None);
}

#[test]
fn a_message_names_its_channels() {
    let message = action_message(true, &channels_of(&"AAPL".parse().unwrap()));
    assert_eq!(message, r#"{"action":"subscribe","params":"T.AAPL,Q.AAPL,A.AAPL"}"#);
}
