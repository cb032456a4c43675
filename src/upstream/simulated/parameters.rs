//! How are query parameters read, and what is wrong with them? Also the opaque cursors of `next_url`.

use std::collections::{BTreeMap, HashMap};

use actix_web::web::Query;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::answer::Refusal;

/// Where the real upstream's `next_url` points: a client has to pin its own base.
pub(crate) const NEXT_URL_BASE: &str = "https://api.massive.com";

/// The parameters of a query; of one named twice the last counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters(HashMap<String, String>);

impl Parameters {
    pub(crate) fn of(query: &str) -> Self {
        Self(Query::<HashMap<String, String>>::from_query(query).map(Query::into_inner).unwrap_or_default())
    }

    /// Gives a parameter; one without a value counts as absent.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// Gives what a cursor may repeat: all but the key and an earlier cursor.
    pub(crate) fn shareable(&self) -> BTreeMap<String, String> {
        let private = |name: &str| name.eq_ignore_ascii_case("apiKey") || name == "cursor";
        self.0.iter().filter(|(name, _)| !private(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    pub(crate) fn flag(&self, name: &str, default: bool) -> Result<bool, Refusal> {
        match self.text(name) {
            None => Ok(default),
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(_) => Err(Refusal::BadParameter(format!("{name} must be true or false"))),
        }
    }

    pub(crate) fn limit(&self, default: usize, max: usize) -> Result<usize, Refusal> {
        let Some(text) = self.text("limit") else {
            return Ok(default);
        };
        let limit = text.parse().ok().filter(|limit| (1..=max).contains(limit));
        limit.ok_or_else(|| Refusal::BadParameter(format!("limit must be between 1 and {max}")))
    }

    /// Reads a direction: whether it is descending.
    pub(crate) fn descending(&self, name: &str, default: bool) -> Result<bool, Refusal> {
        match self.text(name) {
            None => Ok(default),
            Some("asc") => Ok(false),
            Some("desc") => Ok(true),
            Some(_) => Err(Refusal::BadParameter(format!("{name} must be asc or desc"))),
        }
    }

    /// Reads the cursor of an earlier answer's `next_url`.
    pub(crate) fn cursor<T: DeserializeOwned>(&self) -> Result<Option<T>, Refusal> {
        let Some(text) = self.text("cursor") else {
            return Ok(None);
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let cursor = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        cursor.map(Some).ok_or_else(|| Refusal::BadParameter("cursor is not valid".to_owned()))
    }
}

impl From<BTreeMap<String, String>> for Parameters {
    fn from(pairs: BTreeMap<String, String>) -> Self {
        Self(pairs.into_iter().collect())
    }
}

/// Makes the absolute address of the next page.
pub(crate) fn next_url(path: &str, cursor: &impl Serialize) -> String {
    let bytes = serde_json::to_vec(cursor).expect("a cursor holds only text, numbers and flags");
    format!("{NEXT_URL_BASE}{path}?cursor={}", URL_SAFE_NO_PAD.encode(bytes))
}
