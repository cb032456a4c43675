//! The controls of the handle over HTTP, for tests that only see the process from outside.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::faults::Faults;
use super::super::state::State;

#[derive(Deserialize)]
pub(super) struct PriceBody {
    symbol: String,
    price: f64,
}

#[derive(Deserialize)]
pub(super) struct DownBody {
    down: bool,
}

pub(super) async fn stats(state: web::Data<State>) -> HttpResponse {
    let counts = state.controls.counts();
    HttpResponse::Ok().json(json!({"requests": counts.requests, "by_path": counts.by_pattern}))
}

pub(super) async fn faults(state: web::Data<State>, body: String) -> HttpResponse {
    match body.trim().parse::<Faults>() {
        Ok(faults) => {
            let text = faults.to_string();
            state.controls.set_faults(faults);
            HttpResponse::Ok().json(json!({"faults": text}))
        }
        Err(error) => HttpResponse::BadRequest().json(json!({"error": error.to_string()})),
    }
}

pub(super) async fn news(state: web::Data<State>, body: web::Json<Value>) -> HttpResponse {
    state.controls.publish(body.into_inner(), state.clock.now_ms());
    HttpResponse::Ok().json(json!({"published": true}))
}

pub(super) async fn price(state: web::Data<State>, body: web::Json<PriceBody>) -> HttpResponse {
    if state.pin_price(&body.symbol, body.price) {
        HttpResponse::Ok().json(json!({"pinned": true}))
    } else {
        HttpResponse::BadRequest().json(json!({"error": "no such symbol, or the price is not positive"}))
    }
}

pub(super) async fn down(state: web::Data<State>, body: web::Json<DownBody>) -> HttpResponse {
    state.controls.set_down(body.down);
    HttpResponse::Ok().json(json!({"down": body.down}))
}
