//! One file per route or family of routes.

pub(super) mod admin;
pub(super) mod admin_audit;
pub(super) mod api;
pub(super) mod api_keys;
pub(super) mod auth;
pub(super) mod clients;
pub(super) mod dashboard;
pub(super) mod docs;
pub(super) mod events;
pub(super) mod fallback;
pub(super) mod health;
pub(super) mod key_link;
pub(super) mod mcp;
pub(super) mod metrics;
pub(super) mod oauth;
pub(super) mod progress;
pub(super) mod query;
pub(super) mod session;
pub(super) mod stream_ticket;
pub(super) mod test_error;
pub(super) mod tools;
pub(super) mod upstream_key;
pub(super) mod user;

use actix_web::HttpRequest;

/// Where API keys are managed.
pub(super) const API_KEYS: &str = "/auth/api-keys";
/// Where a link shows its key. The secret of the link stands behind it, after `#`.
pub const KEY_LINK: &str = "/auth/key-link";

/// The cursor of a stream's request: the `Last-Event-ID` header wins over `?last_event_id=` (DESIGN §3).
pub(super) fn cursor_of(request: &HttpRequest) -> Option<String> {
    let header = request.headers().get("last-event-id").map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    header
        .or_else(|| query::pairs(request).find(|(name, _)| name == "last_event_id").map(|(_, value)| value.into_owned()))
        .filter(|cursor| !cursor.is_empty())
}
