//! The wiring over HTTP: keys, request ids, faults, the switch, the counts.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::test::TestRequest;
use actix_web::{rt, web};
use serde_json::{Value, json};

use super::super::market::SessionMode;
use super::super::state::State;
use super::super::{Simulator, SimulatorSettings};
use super::state;

pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// Wires the routes up, as the server does. This is dear: a test of many requests does it once. (A macro, because the type
/// of the requests that the service takes has no name outside the framework.)
macro_rules! wired {
    ($state:expr) => {
        actix_web::test::init_service(
            actix_web::App::new()
                .app_data($state.clone())
                .wrap(actix_web::middleware::from_fn($crate::upstream::simulated::gate::pass))
                .wrap(actix_web::middleware::Compress::default())
                .configure($crate::upstream::simulated::routes::configure),
        )
        .await
    };
}

/// Sends a request to a service.
macro_rules! send_to {
    ($service:expr, $request:expr) => {{
        let response = actix_web::test::call_service(&$service, $request.to_request()).await;
        $crate::upstream::simulated::tests::http::Reply {
            status: response.status(),
            headers: response.headers().clone(),
            body: actix_web::test::read_body(response).await.to_vec(),
        }
    }};
}

pub(super) use {send_to, wired};

pub(super) fn with_key(path: &str) -> TestRequest {
    TestRequest::get().uri(path).insert_header(("Authorization", "Bearer k"))
}

async fn send(state: &web::Data<State>, request: TestRequest) -> Reply {
    send_to!(wired!(state), request)
}

async fn get(state: &web::Data<State>, path: &str) -> Reply {
    send(state, with_key(path)).await
}

pub(super) fn market() -> web::Data<State> {
    web::Data::new(state(SessionMode::Open))
}

const SNAPSHOT: &str = "/v2/snapshot/locale/us/markets/stocks/tickers/AAPL";

#[actix_web::test]
async fn every_route_answers_and_carries_a_request_id() {
    let state = market();
    for path in [
        "/v2/snapshot/locale/us/markets/stocks/tickers?tickers=AAPL,TSLA&include_otc=false",
        SNAPSHOT,
        "/v2/snapshot/locale/us/markets/stocks/gainers",
        "/v2/snapshot/locale/us/markets/stocks/losers",
        "/v2/snapshot/locale/global/markets/crypto/tickers/X%3ABTCUSD",
        "/v2/snapshot/locale/global/markets/forex/tickers",
        "/v2/aggs/ticker/AAPL/range/5/minute/2026-11-20/2026-11-20?limit=20",
        "/v2/aggs/ticker/I:SPX/range/1/day/2026-11-01/2026-11-20",
        "/v2/aggs/ticker/X:BTCUSD/prev",
        "/v2/last/trade/BRK.B",
        "/v3/reference/tickers?limit=3",
        "/v3/reference/tickers/C:EURUSD",
        "/v2/reference/news?ticker=TSLA&limit=2",
    ] {
        let reply = get(&state, path).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}");
        let body = reply.json();
        assert_eq!(body["status"], "OK", "{path}");
        let id = body["request_id"].as_str().unwrap();
        assert_eq!((id.len(), reply.headers.get("X-Request-Id").unwrap().to_str().unwrap()), (32, id), "{path}");
    }
    for path in ["/v1/marketstatus/now", "/v1/marketstatus/upcoming"] {
        let reply = get(&state, path).await;
        assert!(
            reply.status.is_success() && reply.headers.contains_key("X-Request-Id") && reply.json().get("request_id").is_none()
        );
    }
    for path in [
        "/v2/snapshot/locale/us/markets/stocks/tickers/NOSUCH",
        "/v2/last/trade/NOSUCH",
        "/v3/reference/tickers/NOSUCH",
        "/nowhere",
    ] {
        let reply = get(&state, path).await;
        assert_eq!((reply.status, reply.json()["status"].as_str()), (StatusCode::NOT_FOUND, Some("NOT_FOUND")), "{path}");
    }
}

#[actix_web::test]
async fn keys_are_checked_and_the_callers_request_id_is_echoed() {
    let state = market();
    let with_key = |key: &str| TestRequest::get().uri(SNAPSHOT).insert_header(("Authorization", format!("Bearer {key}")));
    let reply = send(&state, TestRequest::get().uri(SNAPSHOT).insert_header(("X-Request-Id", "abc"))).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    assert_eq!(reply.json(), json!({"status": "ERROR", "request_id": "abc", "error": "API Key was not provided"}));
    let reply = send(&state, with_key("bad-key")).await;
    assert_eq!((reply.status, reply.json()["error"].as_str()), (StatusCode::UNAUTHORIZED, Some("Unknown API Key")));
    let reply = send(&state, with_key("free-key")).await;
    assert_eq!((reply.status, reply.json()["status"].as_str()), (StatusCode::FORBIDDEN, Some("NOT_AUTHORIZED")));
    let reply = send(&state, TestRequest::get().uri("/v2/reference/news?apiKey=free-key")).await;
    assert_eq!(reply.status, StatusCode::OK);
    let reply = send(&state, with_key("k").insert_header(("Accept-Encoding", "gzip"))).await;
    assert_eq!(reply.headers.get("Content-Encoding").unwrap(), "gzip");
}

