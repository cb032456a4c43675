//! The words of the Model Context Protocol: revisions, which era a request belongs to, what can be asked and how it is answered.

mod client;
mod envelope;
mod era;
mod feature;
mod header;
mod lifecycle;
mod outcome;
mod question;
mod revision;
mod rounds;
mod stateless;
mod tool;
mod voice;

pub use client::{ClientCapabilities, TASKS_EXTENSION};
pub use envelope::Envelope;
pub(crate) use envelope::sound_token;
pub use era::{Era, Refusal, classify, classify_line};
pub(crate) use feature::parse;
pub use feature::{Completion, CompletionReference, FeatureRequest};
pub use header::{HeaderParam, HeaderValue, ParamType, RoutingHeaders, decode_sentinel, header_params};
pub use lifecycle::{Icon, InitializeParams, LogLevel, ServerInfo, cancelled_request};
pub use outcome::{CacheHint, CacheScope, FeatureError, FeatureResult, Outcome};
pub use question::{Decision, Elicited, Question, Root, Roots, Sampled};
pub use revision::Revision;
pub use rounds::{MAX_ROUNDS, ROUND_TTL_MS, Round, bad_state, binding, questions};
pub use stateless::{Answers, Asked, MAX_LISTEN_SUBJECTS, StatelessRequest, Subjects, admit};
pub use tool::{ContentBlock, ToolAnnotations, ToolDescriptor, ToolOutput};
pub use voice::{Progress, Voice, log_message};
