//! What a client says it can do: told once by `initialize`, or with each stateless request.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::revision::Revision;

/// The identifier of the tasks extension (SEP-2663).
pub const TASKS_EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// The capabilities of a client that matter to us; members we do not know are allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientCapabilities {
    /// Its model can be asked.
    pub sampling: bool,
    /// Its model can be given tools.
    pub sampling_tools: bool,
    /// Its user can be asked to fill in a form.
    pub forms: bool,
    /// Its user can be asked to open a URL.
    pub urls: bool,
    /// It has roots.
    pub roots: bool,
    /// It understands tasks; told per request, in the stateless revision only.
    pub tasks: bool,
}

impl ClientCapabilities {
    /// Reads what a client of a revision told. `None` when it has not the documented form: an object of objects.
    #[must_use]
    pub fn read(told: &RawValue, revision: Revision) -> Option<Self> {
        let told: Map<String, Value> = serde_json::from_str(told.get()).ok()?;
        let sampling = object(&told, "sampling")?;
        let elicitation = object(&told, "elicitation")?.filter(|_| revision.has_elicitation());
        let roots = object(&told, "roots")?;
        let extensions = object(&told, "extensions")?;
        let has = |modes: &Map<String, Value>, mode: &str| modes.get(mode).is_some_and(|told| !told.is_null());
        // An empty `elicitation` means forms only (2025-11-25).
        let (forms, urls) =
            elicitation.map_or((false, false), |modes| (has(modes, "form") || !has(modes, "url"), has(modes, "url")));
        Some(Self {
            sampling: sampling.is_some(),
            sampling_tools: revision >= Revision::V2025_11_25 && sampling.is_some_and(|modes| has(modes, "tools")),
            forms,
            urls: urls && revision.has_url_elicitation(),
            roots: roots.is_some(),
            tasks: revision.is_stateless() && extensions.is_some_and(|told| has(told, TASKS_EXTENSION)),
        })
    }
}

/// A member that is an object; absent and null mean that there is none, anything else is wrong.
#[expect(clippy::option_option, reason = "wrong is told apart from absent")]
fn object<'a>(told: &'a Map<String, Value>, name: &str) -> Option<Option<&'a Map<String, Value>>> {
    match told.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(Value::Object(members)) => Some(Some(members)),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(told: &str, revision: Revision) -> Option<ClientCapabilities> {
        ClientCapabilities::read(&RawValue::from_string(told.to_owned()).unwrap(), revision)
    }

    #[test]
    fn an_empty_elicitation_means_forms_and_older_revisions_have_none() {
        let (new, newest) = (Revision::V2025_11_25, Revision::V2026_07_28);
        let forms = ClientCapabilities { forms: true, ..ClientCapabilities::default() };
        assert_eq!(read(r#"{"elicitation":{}}"#, new), Some(forms));
        assert_eq!(read(r#"{"elicitation":{"form":{}}}"#, newest), Some(forms));
        assert_eq!(read(r#"{"elicitation":{"url":{}}}"#, new).map(|told| (told.forms, told.urls)), Some((false, true)));
        assert_eq!(read(r#"{"elicitation":{"form":{},"url":{}}}"#, Revision::V2025_06_18).map(|told| told.urls), Some(false));
        assert_eq!(read(r#"{"elicitation":{}}"#, Revision::V2025_03_26), Some(ClientCapabilities::default()));
    }

    #[test]
    fn unknown_members_are_allowed_and_other_forms_are_not() {
        let told = r#"{"sampling":{"tools":{}},"roots":{"listChanged":true},"x":1,"extensions":{"io.modelcontextprotocol/tasks":{},"y":{}}}"#;
        let all = read(told, Revision::V2026_07_28).unwrap();
        assert!(all.sampling && all.sampling_tools && all.roots && all.tasks && !all.forms);
        assert!(!read(told, Revision::V2025_11_25).unwrap().tasks);
        for told in ["[]", "1", "null", r#"{"sampling":7}"#, r#"{"elicitation":[1]}"#] {
            assert_eq!(read(told, Revision::V2026_07_28), None, "{told}");
        }
    }
}