#[actix_web::test]
async fn each_fault_shows_as_it_should() {
    let state = market();
    let statuses =
        [("401", 401), ("403", 403), ("429", 429), ("429empty", 429), ("500", 500), ("502", 502), ("503", 503), ("html", 200)];
    for (kind, status) in statuses {
        state.controls.set_faults(format!("{kind}:1").parse().unwrap());
        let reply = get(&state, SNAPSHOT).await;
        assert_eq!(reply.status.as_u16(), status, "{kind}");
        let is_page = reply.headers.get("Content-Type").is_some_and(|kind| kind == "text/html");
        assert_eq!(is_page, ["502", "html"].contains(&kind));
        assert_eq!(reply.body.is_empty(), kind == "429empty");
    }
    state.controls.set_faults("malformed:1".parse().unwrap());
    assert_eq!(get(&state, SNAPSHOT).await.json(), Value::Null);
    state.controls.set_faults("noresults:1".parse().unwrap());
    assert!(get(&state, SNAPSHOT).await.json().get("ticker").is_none());
    assert!(get(&state, "/v2/reference/news").await.json().get("results").is_none());
    state.controls.set_faults("wrongtype:1".parse().unwrap());
    assert!(get(&state, "/v2/reference/news").await.json()["results"].is_string());
}

#[actix_web::test]
async fn the_controls_work_over_http() {
    let state = market();
    let post = |path: &str, body: Value| TestRequest::post().uri(path).set_json(body);
    assert_eq!(send(&state, post("/_sim/price", json!({"symbol": "AAPL", "price": 777.25}))).await.status, StatusCode::OK);
    assert_eq!(send(&state, post("/_sim/price", json!({"symbol": "NOSUCH", "price": 1}))).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(get(&state, SNAPSHOT).await.json()["ticker"]["lastTrade"]["p"], 777.25);
    send(&state, post("/_sim/news", json!({"id": "extra", "title": "Extra", "tickers": ["GM"]}))).await;
    let news = get(&state, "/v2/reference/news?ticker=GM&limit=1000").await.json();
    assert!(news["results"].as_array().unwrap().iter().any(|article| article["id"] == "extra"));
    assert_eq!(
        send(&state, TestRequest::post().uri("/_sim/faults").set_payload("teapot:1")).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(send(&state, TestRequest::post().uri("/_sim/faults").set_payload("500:1")).await.status, StatusCode::OK);
    assert_eq!(get(&state, SNAPSHOT).await.status, StatusCode::INTERNAL_SERVER_ERROR);
    send(&state, post("/_sim/down", json!({"down": true}))).await;
    assert_eq!(get(&state, SNAPSHOT).await.status, StatusCode::SERVICE_UNAVAILABLE);
    let stats = send(&state, TestRequest::get().uri("/_sim/stats")).await.json();
    assert_eq!(stats["requests"], 4);
    assert_eq!(stats["by_path"]["/v2/snapshot/locale/{locale}/markets/{market}/tickers/{ticker}"], 3);
    assert_eq!((state.controls.requests_to("/v2/reference/news"), state.controls.requests_to("/v2")), (1, 4));
}

#[actix_web::test]
async fn a_real_socket_is_served_and_can_be_cut() {
    let (simulator, server) = Simulator::start(SimulatorSettings::default(), ([127, 0, 0, 1], 0).into()).unwrap();
    assert_eq!(simulator.base_url(), format!("http://127.0.0.1:{}", simulator.address().port()));
    let handle = server.handle();
    rt::spawn(server);
    let address = simulator.address();
    simulator.set_price("AAPL", 55.5);
    let whole = web::block(move || exchange(address)).await.unwrap();
    assert!(whole.starts_with("HTTP/1.1 200") && whole.contains("55.5"), "{whole}");
    simulator.set_faults("cut:1".parse().unwrap());
    let cut = web::block(move || exchange(address)).await.unwrap();
    let (head, body) = cut.split_once("\r\n\r\n").unwrap();
    let promised = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
    assert!(cut.starts_with("HTTP/1.1 200") && !body.is_empty() && body.len() < promised.unwrap(), "{cut}");
    assert_eq!((simulator.requests(), simulator.requests_to("/v2/snapshot")), (2, 2));
    handle.stop(false).await;
}

fn exchange(address: SocketAddr) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    write!(socket, "GET {SNAPSHOT} HTTP/1.1\r\nHost: sim\r\nAuthorization: Bearer k\r\nConnection: close\r\n\r\n").unwrap();
    let mut reply = Vec::new();
    // A connection that is cut may end in a reset; what came before it counts.
    let _ = socket.read_to_end(&mut reply);
    String::from_utf8(reply).unwrap()
}
