//! The kinds of values, and how each is read.

use std::fmt::{self, Display};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use tickgate_core::access::Scope;

use crate::tools::Toolset;

/// Least strength of a secret, in bytes.
const MIN_SECRET_BYTES: usize = 32;
/// Bounds of a static key's length, in characters.
const KEY_LENGTH: std::ops::RangeInclusive<usize> = 16..=256;

/// `APP_ENV`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// A developer's machine.
    Development,
    /// Like production, for trying things out.
    Staging,
    /// For users.
    Production,
}

/// `AUTH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMode {
    /// Every request needs a credential.
    Required,
    /// A credential is checked if sent; anonymous callers read.
    Optional,
    /// None is needed; loopback only.
    Off,
    /// None is needed, anywhere.
    InsecureOff,
}

impl AuthMode {
    /// The scope of a caller without a credential; `None` when there must be one.
    #[must_use]
    pub const fn anonymous_scope(self) -> Option<Scope> {
        match self {
            Self::Required => None,
            Self::Optional => Some(Scope::Read),
            Self::Off | Self::InsecureOff => Some(Scope::Write),
        }
    }
}

/// `PROTOCOL_VERSION_CHECK`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionCheck {
    /// An unknown header is refused.
    Strict,
    /// It is logged and allowed.
    Lenient,
}

/// `MCP_TRANSPORT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// An HTTP server for many clients.
    Http,
    /// Standard input and output, for the one client that started us.
    Stdio,
}

/// `LOG_FORMAT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// A burst of `burst`, refilled evenly over `period_secs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests at once; 0 switches the limit off.
    pub burst: u32,
    /// Time in which the burst is refilled.
    pub period_secs: u64,
}

/// One entry of `MCP_API_KEYS`.
#[derive(Clone)]
pub struct StaticKey {
    /// The key.
    pub key: SecretString,
    /// What it allows.
    pub scope: Scope,
    /// Whose it is.
    pub user: String,
}

impl fmt::Debug for StaticKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.scope, self.user)
    }
}

macro_rules! words {
    ($type:ty, $($word:literal => $value:expr),+) => {
        impl FromStr for $type {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok($value),)+
                    _ => Err("unknown word"),
                }
            }
        }

        impl Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $(if *self == $value { return f.write_str($word); })+
                Ok(())
            }
        }
    };
}

words!(Environment, "development" => Self::Development, "staging" => Self::Staging, "production" => Self::Production);
words!(AuthMode, "required" => Self::Required, "optional" => Self::Optional, "off" => Self::Off, "insecure-off" => Self::InsecureOff);
words!(VersionCheck, "strict" => Self::Strict, "lenient" => Self::Lenient);
words!(Transport, "http" => Self::Http, "stdio" => Self::Stdio);
words!(LogFormat, "text" => Self::Text, "json" => Self::Json);

impl FromStr for RateLimit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (burst, period) = text.split_once('/').unwrap_or((text, "min"));
        let burst = burst.trim().parse().map_err(|_| "N must be a whole number")?;
        let period_secs = match period.trim() {
            "s" => 1,
            "min" => 60,
            "h" => 3_600,
            _ => return Err("the period must be s, min or h"),
        };
        Ok(Self { burst, period_secs })
    }
}

/// The name of all toolsets together.
const ALL_TOOLSETS: &str = "all";

/// `TOOLSETS`, in the order of the list.
pub(super) fn toolsets(text: &str) -> Result<Vec<Toolset>, String> {
    let named: Vec<&str> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    if let Some(unknown) = named.iter().find(|name| **name != ALL_TOOLSETS && Toolset::find(name).is_none()) {
        return Err(format!("there is no toolset {unknown:?}"));
    }
    let wanted = |toolset: &Toolset| named.iter().any(|name| *name == ALL_TOOLSETS || *name == toolset.as_str());
    Ok(Toolset::ALL.into_iter().filter(wanted).collect())
}

pub(super) fn boolean(text: &str) -> Result<bool, &'static str> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("neither true nor false"),
    }
}

pub(super) fn within<T>(range: std::ops::RangeInclusive<T>) -> impl Fn(&str) -> Result<T, String>
where
    T: FromStr + PartialOrd + Display,
{
    move |text| match text.parse() {
        Ok(value) if range.contains(&value) => Ok(value),
        Ok(_) => Err(format!("out of bounds {} to {}", range.start(), range.end())),
        Err(_) => Err("not a number".to_owned()),
    }
}

