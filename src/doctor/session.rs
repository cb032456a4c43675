//! Can a client that has got in work: open a session, list tools, call one, in both eras?

use awc::http::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::challenge::Challenge;
use super::door::{REVISION, initialize};
use super::finding::{Finding, Report};
use super::visit::{Ask, Fault, Seen, Visitor};

/// The revision without sessions.
const STATELESS: &str = "2026-07-28";
const STEP: &str = "session";

/// A conversation with the server, with a credential if there is one.
pub(super) struct Session<'a> {
    pub(super) visitor: &'a Visitor,
    pub(super) url: Url,
    pub(super) credential: Option<SecretString>,
    /// Whether it is a tickgate: others have not its streams.
    pub(super) is_ours: bool,
    id: Option<String>,
    revision: String,
}

impl<'a> Session<'a> {
    /// Begins as a client does.
    pub(super) async fn open(
        visitor: &'a Visitor,
        url: &Url,
        credential: Option<SecretString>,
        report: &mut Report,
    ) -> Option<Self> {
        let mut session = Self { visitor, url: url.clone(), credential, is_ours: false, id: None, revision: REVISION.to_owned() };
        let (seen, message) = match visitor.call(session.entitled(initialize(url))).await {
            Ok(answer) => answer,
            Err(fault) => {
                report.add(&Finding::fail(STEP, fault.to_string(), "look at the server's log"));
                return None;
            }
        };
        let Some(revision) = message.as_ref().and_then(|message| message["result"]["protocolVersion"].as_str()) else {
            report.add(&refused(&seen));
            return None;
        };
        session.revision = revision.to_owned();
        session.is_ours = message.as_ref().is_some_and(|message| message["result"]["serverInfo"]["name"] == "tickgate");
        session.id = seen.header("mcp-session-id").map(str::to_owned);
        report.add(&Finding::ok(STEP, format!("`initialize` is answered, revision {revision}")));
        let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        if let Ok(seen) = visitor
            .ask(session.dressed(Ask::post_json(url, &initialized)).header("accept", "application/json, text/event-stream"))
            .await
            && seen.status != 202
        {
            let todo = "answer notifications with 202 and no body";
            report.add(&Finding::warn(STEP, format!("`notifications/initialized` is answered with {}", seen.status), todo));
        }
        Some(session)
    }

    /// With the credential.
    pub(super) fn entitled(&self, ask: Ask) -> Ask {
        match &self.credential {
            Some(credential) => ask.header("authorization", format!("Bearer {}", credential.expose_secret())),
            None => ask,
        }
    }

    /// With all that a client sends within a session.
    pub(super) fn dressed(&self, ask: Ask) -> Ask {
        let ask = self.entitled(ask).header("mcp-protocol-version", self.revision.clone());
        match &self.id {
            Some(id) => ask.header("mcp-session-id", id.clone()),
            None => ask,
        }
    }

