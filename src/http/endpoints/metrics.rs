//! `GET /metrics`: Prometheus exposition of our registry and of the process.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use prometheus::{Encoder as _, TextEncoder};

use crate::http::error::Problem;
use crate::http::gateway::OnWorker;

pub(in crate::http) async fn get(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    let encoder = TextEncoder::new();
    let mut text = Vec::new();
    let families = worker.gateway.metrics.registry.gather().into_iter().chain(prometheus::gather()).collect::<Vec<_>>();
    match encoder.encode(&families, &mut text) {
        Ok(()) => HttpResponse::Ok().content_type(encoder.format_type()).body(text),
        Err(error) => {
            tracing::error!("metrics could not be written: {error}");
            Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Something went wrong here; the request id tells us what.",
            )
            .respond(&request)
        }
    }
}