pub(super) fn list<T, E: Display>(parse: impl Fn(&str) -> Result<T, E>) -> impl Fn(&str) -> Result<Vec<T>, String> {
    move |text| {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries.map(|entry| parse(entry).map_err(|error| format!("{entry:?}: {error}"))).collect()
    }
}

pub(super) fn web_url(text: &str) -> Result<url::Url, String> {
    let url: url::Url = text.parse().map_err(|error: url::ParseError| error.to_string())?;
    match url.scheme() {
        "http" | "https" if url.has_host() && url.username().is_empty() && url.password().is_none() => Ok(url),
        _ => Err("not an http or https URL without credentials".to_owned()),
    }
}

pub(super) fn feed_url(text: &str) -> Result<url::Url, String> {
    let url: url::Url = text.parse().map_err(|error: url::ParseError| error.to_string())?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    match url.scheme() {
        "ws" | "wss" if url.has_host() && plain => Ok(url),
        _ => Err("not a ws or wss URL without credentials and query".to_owned()),
    }
}

pub(super) fn origin(text: &str) -> Result<String, String> {
    if text == "*" {
        return Err("name each origin: credentials are on".to_owned());
    }
    let url = web_url(text)?;
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err("an origin is a scheme, a host and perhaps a port".to_owned());
    }
    Ok(url.origin().ascii_serialization())
}

pub(super) fn host(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    if text == "*" {
        Err("name each host".to_owned())
    } else if text.chars().all(allowed) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("not a host".to_owned())
    }
}

pub(super) fn static_key(text: &str) -> Result<StaticKey, &'static str> {
    let mut parts = text.splitn(3, ':');
    let key = parts.next().unwrap_or_default();
    if !KEY_LENGTH.contains(&key.len()) || !key.bytes().all(|c| c.is_ascii_graphic()) {
        return Err("a key has 16 to 256 visible characters");
    }
    let scope = parts.next().map_or(Ok(Scope::Write), |scope| scope.parse().map_err(|_| "unknown scope"))?;
    let user = parts.next().unwrap_or("static").to_owned();
    if user.is_empty() || user.len() > 64 {
        return Err("a user name has 1 to 64 characters");
    }
    Ok(StaticKey { key: SecretString::from(key), scope, user })
}

/// Hex (if it is all hex) or base64 of enough random bytes; a passphrase is neither.
pub(super) fn secret_key(text: &str) -> Result<SecretString, &'static str> {
    let bytes = decode_secret(text).ok_or("neither hex nor base64")?;
    if bytes.len() < MIN_SECRET_BYTES {
        return Err("too short");
    }
    // A key of few different bytes is a placeholder, not random: 32 random bytes have 30 different ones on average.
    if bytes.iter().collect::<std::collections::HashSet<_>>().len() < 12 {
        return Err("not random");
    }
    Ok(SecretString::from(text))
}

/// Whether a text is good enough as a secret.
pub(crate) fn is_secret_key(text: &str) -> bool {
    secret_key(text).is_ok()
}

/// The bytes of a secret that was accepted by [`secret_key`].
pub(crate) fn secret_bytes(secret: &SecretString) -> Vec<u8> {
    decode_secret(secret.expose_secret()).unwrap_or_default()
}

fn decode_secret(text: &str) -> Option<Vec<u8>> {
    if text.bytes().all(|c| c.is_ascii_hexdigit()) {
        return hex::decode(text).ok();
    }
    [STANDARD.decode(text), STANDARD_NO_PAD.decode(text), URL_SAFE_NO_PAD.decode(text)].into_iter().find_map(Result::ok)
}

pub(super) fn log_level(text: &str) -> Result<tracing::Level, &'static str> {
    match text.to_ascii_uppercase().as_str() {
        "DEBUG" => Ok(tracing::Level::DEBUG),
        "INFO" => Ok(tracing::Level::INFO),
        "WARNING" | "WARN" => Ok(tracing::Level::WARN),
        "ERROR" | "CRITICAL" => Ok(tracing::Level::ERROR),
        _ => Err("unknown level"),
    }
}
