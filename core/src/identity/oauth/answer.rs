//! Where is the browser sent back to, with what?

use url::form_urlencoded::Serializer;

use super::error::OAuthError;
use super::redirect_uri::RedirectUri;

/// Who is told of a fault of a request to `/authorize` (RFC 6749 §4.1.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizeFault {
    /// The person, on a page: the client is not known, or the address is not its own, so nobody is sent there.
    Page(OAuthError),
    /// The client: the browser is sent to this address.
    Back(String),
}

/// The address with a code: `code`, `state` and `iss` (RFC 9207) exactly once, an existing query kept.
#[must_use]
pub fn success_redirect(to: &RedirectUri, code: &str, state: Option<&str>, issuer: &str) -> String {
    with_query(to, &[("code", Some(code)), ("state", state), ("iss", Some(issuer))])
}

/// The address with a fault.
#[must_use]
pub fn error_redirect(to: &RedirectUri, error: &OAuthError, state: Option<&str>, issuer: &str) -> String {
    let fields = [
        ("error", Some(error.code.as_str())),
        ("error_description", Some(error.description.as_ref())),
        ("state", state),
        ("iss", Some(issuer)),
    ];
    with_query(to, &fields)
}

fn with_query(to: &RedirectUri, fields: &[(&str, Option<&str>)]) -> String {
    let mut query = Serializer::new(String::new());
    for (name, value) in fields {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    let to = to.as_str();
    let between = match to.split_once('?') {
        None => "?",
        Some((_, existing)) if existing.is_empty() || existing.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{to}{between}{}", query.finish())
}
