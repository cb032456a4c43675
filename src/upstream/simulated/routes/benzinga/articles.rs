//! Benzinga's own news: an article every few minutes, about companies of the market.

use serde_json::{Value, json};

use super::super::super::answer::Refusal;
use super::super::super::market::calendar::timestamp;
use super::super::super::market::universe::{Instrument, Market};
use super::super::super::noise::{Dice, mix_text};
use super::super::super::table::Call;

/// How many articles are on record, and how far apart they are: two weeks.
const ARTICLES: i64 = 2_000;
const APART_MS: i64 = 600_000;

/// How many companies, the well-known ones first, are written about.
const COMPANIES: usize = 60;

/// (what happened, channel, tag)
const STORIES: [(&str, &str, &str); 6] = [
    ("shares move on heavy volume", "Movers", "why it's moving"),
    ("is rated by a broker", "Analyst Ratings", "price target"),
    ("reports its quarter", "Earnings", "beats"),
    ("gives an outlook", "Guidance", "outlook"),
    ("signs a contract", "News", "contracts"),
    ("draws option buyers", "Options", "unusual activity"),
];

pub(super) fn news(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let dice = Dice(mix_text(call.view.exchange.seed, "benzinga news"));
    let companies: Vec<&Instrument> = call.view.exchange.universe.of(Market::Stocks).take(COMPANIES).collect();
    let newest = call.view.now_ms.div_euclid(APART_MS);
    let rows = (newest - ARTICLES + 1..=newest).map(|number| {
        let dice = dice.of(&[number as u64]);
        let about = dice.pick(1, &companies);
        let mut tickers = vec![about.ticker.as_str()];
        let other = dice.pick(2, &companies);
        if dice.one_in(3, 3) && other.ticker != about.ticker {
            tickers.push(&other.ticker);
        }
        let &(story, channel, tag) = dice.pick(4, &STORIES);
        let published_ms = number * APART_MS;
        let time = |at_ms: i64| timestamp(at_ms).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let title = format!("{} {story}", about.name);
        json!({
            "benzinga_id": 40_000_000 + number - 2_900_000,
            "title": title,
            "author": *dice.pick(5, &["A. Writer", "B. Reporter", "Example Desk"]),
            "teaser": format!("{title}, in the simulated market."),
            "body": format!("<p>{title}. Nothing of this happened: the market is simulated.</p>"),
            "published": time(published_ms),
            "last_updated": time(published_ms + dice.below(6, 300) as i64 * 1_000),
            "tickers": tickers,
            "channels": ["News", channel],
            "tags": [tag],
            "images": [format!("https://images.example.com/{number}.png")],
            "url": format!("https://news.example.com/{number}"),
        })
    });
    Ok(rows.collect())
}
