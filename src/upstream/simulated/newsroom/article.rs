//! What does an article say? Its words follow from the headline's key; the shape is the vendor's.

use serde_json::{Map, Value, json};

use super::super::market::calendar::timestamp;
use super::super::market::universe::Universe;
use super::super::noise::{below, mix};
use super::Extra;
use super::schedule::Headline;
use super::templates::{AUTHORS, HOSTILE, PUBLISHERS, STORIES};

/// How an article differs from its first version.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Revision {
    None,
    InsightsAdded,
    TitleAmended,
}

/// Writes an article as it reads at a moment.
pub(crate) fn write(headline: &Headline, universe: &Universe, now_ms: i64) -> Value {
    let key = headline.key;
    let chance = |salt, one_in| below(mix(&[key, salt]), one_in) == 0;
    let &(story, sentiment, reasoning, keyword) = pick(STORIES, mix(&[key, 30]));
    let tickers: Vec<&str> = headline.places().iter().map(|&place| universe.at(place).ticker.as_str()).collect();
    let name = universe.at(headline.places()[0]).name.as_str();
    let hostile = chance(31, 40);
    let template = if hostile { *pick(HOSTILE, mix(&[key, 32])) } else { story };
    let plain = template.replacen("{}", name, 1);
    let adds_insights = chance(33, 2);
    let revision = match headline.revised_ms {
        Some(revised_ms) if revised_ms <= now_ms && adds_insights => Revision::InsightsAdded,
        Some(revised_ms) if revised_ms <= now_ms => Revision::TitleAmended,
        _ => Revision::None,
    };
    let title = if revision == Revision::TitleAmended { format!("UPDATE 1-{plain}") } else { plain.clone() };
    let id = headline.id();
    let mut article = frame(&id, key, &title, headline.published_secs, &tickers);
    if !chance(34, 7) {
        article.insert("author".into(), (*pick(AUTHORS, mix(&[key, 35]))).into());
    }
    if !chance(36, 8) {
        article.insert("image_url".into(), format!("https://img.example.com/{}.jpg", &id[..12]).into());
    }
    if !chance(37, 9) {
        article.insert("keywords".into(), json!([keyword, "simulated"]));
    }
    // Those that get their insights later have none at first.
    let waits = headline.revised_ms.is_some() && adds_insights;
    if revision == Revision::InsightsAdded || !(waits || chance(38, 4)) {
        let insight = |(place, ticker): (usize, &&str)| {
            let sentiment = if place == 0 { sentiment } else { "neutral" };
            json!({"ticker": ticker, "sentiment": sentiment, "sentiment_reasoning": reasoning})
        };
        article.insert("insights".into(), tickers.iter().enumerate().map(insight).collect());
    }
    Value::Object(article)
}

/// Makes an article of what a test published: what it leaves out is filled in, so that the shape stays the vendor's.
pub(crate) fn extra(given: Value, number: u64, now_ms: i64) -> Extra {
    let given = match given {
        Value::Object(fields) => fields,
        Value::String(title) => Map::from_iter([("title".to_owned(), Value::String(title))]),
        _ => Map::new(),
    };
    let text = |name: &str| given.get(name).and_then(Value::as_str);
    let published: Option<jiff::Timestamp> = text("published_utc").and_then(|text| text.parse().ok());
    let published_secs = published.map_or(now_ms.div_euclid(1_000), jiff::Timestamp::as_second);
    let key = mix(&[0x0065_7874_7261, number]);
    let id = text("id").map_or_else(|| (0..4).map(|part| format!("{:016x}", mix(&[key, part]))).collect(), str::to_owned);
    let title = text("title").unwrap_or("An extra article").to_owned();
    let mut article = frame(&id, key, &title, published_secs, &[]);
    article.extend(given);
    article.insert("id".into(), id.clone().into());
    // The query filters by this time, so the answer must not show another.
    article.insert("published_utc".into(), published_utc(published_secs).into());
    Extra { id, published_secs, article: Value::Object(article) }
}

/// Says whether an article names a ticker.
pub(crate) fn names(article: &Value, ticker: &str) -> bool {
    article["tickers"].as_array().is_some_and(|tickers| tickers.iter().any(|named| named == ticker))
}

/// Makes the fields every article has.
fn frame(id: &str, key: u64, title: &str, published_secs: i64, tickers: &[&str]) -> Map<String, Value> {
    let &(publisher, host) = pick(PUBLISHERS, mix(&[key, 40]));
    let assets = "https://s3.massive.com/public/assets/news";
    Map::from_iter([
        ("id".to_owned(), id.into()),
        (
            "publisher".to_owned(),
            json!({
                "name": publisher,
                "homepage_url": format!("https://{host}.example.com/"),
                "logo_url": format!("{assets}/logos/{host}.svg"),
                "favicon_url": format!("{assets}/favicons/{host}.ico"),
            }),
        ),
        ("title".to_owned(), title.into()),
        ("published_utc".to_owned(), published_utc(published_secs).into()),
        ("article_url".to_owned(), format!("https://{host}.example.com/{:012x}", mix(&[key, 41]) >> 16).into()),
        ("tickers".to_owned(), tickers.into()),
        ("description".to_owned(), format!("{title} (simulated article).").into()),
    ])
}

fn published_utc(published_secs: i64) -> String {
    timestamp(published_secs.saturating_mul(1_000)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn pick<T>(choices: &[T], hash: u64) -> &T {
    &choices[below(hash, choices.len() as u64) as usize]
}
