//! The client library against a real gateway.

use secrecy::SecretString;
use serde_json::{Value, json};
use tickgate::client::{CallUpdate, ClientError, McpClient};

use crate::support::{TestGateway, get, until};

const KEY: &str = "a-key-for-the-library";

fn block_on<T>(future: impl Future<Output = T>) -> T {
    actix::System::new().block_on(future)
}

#[test]
fn a_call_streams_its_updates_and_then_its_result() {
    let gateway = TestGateway::with(&[("AUTH", "required"), ("MCP_API_KEYS", KEY)]);
    block_on(async {
        let client = McpClient::new(gateway.url("/mcp"), Some(SecretString::from(KEY)));
        let arguments = json!({"stream": true, "symbols": ["AAPL"], "interval": 1_000, "duration": 2_500});
        let mut stream = client.call_tool_streaming("stream_stock_prices", arguments).await.unwrap();
        let (mut last, mut prices, mut result) = (-1.0, 0, Value::Null);
        while let Some(update) = stream.next().await {
            match update.unwrap() {
                CallUpdate::Progress { progress, total, message } => {
                    assert!(progress > last && total == Some(2_500.0));
                    last = progress;
                    prices += usize::from(message.is_some_and(|message| message.contains("\"price\"")));
                }
                CallUpdate::Log(_) => {}
                CallUpdate::Result(last) => result = last,
            }
        }
        assert!(prices >= 1);
        assert_eq!(result["structuredContent"]["count"], prices);
        let plain = client.call_tool("get_market_status", json!({})).await.unwrap();
        assert_eq!(plain["isError"], false);
    });
}

#[test]
fn an_expired_session_is_renewed_and_the_call_made_once_more() {
    let gateway = TestGateway::with(&[("SESSION_IDLE_SECS", "1")]);
    block_on(async {
        let client = McpClient::new(gateway.url("/mcp"), None);
        client.call_tool("get_market_status", json!({})).await.unwrap();
        until("the session to expire", || get("/health").send(gateway.address).json()["checks"]["sessions"]["open"] == 0);
        assert_eq!(client.call_tool("get_market_status", json!({})).await.unwrap()["isError"], false);
    });
}

#[test]
fn errors_say_which_step_failed_and_what_the_gateway_said() {
    let gateway = TestGateway::with(&[("AUTH", "required"), ("MCP_API_KEYS", KEY)]);
    block_on(async {
        let refused = McpClient::new(gateway.url("/mcp"), None).call_tool("get_market_status", json!({})).await.unwrap_err();
        assert_eq!(refused.to_string(), "the gateway refused with 401: Unauthorized: Invalid or missing API key");
        let client = McpClient::new(gateway.url("/mcp"), Some(SecretString::from(KEY)));
        let unknown = client.call_tool("nosuch", json!({})).await.unwrap_err();
        assert!(matches!(unknown, ClientError::Rpc { code: -32602, .. }), "{unknown}");
        let nobody = McpClient::new("http://127.0.0.1:9/mcp", None).call_tool("nosuch", json!({})).await.unwrap_err();
        assert!(matches!(nobody, ClientError::Unreachable(_)), "{nobody}");
    });
}
