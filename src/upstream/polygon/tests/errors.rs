//! Every kind of failure: which it is, how often it was tried, and what is said.

use std::net::TcpListener;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use tickgate_core::ports::UpstreamErrorKind;

use super::harness::{Bench, Scripted, Wanted, json, simulator, simulator_failing_once};
use crate::upstream::polygon::Plan;

const TICKERS: &str = "/v3/reference/tickers";

async fn kind(bench: &Bench, path: &'static str) -> UpstreamErrorKind {
    bench.get(path).await.unwrap_err().kind
}

#[actix_rt::test]
async fn a_refusal_is_reported_at_once_and_never_repeated() {
    let simulator = simulator("");
    let base = simulator.base_url();
    let bench = Wanted::at(&base).make();
    let error = bench.client.get(bench.call("/v2/reference/news", &[("limit", "5000")])).await.unwrap_err();
    assert_eq!(error.kind, UpstreamErrorKind::InvalidParams);
    assert_eq!(
        error.message,
        "the upstream refused an argument (it says: limit must be between 1 and 1000): correct it and try again"
    );
    let error = bench.get("/v3/reference/tickers/NOSUCH").await.unwrap_err();
    assert_eq!(error.kind, UpstreamErrorKind::NotFound);
    assert_eq!(error.message, "the upstream knows no such thing (it says: Ticker not found.): check the symbol or id");
    let bad = Wanted { key: "bad-key", ..Wanted::at(&base) }.make();
    assert_eq!(kind(&bad, TICKERS).await, UpstreamErrorKind::Auth);
    let none = Wanted { key: "", ..Wanted::at(&base) }.make();
    assert_eq!(kind(&none, TICKERS).await, UpstreamErrorKind::Auth);
    let free = Wanted { key: "free-key", ..Wanted::at(&base) }.make();
    assert_eq!(kind(&free, "/v2/snapshot/locale/us/markets/stocks/gainers").await, UpstreamErrorKind::NotEntitled);
    assert_eq!(simulator.requests(), 5);
    assert_eq!(bench.count("tickgate_upstream_requests_total", Some("invalid_params")), 1);
}

#[actix_rt::test]
async fn an_outage_is_tried_three_times_and_then_reported() {
    for (fault, expected) in [
        ("500", UpstreamErrorKind::Unavailable),
        ("502", UpstreamErrorKind::Unavailable),
        ("503", UpstreamErrorKind::Unavailable),
        ("html", UpstreamErrorKind::InvalidResponse),
        ("malformed", UpstreamErrorKind::InvalidResponse),
        ("cut", UpstreamErrorKind::Unavailable),
    ] {
        let simulator = simulator(&format!("{fault}:1"));
        let bench = Wanted::at(&simulator.base_url()).make();
        assert_eq!(kind(&bench, TICKERS).await, expected, "{fault}");
        assert_eq!((simulator.requests(), bench.count("tickgate_upstream_retries_total", None)), (3, 2), "{fault}");
    }
}

#[actix_rt::test]
async fn a_failure_that_passes_is_recovered_by_a_retry() {
    for fault in ["500", "502", "503", "html", "malformed", "cut"] {
        let simulator = simulator_failing_once(fault);
        let bench = Wanted::at(&simulator.base_url()).make();
        let answer = bench.get(TICKERS).await.unwrap_or_else(|error| panic!("{fault}: {error}"));
        assert!(serde_json::from_slice::<serde_json::Value>(&answer.body).is_ok());
        assert_eq!((simulator.requests(), bench.count("tickgate_upstream_retries_total", None)), (2, 1), "{fault}");
    }
}

