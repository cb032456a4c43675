//! A scripted catalogue: its tools are closures, its resources change when a test says so, and a diary tells what was dropped.
//! With it a seal that really binds, and requests as clients write them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};

use futures_util::StreamExt as _;
use futures_util::future::ready;
use futures_util::stream::LocalBoxStream;
use serde_json::{Value, json};
use tickgate_core::access::{Caller, Principal, Scope};
use tickgate_core::mcp::{
    Era, FeatureError, FeatureRequest, FeatureResult, Outcome, Refusal, ServerInfo, StatelessRequest, admit, classify,
};
use tickgate_core::ports::{Seal, Sealed};
use tickgate_core::rpc::{Body, ClientMessage};
use tickgate_core::session::Notice;
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

use crate::call::{CallLink, Catalog, Started};

/// What became of the calls, in order.
pub(crate) type Diary = Rc<RefCell<Vec<String>>>;

/// Writes into the diary when it is dropped.
pub(crate) struct Dropped(String, Diary);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.1.borrow_mut().push(format!("{} dropped", self.0));
    }
}

type Tool = Rc<dyn Fn(CallLink) -> Started>;

struct Offers {
    tools: RefCell<HashMap<String, Tool>>,
    diary: Diary,
    changes: broadcast::Sender<Notice>,
    server: ServerInfo,
}

/// The catalogue. Clones are the same.
#[derive(Clone)]
pub(crate) struct Scripted(Rc<Offers>);

impl Scripted {
    pub(crate) fn new() -> Self {
        let server = server_info();
        Self(Rc::new(Offers { tools: RefCell::default(), diary: Diary::default(), changes: broadcast::channel(256).0, server }))
    }

    /// Offers a tool that does this.
    pub(crate) fn tool<F: Future<Output = Outcome> + 'static>(&self, name: &str, handler: impl Fn(CallLink) -> F + 'static) {
        let tool: Tool = Rc::new(move |call| Started::Running(Box::pin(handler(call))));
        self.0.tools.borrow_mut().insert(name.to_owned(), tool);
    }

    /// Offers a tool that is done at once.
    pub(crate) fn done(&self, name: &str, outcome: impl Fn() -> Outcome + 'static) {
        let tool: Tool = Rc::new(move |_| Started::Done(outcome()));
        self.0.tools.borrow_mut().insert(name.to_owned(), tool);
    }

    /// Something changes.
    pub(crate) fn changes(&self, notice: Notice) {
        let _ = self.0.changes.send(notice);
    }

    pub(crate) fn updates(&self, uri: &str) {
        self.changes(Notice::ResourceUpdated(uri.into()));
    }

    /// How many listen to lists or watch resources.
    pub(crate) fn listeners(&self) -> usize {
        self.0.changes.receiver_count()
    }

    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.diary.borrow_mut().push(what.into());
    }

    /// Tells the diary when it is dropped.
    pub(crate) fn guard(&self, name: impl Into<String>) -> Dropped {
        Dropped(name.into(), Rc::clone(&self.0.diary))
    }

    /// What the diary says since it was last read.
    pub(crate) fn diary(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.diary.borrow_mut())
    }
}

impl Catalog for Scripted {
    fn server(&self) -> &ServerInfo {
        &self.0.server
    }

    fn start(&self, request: FeatureRequest, _: &Caller, call: CallLink) -> Started {
        let (FeatureRequest::CallTool { name, .. } | FeatureRequest::GetPrompt { name, .. }) = request else {
            return Started::Done(result());
        };
        let tool = self.0.tools.borrow().get(&*name).cloned();
        tool.map_or_else(|| Started::Done(Err(FeatureError::invalid_params("Unknown tool"))), |tool| tool(call))
    }

    /// There is every resource but `x:missing`, and `x:private` for Ada alone.
    fn watch_resource(&self, uri: &str, caller: &Caller) -> Result<LocalBoxStream<'static, ()>, FeatureError> {
        if uri == "x:missing" || (uri == "x:private" && caller.principal != principal("ada")) {
            return Err(FeatureError::ResourceNotFound { uri: uri.into() });
        }
        let (watched, guard) = (Notice::ResourceUpdated(uri.into()), self.guard(uri));
        let changes = BroadcastStream::new(self.0.changes.subscribe()).filter_map(move |notice| {
            let _watching = &guard;
            ready(notice.is_ok_and(|notice| notice == watched).then_some(()))
        });
        Ok(changes.boxed_local())
    }

    fn list_changes(&self) -> LocalBoxStream<'static, Notice> {
        BroadcastStream::new(self.0.changes.subscribe()).filter_map(|notice| ready(notice.ok())).boxed_local()
    }
}

