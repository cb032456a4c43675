//! What no route takes.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};

use crate::http::error::Problem;

pub(in crate::http) async fn not_found(request: HttpRequest) -> HttpResponse {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "There is nothing here; /docs lists what there is.").respond(&request)
}

pub(in crate::http) async fn get_only(request: HttpRequest) -> HttpResponse {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This takes GET only.").allow("GET").respond(&request)
}

pub(in crate::http) async fn get_put_delete_only(request: HttpRequest) -> HttpResponse {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This takes GET, PUT and DELETE only.")
        .allow("GET, PUT, DELETE")
        .respond(&request)
}

pub(in crate::http) async fn get_post_only(request: HttpRequest) -> HttpResponse {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This takes GET and POST only.")
        .allow("GET, POST")
        .respond(&request)
}

pub(in crate::http) async fn get_delete_only(request: HttpRequest) -> HttpResponse {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This takes GET and DELETE only.")
        .allow("GET, DELETE")
        .respond(&request)
}

pub(in crate::http) async fn post_only(request: HttpRequest) -> HttpResponse {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This takes POST only.").allow("POST").respond(&request)
}
