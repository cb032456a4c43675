//! `POST /test-error`: an error on purpose, to see that it is reported.

use actix_web::error::ErrorInternalServerError;

pub(in crate::http) async fn post() -> Result<&'static str, actix_web::Error> {
    tracing::error!("test error raised on purpose by POST /test-error");
    Err(ErrorInternalServerError("test error raised on purpose by POST /test-error"))
}
