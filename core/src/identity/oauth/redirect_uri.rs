//! May a client be sent back there?
//!
//! RFC 9700 §2.1 and §4.1, RFC 8252 §7, protocol.md §6.4: exact comparison of the text, `https`, `http` on this machine's own
//! loopback with any port, or an app's own scheme. What could run as script, read files or name somebody else is refused when
//! it is registered.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Longest redirect address, in bytes: what browsers take without complaint.
pub const MAX_REDIRECT_URI_BYTES: usize = 2_048;
/// Longest scheme of an app, in bytes.
const MAX_SCHEME_BYTES: usize = 64;
/// Schemes that a browser or a system treats itself: they are no app's own.
const NEVER: [&str; 32] = [
    "about",
    "blob",
    "chrome",
    "chrome-extension",
    "content",
    "data",
    "dns",
    "edge",
    "facetime",
    "file",
    "filesystem",
    "ftp",
    "intent",
    "jar",
    "javascript",
    "ldap",
    "livescript",
    "mailto",
    "mhtml",
    "mocha",
    "moz-extension",
    "ms-settings",
    "resource",
    "search-ms",
    "sms",
    "ssh",
    "tel",
    "vbscript",
    "view-source",
    "ws",
    "wss",
    "wyciwyg",
];
/// What the answer adds; an address that brings one of them along would say it twice (protocol.md §6.4).
const OURS: [&str; 7] = ["code", "state", "iss", "error", "error_description", "error_uri", "response"];

/// Why an address will not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RedirectFault {
    /// Empty or longer than [`MAX_REDIRECT_URI_BYTES`].
    #[error("a redirect_uri must have 1 to 2048 bytes")]
    Length,
    /// A character that has no place in a URI: blanks, control characters, quotation marks, backslashes, non-ASCII.
    #[error("a redirect_uri must consist of the characters of a URI")]
    Characters,
    /// No absolute URI.
    #[error("a redirect_uri must be an absolute URI")]
    NotAbsolute,
    /// A scheme that is no app's own, or `http` elsewhere than on the loopback.
    #[error("a redirect_uri must be https, http on 127.0.0.1, [::1] or localhost, or an app's own scheme")]
    Scheme,
    /// It has a fragment (RFC 6749 §3.1.2).
    #[error("a redirect_uri must have no fragment")]
    Fragment,
    /// It names a user.
    #[error("a redirect_uri must have no user information")]
    UserInfo,
    /// It has no host, or one that is no host.
    #[error("a redirect_uri must have a host")]
    Host,
    /// It has `.` or `..` as a part of its path.
    #[error("a redirect_uri must have no dot segments")]
    DotSegments,
    /// Its query already has one of the parameters of the answer.
    #[error("a redirect_uri must not have the parameters of the answer in its query")]
    Query,
}

/// Where an address leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RedirectKind {
    /// To a site.
    Https,
    /// To a program on the person's own machine; any program there could listen.
    Loopback,
    /// To whichever app claims the scheme.
    PrivateUse,
}

/// A redirect address that may be registered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RedirectUri(String);

