//! Does the official Rust client (`rmcp` 3.x) work with us, whether it probes first or not?
//!
//! `tickgate-client-test http://127.0.0.1:8080/mcp http://127.0.0.1:8090/mcp [--key KEY]`

mod client;
mod everything;
mod market;

use std::process::exit;
use std::time::Duration;

use client::{Client, Mode, expect};

const DEADLINE: Duration = Duration::from_secs(60);

/// On one thread, because `rmcp` gives each notification a task of its own: on several they would overtake each other.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().expect("the MCP endpoint");
    let fixtures = arguments.next().expect("the MCP endpoint of a gateway with the conformance fixtures");
    let key = (arguments.next().as_deref() == Some("--key")).then(|| arguments.next().expect("a key"));
    let all = async {
        tokio::join!(
            in_the_market(&url, key.as_deref(), Mode::Auto),
            in_the_market(&url, key.as_deref(), Mode::Legacy),
            with_the_fixtures(&fixtures),
        );
    };
    if tokio::time::timeout(DEADLINE, all).await.is_err() {
        println!("FAILED\nexpected: done within {DEADLINE:?}\nfound:    still running");
        exit(1);
    }
    println!("ok rmcp_client");
}

async fn in_the_market(url: &str, key: Option<&str>, mode: Mode) {
    let client = connected(url, key, mode).await;
    market::market(&client).await;
    client.close().await;
}

/// One after the other: both change the lists.
async fn with_the_fixtures(url: &str) {
    for mode in [Mode::Auto, Mode::Legacy] {
        let client = connected(url, None, mode).await;
        everything::everything(&client).await;
        client.close().await;
    }
    let client = connected(url, None, Mode::AutoWithTasks).await;
    everything::tasks(&client).await;
    client.close().await;
}

async fn connected(url: &str, key: Option<&str>, mode: Mode) -> Client {
    let client = Client::connect(url, key, mode).await;
    let expected = if mode == Mode::Legacy { "2025-11-25" } else { "2026-07-28" };
    println!("{mode:?}: {}", client.revision());
    expect(client.revision() == expected, expected, client.revision());
    client
}
