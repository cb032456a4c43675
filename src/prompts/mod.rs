//! What people can start: prompts as data, one file each (`library/`), checked by a JSON Schema before anything is filled in.
//!
//! | file | the question it answers |
//! |---|---|
//! | `prompt` | what is a prompt, what does a client get |
//! | `argument` · `format` | what may an argument be, and how is that said |
//! | `rules` | do these arguments fit (compiled once per prompt) |
//! | `validation` | what is wrong, field by field |
//! | `template` | how values get into text without becoming part of it |
//! | `execution` | who asked, how long it took, how it ended |
//! | `library` · `registry` | which prompts there are |
//! | `reference` | `docs/PROMPTS.md`, written from the same data |

mod argument;
mod execution;
mod format;
mod library;
mod prompt;
mod reference;
mod registry;
mod rules;
mod template;
#[cfg(test)]
mod tests;
mod validation;

pub use argument::{Argument, Arguments};
pub use execution::{PromptOutcome, PromptRequest, PromptRequestError, PromptResponse};
pub use library::library;
pub use prompt::{Asker, Begun, Body, Maker, Message, Prompt, PromptError, PromptSpec, Rendered, Role};
pub use reference::reference;
pub use registry::PromptRegistry;
pub use validation::{FieldCode, FieldError, ValidationResult, refusal};
