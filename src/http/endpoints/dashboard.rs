//! `/` and `/account`: the pages and their assets, embedded in the binary. They are the same for everybody; what is somebody's the
//! scripts ask for.

use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};

use crate::dashboard::find;
use crate::http::error::Problem;

pub(in crate::http) async fn index(request: HttpRequest) -> HttpResponse {
    respond(&request, "index.html")
}

pub(in crate::http) async fn account(request: HttpRequest) -> HttpResponse {
    respond(&request, "account.html")
}

pub(in crate::http) async fn favicon(request: HttpRequest) -> HttpResponse {
    respond(&request, "icon.svg")
}

pub(in crate::http) async fn asset(request: HttpRequest, file: Path<String>) -> HttpResponse {
    respond(&request, &file)
}

fn respond(request: &HttpRequest, file: &str) -> HttpResponse {
    match find(file) {
        // The names carry no version, so a browser asks again after an update.
        Some(asset) => {
            HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-cache")).content_type(asset.media_type).body(asset.bytes)
        }
        None => Problem::new(StatusCode::NOT_FOUND, "not_found", "There is no such file.").respond(request),
    }
}
