//! Groups of tools that can be switched on together.

use super::endpoints;
use super::tool::Tool;

/// A group of tools that can be switched on together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Toolset {
    /// What most conversations need, of every theme: [`STANDARD`]. Tools that help to find others have no other home.
    Standard,
    /// US stocks.
    Stocks,
    /// US options.
    Options,
    /// Indices.
    Indices,
    /// Currencies.
    Forex,
    /// Crypto.
    Crypto,
    /// Futures.
    Futures,
    /// Symbols, companies, exchanges, codes, market hours.
    Reference,
    /// Articles.
    News,
    /// Statements, corporate actions, short interest.
    Fundamentals,
    /// Inflation, yields.
    Economy,
    /// What Benzinga sells.
    Benzinga,
    /// Numbers made from prices: indicators and the like.
    Analytics,
    /// What changes, as it changes.
    Streaming,
    /// Price alerts.
    Alerts,
    /// What a model of the client's helps with.
    Assist,
    /// Who calls, their tokens, and everybody's keys. Secrets do not belong in transcripts, so it is not in `standard`.
    Account,
}

/// Every name with its group, in the order of the list.
const NAMES: [(Toolset, &str); 17] = [
    (Toolset::Standard, "standard"),
    (Toolset::Stocks, "stocks"),
    (Toolset::Options, "options"),
    (Toolset::Indices, "indices"),
    (Toolset::Forex, "forex"),
    (Toolset::Crypto, "crypto"),
    (Toolset::Futures, "futures"),
    (Toolset::Reference, "reference"),
    (Toolset::News, "news"),
    (Toolset::Fundamentals, "fundamentals"),
    (Toolset::Economy, "economy"),
    (Toolset::Benzinga, "benzinga"),
    (Toolset::Analytics, "analytics"),
    (Toolset::Streaming, "streaming"),
    (Toolset::Alerts, "alerts"),
    (Toolset::Assist, "assist"),
    (Toolset::Account, "account"),
];

/// Market tools of `standard`. Streaming, alerts and assist are in it as a whole.
pub const STANDARD: &[&str] = &[
    "get_market_status",
    "get_market_holidays",
    "get_snapshot_ticker",
    "get_snapshot_direction",
    "list_universal_snapshots",
    "get_snapshot_indices",
    "get_last_trade",
    "get_last_quote",
    "get_aggs",
    "get_previous_close_agg",
    "get_daily_open_close_agg",
    "list_tickers",
    "get_ticker_details",
    "get_related_companies",
    "list_ticker_news",
    "list_dividends",
    "list_splits",
    "list_ipos",
    "list_stock_financials",
    "list_short_interest",
    "list_snapshot_options_chain",
    "list_options_contracts",
    "get_snapshot_option",
    "get_last_crypto_trade",
    "get_real_time_currency_conversion",
    "list_treasury_yields",
    "list_inflation",
    "get_sma",
    "get_rsi",
    "get_macd",
];

/// The tool of `account` that is in `standard` too: no secret is in it.
const WHO_AM_I: &str = "get_user_info";

impl Toolset {
    /// Every group, in the order of the list.
    pub const ALL: [Self; NAMES.len()] = {
        let mut all = [Self::Standard; NAMES.len()];
        let mut at = 0;
        while at < NAMES.len() {
            all[at] = NAMES[at].0;
            at += 1;
        }
        all
    };

    /// The name in `TOOLSETS`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        NAMES.iter().find(|(toolset, _)| *toolset == self).map_or("", |(_, name)| name)
    }

    /// The group of that name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(toolset, _)| *toolset)
    }

    /// Whether a tool is in this group.
    #[must_use]
    pub fn has(self, tool: &Tool) -> bool {
        let whole = matches!(tool.toolset, Self::Streaming | Self::Alerts | Self::Assist);
        tool.toolset == self
            || self == Self::Standard && (whole || tool.name == WHO_AM_I || STANDARD.contains(&tool.name))
            || endpoints::find(tool.name).is_some_and(|endpoint| endpoint.is_in(self))
    }
}
