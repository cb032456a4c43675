//! The envelope of a stateless request: reserved keys in `params._meta` (2026-07-28). Its version key is the claim that the
//! request is stateless at all; the other keys alone claim nothing.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::client::ClientCapabilities;
use super::lifecycle::LogLevel;
use super::revision::Revision;
use crate::rpc::{ClientMessage, MAX_ID_BYTES, RequestId};

/// The single key whose presence claims the stateless era.
pub(super) const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";
/// The other key that a stateless request must have.
pub(super) const CAPABILITIES_KEY: &str = "io.modelcontextprotocol/clientCapabilities";
const CLIENT_INFO_KEY: &str = "io.modelcontextprotocol/clientInfo";
/// Longest `traceparent` of W3C Trace Context, version 00.
const TRACEPARENT_BYTES: usize = 55;

/// What a stateless message says of itself.
#[derive(Debug, Default)]
pub struct Envelope {
    /// The revision, if it is text.
    pub(super) version: Option<String>,
    pub(super) capabilities: Option<ClientCapabilities>,
    /// Keys that are missing or have another form than documented, with the reason.
    pub(super) faults: Vec<&'static str>,
    /// Present and no level.
    pub(super) bad_log_level: bool,
    pub(super) log_level: Option<LogLevel>,
    pub(super) bad_progress_token: bool,
    pub(super) progress_token: Option<Box<RawValue>>,
    pub(super) traceparent: Option<String>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow, default, rename = "_meta")]
    meta: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Keys<'a> {
    #[serde(borrow, default, rename = "io.modelcontextprotocol/protocolVersion", deserialize_with = "present")]
    version: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "io.modelcontextprotocol/clientCapabilities", deserialize_with = "present")]
    capabilities: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "io.modelcontextprotocol/clientInfo", deserialize_with = "present")]
    client_info: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "io.modelcontextprotocol/logLevel", deserialize_with = "present")]
    log_level: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "progressToken", deserialize_with = "present")]
    progress_token: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    traceparent: Option<&'a RawValue>,
}

/// Keeps an explicit null apart from an absent member.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
struct ClientInfo {
    #[serde(rename = "name")]
    _name: String,
    #[serde(rename = "version")]
    _version: String,
}

impl Envelope {
    /// The envelope of a message; `None` when it makes no claim.
    pub(super) fn of(message: &ClientMessage) -> Option<Self> {
        let (ClientMessage::Request { params: Some(params), .. } | ClientMessage::Notification { params: Some(params), .. }) =
            message
        else {
            return None;
        };
        // A list would be read as members in order.
        let object = |json: &'_ RawValue| json.get().starts_with('{');
        if !object(params) {
            return None;
        }
        let Ok(Params { meta }) = serde_json::from_str(params.get()) else {
            return members(params, "_meta").into_iter().any(claims).then(Self::unreliable);
        };
        let meta = meta.filter(|meta| object(meta))?;
        match serde_json::from_str::<Keys<'_>>(meta.get()) {
            Ok(keys) => Self::read(&keys),
            Err(_) => claims(meta).then(Self::unreliable),
        }
    }

    /// Something stands twice, or is no Unicode: a claim is still a claim, but nothing in it can be relied on.
    fn unreliable() -> Self {
        Self { faults: vec![VERSION_KEY, CAPABILITIES_KEY], ..Self::default() }
    }

    fn read(keys: &Keys<'_>) -> Option<Self> {
        let mut faults = Vec::new();
        let version: Option<String> = serde_json::from_str(keys.version?.get()).ok();
        if version.is_none() {
            faults.push(VERSION_KEY);
        }
        let capabilities = keys.capabilities.and_then(|told| ClientCapabilities::read(told, Revision::V2026_07_28));
        if capabilities.is_none() {
            faults.push(CAPABILITIES_KEY);
        }
        let named = |info: &RawValue| info.get().starts_with('{') && serde_json::from_str::<ClientInfo>(info.get()).is_ok();
        if keys.client_info.is_some_and(|info| !named(info)) {
            faults.push(CLIENT_INFO_KEY);
        }
        let log_level = keys.log_level.map(|level| serde_json::from_str(level.get()));
        let token = keys.progress_token.map(|token| sound_token(token).then(|| token.to_owned()));
        let traceparent = keys.traceparent.and_then(|parent| serde_json::from_str::<String>(parent.get()).ok());
        Some(Self {
            version,
            capabilities,
            faults,
            bad_log_level: matches!(log_level, Some(Err(_))),
            log_level: log_level.and_then(Result::ok),
            bad_progress_token: matches!(token, Some(None)),
            progress_token: token.flatten(),
            traceparent: traceparent.filter(|parent| is_traceparent(parent)),
        })
    }

    /// Whether both required keys are there in their form.
    pub(super) const fn is_complete(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Whether this `_meta` claims the stateless era.
fn claims(meta: &RawValue) -> bool {
    !members(meta, VERSION_KEY).is_empty()
}

/// Every member of that name, for one may stand twice; none of what is no object.
fn members<'a>(json: &'a RawValue, name: &'static str) -> Vec<&'a RawValue> {
    serde_json::Deserializer::from_str(json.get()).deserialize_map(Named(name)).unwrap_or_default()
}

struct Named(&'static str);

impl<'de> Visitor<'de> for Named {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut named = Vec::new();
        while let Some((is_named, value)) = members.next_entry_seed(Is(self.0), PhantomData::<&RawValue>)? {
            named.extend(is_named.then_some(value));
        }
        Ok(named)
    }
}

/// Compares bytes: a name that is no Unicode must not hide those after it.
struct Is(&'static str);

impl<'de> DeserializeSeed<'de> for Is {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl Visitor<'_> for Is {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_bytes<E>(self, name: &[u8]) -> Result<bool, E> {
        Ok(name == self.0.as_bytes())
    }
}

/// A progress token is a string or a whole number, as a request id is.
pub(crate) fn sound_token(token: &RawValue) -> bool {
    token.get().len() <= MAX_ID_BYTES && serde_json::from_str::<RequestId>(token.get()).is_ok()
}

/// `00-<32 hex>-<16 hex>-<2 hex>`, in lower case, ids not zero.
fn is_traceparent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [version, trace, span, flags] = parts.as_slice() else { return false };
    let hex = |part: &str, length| part.len() == length && part.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    let real = |part: &str| part.bytes().any(|c| c != b'0');
    text.len() == TRACEPARENT_BYTES
        && *version == "00"
        && hex(trace, 32)
        && hex(span, 16)
        && hex(flags, 2)
        && real(trace)
        && real(span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_taken_only_in_its_one_form() {
        assert!(is_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        for text in [
            "",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0\n",
        ] {
            assert!(!is_traceparent(text), "{text:?}");
        }
    }
}
