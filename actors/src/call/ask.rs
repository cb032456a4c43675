//! Asking the client of a call: its user, its model, its roots.

use serde_json::{Map, Value, json};
use tickgate_core::mcp::{Elicited, FeatureError, Question, Root, Roots, Sampled, TASKS_EXTENSION};
use tickgate_core::session::ReplyError;

use super::link::CallLink;

/// How long a user may take for a form, in ms.
pub const ELICIT_PATIENCE_MS: u64 = 600_000;
/// How long a model may take, in ms.
pub const SAMPLE_PATIENCE_MS: u64 = 120_000;
/// How long a client may take to name its roots, in ms: no human is asked.
pub const ROOTS_PATIENCE_MS: u64 = 30_000;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AskError {
    /// The client cannot be asked this: the capabilities that it would need, as a `ClientCapabilities` object.
    #[error("this client cannot be asked that: it does not declare {0}")]
    Unsupported(Value),
    /// It was asked and gave none.
    #[error(transparent)]
    Unanswered(#[from] ReplyError),
    /// Its answer has not the documented form.
    #[error("the client's answer has not the form that the protocol asks for")]
    Malformed,
}

impl AskError {
    /// The error for a client that lacks the tasks extension.
    pub(super) fn without_tasks() -> Self {
        Self::Unsupported(json!({"extensions": {TASKS_EXTENSION: {}}}))
    }
}

impl From<AskError> for FeatureError {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Unsupported(needs) => Self::MissingCapability(needs),
            other => Self::Failed { reason: "no_answer", message: other.to_string() },
        }
    }
}

impl CallLink {
    /// Asks the user to fill in a form. `key` names the question within the call; `schema`: a flat JSON Schema of an object.
    ///
    /// # Errors
    /// When the client cannot be asked or does not answer.
    pub async fn elicit(&self, key: &str, message: &str, schema: Value) -> Result<Elicited, AskError> {
        self.typed(key, Question::Form { message: message.to_owned(), schema }, ELICIT_PATIENCE_MS).await
    }

    /// Asks the user to open a URL. The URL must carry no secret; what comes of it is learned elsewhere.
    ///
    /// # Errors
    /// When the client cannot be asked or does not answer.
    pub async fn elicit_url(&self, key: &str, message: &str, url: &str) -> Result<Elicited, AskError> {
        let question = Question::Url { message: message.to_owned(), url: url.to_owned(), id: key.to_owned() };
        self.typed(key, question, ELICIT_PATIENCE_MS).await
    }

    /// Asks the client's model. `params`: those of `sampling/createMessage`.
    ///
    /// # Errors
    /// When the client cannot be asked or does not answer.
    pub async fn sample(&self, key: &str, params: Map<String, Value>) -> Result<Sampled, AskError> {
        self.typed(key, Question::Sample(params), SAMPLE_PATIENCE_MS).await
    }

    /// Asks for the client's roots.
    ///
    /// # Errors
    /// When the client cannot be asked or does not answer.
    pub async fn roots(&self, key: &str) -> Result<Vec<Root>, AskError> {
        self.typed::<Roots>(key, Question::Roots, ROOTS_PATIENCE_MS).await.map(|answer| answer.roots)
    }

    async fn typed<T: serde::de::DeserializeOwned>(
        &self,
        key: &str,
        question: Question,
        patience_ms: u64,
    ) -> Result<T, AskError> {
        let answer = self.ask(key, question, patience_ms).await?;
        serde_json::from_value(answer).map_err(|_| AskError::Malformed)
    }
}
