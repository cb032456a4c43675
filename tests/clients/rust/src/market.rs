//! What a client of market data does with the product: list, call, stream, cancel, watch.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Client, code_of, expect, given, text_of};

const TOOLS: [&str; 5] = ["get_snapshot_ticker", "get_aggs", "list_ticker_news", "stream_stock_prices", "read_tape"];
const STREAM_MS: u64 = 3_000;
/// How long "at once" may take on a loaded test machine.
const PROMPT: Duration = Duration::from_secs(2);

pub(crate) async fn market(client: &Client) {
    list_and_call(client).await;
    stream(client).await;
    cancel(client).await;
    watch_a_resource(client).await;
    let prompts = given(client.service.list_all_prompts().await, "the prompts");
    expect(prompts.iter().any(|prompt| prompt.name == "stock_brief"), "stock_brief", prompts);
    let values = client.complete(json!({"type": "ref/resource", "uri": "market://quote/{symbol}"}), "symbol", "AAP").await;
    expect(values.contains(&"AAPL".to_owned()), "AAPL completes AAP", values);
}

async fn list_and_call(client: &Client) {
    let tools = given(client.service.list_all_tools().await, "the tools");
    for name in TOOLS {
        expect(tools.iter().any(|tool| tool.name == name && tool.output_schema.is_some()), name, &tools);
    }
    let good = client.call("get_snapshot_ticker", json!({"market_type": "stocks", "ticker": "AAPL"})).await;
    let content = good.structured_content.clone().unwrap_or_default();
    expect(content["_freshness"]["source"] == "simulated", "a snapshot of AAPL", &good);
    let bad = client.call("get_snapshot_ticker", json!({"market_type": "stocks", "ticker": "../no symbol"})).await;
    expect(bad.is_error == Some(true) && text_of(&bad).contains("ticker"), "an error that names `ticker`", &bad);
    let code = code_of(client.service.call_tool(client.params("no_such_tool", json!({}))).await);
    expect(code == Some(-32602), "error -32602 for an unknown tool", code);
}

fn prices(duration: u64) -> Value {
    json!({"stream": true, "symbols": ["AAPL", "TSLA"], "interval": 1000, "duration": duration})
}

async fn stream(client: &Client) {
    let started = Instant::now();
    let result = client.call("stream_stock_prices", prices(STREAM_MS)).await;
    let took = started.elapsed();
    let steps = client.heard(|heard| heard.progress.clone());
    expect(steps.len() >= 3, "several progress notifications", &steps);
    expect(steps.windows(2).all(|pair| pair[0].progress < pair[1].progress), "strictly increasing progress", &steps);
    let items: Vec<Value> = steps.iter().filter_map(|step| serde_json::from_str(step.message.as_deref()?).ok()).collect();
    for symbol in ["AAPL", "TSLA"] {
        expect(items.iter().any(|item| item["symbol"] == symbol && item["price"].as_f64() > Some(0.0)), symbol, &items);
    }
    let content = result.structured_content.clone().unwrap_or_default();
    expect(content["count"].as_u64() >= Some(2), "a result with the prices", result);
    let bounds = Duration::from_millis(STREAM_MS - 1000)..Duration::from_millis(STREAM_MS + 3000);
    expect(bounds.contains(&took), "a stream of 3 s", took);
}

async fn cancel(client: &Client) {
    let before = client.heard(|heard| heard.progress.len());
    let call = client.begin("stream_stock_prices", prices(60_000)).await;
    client.until("a stream", |heard| heard.progress.len() > before).await;
    let started = Instant::now();
    given(call.cancel(Some("seen enough".to_owned())).await, "a cancellation");
    client.call_for_text("get_market_status", json!({})).await;
    expect(started.elapsed() < PROMPT, "answers at once after a cancellation", started.elapsed());
}

async fn watch_a_resource(client: &Client) {
    let uri = "market://quote/AAPL";
    let watching = client.watch(uri).await;
    client.until("two changes of the resource", |heard| heard.updates.len() >= 2).await;
    client.heard(|heard| expect(heard.updates.iter().all(|updated| updated == uri), uri, &heard.updates));
    let quote = given(client.read(uri).await, uri);
    expect(quote["text"].as_str().is_some_and(|text| text.contains("AAPL")), "the quote of AAPL", quote);
    watching.stop().await;
}
