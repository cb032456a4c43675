//! What no route takes.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use tickgate_core::rpc::ErrorCode;

use crate::http::error::Problem;
use crate::http::route::RouteSpec;

pub(in crate::http) async fn not_found(request: HttpRequest) -> HttpResponse {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "There is nothing here; /docs lists what there is.").respond(&request)
}

pub(in crate::http) async fn other_method(request: HttpRequest) -> HttpResponse {
    let allow = RouteSpec::of(request.path()).map_or_else(String::new, RouteSpec::allow);
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", format!("Method Not Allowed: this takes {allow} only"))
        .allow(allow)
        .with_code(ErrorCode::INVALID_REQUEST)
        .respond(&request)
}
