//! `rmcp` behind a few words: results are wire JSON, and what the server asks is answered as a model and a user would.

use std::fmt::Debug;
use std::panic::Location;
use std::process::exit;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig, ClientRequest,
    CompleteRequestParams, CreateMessageRequestParams, CreateMessageResult, ElicitRequestParams, ElicitResult, ElicitationAction,
    ErrorData, GetPromptRequestParams, Implementation, ListRootsResult, LoggingLevel, LoggingMessageNotificationParam,
    ProgressNotificationParam, ProtocolVersion, ReadResourceRequestParams, RequestMetaObject, ResourceUpdatedNotificationParam,
    Root, SamplingMessage, SamplingMessageContentBlock, ServerNotification, SubscribeRequestParams, SubscriptionFilter,
    TASKS_EXTENSION_ID, UnsubscribeRequestParams,
};
use rmcp::service::{
    NotificationContext, PeerRequestOptions, RequestContext, RequestHandle, RoleClient, RunningService, Subscription,
};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientHandler, ClientLifecycleMode, ClientServiceExt, ServiceError};
use serde_json::{Map, Value, json};

pub(crate) const ROOT: &str = "file:///srv/portfolio";

/// How the client begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `server/discover` first, `initialize` if that is refused.
    Auto,
    /// The same, and long calls may become tasks.
    AutoWithTasks,
    /// `initialize`.
    Legacy,
}

/// What the server told unasked.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) progress: Vec<ProgressNotificationParam>,
    pub(crate) logs: Vec<Value>,
    pub(crate) updates: Vec<String>,
    pub(crate) tools_changed: usize,
    pub(crate) prompts_changed: usize,
}

pub(crate) struct Person {
    mode: Mode,
    heard: Arc<Mutex<Heard>>,
}

pub(crate) struct Client {
    pub(crate) service: RunningService<RoleClient, Person>,
    pub(crate) stateful: bool,
    heard: Arc<Mutex<Heard>>,
}

/// Ends the program at once when something does not hold.
#[track_caller]
pub(crate) fn expect(holds: bool, expected: &str, found: impl Debug) {
    if !holds {
        println!("FAILED {}\nexpected: {expected}\nfound:    {found:?}", Location::caller());
        exit(1);
    }
}

/// What a call of the library must give.
#[track_caller]
pub(crate) fn given<T, E: Debug>(result: Result<T, E>, expected: &str) -> T {
    match result {
        Ok(given) => given,
        Err(error) => {
            expect(false, expected, error);
            unreachable!("the program has ended");
        }
    }
}

/// The JSON-RPC code of an error.
pub(crate) fn code_of<T>(result: Result<T, ServiceError>) -> Option<i32> {
    match result {
        Err(ServiceError::McpError(error)) => Some(error.code.0),
        _ => None,
    }
}

impl Client {
    pub(crate) async fn connect(url: &str, key: Option<&str>, mode: Mode) -> Self {
        let mut config = StreamableHttpClientTransportConfig::with_uri(url);
        if let Some(key) = key {
            config = config.auth_header(key);
        }
        let heard = Arc::new(Mutex::new(Heard::default()));
        let lifecycle = match mode {
            Mode::Legacy => ClientLifecycleMode::Initialize,
            Mode::Auto | Mode::AutoWithTasks => {
                ClientLifecycleMode::Auto { preferred_versions: vec![ProtocolVersion::V_2026_07_28], legacy_version: None }
            }
        };
        let person = Person { mode, heard: Arc::clone(&heard) };
        let service = person.serve_with_lifecycle(StreamableHttpClientTransport::from_config(config), lifecycle).await;
        Self { service: given(service, "a connection"), stateful: mode == Mode::Legacy, heard }
    }

    pub(crate) fn revision(&self) -> String {
        self.service.peer_info().map(|info| info.protocol_version.to_string()).unwrap_or_default()
    }

    pub(crate) async fn close(self) {
        given(self.service.cancel().await, "a closed connection");
    }