pub(crate) fn server_info() -> ServerInfo {
    ServerInfo {
        name: "tickgate",
        version: "1",
        instructions: String::new(),
        streaming: true,
        website: String::new(),
        icons: Vec::new(),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is what a handler gives")]
pub(crate) fn result() -> Outcome {
    Ok(FeatureResult::empty())
}

/// A result that says this.
#[expect(clippy::unnecessary_wraps, reason = "it is what a handler gives")]
pub(crate) fn says(value: impl Into<Value>) -> Outcome {
    Ok(FeatureResult::new(json!({"says": value.into()}).to_string().into()))
}

pub(crate) fn principal(name: &str) -> Principal {
    Principal::new("user", name)
}

pub(crate) fn caller(name: &str) -> Caller {
    Caller::trusted(principal(name), Scope::Read)
}

/// Hands out numbers for what it keeps: it opens only what it gave, for what and where it was given.
#[derive(Default)]
pub(crate) struct PlainSeal(Mutex<Vec<Kept>>);

/// For what, where, and the text.
type Kept = (Sealed, Vec<Vec<u8>>, Vec<u8>);

impl Seal for PlainSeal {
    fn seal(&self, what: Sealed, context: &[&[u8]], plain: &[u8]) -> String {
        let mut sealed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sealed.push((what, context.iter().map(|part| part.to_vec()).collect(), plain.to_vec()));
        format!("sealed {}", sealed.len() - 1)
    }

    fn open(&self, what: Sealed, context: &[&[u8]], text: &str) -> Option<Vec<u8>> {
        let sealed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (purpose, bound, plain) = sealed.get(text.strip_prefix("sealed ")?.parse::<usize>().ok()?)?;
        (*purpose == what && bound.iter().map(Vec::as_slice).eq(context.iter().copied())).then(|| plain.clone())
    }
}

/// A stateless request, as its client writes it.
#[derive(Clone)]
pub(crate) struct Ask {
    id: Value,
    method: &'static str,
    params: Value,
}

impl Ask {
    pub(crate) fn new(method: &'static str, params: Value) -> Self {
        let mut params = params;
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        Self { id: json!(1), method, params }
    }

    pub(crate) fn call(tool: &str) -> Self {
        Self::new("tools/call", json!({"name": tool}))
    }

    pub(crate) fn id(mut self, id: impl Into<Value>) -> Self {
        self.id = id.into();
        self
    }

    /// With another parameter.
    pub(crate) fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.params[member] = value.into();
        self
    }

    /// From a client that can do this.
    pub(crate) fn able(mut self, capabilities: Value) -> Self {
        self.params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = capabilities;
        self
    }

    /// From a client that understands tasks and forms.
    pub(crate) fn able_to_task(self) -> Self {
        self.able(json!({"extensions": {"io.modelcontextprotocol/tasks": {}}, "elicitation": {}, "roots": {}}))
    }

    pub(crate) fn logging(mut self, level: &str) -> Self {
        self.params["_meta"]["io.modelcontextprotocol/logLevel"] = level.into();
        self
    }

    pub(crate) fn token(mut self, token: impl Into<Value>) -> Self {
        self.params["_meta"]["progressToken"] = token.into();
        self
    }

    /// Read and admitted as it would be at the edge.
    pub(crate) fn admit(&self) -> Result<StatelessRequest, Refusal> {
        let message = json!({"jsonrpc": "2.0", "id": self.id, "method": self.method, "params": self.params}).to_string();
        match classify(None, Body::parse(message.as_bytes()).unwrap(), false) {
            Era::Modern(ClientMessage::Request { id, method, params }, envelope) => {
                admit(id, &method, params.as_deref(), *envelope, None)
            }
            era => panic!("{era:?}"),
        }
    }
}
