//! What was found, in words for a person who has to mend it: one line for each step, and never a secret.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use tickgate_core::market::text::clean;

/// Shortest secret that is looked for: shorter ones would be found in innocent words.
const MIN_HIDDEN_BYTES: usize = 6;

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// As it should be.
    Ok,
    /// Some clients stumble over it, or people will later.
    Warn,
    /// A client that keeps to the protocol gets no further here.
    Fail,
    /// Not looked at, or not there and not needed.
    Skip,
}

impl Mark {
    const fn shown(self) -> &'static str {
        match self {
            Self::Ok => "ok  ",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
            Self::Skip => "skip",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skip => "skip",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How it ended.
    pub mark: Mark,
    /// What was looked at.
    pub step: &'static str,
    /// What was seen.
    pub seen: String,
    /// What to do; empty when nothing is to be done.
    pub todo: String,
}

impl Finding {
    /// As it should be.
    pub(super) fn ok(step: &'static str, seen: impl Into<String>) -> Self {
        Self { mark: Mark::Ok, step, seen: seen.into(), todo: String::new() }
    }

    /// Some clients stumble.
    pub(super) fn warn(step: &'static str, seen: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { mark: Mark::Warn, step, seen: seen.into(), todo: todo.into() }
    }

    /// No client gets further.
    pub(super) fn fail(step: &'static str, seen: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { mark: Mark::Fail, step, seen: seen.into(), todo: todo.into() }
    }

    /// Not looked at.
    pub(super) fn skip(step: &'static str, seen: impl Into<String>) -> Self {
        Self { mark: Mark::Skip, step, seen: seen.into(), todo: String::new() }
    }
}

/// What must not be printed. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Secrets(Rc<RefCell<Vec<SecretString>>>);

impl Secrets {
    /// Hides this from now on.
    pub fn hide(&self, secret: &SecretString) {
        self.0.borrow_mut().push(secret.clone());
    }

    /// The text without what is hidden.
    pub(super) fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.0.borrow().iter().map(SecretString::expose_secret).filter(|secret| secret.len() >= MIN_HIDDEN_BYTES) {
            let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            text = text.replace(secret, "***").replace(&encoded, "***");
        }
        text
    }
}

/// Prints findings as they come, and counts them.
pub struct Report {
    out: Box<dyn Write>,
    json: bool,
    secrets: Secrets,
    failed: usize,
    warned: usize,
}

impl Report {
    /// A report as lines for people, or as lines of JSON.
    #[must_use]
    pub fn new(out: Box<dyn Write>, json: bool, secrets: Secrets) -> Self {
        Self { out, json, secrets, failed: 0, warned: 0 }
    }

    /// Prints one. What others said is in it: nothing of that may steer a terminal.
    pub(super) fn add(&mut self, finding: &Finding) {
        match finding.mark {
            Mark::Fail => self.failed += 1,
            Mark::Warn => self.warned += 1,
            Mark::Ok | Mark::Skip => {}
        }
        let Finding { mark, step, .. } = finding;
        let (seen, todo) = (self.printable(&finding.seen), self.printable(&finding.todo));
        let line = if self.json {
            json!({"step": step, "result": mark.name(), "seen": seen, "todo": todo}).to_string()
        } else if todo.is_empty() {
            format!("{} {step} — {seen}", mark.shown())
        } else {
            format!("{} {step} — {seen}; {todo}", mark.shown())
        };
        self.print(&line);
    }

    pub(super) fn add_all(&mut self, findings: &[Finding]) {
        for finding in findings {
            self.add(finding);
        }
    }

    /// Says something to the person at the terminal: also beside JSON, then on stderr.
    pub(super) fn tell(&mut self, text: &str) {
        if self.json { eprintln!("{text}") } else { self.print(text) }
    }

    /// Ends it; whether nothing failed.
    pub fn end(mut self) -> bool {
        let (failed, warned) = (self.failed, self.warned);
        let counted = |count: usize, what: &str| if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") };
        if !self.json {
            let verdict = if failed == 0 { "No fault was found".to_owned() } else { counted(failed, "fault") };
            let line = format!("{verdict}; {}.", counted(warned, "warning"));
            self.print(&line);
        }
        failed == 0
    }

    fn printable(&self, text: &str) -> String {
        clean(&self.secrets.redact(text))
    }

    /// A closed pipe is the reader's choice, not an error.
    fn print(&mut self, line: &str) {
        let _ = writeln!(self.out, "{line}").and_then(|()| self.out.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_as_it_is_and_as_addresses_write_it() {
        let secrets = Secrets::default();
        secrets.hide(&"canary+of/mine=".into());
        let text = secrets.redact("key canary+of/mine= in ?code=canary%2Bof%2Fmine%3D&x");
        assert_eq!(text, "key *** in ?code=***&x");
    }
}
