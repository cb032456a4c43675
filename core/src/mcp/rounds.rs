//! Multi round-trip requests (2026-07-28): a stateless call that asks something is answered with its questions and forgotten. The
//! client calls again with the answers, and with the state that it was given; the handler runs again from its beginning.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::feature::FeatureRequest;
use super::outcome::{FeatureError, FeatureResult};
use super::question::Question;
use super::revision::Revision;
use super::stateless::Answers;
use crate::time::Millis;

/// How long a client may take for one round, in ms: people read forms.
pub const ROUND_TTL_MS: u64 = 600_000;
/// Rounds of one call: a handler that asks for ever is stopped.
pub const MAX_ROUNDS: u32 = 16;
/// Longest text of answers carried from round to round, in bytes: it travels through the client each time.
const MAX_CARRIED_BYTES: usize = 64 * 1024;

/// What is carried from round to round, sealed by the shell.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Carried {
    /// Answers of the rounds before, by key.
    answers: Map<String, Value>,
    /// How many rounds there were.
    rounds: u32,
    /// When it is good no more.
    expires: Millis,
}

/// One run of a call: what has been answered, what it asks now.
#[derive(Debug, Default)]
pub struct Round {
    carried: Carried,
    /// Answers of this round, not yet known to fit.
    fresh: Map<String, Value>,
    asked: Vec<(String, Question)>,
}

/// Why a `requestState` is refused; the same for every cause.
#[must_use]
pub fn bad_state() -> FeatureError {
    FeatureError::invalid_params("`requestState` is not valid for this request or has expired: call again without it")
}

impl Round {
    /// A run with the answers that came. `opened`: what was sealed in the client's `requestState`; `None` when it sent none.
    ///
    /// # Errors
    /// When the state is damaged, expired, or of a call that has gone on for too long.
    pub fn begin(answers: Answers, opened: Option<&[u8]>, now: Millis) -> Result<Self, FeatureError> {
        let carried = match opened {
            None => Carried::default(),
            Some(opened) => serde_json::from_slice::<Carried>(opened).map_err(|_| bad_state())?,
        };
        if opened.is_some() && now >= carried.expires {
            return Err(bad_state());
        }
        if carried.rounds >= MAX_ROUNDS {
            return Err(FeatureError::invalid_params(format!(
                "this call has gone on for {MAX_ROUNDS} rounds: call again from the start"
            )));
        }
        Ok(Self { carried, fresh: answers.responses, asked: Vec::new() })
    }

    /// The answer to a question, if there is one that fits. Otherwise the question is asked in this round.
    pub fn answer(&mut self, key: &str, question: &Question) -> Option<Value> {
        if let Some(answer) = self.carried.answers.get(key) {
            return Some(answer.clone());
        }
        match self.fresh.remove(key) {
            Some(answer) if question.is_answered_by(&answer) => {
                self.carried.answers.insert(key.to_owned(), answer.clone());
                Some(answer)
            }
            _ => {
                if !self.asked.iter().any(|(asked, _)| asked == key) {
                    self.asked.push((key.to_owned(), question.clone()));
                }
                None
            }
        }
    }

    /// What has been answered.
    #[must_use]
    pub const fn answers(&self) -> &Map<String, Value> {
        &self.carried.answers
    }

    /// Whether this run has asked something.
    #[must_use]
    pub fn has_asked(&self) -> bool {
        !self.asked.is_empty()
    }

    /// What must be sealed for the next round.
    ///
    /// # Errors
    /// When the answers have grown too large.
    pub fn carry(&mut self, now: Millis) -> Result<Vec<u8>, FeatureError> {
        self.carried.rounds += 1;
        self.carried.expires = now.plus(ROUND_TTL_MS);
        let text = serde_json::to_vec(&self.carried).expect("answers are JSON already");
        if text.len() > MAX_CARRIED_BYTES {
            return Err(FeatureError::invalid_params(format!("the answers of this call exceed {MAX_CARRIED_BYTES} bytes")));
        }
        Ok(text)
    }

    /// The result that asks; `state`: what [`Self::carry`] gave, sealed.
    #[must_use]
    pub fn input_required(&self, state: &str) -> FeatureResult {
        let body = json!({"inputRequests": questions(&self.asked), "requestState": state});
        FeatureResult::of_kind("input_required", body.to_string().into())
    }
}

/// Questions as `inputRequests`.
#[must_use]
pub fn questions(asked: &[(String, Question)]) -> Value {
    let entry = |(key, question): &(String, Question)| {
        (key.clone(), json!({"method": question.method(), "params": question.params(Revision::V2026_07_28)}))
    };
    Value::Object(asked.iter().map(entry).collect())
}

