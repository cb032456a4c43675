//! What a client can ask of the gateway, the same in both eras.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::revision::Revision;
use crate::rpc::{ErrorCode, RpcError, excerpt};

/// Longest URI, name or cursor accepted, in bytes.
const MAX_NAME_BYTES: usize = 2_048;

/// A request for a feature.
#[derive(Debug)]
pub enum FeatureRequest {
    /// `tools/list`.
    ListTools {
        /// Which page.
        cursor: Option<Box<str>>,
    },
    /// `tools/call`.
    CallTool {
        /// Which tool.
        name: Box<str>,
        /// Its arguments, not looked at yet.
        arguments: Option<Box<RawValue>>,
    },
    /// `resources/list`.
    ListResources {
        /// Which page.
        cursor: Option<Box<str>>,
    },
    /// `resources/templates/list`.
    ListResourceTemplates {
        /// Which page.
        cursor: Option<Box<str>>,
    },
    /// `resources/read`.
    ReadResource {
        /// Which.
        uri: Box<str>,
    },
    /// `prompts/list`.
    ListPrompts {
        /// Which page.
        cursor: Option<Box<str>>,
    },
    /// `prompts/get`.
    GetPrompt {
        /// Which.
        name: Box<str>,
        /// Its arguments, not looked at yet.
        arguments: Option<Box<RawValue>>,
    },
    /// `completion/complete`.
    Complete(Completion),
    /// `tasks/get`.
    GetTask {
        /// Which.
        id: Box<str>,
    },
    /// `tasks/update`.
    UpdateTask {
        /// Which.
        id: Box<str>,
        /// What its client answers.
        responses: Map<String, Value>,
    },
    /// `tasks/cancel`.
    CancelTask {
        /// Which.
        id: Box<str>,
    },
}

/// What is to be completed.
#[derive(Debug, PartialEq, Eq)]
pub struct Completion {
    /// Of what.
    pub reference: CompletionReference,
    /// The argument's name.
    pub argument: Box<str>,
    /// What has been typed.
    pub value: Box<str>,
}

/// Whose argument is completed.
#[derive(Debug, PartialEq, Eq)]
pub enum CompletionReference {
    /// A prompt of this name.
    Prompt(Box<str>),
    /// A resource template of this URI.
    Resource(Box<str>),
}

#[derive(Deserialize)]
struct ListParams {
    #[serde(default)]
    cursor: Option<Box<str>>,
}

