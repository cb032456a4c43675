//! One use of a prompt, from request to answer, for logs and metrics (M2, M3). No credential is part of it: who asks is a principal.

use serde_json::value::RawValue;
use tickgate_core::time::Millis;

/// A prompt that is asked for.
#[derive(Clone, Debug)]
pub struct PromptRequest {
    /// Its own name: 128 random bits.
    id: u128,
    name: String,
    request_id: String,
    created: Millis,
}

/// Why there can be no such request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PromptRequestError {
    /// It names no prompt.
    #[error("a prompt needs a name")]
    NoName,
    /// Its arguments are something else than an object.
    #[error("the arguments of a prompt are an object of strings")]
    NoObject,
    /// It belongs to no request.
    #[error("a prompt is asked for in a request with an id")]
    NoRequestId,
}

impl PromptRequest {
    /// A request; `id`: 128 random bits.
    ///
    /// # Errors
    /// When the name or the request's id is empty, or the arguments are no object.
    pub fn new(
        id: u128,
        name: &str,
        arguments: Option<&RawValue>,
        request_id: &str,
        now: Millis,
    ) -> Result<Self, PromptRequestError> {
        if name.is_empty() {
            return Err(PromptRequestError::NoName);
        }
        if arguments.is_some_and(|arguments| !arguments.get().starts_with('{')) {
            return Err(PromptRequestError::NoObject);
        }
        if request_id.is_empty() {
            return Err(PromptRequestError::NoRequestId);
        }
        Ok(Self { id, name: name.to_owned(), request_id: request_id.to_owned(), created: now })
    }

    /// What came of it.
    #[must_use]
    pub fn answered(self, outcome: PromptOutcome, now: Millis) -> PromptResponse {
        PromptResponse { outcome, latency_ms: now.since(self.created), timestamp: now, request: self }
    }
}

/// How it ended; a bounded label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptOutcome {
    /// With messages.
    Rendered,
    /// Its arguments do not fit, or there is no such prompt.
    Refused,
    /// Its client did not answer what it asked.
    Unanswered,
}

impl PromptOutcome {
    /// The label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rendered => "ok",
            Self::Refused => "refused",
            Self::Unanswered => "unanswered",
        }
    }
}

/// What came of a request for a prompt.
#[derive(Clone, Debug)]
pub struct PromptResponse {
    request: PromptRequest,
    outcome: PromptOutcome,
    /// From request to answer, in ms.
    latency_ms: u64,
    timestamp: Millis,
}

impl PromptResponse {
    /// How it ended.
    #[must_use]
    pub const fn outcome(&self) -> PromptOutcome {
        self.outcome
    }

    /// From request to answer, in ms; 0 at least.
    #[must_use]
    pub const fn latency_ms(&self) -> u64 {
        self.latency_ms
    }

    /// When it was answered.
    #[must_use]
    pub const fn timestamp(&self) -> Millis {
        self.timestamp
    }

    /// One line in the log. Which model reads it is the client's affair, so `llm_model` is empty here.
    pub fn log(&self, user_id: &str) {
        tracing::debug!(
            prompt = %self.request.name,
            prompt_id = %format_args!("{:032x}", self.request.id),
            request_id = %self.request.request_id,
            user_id,
            latency_ms = self.latency_ms,
            llm_model = tracing::field::Empty,
            status = self.outcome.as_str(),
            "prompt {}", self.outcome.as_str()
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(name: &str, arguments: Option<&str>, request_id: &str) -> Result<PromptRequest, PromptRequestError> {
        let arguments = arguments.map(|text| RawValue::from_string(text.to_owned()).unwrap());
        PromptRequest::new(7, name, arguments.as_deref(), request_id, Millis(1_000))
    }

    #[test]
    fn a_request_without_a_name_an_object_or_an_id_cannot_be_made() {
        assert_eq!(request("", None, "r").unwrap_err(), PromptRequestError::NoName);
        assert_eq!(request("p", Some("[]"), "r").unwrap_err(), PromptRequestError::NoObject);
        assert_eq!(request("p", Some("{}"), "").unwrap_err(), PromptRequestError::NoRequestId);
        assert!(request("p", None, "r").is_ok());
    }

    #[test]
    fn the_latency_is_never_below_zero() {
        let late = request("p", None, "r").unwrap().answered(PromptOutcome::Rendered, Millis(1_250));
        assert_eq!((late.latency_ms(), late.timestamp(), late.outcome()), (250, Millis(1_250), PromptOutcome::Rendered));
        let early = request("p", None, "r").unwrap().answered(PromptOutcome::Refused, Millis(10));
        assert_eq!(early.latency_ms(), 0);
    }
}
