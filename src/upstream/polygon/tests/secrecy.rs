//! The key is nowhere but in the header: not in errors, not in `Debug`, not in the log.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use actix_web::HttpResponse;
use secrecy::SecretString;
use tickgate_core::market::{Market, Source};
use tickgate_core::ports::{MarketData as _, NewsQuery};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::harness::{KEY, Scripted, Wanted, json};
use crate::upstream::polygon::{Plan, PolygonSettings};

/// Collects everything that is logged, of every level: what this module logs, and what everybody does.
#[derive(Clone, Default)]
pub(in crate::upstream::polygon) struct Log {
    ours: Arc<Mutex<String>>,
    all: Arc<Mutex<String>>,
}

impl Log {
    /// What everybody has logged.
    pub(in crate::upstream::polygon) fn everything(&self) -> String {
        self.all.lock().unwrap().clone()
    }
}

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut Line(&mut self.all.lock().unwrap()));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Line(&mut self.all.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Line(&mut self.all.lock().unwrap()));
        if event.metadata().target().contains("polygon") {
            event.record(&mut Line(&mut self.ours.lock().unwrap()));
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// An upstream that says the key and its own address wherever it can.
fn talkative() -> Scripted {
    let said = format!("key {KEY} at http://127.0.0.1/v2?apiKey={KEY} refused");
    Scripted::start(move |_, target| {
        let body = serde_json::json!({"status": "ERROR", "error": said, "request_id": KEY}).to_string();
        let status = target.trim_start_matches("/v2/").split('?').next().and_then(|status| status.parse().ok());
        match status {
            Some(status) => HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap())
                .content_type("application/json")
                .insert_header(("x-request-id", KEY))
                .body(body),
            None if target.starts_with("/v2/page") => HttpResponse::Ok().content_type("text/html").body(said.clone()),
            None if target.starts_with("/v2/broken") => json(format!("{{\"error\":\"{KEY}")),
            None => json(format!(r#"{{"status":"OK","request_id":"{KEY}","results":[{{"id":"{KEY}"}}],"tickers":["{KEY}"]}}"#)),
        }
    })
}

#[actix_rt::test]
async fn the_key_and_the_address_of_the_upstream_are_in_no_error_and_no_log() {
    let log = Log::default();
    let _collecting = tracing::subscriber::set_default(log.clone());
    // While there is one subscriber alone, a test on another thread that first reaches an event can switch it off for all.
    let _second = tracing::Dispatch::new(Log::default());
    let upstream = talkative();
    let port = upstream.base.rsplit(':').next().unwrap().to_owned();
    let mut texts = String::new();
    for path in [
        "/v2/200",
        "/v2/400",
        "/v2/401",
        "/v2/403",
        "/v2/404",
        "/v2/409",
        "/v2/429",
        "/v2/500",
        "/v2/302",
        "/v2/page",
        "/v2/broken",
    ] {
        // A budget of its own each: one of them pauses it.
        let error = Wanted::at(&upstream.base).make().get(path).await.unwrap_err();
        write!(texts, "{error} {error:?} ").unwrap();
    }
    let bench = Wanted::at(&upstream.base).make();
    let error = bench.client.quotes(Market::Stocks, &["AAPL".parse().unwrap()]).await.unwrap_err();
    let more = bench.client.news(NewsQuery { symbol: None, from: None, limit: 5 }).await.unwrap_err();
    write!(texts, "{error:?} {more:?} {:?}", bench.client).unwrap();
    let (logged, all_logged) = (log.ours.lock().unwrap().clone(), log.all.lock().unwrap().clone());
    assert!(logged.contains("trying again"), "the log was not collected: {logged}");
    assert!(!all_logged.contains(KEY), "{all_logged}");
    for secret in [KEY, "127.0.0.1", "http:", port.as_str()] {
        assert!(!texts.contains(secret) && !logged.contains(secret), "{secret} in {texts} or {logged}");
    }
}

#[test]
fn settings_show_no_key() {
    let settings = PolygonSettings {
        base_url: "https://api.example".parse().unwrap(),
        key: SecretString::from(KEY),
        plan: Plan::Free,
        source: Source::Poll,
    };
    assert!(!format!("{settings:?}").contains(KEY));
}
