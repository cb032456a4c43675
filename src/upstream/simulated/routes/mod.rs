//! Which path leads to which rule? Each room answers one family of paths: a rule that makes the body from a view of the
//! market, and a handler that only calls it.

pub(crate) mod aggregates;
mod benzinga;
mod codes;
mod control;
mod corporate;
mod currencies;
mod daily;
mod economy;
mod financials;
mod futures;
mod indicators;
pub(crate) mod news;
mod options;
mod related;
pub(crate) mod snapshots;
pub(crate) mod status;
pub(crate) mod tickers;
mod ticks;
pub(crate) mod trades;
mod universal;

use actix_web::web;

use super::answer::{Answer, Refusal};
use super::feed;
use super::table::{Object, Table};

/// Every list that is described by a table.
pub(crate) const TABLES: &[&[Table]] = &[
    codes::TABLES,
    tickers::TABLES,
    corporate::TABLES,
    benzinga::TABLES,
    financials::TABLES,
    economy::TABLES,
    futures::TABLES,
    options::TABLES,
    universal::TABLES,
];

/// Every other endpoint that is only described.
pub(crate) const OBJECTS: &[&[Object]] = &[
    daily::OBJECTS,
    ticks::OBJECTS,
    currencies::OBJECTS,
    related::OBJECTS,
    tickers::OBJECTS,
    options::OBJECTS,
    futures::OBJECTS,
    indicators::OBJECTS,
];

/// Registers every route.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    // Tables first: among them are paths such as `/v3/reference/tickers/types`, which a ticker's route would take.
    TABLES.iter().copied().flatten().for_each(|table| table.register(config));
    OBJECTS.iter().copied().flatten().for_each(|object| object.register(config));
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
