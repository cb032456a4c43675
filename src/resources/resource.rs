//! One resource, or a template of many.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::{self, LocalBoxStream};
use serde_json::{Value, json};
use tickgate_actors::call::CallLink;
use tickgate_core::access::{Caller, Scope};
use tickgate_core::mcp::{FeatureResult, Outcome};

use super::uri::Variables;
use crate::completion::Source;
use crate::tools::ToolContext;

/// A read of a resource.
pub struct ReadCall {
    /// What there is to work with.
    pub context: Rc<ToolContext>,
    /// Which.
    pub uri: String,
    /// What stands in the template's variables.
    pub variables: Variables,
    /// Who reads.
    pub caller: Caller,
    /// The line to the client.
    pub link: CallLink,
}

/// Reads a resource.
pub type Read = Arc<dyn Fn(ReadCall) -> LocalBoxFuture<'static, Outcome> + Send + Sync>;

/// Ticks when a resource has changed, at most once a second; `None` when there is no such one.
pub type Watch = Arc<dyn Fn(&Rc<ToolContext>, &Variables, &Caller) -> Option<LocalBoxStream<'static, ()>> + Send + Sync>;

/// A resource; a template when its URI has variables.
#[derive(Clone)]
pub struct Resource {
    /// Its URI, with `{name}` for a variable segment.
    pub uri: String,
    /// Unique, for programs.
    pub name: String,
    /// For people.
    pub title: String,
    /// For models.
    pub description: String,
    /// What it is.
    pub mime_type: &'static str,
    /// What its variables may be, by name.
    pub variables: Vec<(&'static str, Source)>,
    /// The least scope that may read it.
    pub scope: Scope,
    /// Reads it.
    pub read: Read,
    /// Watches it.
    pub watch: Watch,
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.uri)
    }
}

impl Resource {
    fn is_template(&self) -> bool {
        self.uri.contains('{')
    }

    fn described(&self, member: &str) -> Value {
        json!({
            member: self.uri,
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "mimeType": self.mime_type,
        })
    }

    /// Its entry in `resources/list`; none for a template.
    #[must_use]
    pub fn descriptor(&self) -> Option<Value> {
        (!self.is_template()).then(|| self.described("uri"))
    }

    /// Its entry in `resources/templates/list`; none for a single one.
    #[must_use]
    pub fn template(&self) -> Option<Value> {
        self.is_template().then(|| self.described("uriTemplate"))
    }

    /// What a variable may be.
    #[must_use]
    pub fn source(&self, variable: &str) -> Option<&Source> {
        self.variables.iter().find(|(name, _)| *name == variable).map(|(_, source)| source)
    }
}

/// The result of reading one text.
#[must_use]
pub fn contents(uri: &str, mime_type: &str, text: &str) -> FeatureResult {
    let contents = json!({"contents": [{"uri": uri, "mimeType": mime_type, "text": text}]});
    FeatureResult::new(contents.to_string().into())
}

/// A watch of something that never changes.
#[must_use]
pub fn nothing_changes() -> Watch {
    Arc::new(|_, _, _| Some(stream::pending().boxed_local()))
}
