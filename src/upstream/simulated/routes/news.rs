//! News: articles of a range of time, page by page.

use actix_web::{HttpRequest, web};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::answer::{Answer, Refusal};
use super::super::market::calendar::day_number;
use super::super::newsroom::{NewsQuery, Newsroom, Place};
use super::super::parameters::{Parameters, next_url};
use super::super::state::{State, View};

const DEFAULT_LIMIT: usize = 10;
const MAX_LIMIT: usize = 1_000;
const DAY_SECS: i64 = 86_400;

/// What the next page must repeat, and where it goes on.
#[derive(Debug, Serialize, Deserialize)]
struct NewsCursor {
    ticker: Option<String>,
    from_secs: i64,
    to_secs: i64,
    descending: bool,
    limit: usize,
    after_secs: i64,
    after_id: String,
}

pub(crate) async fn list(state: web::Data<State>, request: HttpRequest) -> Answer {
    list_of(&state.view(), &state.newsroom, &Parameters::of(request.query_string())).into()
}

/// Answers one page of articles.
pub(crate) fn list_of(view: &View<'_>, newsroom: &Newsroom, parameters: &Parameters) -> Result<Value, Refusal> {
    let query = match parameters.cursor::<NewsCursor>()? {
        Some(cursor) => continued(cursor),
        None => asked(parameters)?,
    };
    let page = newsroom.page(&view.exchange.universe, &query, &view.controls.extras(), view.now_ms);
    let mut body = json!({"status": "OK", "count": page.articles.len(), "results": page.articles});
    if let Some(place) = page.next {
        let cursor = NewsCursor {
            ticker: query.ticker,
            from_secs: query.from_secs,
            to_secs: query.to_secs,
            descending: query.descending,
            limit: query.limit,
            after_secs: place.published_secs,
            after_id: place.id,
        };
        body["next_url"] = next_url("/v2/reference/news", &cursor).into();
    }
    Ok(body)
}

fn continued(cursor: NewsCursor) -> NewsQuery {
    NewsQuery {
        ticker: cursor.ticker,
        from_secs: cursor.from_secs,
        to_secs: cursor.to_secs,
        descending: cursor.descending,
        limit: cursor.limit.clamp(1, MAX_LIMIT),
        after: Some(Place { published_secs: cursor.after_secs, id: cursor.after_id }),
    }
}

fn asked(parameters: &Parameters) -> Result<NewsQuery, Refusal> {
    if parameters.text("sort").is_some_and(|sort| sort != "published_utc") {
        return Err(Refusal::BadParameter("sort must be published_utc".to_owned()));
    }
    let (from_secs, to_secs) = published(parameters)?;
    Ok(NewsQuery {
        ticker: parameters.text("ticker").map(str::to_owned),
        from_secs,
        to_secs,
        descending: parameters.descending("order", true)?,
        after: None,
        limit: parameters.limit(DEFAULT_LIMIT, MAX_LIMIT)?,
    })
}

/// Reads the filters on the time of publication into a range of whole seconds that includes both ends.
fn published(parameters: &Parameters) -> Result<(i64, i64), Refusal> {
    let (mut from, mut to) = (i64::MIN, i64::MAX);
    for (suffix, narrow) in [
        ("", (|range, moment| (moment.starts.max(range.0), moment.ends.min(range.1))) as Narrow),
        (".gte", |range, moment| (moment.starts.max(range.0), range.1)),
        (".gt", |range, moment| (range.0.max(moment.floor + 1), range.1)),
        (".lte", |range, moment| (range.0, range.1.min(moment.floor))),
        (".lt", |range, moment| (range.0, range.1.min(moment.starts - 1))),
    ] {
        let name = format!("published_utc{suffix}");
        if let Some(text) = parameters.text(&name) {
            let moment =
                moment(text).ok_or_else(|| Refusal::BadParameter(format!("{name} must be a date or an RFC 3339 time")))?;
            (from, to) = narrow((from, to), moment);
        }
    }
    Ok((from, to))
}

type Narrow = fn((i64, i64), Moment) -> (i64, i64);

/// A time in a filter, in seconds.
#[derive(Clone, Copy)]
struct Moment {
    /// Rounded up: the first second that is not before it.
    starts: i64,
    floor: i64,
    /// The last second that equals it: a date without a time means the whole day.
    ends: i64,
}

fn moment(text: &str) -> Option<Moment> {
    if let Ok(at) = text.parse::<Timestamp>() {
        let floor = at.as_second() - i64::from(at.subsec_nanosecond() < 0);
        let starts = floor + i64::from(at.subsec_nanosecond() != 0);
        return Some(Moment { starts, floor, ends: floor });
    }
    let date: Date = text.parse().ok()?;
    let midnight = day_number(date) * DAY_SECS;
    Some(Moment { starts: midnight, floor: midnight, ends: midnight + DAY_SECS - 1 })
}