#[actix_rt::test]
async fn too_many_requests_pause_the_budget_of_all_and_are_reported_at_once() {
    for fault in ["429", "429empty"] {
        let simulator = simulator(&format!("{fault}:1"));
        let bench = Wanted { per_minute: 5, ..Wanted::at(&simulator.base_url()) }.make();
        let error = bench.get(TICKERS).await.unwrap_err();
        assert_eq!(error.kind, UpstreamErrorKind::RateLimited, "{fault}");
        let pause = error.retry_after_ms.unwrap();
        // 15 s at least, less what has passed since.
        assert!((10_000..=60_000).contains(&pause), "{pause}");
        simulator.set_faults("".parse().unwrap());
        let mut call = bench.call(TICKERS, &[]);
        call.deadline = bench.clock.now().plus(10_000);
        let error = bench.client.get(call).await.unwrap_err();
        assert_eq!((error.kind, simulator.requests()), (UpstreamErrorKind::Budget, 1), "{fault}");
    }
}

#[actix_rt::test]
async fn a_429_costs_a_plan_without_a_count_by_the_minute_a_second_and_not_most_of_one() {
    let simulator = simulator_failing_once("429");
    let bench = Wanted { per_minute: 1_000_000, ..Wanted::at(&simulator.base_url()) }.make();
    let error = bench.get(TICKERS).await.unwrap_err();
    assert_eq!(error.kind, UpstreamErrorKind::RateLimited);
    assert!(error.retry_after_ms.is_some_and(|ms| ms <= 1_000), "{error:?}");
    simulator.set_faults("".parse().unwrap());
    let calls: Vec<_> = (0..192).map(|_| bench.get(TICKERS)).collect();
    for outcome in futures_util::future::join_all(calls).await {
        outcome.unwrap();
    }
}

#[actix_rt::test]
async fn an_upstream_that_keeps_failing_is_left_alone_and_callers_are_told_at_once() {
    let simulator = simulator("500:1");
    let bench = Wanted::at(&simulator.base_url()).make();
    assert_eq!(kind(&bench, TICKERS).await, UpstreamErrorKind::Unavailable);
    assert_eq!(kind(&bench, TICKERS).await, UpstreamErrorKind::Unavailable);
    assert_eq!(simulator.requests(), 5, "the breaker is open after five failures");
    let error = bench.get("/v2/reference/news").await.unwrap_err();
    assert_eq!((error.kind, simulator.requests()), (UpstreamErrorKind::Unavailable, 5));
    assert!((1..=30_000).contains(&error.retry_after_ms.unwrap()), "{error:?}");
    assert!(error.message.contains("left alone"), "{error}");
    // The second call's last retry and the third call.
    assert_eq!(bench.count("tickgate_upstream_requests_total", Some("breaker")), 2);
}

#[actix_rt::test]
async fn a_pause_that_the_upstream_asks_for_is_kept() {
    let upstream = Scripted::start(|_, _| HttpResponse::TooManyRequests().insert_header(("retry-after", "7")).finish());
    let error = Wanted::at(&upstream.base).make().get("/v2/x").await.unwrap_err();
    assert_eq!(error.kind, UpstreamErrorKind::RateLimited);
    // 7 s, less what has passed since.
    assert!(error.retry_after_ms.is_some_and(|ms| (4_000..=7_000).contains(&ms)), "{error:?}");
}

#[actix_rt::test]
async fn an_error_inside_a_good_answer_is_an_error() {
    let upstream = Scripted::start(|_, target| {
        json(match target {
            "/v2/error" => r#"{"status":"ERROR","error":"cursor is not valid"}"#,
            "/v2/key" => r#"{"status":"ERROR","error":"Unknown API Key"}"#,
            "/v2/plan" => r#"{"status":"NOT_AUTHORIZED","message":"You are not entitled to this data."}"#,
            _ => r#"{"status":"NOT_FOUND","message":"Ticker not found."}"#,
        })
    });
    let bench = Wanted::at(&upstream.base).make();
    let error = bench.get("/v2/error").await.unwrap_err();
    assert_eq!(error.kind, UpstreamErrorKind::InvalidParams);
    assert!(error.message.contains("cursor is not valid"));
    assert_eq!(kind(&bench, "/v2/key").await, UpstreamErrorKind::Auth);
    assert_eq!(kind(&bench, "/v2/plan").await, UpstreamErrorKind::NotEntitled);
    assert_eq!(kind(&bench, "/v2/other").await, UpstreamErrorKind::NotFound);
    assert_eq!(upstream.seen().len(), 4);
}

