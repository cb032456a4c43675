//! Every row of the table, asked of the simulated market with its own sample: what comes is what its output schema says.

use actix_web::http::StatusCode;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use tickgate_core::market::{Freshness, MarketPhase, Source};
use tickgate_core::mcp::Revision;
use tickgate_core::time::Millis;
use url::Url;

use super::options;
use super::payload;
use super::present::Shown;
use crate::tools::endpoint::{AsOf, Endpoint};
use crate::tools::endpoints::ENDPOINTS;
use crate::upstream::simulated::{Simulator, SimulatorSettings};

/// More than any answer to a sample.
const MAX_BODY: usize = 64 << 20;

fn freshness() -> Freshness {
    Freshness {
        as_of: Millis(0),
        age_ms: 0,
        source: Source::Simulated,
        delayed: false,
        session: MarketPhase::Regular,
        stale: false,
        position: "e-1".to_owned(),
    }
}

fn url(base: &str, endpoint: &Endpoint, arguments: &Map<String, Value>) -> Url {
    let request = endpoint.request(arguments).unwrap();
    let path =
        request.path.iter().fold(endpoint.path.to_owned(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value));
    let mut url = Url::parse(base).unwrap().join(&path).unwrap();
    url.query_pairs_mut().extend_pairs(request.query.iter().map(|(key, value)| (*key, value.as_str())));
    url
}

/// What a tool would give for this body.
fn result(endpoint: &Endpoint, body: &Bytes) -> Result<Value, String> {
    let options = options::take(endpoint, &mut Map::new()).map_err(|error| error.to_string())?;
    let payload = payload::read(endpoint, body).map_err(|error| error.to_string())?;
    let as_of = payload::as_of(endpoint.as_of, &payload.rows);
    // Nobody documents where a summary says it.
    if !matches!(endpoint.as_of, AsOf::Fetch) && as_of.is_none() && endpoint.name != "get_summaries" {
        return Err("nothing says how old it is".to_owned());
    }
    let shown = Shown::of(&payload, 0, &options, endpoint).map_err(|error| error.to_string())?;
    let output = shown.output(options.format, None, true, None, &freshness());
    let result: Value = serde_json::from_slice(&output.write(Revision::V2025_11_25)).unwrap();
    Ok(result["structuredContent"].clone())
}

#[actix_web::test]
async fn every_row_answers_from_the_simulated_market_as_its_output_schema_says() {
    let (simulator, server) = Simulator::start(SimulatorSettings::default(), ([127, 0, 0, 1], 0).into()).unwrap();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    let client = awc::Client::builder().timeout(std::time::Duration::from_secs(30)).finish();
    let mut failed = Vec::new();
    for endpoint in ENDPOINTS {
        let Value::Object(sample) = endpoint.sample() else { panic!() };
        let url = url(&simulator.base_url(), endpoint, &sample);
        let mut answer = client.get(url.as_str()).insert_header(("Authorization", "Bearer test")).send().await.unwrap();
        let body = answer.body().limit(MAX_BODY).await.unwrap();
        if answer.status() != StatusCode::OK {
            failed.push(format!("{}: {} {url} {}", endpoint.name, answer.status(), String::from_utf8_lossy(&body)));
            continue;
        }
        match result(endpoint, &body) {
            Err(problem) => failed.push(format!("{}: {problem} {url}", endpoint.name)),
            Ok(content) => {
                let validator = jsonschema::draft202012::new(&endpoint.output_schema()).unwrap();
                failed.extend(
                    validator
                        .iter_errors(&content)
                        .map(|error| format!("{}: {error} at {}", endpoint.name, error.instance_path())),
                );
                let row = content["results"].get(0).unwrap_or(&content["results"]);
                let known = endpoint.fields.iter().filter(|field| row.get(field.name).is_some()).count();
                if known == 0 || content["results"] == json!([]) {
                    failed.push(format!("{}: nothing that the table knows of is in {row}", endpoint.name));
                }
            }
        }
    }
    handle.stop(false).await;
    assert!(failed.is_empty(), "{failed:#?}");
}
