//! What does a query or a form say, each thing once?
//!
//! RFC 6749 §3.1 and §3.2: a parameter must not come twice, one without a value counts as left out, an unknown one is ignored.

use std::collections::BTreeMap;

/// Longest query or form that is read, in bytes: a redirect address, a state and a few words.
pub const MAX_PARAMS_BYTES: usize = 16_384;
/// Most parameters that are read: OAuth and its extensions have fewer.
pub const MAX_PARAMS: usize = 50;

/// The parameters of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params {
    values: BTreeMap<String, String>,
    doubled: Vec<String>,
}

/// Why a query or form cannot be read at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamsFault {
    /// More bytes or parameters than there can be.
    #[error("the request is too long")]
    TooLong,
}

impl Params {
    /// Reads `application/x-www-form-urlencoded` text.
    ///
    /// # Errors
    /// When it is longer than any request is.
    pub fn read(text: &str) -> Result<Self, ParamsFault> {
        if text.len() > MAX_PARAMS_BYTES {
            return Err(ParamsFault::TooLong);
        }
        let mut params = Self::default();
        for (count, (name, value)) in url::form_urlencoded::parse(text.as_bytes()).enumerate() {
            if count >= MAX_PARAMS {
                return Err(ParamsFault::TooLong);
            }
            if params.values.contains_key(name.as_ref()) {
                params.doubled.push(name.into_owned());
            } else {
                params.values.insert(name.into_owned(), value.into_owned());
            }
        }
        Ok(params)
    }

    /// A parameter's value; `None` when it was left out, is empty, or came more than once.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty() && !self.is_doubled(name))
    }

    /// Whether a parameter came more than once, with whatever values.
    #[must_use]
    pub fn is_doubled(&self, name: &str) -> bool {
        self.doubled.iter().any(|doubled| doubled == name)
    }

    /// Whether any parameter came more than once.
    #[must_use]
    pub const fn has_doubles(&self) -> bool {
        !self.doubled.is_empty()
    }
}