    /// Looks at what was heard.
    pub(crate) fn heard<T>(&self, look: impl FnOnce(&Heard) -> T) -> T {
        look(&self.heard.lock().expect("no holder panics"))
    }

    pub(crate) async fn until(&self, expected: &str, holds: impl Fn(&Heard) -> bool) {
        let end = Instant::now() + Duration::from_secs(10);
        while !self.heard(&holds) {
            expect(Instant::now() < end, expected, self.heard(|heard| format!("{heard:?}")));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn call(&self, name: &'static str, arguments: Value) -> CallToolResult {
        given(self.service.call_tool(self.params(name, arguments)).await, name)
    }

    pub(crate) async fn call_for_text(&self, name: &'static str, arguments: Value) -> String {
        let result = self.call(name, arguments).await;
        expect(result.is_error != Some(true), "a good result", &result);
        text_of(&result)
    }

    pub(crate) fn params(&self, name: &'static str, arguments: Value) -> CallToolRequestParams {
        let mut params = CallToolRequestParams::new(name).with_arguments(object(arguments));
        if !self.stateful {
            // A stateless server logs only to requests that ask for it.
            let mut meta = RequestMetaObject::default();
            meta.set_log_level(LoggingLevel::Info);
            params.meta = Some(meta);
        }
        params
    }

    /// Begins a call that can be cancelled.
    pub(crate) async fn begin(&self, name: &'static str, arguments: Value) -> RequestHandle<RoleClient> {
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(self.params(name, arguments)));
        given(self.service.send_cancellable_request(request, PeerRequestOptions::no_options()).await, name)
    }

    pub(crate) async fn read(&self, uri: &str) -> Result<Value, ServiceError> {
        let result = self.service.read_resource(ReadResourceRequestParams::new(uri)).await?;
        Ok(json!(result)["contents"][0].clone())
    }

    pub(crate) async fn prompt(&self, name: &str, arguments: Value) -> Value {
        let params = GetPromptRequestParams::new(name).with_arguments(object(arguments));
        json!(given(self.service.get_prompt(params).await, name))["messages"][0]["content"].clone()
    }

    pub(crate) async fn complete(&self, reference: Value, argument: &str, value: &str) -> Vec<String> {
        let params: CompleteRequestParams =
            serde_json::from_value(json!({"ref": reference, "argument": {"name": argument, "value": value}})).expect("params");
        given(self.service.complete(params).await, "a completion").completion.values
    }

    /// While what it gives is held, changes of the resource and of the lists are heard.
    pub(crate) async fn watch(&self, uri: &str) -> Watching<'_> {
        if self.stateful {
            given(self.service.subscribe(SubscribeRequestParams::new(uri)).await, "a subscription");
            return Watching { client: self, uri: uri.to_owned(), listening: None };
        }
        let filter = SubscriptionFilter::builder().tools_list_changed().prompts_list_changed().resource_subscription(uri).build();
        let subscription = given(self.service.listen(filter).await, "a listen stream");
        let honored = subscription.acknowledged().resource_subscriptions.clone();
        expect(honored == Some(vec![uri.to_owned()]), "the resource among what is honored", honored);
        let listening = tokio::spawn(listen(subscription, Arc::clone(&self.heard)));
        Watching { client: self, uri: uri.to_owned(), listening: Some(listening) }
    }
}

pub(crate) struct Watching<'a> {
    client: &'a Client,
    uri: String,
    listening: Option<tokio::task::JoinHandle<()>>,
}

impl Watching<'_> {
    pub(crate) async fn stop(self) {
        match self.listening {
            Some(listening) => listening.abort(),
            None => {
                given(
                    self.client.service.unsubscribe(UnsubscribeRequestParams::new(self.uri)).await,
                    "an end of the subscription",
                );
            }
        }
    }
}