    /// Asks for a result.
    pub(super) fn request(&self, id: u64, method: &str, params: &Value) -> Ask {
        self.dressed(Ask::post_json(&self.url, &json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})))
    }

    /// The tools that are offered.
    pub(super) async fn tools(&self, report: &mut Report) -> Vec<Value> {
        let step = "tools";
        let answer = self.visitor.call(self.request(2, "tools/list", &json!({}))).await;
        let (finding, tools) = match result(&answer) {
            Ok(result) => {
                let tools = result["tools"].as_array().cloned().unwrap_or_default();
                let more = if result["nextCursor"].is_string() { " on the first page" } else { "" };
                (Finding::ok(step, format!("{} tools{more}", tools.len())), tools)
            }
            Err(told) => (Finding::fail(step, told, "look at the server's log"), Vec::new()),
        };
        report.add(&finding);
        tools
    }

    /// Calls a tool that changes nothing and needs nothing.
    pub(super) async fn call_one(&self, tools: &[Value], report: &mut Report) {
        let step = "tool call";
        let Some(name) = harmless(tools) else {
            report.add(&Finding::skip(step, "no tool says that it only reads and needs no arguments"));
            return;
        };
        let answer = self.visitor.call(self.request(3, "tools/call", &json!({"name": name, "arguments": {}}))).await;
        report.add(&match result(&answer) {
            Ok(result) if result["isError"] == true => {
                let words = result["content"][0]["text"].as_str().unwrap_or("no words");
                Finding::warn(
                    step,
                    format!("{name} says: {}", tickgate_core::rpc::excerpt(&self.visitor.secrets.redact(words))),
                    "the tool itself failed; clients get this far",
                )
            }
            Ok(_) => Finding::ok(step, format!("{name} answers")),
            Err(told) => Finding::fail(step, format!("{name}: {told}"), "look at the server's log"),
        });
    }

    /// Asks as a client of the revision without sessions does first.
    pub(super) async fn discover(&self, report: &mut Report) {
        let step = "stateless era";
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": STATELESS,
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": {"name": "tickgate-doctor", "version": env!("CARGO_PKG_VERSION")},
        });
        let body = json!({"jsonrpc": "2.0", "id": 4, "method": "server/discover", "params": {"_meta": meta}});
        let ask = self.entitled(Ask::post_json(&self.url, &body));
        let ask = ask.header("mcp-protocol-version", STATELESS).header("mcp-method", "server/discover");
        report.add(&match self.visitor.call(ask).await {
            Err(fault) => Finding::fail(step, fault.to_string(), "new clients ask this first, and give up when nothing comes"),
            Ok((seen, _)) if seen.status >= 500 => Finding::fail(
                step,
                format!("`server/discover` is answered with {}", seen.status),
                "answer what is unknown with 400 or 404: new clients fall back to sessions then, but not after 5xx",
            ),
            Ok((seen, message)) => {
                let versions = message.as_ref().and_then(|message| message["result"]["supportedVersions"].as_array());
                match versions {
                    Some(versions) if versions.iter().any(|version| version == STATELESS) => {
                        Finding::ok(step, format!("`server/discover` is answered, revision {STATELESS}"))
                    }
                    _ => {
                        Finding::skip(step, format!("the server has none ({}); new clients open a session instead", seen.status))
                    }
                }
            }
        });
    }

    /// Ends it, if it can be ended.
    pub(super) async fn close(self) {
        if self.id.is_some() {
            let _ = self.visitor.ask(self.dressed(Ask::get(&self.url).with_method(Method::DELETE))).await;
        }
    }
}

fn refused(seen: &Seen) -> Finding {
    let challenge = seen.header("www-authenticate").and_then(Challenge::read);
    let said = |name: &str| challenge.as_ref().and_then(|challenge| challenge.get(name)).map(str::to_owned);
    let words = said("error_description").unwrap_or_else(|| seen.words());
    let told = format!("status {}: {words}", seen.status);
    match seen.status {
        401 => {
            Finding::fail(STEP, told, "the credential is not good here: it is mistyped, revoked, expired, or of another server")
        }
        403 if said("error").as_deref() == Some("insufficient_scope") => {
            let scope = said("scope").unwrap_or_default();
            Finding::fail(STEP, told, format!("the credential is good but may too little: it needs the scope {scope}"))
        }
        404 => Finding::fail(STEP, told, "there is no MCP at this path; that is told only to who has got in"),
        429 => Finding::fail(STEP, told, "too many requests: wait, or raise the limit (tickgate: RATE_LIMIT_KEY)"),
        _ => Finding::fail(STEP, told, "look at the server's log"),
    }
}

/// The result of an answer, or why there is none.
pub(super) fn result(answer: &Result<(Seen, Option<Value>), Fault>) -> Result<&Value, String> {
    match answer {
        Err(fault) => Err(fault.to_string()),
        Ok((_, Some(message))) if message["result"].is_object() => Ok(&message["result"]),
        Ok((seen, _)) => Err(match seen.cut {
            Some(cut) => cut.to_string(),
            None => format!("status {}: {}", seen.status, seen.words()),
        }),
    }
}

fn harmless(tools: &[Value]) -> Option<&str> {
    let harmless = |tool: &&Value| {
        let required = tool["inputSchema"]["required"].as_array().is_some_and(|required| !required.is_empty());
        tool["annotations"]["readOnlyHint"] == true && !required
    };
    tools.iter().find(harmless).and_then(|tool| tool["name"].as_str())
}
