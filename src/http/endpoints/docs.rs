//! `/openapi.json` and `/docs`: the document, and Swagger UI served by us.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use utoipa_swagger_ui::{Config, serve};

use crate::http::error::Problem;
use crate::http::gateway::OnWorker;

/// Swagger UI sets styles by script; scripts themselves come only from here.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; \
                           font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

pub(in crate::http) async fn openapi(OnWorker(worker): OnWorker) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(worker.gateway.openapi.clone())
}

/// The page's assets are relative to `/docs/`.
pub(in crate::http) async fn index() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header(("location", "/docs/index.html")).finish()
}

pub(in crate::http) async fn file(request: HttpRequest, file: Path<String>) -> HttpResponse {
    let config = Arc::new(Config::from("/openapi.json").try_it_out_enabled(true).persist_authorization(false));
    match serve(&file, config) {
        Ok(Some(found)) => HttpResponse::Ok()
            .insert_header((CONTENT_SECURITY_POLICY, DOCS_POLICY))
            .insert_header((CACHE_CONTROL, "max-age=3600"))
            .content_type(found.content_type)
            .body(found.bytes.into_owned()),
        Ok(None) | Err(_) => Problem::new(StatusCode::NOT_FOUND, "not_found", "There is no such file.").respond(&request),
    }
}