#[actix_rt::test]
async fn a_redirect_is_not_followed() {
    let upstream = Scripted::start(|_, _| HttpResponse::Found().insert_header(("location", "/v2/elsewhere")).finish());
    let bench = Wanted::at(&upstream.base).make();
    assert_eq!(kind(&bench, "/v2/x").await, UpstreamErrorKind::InvalidResponse);
    assert_eq!(upstream.targets(), ["/v2/x"]);
}

#[actix_rt::test]
async fn a_slow_or_silent_upstream_costs_no_more_than_the_deadline() {
    let simulator = simulator("hang:1");
    let bench = Wanted::at(&simulator.base_url()).make();
    let mut call = bench.call(TICKERS, &[]);
    call.deadline = bench.clock.now().plus(2_000);
    let deadline = call.deadline;
    assert_eq!(bench.client.get(call).await.unwrap_err().kind, UpstreamErrorKind::Timeout);
    assert!(bench.clock.now().since(deadline) < 5_000, "well before the upstream would have answered");
    let mut call = bench.call(TICKERS, &[]);
    call.deadline = bench.clock.now();
    assert_eq!(bench.client.get(call).await.unwrap_err().kind, UpstreamErrorKind::Timeout);
    assert_eq!(simulator.requests(), 1, "a call that is too late is not made");
}

#[actix_rt::test]
async fn an_upstream_that_is_not_there_is_unavailable_and_an_answered_timeout_a_timeout() {
    let base = format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    assert_eq!(kind(&Wanted::at(&base).make(), "/v2/x").await, UpstreamErrorKind::Unavailable);
    let simulator = simulator("");
    simulator.set_down(true);
    assert_eq!(kind(&Wanted::at(&simulator.base_url()).make(), TICKERS).await, UpstreamErrorKind::Unavailable);
    let upstream = Scripted::start(|_, _| HttpResponse::build(StatusCode::REQUEST_TIMEOUT).finish());
    assert_eq!(kind(&Wanted::at(&upstream.base).make(), "/v2/x").await, UpstreamErrorKind::Timeout);
    assert_eq!(upstream.seen().len(), 3);
}

#[actix_rt::test]
async fn a_spent_budget_stops_the_first_attempt_but_never_hides_why_a_call_failed() {
    let simulator = simulator("500:1");
    let bench = Wanted { plan: Plan::Free, per_minute: 1, ..Wanted::at(&simulator.base_url()) }.make();
    let mut call = bench.call(TICKERS, &[]);
    call.deadline = bench.clock.now().plus(5_000);
    assert_eq!(bench.client.get(call.clone()).await.unwrap_err().kind, UpstreamErrorKind::Unavailable);
    let error = bench.client.get(call).await.unwrap_err();
    assert_eq!((error.kind, simulator.requests()), (UpstreamErrorKind::Budget, 1));
    assert!(error.retry_after_ms.is_some());
    assert_eq!(bench.count("tickgate_upstream_requests_total", Some("budget")), 2);
}

#[actix_rt::test]
async fn what_cannot_be_sent_is_refused_before_it_costs_anything() {
    let upstream = Scripted::start(|_, _| json("{}"));
    let bench = Wanted::at(&upstream.base).make();
    let long = "A".repeat(70_000);
    let error = bench.client.get(bench.call("/v2/x", &[("tickers", &long)])).await.unwrap_err();
    assert_eq!(error.kind, UpstreamErrorKind::InvalidParams);
    let broken = Wanted { key: "two\nlines", ..Wanted::at(&upstream.base) }.make();
    assert_eq!(kind(&broken, "/v2/x").await, UpstreamErrorKind::Auth);
    assert!(upstream.seen().is_empty());
}
