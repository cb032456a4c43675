//! Error reports to Sentry. Bodies, cookies, query strings and unknown headers never leave: they can hold secrets.

use secrecy::ExposeSecret;
use sentry::protocol::Event;

use crate::settings::{Environment, TelemetrySettings};

/// Request headers that a report may show.
const SHOWN_HEADERS: [&str; 6] = ["accept", "content-length", "content-type", "host", "mcp-protocol-version", "x-request-id"];

/// Keeps reporting alive; dropping it sends what is left.
pub struct Guard(#[expect(dead_code, reason = "it is held for its drop")] Option<sentry::ClientInitGuard>);

/// Starts reporting, if a DSN is configured; else nothing is ever sent.
#[must_use]
pub fn start(settings: &TelemetrySettings, environment: Environment) -> Guard {
    let Some(dsn) = &settings.sentry_dsn else { return Guard(None) };
    let options = sentry::ClientOptions::new()
        .dsn(dsn.expose_secret())
        .release(env!("CARGO_PKG_VERSION"))
        .environment(environment.to_string())
        .traces_sample_rate(settings.sentry_traces_sample_rate)
        .send_default_pii(false)
        .max_request_body_size(sentry::MaxRequestBodySize::None)
        .before_send(|event| Some(scrub(event)));
    Guard(Some(sentry::init(options)))
}

/// Takes out of a report what could be a secret.
fn scrub(mut event: Event<'static>) -> Event<'static> {
    if let Some(request) = &mut event.request {
        request.data = None;
        request.cookies = None;
        request.query_string = None;
        request.env.clear();
        if let Some(url) = &mut request.url {
            url.set_query(None);
        }
        request.headers.retain(|name, _| SHOWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()));
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;
    use sentry::protocol::Request;

    #[test]
    fn a_report_has_no_body_query_cookie_or_unknown_header() {
        let request = Request {
            url: Some("http://127.0.0.1/mcp?ticket=canary".parse().unwrap()),
            data: Some("canary".into()),
            query_string: Some("ticket=canary".into()),
            cookies: Some("session=canary".into()),
            headers: [("Mcp-Session-Id", "canary"), ("X-API-Key", "canary"), ("Authorization", "canary"), ("Host", "gate")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            ..Request::default()
        };
        let scrubbed = scrub(Event { request: Some(request), ..Event::default() });
        let text = serde_json::to_string(&scrubbed).unwrap();
        assert!(!text.contains("canary"), "{text}");
        assert!(text.contains("gate"));
    }
}