#[derive(Deserialize)]
struct NamedParams {
    name: Box<str>,
    #[serde(default)]
    arguments: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct UriParams {
    uri: Box<str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TaskParams {
    task_id: Box<str>,
    #[serde(default)]
    input_responses: Map<String, Value>,
}

#[derive(Deserialize)]
struct CompleteParams {
    #[serde(rename = "ref")]
    reference: Reference,
    argument: Argument,
}

#[derive(Deserialize)]
struct Argument {
    name: Box<str>,
    value: Box<str>,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Reference {
    #[serde(rename = "ref/prompt")]
    Prompt { name: Box<str> },
    #[serde(rename = "ref/resource")]
    Resource { uri: Box<str> },
}

impl FeatureRequest {
    /// The methods of all features; those of tasks are known to the stateless revision only.
    pub const METHODS: [&str; 11] = [
        "tools/list",
        "tools/call",
        "resources/list",
        "resources/templates/list",
        "resources/read",
        "prompts/list",
        "prompts/get",
        "completion/complete",
        "tasks/get",
        "tasks/update",
        "tasks/cancel",
    ];

    /// Reads a request; `None` for a method that is none of a feature in this revision.
    ///
    /// # Errors
    /// When the parameters are not those of the method.
    pub fn read(method: &str, params: Option<&RawValue>, revision: Revision) -> Result<Option<Self>, RpcError> {
        let cursor = || parse::<ListParams>(method, params).map(|list| list.cursor);
        let tasks = revision.is_stateless();
        let request = match method {
            "tools/list" => Self::ListTools { cursor: cursor()? },
            "tools/call" => {
                let NamedParams { name, arguments } = parse(method, params)?;
                Self::CallTool { name, arguments }
            }
            "resources/list" => Self::ListResources { cursor: cursor()? },
            "resources/templates/list" => Self::ListResourceTemplates { cursor: cursor()? },
            "resources/read" => Self::ReadResource { uri: parse::<UriParams>(method, params)?.uri },
            "prompts/list" => Self::ListPrompts { cursor: cursor()? },
            "prompts/get" => {
                let NamedParams { name, arguments } = parse(method, params)?;
                Self::GetPrompt { name, arguments }
            }
            "completion/complete" => {
                let CompleteParams { reference, argument } = parse(method, params)?;
                let reference = match reference {
                    Reference::Prompt { name } => CompletionReference::Prompt(name),
                    Reference::Resource { uri } => CompletionReference::Resource(uri),
                };
                Self::Complete(Completion { reference, argument: argument.name, value: argument.value })
            }
            "tasks/get" if tasks => Self::GetTask { id: parse::<TaskParams>(method, params)?.task_id },
            "tasks/update" if tasks => {
                let TaskParams { task_id, input_responses } = parse(method, params)?;
                Self::UpdateTask { id: task_id, responses: input_responses }
            }
            "tasks/cancel" if tasks => Self::CancelTask { id: parse::<TaskParams>(method, params)?.task_id },
            _ => return Ok(None),
        };
        if request.name().or_else(|| request.place()).is_some_and(|name| name.len() > MAX_NAME_BYTES) {
            let message = format!("{method}: a name, URI or cursor has at most {MAX_NAME_BYTES} bytes");
            return Err(RpcError::new(ErrorCode::INVALID_PARAMS, message));
        }
        Ok(Some(request))
    }

    /// What the request is about, as the header `Mcp-Name` repeats it.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::CallTool { name, .. } | Self::GetPrompt { name, .. } => Some(name),
            Self::ReadResource { uri } => Some(uri),
            Self::GetTask { id } | Self::UpdateTask { id, .. } | Self::CancelTask { id } => Some(id),
            _ => None,
        }
    }

    /// Which page, or whose argument: what has no header that repeats it.
    fn place(&self) -> Option<&str> {
        match self {
            Self::ListTools { cursor }
            | Self::ListResources { cursor }
            | Self::ListResourceTemplates { cursor }
            | Self::ListPrompts { cursor } => cursor.as_deref(),
            Self::Complete(Completion { reference: CompletionReference::Prompt(name), .. }) => Some(name),
            Self::Complete(Completion { reference: CompletionReference::Resource(uri), .. }) => Some(uri),
            _ => None,
        }
    }

    /// Whether the answer may be a question to the client (2026-07-28, multi round-trip requests).
    #[must_use]
    pub const fn may_ask(&self) -> bool {
        matches!(self, Self::CallTool { .. } | Self::GetPrompt { .. } | Self::ReadResource { .. })
    }
}

/// Reads the parameters of a method; absent ones count as `{}`.
pub(crate) fn parse<T: DeserializeOwned>(method: &str, params: Option<&RawValue>) -> Result<T, RpcError> {
    let params = params.map_or("{}", RawValue::get);
    // A list would be read as members in order.
    if !params.starts_with('{') {
        return Err(RpcError::new(ErrorCode::INVALID_PARAMS, format!("{method}: `params` must be an object")));
    }
    serde_json::from_str(params).map_err(|error| {
        let problem = excerpt(&error.to_string());
        RpcError::new(ErrorCode::INVALID_PARAMS, format!("{method}: {problem}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_by_method_and_tasks_belong_to_the_stateless_revision() {
        let read = |method, params: &str, revision| {
            FeatureRequest::read(method, Some(&RawValue::from_string(params.to_owned()).unwrap()), revision)
        };
        let (old, new) = (Revision::V2025_11_25, Revision::V2026_07_28);
        assert_eq!(read("tools/call", r#"{"name":"x","arguments":{}}"#, old).unwrap().unwrap().name(), Some("x"));
        assert_eq!(read("resources/read", r#"{"uri":"a:b"}"#, old).unwrap().unwrap().name(), Some("a:b"));
        assert!(read("tasks/get", r#"{"taskId":"t"}"#, old).unwrap().is_none());
        assert_eq!(read("tasks/get", r#"{"taskId":"t"}"#, new).unwrap().unwrap().name(), Some("t"));
        let complete = r#"{"ref":{"type":"ref/prompt","name":"p","title":"P"},"argument":{"name":"a","value":"v"},"context":{"arguments":{}}}"#;
        assert!(read("completion/complete", complete, new).unwrap().is_some());
        assert!(read("nosuch", "{}", new).unwrap().is_none());
        for (method, params) in [
            ("tools/call", "{}"),
            ("tools/call", "[]"),
            ("tools/list", r#"{"cursor":7}"#),
            ("resources/read", r#"{"uri":null}"#),
            ("prompts/get", r#"{"name":7}"#),
            ("completion/complete", r#"{"ref":{"type":"ref/x"},"argument":{"name":"a","value":"v"}}"#),
            ("tasks/update", r#"{"taskId":"t","inputResponses":[]}"#),
        ] {
            assert_eq!(read(method, params, new).unwrap_err().code, ErrorCode::INVALID_PARAMS, "{method} {params}");
        }
    }

    #[test]
    fn every_method_of_the_list_is_read_and_takes_no_endless_name_uri_or_cursor() {
        let long = "a".repeat(MAX_NAME_BYTES + 1);
        for method in FeatureRequest::METHODS {
            let read = |text: &str| {
                let params = serde_json::json!({
                    "name": text, "uri": text, "cursor": text, "taskId": text,
                    "ref": {"type": "ref/prompt", "name": text}, "argument": {"name": "a", "value": ""},
                });
                FeatureRequest::read(method, Some(&serde_json::value::to_raw_value(&params).unwrap()), Revision::V2026_07_28)
            };
            assert!(matches!(read(&long[1..]), Ok(Some(_))), "{method}");
            assert_eq!(read(&long).unwrap_err().code, ErrorCode::INVALID_PARAMS, "{method}");
        }
    }
}
