//! Which path leads to which rule? Each room answers one family of paths: a rule that makes the body from a view of the
//! market, and a handler that only calls it.

pub(crate) mod aggregates;
mod control;
pub(crate) mod news;
pub(crate) mod snapshots;
pub(crate) mod status;
pub(crate) mod tickers;
pub(crate) mod trades;

use actix_web::web;

use super::answer::{Answer, Refusal};
use super::feed;

/// Registers every route.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config
        .service(
            web::scope("/v2/snapshot/locale/{locale}/markets/{market}")
                .route("/tickers", web::get().to(snapshots::list))
                .route("/tickers/{ticker}", web::get().to(snapshots::one))
                .route("/{direction:gainers|losers}", web::get().to(snapshots::movers)),
        )
        .route("/v2/aggs/ticker/{ticker}/range/{multiplier}/{timespan}/{from}/{to}", web::get().to(aggregates::range))
        .route("/v2/aggs/ticker/{ticker}/prev", web::get().to(aggregates::previous))
        .route("/v2/last/trade/{ticker}", web::get().to(trades::last))
        .route("/v3/reference/tickers", web::get().to(tickers::list))
        .route("/v3/reference/tickers/{ticker}", web::get().to(tickers::details))
        .route("/v2/reference/news", web::get().to(news::list))
        .route("/v1/marketstatus/now", web::get().to(status::now))
        .route("/v1/marketstatus/upcoming", web::get().to(status::upcoming))
        .route(feed::PATTERN, web::get().to(feed::open))
        .service(
            web::scope("/_sim")
                .route("/stats", web::get().to(control::stats))
                .route("/faults", web::post().to(control::faults))
                .route("/news", web::post().to(control::news))
                .route("/price", web::post().to(control::price))
                .route("/down", web::post().to(control::down)),
        )
        .default_service(web::to(|| async { Answer::from(Refusal::NotFound) }));
}
