//! What the official conformance suite says of the authorization server.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use url::Url;

use super::support::*;
use crate::clients::tools;
use crate::support::get;

#[test]
fn the_conformance_suites_scenarios_of_authorization_servers_pass() {
    let gateway = gateway(&[]);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let registered = register(&gateway, &json!({"redirect_uris": [format!("http://127.0.0.1:{port}/callback")]}));
    let (tools, folder) = (tools(), tempfile::tempdir().unwrap());
    let mut suite = Command::new(&tools["NODE"])
        .arg(format!("{}/@modelcontextprotocol/conformance/dist/index.js", tools["NODE_MODULES"]))
        .args(["authorization", "--url", &gateway.url(""), "--client-id", &text(&registered, "client_id")])
        .args(["--resource", &gateway.url("/mcp"), "--port", &port.to_string(), "--output-dir"])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut browser = Browser::of(&gateway, "ada");
    let mut said = String::new();
    for line in BufReader::new(suite.stdout.take().unwrap()).lines().map_while(Result::ok) {
        // The suite asks a person to open this.
        if line.trim().starts_with(&gateway.url("/authorize?")) {
            let url = Url::parse(line.trim()).unwrap();
            let back = Url::parse(&browser.agree(&format!("{}?{}", url.path(), url.query().unwrap()))).unwrap();
            let callback = format!("{}?{}", back.path(), back.query().unwrap());
            get(&callback).send(SocketAddr::from(([127, 0, 0, 1], port)));
        }
        said.push_str(&line);
        said.push('\n');
    }
    assert!(suite.wait().unwrap().success(), "{said}");
    let mut ran = 0;
    for scenario in std::fs::read_dir(folder.path()).unwrap() {
        let checks = std::fs::read_to_string(scenario.unwrap().path().join("checks.json")).unwrap();
        for check in serde_json::from_str::<Vec<Value>>(&checks).unwrap() {
            assert!(matches!(check["status"].as_str(), Some("SUCCESS" | "INFO")), "{check:#}\n{said}");
            ran += 1;
        }
    }
    assert!(ran >= 2, "{said}");
}
