//! Good answers: what goes out, and what of the answer is handed on.

use actix_web::HttpResponse;
use tickgate_core::budget::Payer;

use super::harness::{KEY, Scripted, Wanted, json, simulator};
use crate::upstream::polygon::{NextPage, Path, Plan, UpstreamCall};

#[actix_rt::test]
async fn a_request_carries_the_key_in_its_header_only_and_the_callers_request_id() {
    let upstream = Scripted::start(|_, _| json(r#"{"status":"OK","request_id":"abc"}"#));
    let bench = Wanted::at(&format!("{}/proxy/?apiKey=x", upstream.base)).make();
    let path = Path::new("/v2/last/trade/{ticker}", &[("ticker", "../A?apiKey=x")]).unwrap();
    let query = vec![("limit", "5&apiKey=y".to_owned())];
    let call = UpstreamCall {
        path,
        query,
        payer: Payer::Polling,
        deadline: bench.clock.now().plus(5_000),
        request_id: Some("call-7".to_owned()),
    };
    let answer = bench.client.get(call).await.unwrap();
    assert_eq!(answer.upstream_request_id.as_deref(), Some("abc"));
    let seen = &upstream.seen()[0];
    assert_eq!(seen.target, "/proxy/v2/last/trade/..%2FA%3FapiKey%3Dx?limit=5%26apiKey%3Dy");
    assert_eq!(seen.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!((seen.header("x-request-id"), seen.header("accept-encoding")), (Some("call-7"), Some("gzip")));
    assert!(!seen.target.contains(KEY) && seen.headers.iter().filter(|(_, value)| value.contains(KEY)).count() == 1);
}

#[actix_rt::test]
async fn the_simulated_upstream_answers_and_its_request_id_comes_back() {
    let simulator = simulator("");
    let bench = Wanted::at(&simulator.base_url()).make();
    let mut call = bench.call("/v3/reference/tickers", &[("search", "a"), ("limit", "2")]);
    call.request_id = Some("0197-my.id_1".to_owned());
    let answer = bench.client.get(call).await.unwrap();
    assert_eq!(answer.upstream_request_id.as_deref(), Some("0197-my.id_1"));
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body["results"].as_array().unwrap().len(), 2);
    assert!(!answer.delayed && bench.clock.now().since(answer.fetched) < 5_000);
    // Its next_url names the vendor's host.
    let next = answer.next.unwrap();
    let page = bench.client.get_page(bench.page(next)).await.unwrap();
    assert_ne!(page.body, answer.body);
    assert_eq!(
        (simulator.requests_to("/v3/reference/tickers"), bench.count("tickgate_upstream_requests_total", Some("ok"))),
        (2, 2)
    );
    assert_eq!((bench.observations(), bench.count("tickgate_upstream_retries_total", None)), (2, 0));
}

#[actix_rt::test]
async fn a_hostile_next_url_leads_back_to_our_own_upstream_without_its_key() {
    let upstream = Scripted::start(|number, _| {
        json(match number {
            0 => r#"{"status":"OK","next_url":"http://127.0.0.1:1/v2/next?cursor=c&apiKey=stolen"}"#,
            1 => r#"{"status":"OK","next_url":"http://127.0.0.1:1/admin?x=1"}"#,
            _ => r#"{"status":"OK","next_url":["http://127.0.0.1:1/v2/x"]}"#,
        })
    });
    let bench = Wanted::at(&upstream.base).make();
    let next = bench.get("/v2/first").await.unwrap().next.unwrap();
    assert_eq!(next.as_str(), "/v2/next?cursor=c");
    assert_eq!(NextPage::parse(next.as_str()), Some(next.clone()));
    let page = bench.client.get_page(bench.page(next)).await.unwrap();
    assert_eq!((upstream.targets()[1].as_str(), page.next), ("/v2/next?cursor=c", None));
    assert_eq!(bench.get("/v2/first").await.unwrap().next, None);
}

#[actix_rt::test]
async fn late_data_is_known_by_the_answer_or_by_the_plan() {
    let upstream =
        Scripted::start(|_, target| json(if target == "/v2/late" { r#"{"status":"DELAYED"}"# } else { r#"{"status":"OK"}"# }));
    let bench = Wanted::at(&upstream.base).make();
    assert!(bench.get("/v2/late").await.unwrap().delayed);
    assert!(!bench.get("/v2/now").await.unwrap().delayed);
    let starter = Wanted { plan: Plan::Starter, ..Wanted::at(&upstream.base) }.make();
    assert!(starter.get("/v2/now").await.unwrap().delayed);
}

#[actix_rt::test]
async fn a_compressed_body_is_unpacked_and_an_array_or_a_body_of_no_type_is_taken() {
    let long = format!("{{\"status\":\"OK\",\"results\":[{}1]}}", "1,".repeat(50_000));
    let sent = long.clone();
    let upstream = Scripted::start(move |_, target| match target {
        "/v2/long" => json(sent.clone()),
        "/v2/array" => json("[1,2]"),
        _ => HttpResponse::Ok().body(r#"{"status":"OK"}"#.as_bytes()),
    });
    let bench = Wanted::at(&upstream.base).make();
    assert_eq!(bench.get("/v2/long").await.unwrap().body, long.as_bytes());
    assert_eq!(bench.get("/v2/array").await.unwrap().body, "[1,2]");
    assert!(bench.get("/v2/untyped").await.is_ok());
}
