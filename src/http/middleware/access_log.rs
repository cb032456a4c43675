//! Request id and access log: one span per request, one line when it is answered. The query is never logged: it can hold secrets.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::{Error, HttpMessage};
use tracing::Span;
use tracing_actix_web::RootSpanBuilder;

use crate::http::gateway::{client_ip, worker};
use crate::http::request::RequestIdentity;
use tickgate_core::access::Caller;

/// Opens and closes the span of a request.
pub(in crate::http) struct AccessLog;

/// When a request came in.
#[derive(Clone, Copy)]
struct Arrived(tokio::time::Instant);

impl RootSpanBuilder for AccessLog {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let identity = RequestIdentity::from_headers(request.headers());
        let span = tracing::info_span!(
            "request",
            request_id = %identity.0,
            method = %request.method(),
            endpoint = tracing::field::Empty,
            user_id = tracing::field::Empty,
            trace.parent = tracing::field::Empty,
        );
        request.extensions_mut().insert(identity);
        request.extensions_mut().insert(Arrived(tokio::time::Instant::now()));
        span
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let response = match outcome {
            Ok(response) => response,
            Err(error) => {
                let status = error.as_response_error().status_code().as_u16();
                return span.in_scope(|| tracing::error!(status_code = status, "a request failed and was answered {status}"));
            }
        };
        let request = response.request();
        let endpoint = request.match_pattern().unwrap_or_else(|| "unmatched".to_owned());
        let extensions = request.extensions();
        let user = extensions.get::<Caller>().map_or("-", |caller| caller.principal.as_str());
        span.record("endpoint", endpoint.as_str());
        span.record("user_id", user);
        let latency_ms =
            extensions.get::<Arrived>().map_or(0, |arrived| u64::try_from(arrived.0.elapsed().as_millis()).unwrap_or(u64::MAX));
        let status = response.status().as_u16();
        let ip = client_ip(request, &worker(request).gateway.settings);
        let _entered = span.enter();
        if response.status().is_server_error() {
            tracing::error!(status_code = status, latency_ms, client_ip = %ip, llm_model = tracing::field::Empty, "{} {endpoint} answered {status}", request.method());
        } else {
            tracing::info!(status_code = status, latency_ms, client_ip = %ip, llm_model = tracing::field::Empty, "{} {endpoint} answered {status}", request.method());
        }
    }
}
