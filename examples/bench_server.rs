//! The gateway with an `echo` and `big` catalogue and `POST /publish`, for the load generator of the peers (DESIGN §10).
//! It is the same application with the whole edge switched on; none of this is in the product binary.
//!
//! `cargo run --release --example bench_server -- --port 9110`

use std::sync::Arc;

use tickgate::application::Application;
use tickgate::http::MoreRoutes;
use tickgate::registry::Registry;
use tickgate::settings::{SPECS, Settings, Sources, key_of};
use tickgate::telemetry::{start_logs, start_reports};
use tickgate::tools::{Asks, Tool, ToolRun, Toolset, reads};
use tickgate_actors::supervisor::MarketLink;
use tickgate_core::access::Scope;
use tickgate_core::market::Topic;
use tickgate_core::mcp::ToolOutput;
use tickgate_core::tape::{Draft, Kind};
use tickgate_core::time::Millis;

/// Bars in the answer of `big`: about 19 KB of text.
const BARS: u64 = 180;

fn main() -> anyhow::Result<()> {
    let mut sources = Sources::from_environment(std::env::vars());
    // Limits are on, but so high that the load does not meet them.
    for (name, value) in [
        ("RATE_LIMIT_MCP", "1000000/s"),
        ("RATE_LIMIT_STREAM", "1000000/s"),
        ("MAX_STREAMS_PER_CALLER", "100000"),
        ("MAX_SESSIONS_PER_CALLER", "100000"),
        ("LOG_LEVEL", "WARNING"),
        ("STREAM_MAX_SECS", "0"),
    ] {
        if std::env::var(name).is_err() {
            sources.set_flag(name, value.to_owned());
        }
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    for pair in arguments.chunks(2) {
        let [flag, value] = pair else { anyhow::bail!("{pair:?}: a flag and a value") };
        let spec = SPECS.iter().find(|spec| format!("--{}", key_of(spec.name).replace('_', "-")) == *flag);
        sources.set_flag(spec.ok_or_else(|| anyhow::anyhow!("{flag} is no setting"))?.name, value.clone());
    }
    let settings = Settings::gather(&sources).map_err(|errors| anyhow::anyhow!("{errors:?}"))?;
    let _reports = start_reports(&settings.telemetry, settings.listen.environment);
    start_logs(&settings.telemetry);
    actix::System::new().block_on(async {
        let more: MoreRoutes = Arc::new(|config, gateway| {
            gateway.market.feed(topic(), None);
            config.app_data(actix_web::web::Data::new(gateway.market.clone()));
            config.route("/publish", actix_web::web::post().to(publish));
        });
        let application =
            Application::build_with(settings, Registry::new(vec![echo(), big()], Vec::new(), Vec::new()), more).await?;
        Ok(application.run_until_stopped().await?)
    })
}

fn topic() -> Topic {
    "prices:BENCH".parse().expect("a topic")
}

/// Puts the body on the tape as an event of `prices:BENCH`.
async fn publish(body: bytes::Bytes, market: actix_web::web::Data<MarketLink>) -> actix_web::HttpResponse {
    let draft =
        Draft { kind: Kind::Price, topics: vec![topic()], item: body.to_vec(), as_of: Millis(0), identity: None, history: false };
    market.feed(topic(), Some(draft));
    actix_web::HttpResponse::Accepted().finish()
}

fn tool(
    name: &'static str,
    input: serde_json::Value,
    run: impl Fn(tickgate::tools::ToolCall) -> ToolRun + Send + Sync + 'static,
) -> Tool {
    Tool {
        name,
        title: name,
        description: format!("{name}, for measuring"),
        input_schema: input,
        output_schema: None,
        scope: Scope::Read,
        toolset: Toolset::Standard,
        streaming: false,
        hints: reads(false),
        asks: Asks::Nothing,
        icons: Vec::new(),
        run: Arc::new(run),
    }
}

fn echo() -> Tool {
    #[derive(serde::Deserialize)]
    struct Arguments {
        message: String,
    }
    let input = serde_json::json!({"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]});
    tool("echo", input, |call| {
        let arguments: Arguments = serde_json::from_str(call.arguments.as_ref().map_or("{}", |arguments| arguments.get()))
            .expect("the load generator sends a message");
        ToolRun::Done(Ok(ToolOutput::text(&arguments.message, None, false)))
    })
}

/// Text of the same size and form as that of the peers: an answer of aggregates as JSON.
fn big() -> Tool {
    let bar = |n: u64| {
        let (volume, price, trades) = (70_000_000 + n * 1_013, 150 + n, 500_000 + n * 17);
        let time = 1_700_000_000_000 + n * 86_400_000;
        format!(
            r#"{{"v":{volume},"vw":{price}.5432,"o":{price}.25,"c":{price}.75,"h":{}.95,"l":{}.05,"t":{time},"n":{trades}}}"#,
            price + 1,
            price - 1
        )
    };
    let bars: Vec<String> = (0..BARS).map(bar).collect();
    let text =
        format!(r#"{{"ticker":"AAPL","resultsCount":{BARS},"adjusted":true,"results":[{}],"status":"OK"}}"#, bars.join(","));
    tool("big", serde_json::json!({"type": "object"}), move |_| ToolRun::Done(Ok(ToolOutput::text(&text, None, false))))
}
