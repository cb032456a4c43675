//! The account tools from outside: over both eras of MCP and over plain HTTP, by everybody who might try.

mod links;
mod roles;
mod sampling;
mod user_info;

use serde_json::{Value, json};

use crate::api_keys::{bearer, gateway};
use crate::support::stateless::Stateless;
use crate::support::{McpClient, TestGateway, post};

/// A gateway that lists the account tools; `url`: its PostgreSQL database, or nothing for a file.
fn accounts(url: &str, settings: &[(&str, &str)]) -> TestGateway {
    gateway(url, &[&[("TOOLSETS", "standard,account")][..], settings].concat())
}

/// The three ways to call a tool.
#[derive(Clone, Copy, Debug)]
enum Way {
    Session,
    Stateless,
    Rest,
}

impl Way {
    const ALL: [Self; 3] = [Self::Session, Self::Stateless, Self::Rest];
}

/// How a call ended.
#[derive(Debug, PartialEq)]
enum Ended {
    /// With a structured answer.
    Good(Value),
    /// With a result that is an error: its class.
    Failed(String),
    /// Without having been run: the HTTP status, or the code of the protocol's error.
    Refused(i64),
}

/// What came over the wire, and what it means.
struct Called {
    raw: String,
    ended: Ended,
}

impl Called {
    fn good(self) -> Value {
        match self.ended {
            Ended::Good(value) => value,
            _ => panic!("{}", self.raw),
        }
    }

    fn class(self) -> String {
        match self.ended {
            Ended::Failed(class) => class,
            _ => panic!("{}", self.raw),
        }
    }
}

fn call(gateway: &TestGateway, way: Way, key: Option<&str>, tool: &str, arguments: &Value) -> Called {
    let params = json!({"name": tool, "arguments": arguments});
    let answer = match way {
        Way::Session => McpClient::connect_as(gateway.address, "2025-11-25", key).ask("tools/call", params),
        Way::Stateless => {
            let client = Stateless::new(gateway.address);
            key.map_or(client.clone(), |key| client.with_key(key)).ask("tools/call", params)
        }
        Way::Rest => {
            let request = post(&format!("/tools/{tool}"), arguments.to_string()).header("Content-Type", "application/json");
            match key {
                Some(key) => bearer(request, key).send(gateway.address),
                None => request.send(gateway.address),
            }
        }
    };
    let status = answer.status;
    let raw = answer.text();
    let body: Value = serde_json::from_str(&raw).unwrap_or_else(|error| panic!("{error}: {raw}"));
    let ended = match way {
        Way::Rest if status == 200 => Ended::Good(body),
        // A failure of the tool has the name of its class; a refusal before it, the status.
        Way::Rest => match class_of(&body) {
            class if ["unknown-tool", "insufficient-scope", "unauthorized"].contains(&&*class) => Ended::Refused(status.into()),
            class => Ended::Failed(class.replace('-', "_")),
        },
        _ if body["error"].is_object() => Ended::Refused(body["error"]["code"].as_i64().unwrap()),
        _ if body["result"]["isError"] == true => {
            Ended::Failed(body["result"]["_meta"]["tickgate/error"]["class"].as_str().unwrap().to_owned())
        }
        _ => Ended::Good(body["result"]["structuredContent"].clone()),
    };
    Called { raw, ended }
}

fn class_of(problem: &Value) -> String {
    problem["type"].as_str().unwrap_or_default().rsplit(['/', '#', ':']).next().unwrap_or_default().to_owned()
}

/// The names of the tools that somebody is shown.
fn listed(gateway: &TestGateway, key: Option<&str>) -> Vec<String> {
    let (mut names, mut params) = (Vec::new(), json!({}));
    let client = Stateless::new(gateway.address);
    let client = key.map_or(client.clone(), |key| client.with_key(key));
    loop {
        let page = client.result("tools/list", params);
        names.extend(page["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["nextCursor"].as_str() else { return names };
        params = json!({ "cursor": next });
    }
}