impl RedirectUri {
    /// Reads an address.
    ///
    /// # Errors
    /// Why it will not do.
    pub fn read(text: &str) -> Result<Self, RedirectFault> {
        if text.is_empty() || text.len() > MAX_REDIRECT_URI_BYTES {
            return Err(RedirectFault::Length);
        }
        if !text.bytes().all(is_uri_character) {
            return Err(RedirectFault::Characters);
        }
        let (scheme, rest) = text.split_once(':').ok_or(RedirectFault::NotAbsolute)?;
        if !is_scheme(scheme) {
            return Err(RedirectFault::NotAbsolute);
        }
        let url = Url::parse(text).map_err(|_| RedirectFault::NotAbsolute)?;
        if text.contains('#') {
            return Err(RedirectFault::Fragment);
        }
        if !url.username().is_empty() || url.password().is_some() || authority(rest).contains('@') {
            return Err(RedirectFault::UserInfo);
        }
        // A host that is written encoded is another one to whoever decodes it.
        if authority(rest).contains('%') {
            return Err(RedirectFault::Characters);
        }
        check_scheme(scheme, rest, &url)?;
        if has_dot_segments(rest) {
            return Err(RedirectFault::DotSegments);
        }
        if url.query_pairs().any(|(name, _)| OURS.contains(&name.as_ref())) {
            return Err(RedirectFault::Query);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text, exactly as registered.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where it leads.
    #[must_use]
    pub fn kind(&self) -> RedirectKind {
        if self.0.starts_with("https:") {
            RedirectKind::Https
        } else if self.0.starts_with("http:") {
            RedirectKind::Loopback
        } else {
            RedirectKind::PrivateUse
        }
    }

    /// Whether a presented address is this one: the same text, or on the loopback the same but for the port (RFC 8252 §7.3).
    /// `localhost`, `127.0.0.1` and `[::1]` are three places; an empty path is `/` there.
    #[must_use]
    pub fn is_meant_by(&self, presented: &str) -> bool {
        presented == self.0
            || loopback_parts(&self.0)
                .zip(loopback_parts(presented))
                .is_some_and(|(registered, presented)| registered == presented)
    }

    /// What to show a person: the host, or the scheme of an app.
    #[must_use]
    pub fn shown(&self) -> String {
        let url = Url::parse(&self.0).ok();
        match self.kind() {
            RedirectKind::Https => url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default(),
            RedirectKind::Loopback => "this computer".to_owned(),
            RedirectKind::PrivateUse => self.0.split_once(':').map(|(scheme, _)| format!("{scheme}:")).unwrap_or_default(),
        }
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RedirectUri {
    type Error = RedirectFault;

    fn try_from(text: String) -> Result<Self, RedirectFault> {
        Self::read(&text)
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> Self {
        uri.0
    }
}

fn check_scheme(scheme: &str, rest: &str, url: &Url) -> Result<(), RedirectFault> {
    match scheme {
        "https" => {
            let named = matches!(url.host(), Some(Host::Domain(host)) if !host.is_empty()) || is_address(url);
            // `https:host` and `https:///host` are read by browsers as `https://host`: one spelling only.
            if named && has_authority(rest) { Ok(()) } else { Err(RedirectFault::Host) }
        }
        "http" => loopback_parts(url_text(scheme, rest).as_str()).map(|_| ()).ok_or(RedirectFault::Scheme),
        _ => {
            let lower = scheme.to_ascii_lowercase();
            let its_own = lower == scheme && !NEVER.contains(&scheme) && scheme.len() <= MAX_SCHEME_BYTES;
            // Only `scheme:/…`: what has no path is not read as an address but as the app pleases.
            if its_own && rest.starts_with('/') { Ok(()) } else { Err(RedirectFault::Scheme) }
        }
    }
}

fn url_text(scheme: &str, rest: &str) -> String {
    format!("{scheme}:{rest}")
}

fn is_address(url: &Url) -> bool {
    matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_)))
}

fn has_authority(rest: &str) -> bool {
    rest.strip_prefix("//").is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', ':']))
}

fn authority(rest: &str) -> &str {
    let rest = rest.strip_prefix("//").unwrap_or_default();
    rest.split(['/', '?']).next().unwrap_or_default()
}

/// The characters of RFC 3986 §2, `#` among them so that a fragment is named as such.
const fn is_uri_character(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'!' | b'#'..=b'/' | b':' | b';' | b'=' | b'?' | b'@' | b'[' | b']' | b'_' | b'~')
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'-' | b'.'))
}

fn has_dot_segments(rest: &str) -> bool {
    let path = rest.split('?').next().unwrap_or_default();
    let is_dot = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    path.split('/').any(is_dot)
}

/// Host and what follows the port, of an `http` address of the loopback.
fn loopback_parts(text: &str) -> Option<(&'static str, &str)> {
    let rest = text.strip_prefix("http://")?;
    let (host, rest) = ["127.0.0.1", "[::1]", "localhost"].into_iter().find_map(|host| Some((host, rest.strip_prefix(host)?)))?;
    let rest = match rest.strip_prefix(':') {
        None => rest,
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let port: u16 = rest[..end].parse().ok()?;
            if port == 0 {
                return None;
            }
            &rest[end..]
        }
    };
    match rest {
        "" | "/" => Some((host, "/")),
        rest if rest.starts_with(['/', '?']) && rest.bytes().all(is_uri_character) && !rest.contains('#') => Some((host, rest)),
        _ => None,
    }
}