/// What a `requestState` is bound to beside its caller: the method, what it names, its arguments.
#[must_use]
pub fn binding(request: &FeatureRequest) -> Option<[Vec<u8>; 3]> {
    let (method, arguments): (&str, Option<&RawValue>) = match request {
        FeatureRequest::CallTool { arguments, .. } => ("tools/call", arguments.as_deref()),
        FeatureRequest::GetPrompt { arguments, .. } => ("prompts/get", arguments.as_deref()),
        FeatureRequest::ReadResource { .. } => ("resources/read", None),
        _ => return None,
    };
    // Members may come back in another order or with other blanks: what they say is what counts.
    let mut text = String::new();
    match arguments.map(|arguments| serde_json::from_str::<Value>(arguments.get())) {
        None => text.push_str("{}"),
        Some(Ok(arguments)) => canonical(&arguments, &mut text),
        // Numbers and depths that `Value` does not hold: only the same text again says the same.
        Some(Err(_)) => text.push_str(arguments.map_or("", RawValue::get)),
    }
    Some([method.into(), request.name().unwrap_or_default().into(), text.into_bytes()])
}

/// JSON with the members of objects in order.
fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            text.push('{');
            for (at, (name, value)) in sorted.into_iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                canonical(value, text);
            }
            text.push('}');
        }
        Value::Array(elements) => {
            text.push('[');
            for (at, value) in elements.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                canonical(value, text);
            }
            text.push(']');
        }
        other => text.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_000);

    fn answers(responses: Value) -> Answers {
        Answers { responses: responses.as_object().unwrap().clone(), state: None }
    }

    fn next(state: Option<&[u8]>, responses: Value) -> Round {
        Round::begin(answers(responses), state, NOW).unwrap()
    }

    fn roots() -> Value {
        json!({"roots": []})
    }

    #[test]
    fn answers_of_every_round_are_kept_and_only_the_rest_is_asked() {
        let mut first = next(None, json!({}));
        assert_eq!(first.answer("a", &Question::Roots), None);
        let state = first.carry(NOW).unwrap();
        let mut second = next(Some(&state), json!({"a": roots(), "unknown": 7}));
        assert!(second.answer("a", &Question::Roots).is_some());
        assert_eq!(second.answer("b", &Question::Roots), None);
        let asked = second.input_required("s");
        assert_eq!(asked.body(), r#"{"inputRequests":{"b":{"method":"roots/list","params":{}}},"requestState":"s"}"#);
        let state = second.carry(NOW).unwrap();
        let mut third = next(Some(&state), json!({"b": roots()}));
        assert!(third.answer("a", &Question::Roots).is_some() && third.answer("b", &Question::Roots).is_some());
        assert!(!third.has_asked());
    }

    #[test]
    fn what_does_not_fit_is_asked_again() {
        for wrong in [json!(12345), Value::Null, json!({"roots": 7})] {
            let mut round = next(None, json!({ "a": wrong }));
            assert_eq!(round.answer("a", &Question::Roots), None);
            assert!(round.has_asked());
        }
    }

    #[test]
    fn damaged_expired_and_endless_states_are_refused() {
        let state = next(None, json!({})).carry(NOW).unwrap();
        assert!(Round::begin(Answers::default(), Some(b"{"), NOW).is_err());
        assert!(Round::begin(Answers::default(), Some(&state), NOW.plus(ROUND_TTL_MS)).is_err());
        let mut state = state;
        for _ in 1..MAX_ROUNDS {
            state = next(Some(&state), json!({})).carry(NOW).unwrap();
        }
        assert!(Round::begin(Answers::default(), Some(&state), NOW).is_err());
    }

    #[test]
    fn a_state_is_bound_to_what_the_arguments_say_and_not_to_how_they_are_written() {
        let call = |arguments: &str| FeatureRequest::CallTool {
            name: "t".into(),
            arguments: Some(RawValue::from_string(arguments.to_owned()).unwrap()),
        };
        let bound = |arguments| binding(&call(arguments)).unwrap();
        assert_eq!(bound(r#"{"a":1,"b":[true,{"d":"x","c":2}]}"#), bound(r#"{ "b": [true, {"c":2,"d":"x"}], "a": 1 }"#));
        assert_ne!(bound(r#"{"a":1}"#), bound(r#"{"a":2}"#));
        let (too_large, deep) = (r#"{"a":1e999}"#, format!(r#"{{"a":{}{}}}"#, "[".repeat(200), "]".repeat(200)));
        for unreadable in [too_large, &deep] {
            assert_eq!(bound(unreadable), bound(unreadable));
            assert_ne!(bound(unreadable), bound("{}"), "what cannot be read is not nothing");
        }
        assert_eq!(bound("{}"), binding(&FeatureRequest::CallTool { name: "t".into(), arguments: None }).unwrap());
        assert!(binding(&FeatureRequest::ListTools { cursor: None }).is_none());
    }
}