async fn listen(mut subscription: Subscription, heard: Arc<Mutex<Heard>>) {
    while let Some(notification) = given(subscription.next().await, "an open listen stream") {
        let mut heard = heard.lock().expect("no holder panics");
        match notification {
            ServerNotification::ResourceUpdatedNotification(updated) => heard.updates.push(updated.params.uri),
            ServerNotification::ToolListChangedNotification(_) => heard.tools_changed += 1,
            ServerNotification::PromptListChangedNotification(_) => heard.prompts_changed += 1,
            other => expect(false, "what was asked for", other),
        }
    }
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

pub(crate) fn text_of(result: &CallToolResult) -> String {
    let text = result.content.iter().find_map(|block| block.as_text());
    expect(text.is_some(), "text content", result);
    text.map(|text| text.text.clone()).unwrap_or_default()
}

impl ClientHandler for Person {
    fn get_info(&self) -> ClientConfig {
        let mut capabilities = json!({"sampling": {}, "elicitation": {"form": {}}, "roots": {}});
        if self.mode == Mode::AutoWithTasks {
            capabilities["extensions"] = json!({TASKS_EXTENSION_ID: {}});
        }
        let capabilities: ClientCapabilities = serde_json::from_value(capabilities).expect("sound capabilities");
        ClientConfig::new(capabilities, Implementation::new("rmcp_client", "1.0.0"))
    }

    async fn create_message(
        &self,
        params: CreateMessageRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        let asked = json!(params.messages[0].content);
        let text = asked["text"].as_str().or_else(|| asked[0]["text"].as_str()).unwrap_or_default();
        let said =
            SamplingMessage::new(rmcp::model::Role::Assistant, SamplingMessageContentBlock::text(format!("sampled: {text}")));
        Ok(CreateMessageResult::new(said, "none".to_owned()))
    }

    async fn list_roots(&self, _: RequestContext<RoleClient>) -> Result<ListRootsResult, ErrorData> {
        Ok(ListRootsResult::new(vec![Root::new(ROOT).with_name("portfolio")]))
    }

    async fn create_elicitation(
        &self,
        params: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let form = json!(params);
        let message = form["message"].as_str().unwrap_or_default();
        if message.contains("decline") {
            return Ok(ElicitResult::new(ElicitationAction::Decline));
        }
        if message.contains("cancel") {
            return Ok(ElicitResult::new(ElicitationAction::Cancel));
        }
        Ok(ElicitResult::new(ElicitationAction::Accept).with_content(filled_in(&form["requestedSchema"])))
    }

    async fn on_progress(&self, params: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        self.heard.lock().expect("no holder panics").progress.push(params);
    }

    async fn on_logging_message(&self, params: LoggingMessageNotificationParam, _: NotificationContext<RoleClient>) {
        self.heard.lock().expect("no holder panics").logs.push(params.data);
    }

    async fn on_resource_updated(&self, params: ResourceUpdatedNotificationParam, _: NotificationContext<RoleClient>) {
        self.heard.lock().expect("no holder panics").updates.push(params.uri);
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.heard.lock().expect("no holder panics").tools_changed += 1;
    }

    async fn on_prompt_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.heard.lock().expect("no holder panics").prompts_changed += 1;
    }
}

/// What a user says: each default, the last choice of each, a word to the rest.
pub(crate) fn filled_in(schema: &Value) -> Value {
    let fields = schema["properties"].as_object().expect("a form has fields");
    fields.iter().map(|(name, field)| (name.clone(), answer(name, field))).collect()
}

fn answer(name: &str, field: &Value) -> Value {
    if let Some(default) = field.get("default") {
        return default.clone();
    }
    if field["type"] == "array" {
        return json!([last_choice(&field["items"])]);
    }
    last_choice(field).unwrap_or_else(|| match (field["type"].as_str(), name) {
        (Some("boolean"), _) => json!(true),
        (_, "name") => json!("Ada"),
        (_, "color") => json!("green"),
        (_, "context") => json!("tides"),
        _ => json!("agreed"),
    })
}

fn last_choice(field: &Value) -> Option<Value> {
    let last = |key: &str| field[key].as_array()?.last().cloned();
    last("enum").or_else(|| Some(last("oneOf").or_else(|| last("anyOf"))?["const"].clone()))
}
