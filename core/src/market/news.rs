//! News by polling: which articles of a page are new, which came again changed, and where the next poll begins.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Serialize;

use super::freshness::{Source, Stamp, as_rfc3339};
use super::status::MarketPhase;
use super::symbol::Symbol;
use super::topic::Topic;
use crate::time::Millis;

/// How far behind the newest article a poll begins: articles arrive late with an older time, and times have
/// whole seconds, so a poll strictly after the newest would lose some (polygon.md §5.4).
pub const OVERLAP_MS: u64 = 900_000;

/// Ids remembered per topic: two days of a busy symbol, far more than any overlap shows again.
pub const MAX_SEEN: usize = 5_000;

/// One article, its outside text already cleaned.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Article {
    /// The upstream's id, opaque.
    pub id: String,
    /// Headline.
    pub title: String,
    /// Where the article is; empty unless it is http or https.
    pub url: String,
    /// Who published it.
    pub publisher: String,
    /// When it was published.
    pub published: Millis,
    /// The symbols it names, those that are symbols.
    pub tickers: Vec<Symbol>,
    /// The upstream's sentiment for the first ticker that has one: `positive`, `neutral`, `negative`.
    pub sentiment: Option<String>,
    /// Teaser.
    pub description: String,
    /// Picture, http or https.
    pub image_url: Option<String>,
    /// How it came here.
    pub source: Source,
}

#[derive(Serialize)]
struct ArticleItem<'a> {
    id: &'a str,
    title: &'a str,
    url: &'a str,
    publisher: &'a str,
    #[serde(serialize_with = "as_rfc3339")]
    published_utc: Millis,
    tickers: &'a [Symbol],
    #[serde(skip_serializing_if = "Option::is_none")]
    sentiment: Option<&'a str>,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_url: Option<&'a str>,
    untrusted: [&'static str; 3],
    #[serde(flatten)]
    stamp: Stamp,
}

impl Article {
    /// The event body of DESIGN §7.3 without its position: a JSON object. News is never delayed by a plan.
    #[must_use]
    pub fn to_item(&self, phase: MarketPhase) -> Vec<u8> {
        let item = ArticleItem {
            id: &self.id,
            title: &self.title,
            url: &self.url,
            publisher: &self.publisher,
            published_utc: self.published,
            tickers: &self.tickers,
            sentiment: self.sentiment.as_deref(),
            description: &self.description,
            image_url: self.image_url.as_deref(),
            untrusted: ["title", "description", "publisher"],
            stamp: Stamp { as_of: self.published, source: self.source, delayed: false, session: phase },
        };
        serde_json::to_vec(&item).expect("an article holds only strings and whole numbers")
    }

    /// Every topic the article belongs to: each symbol it names, and all news.
    #[must_use]
    pub fn topics(&self) -> Vec<Topic> {
        self.tickers.iter().cloned().map(Topic::News).chain([Topic::AllNews]).collect()
    }

    /// A number that changes when the article does.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.title, &self.description, &self.sentiment, &self.tickers, &self.url).hash(&mut hasher);
        hasher.finish()
    }
}

impl Hash for Source {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (*self as u8).hash(state);
    }
}

/// The memory of one news topic between polls.
#[derive(Debug, Default)]
pub struct ArticleFeed {
    newest: Option<Millis>,
    seen: HashMap<String, u64>,
    order: VecDeque<String>,
}

impl ArticleFeed {
    /// Where the next poll begins, inclusive; `None` before the first article. Who reads articles has seen to it that none comes from
    /// the future ([`Source::believes`]): it would hide those before it.
    #[must_use]
    pub fn poll_from(&self) -> Option<Millis> {
        self.newest.map(|newest| newest.minus(OVERLAP_MS))
    }

    /// Whether an article has been seen, so that polls go on from there.
    #[must_use]
    pub const fn goes_on(&self) -> bool {
        self.newest.is_some()
    }

    /// Remembers an article that is already on the tape, so that a feed that starts again goes on where it was.
    pub fn remember(&mut self, id: &str, fingerprint: u64, published: Millis) {
        self.newest = self.newest.max(Some(published));
        if self.seen.insert(id.to_owned(), fingerprint).is_none() {
            self.order.push_back(id.to_owned());
        }
        while self.order.len() > MAX_SEEN {
            if let Some(oldest) = self.order.pop_front() {
                self.seen.remove(&oldest);
            }
        }
    }

    /// Takes a page of articles in any order and keeps those that are new or changed, oldest first.
    pub fn observe(&mut self, mut articles: Vec<Article>) -> Vec<Article> {
        articles.sort_by(|a, b| (a.published, &a.id).cmp(&(b.published, &b.id)));
        articles.retain(|article| {
            let fingerprint = article.fingerprint();
            let known = self.seen.get(&article.id) == Some(&fingerprint);
            self.remember(&article.id, fingerprint, article.published);
            !known
        });
        articles
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn article(id: &str, published: u64) -> Article {
        Article {
            id: id.into(),
            title: format!("title of {id}"),
            url: String::new(),
            publisher: "Wire".into(),
            published: Millis(published),
            tickers: vec!["TSLA".parse().unwrap()],
            sentiment: None,
            description: String::new(),
            image_url: None,
            source: Source::Poll,
        }
    }

    fn ids(articles: &[Article]) -> Vec<&str> {
        articles.iter().map(|article| article.id.as_str()).collect()
    }

    #[test]
    fn the_next_poll_begins_before_the_newest_article_by_the_overlap() {
        let mut feed = ArticleFeed::default();
        assert_eq!(feed.poll_from(), None);
        feed.observe(vec![article("a", 10_000_000), article("b", 9_000_000)]);
        assert_eq!(feed.poll_from(), Some(Millis(10_000_000 - OVERLAP_MS)));
    }

    #[test]
    fn repeats_are_dropped_and_late_and_same_second_articles_are_kept() {
        let mut feed = ArticleFeed::default();
        assert_eq!(ids(&feed.observe(vec![article("b", 2_000), article("a", 1_000), article("c", 2_000)])), ["a", "b", "c"]);
        assert_eq!(ids(&feed.observe(vec![article("c", 2_000), article("late", 1_500), article("tie", 2_000)])), ["late", "tie"]);
        assert!(feed.observe(vec![article("late", 1_500), article("tie", 2_000)]).is_empty());
    }

    #[test]
    fn an_article_that_came_again_changed_is_reported_again_once() {
        let mut feed = ArticleFeed::default();
        feed.observe(vec![article("a", 1_000)]);
        let changed = Article { sentiment: Some("positive".into()), ..article("a", 1_000) };
        assert_eq!(ids(&feed.observe(vec![changed.clone()])), ["a"]);
        assert!(feed.observe(vec![changed]).is_empty());
    }

    #[test]
    fn the_memory_of_a_topic_is_bounded() {
        let mut feed = ArticleFeed::default();
        for n in 0..MAX_SEEN + 10 {
            feed.remember(&n.to_string(), 0, Millis(0));
        }
        assert_eq!(feed.seen.len(), MAX_SEEN);
        assert_eq!(feed.order.len(), MAX_SEEN);
    }
}
