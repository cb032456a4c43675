//! The simulated feed: the vendor's WebSocket protocol on the same port, one cluster a path, prices in step with the REST routes.
//!
//! | file | the question it answers |
//! |---|---|
//! | `controls` | what can a test turn and see |
//! | `handle` | the same for whoever holds the simulator |
//! | `session` | what happens on one connection |
//! | `told` | which events does the market make: pure |

mod controls;
mod handle;
mod session;
mod told;

use actix_web::{HttpRequest, HttpResponse, web};
use tickgate_core::market::Market;

use super::answer::{Answer, Refusal};
use super::state::State;

pub(crate) use controls::FeedControls;
pub use handle::SimulatedFeed;

/// The path of a cluster, as the router names it.
pub(crate) const PATTERN: &str = "/{cluster:stocks|options|indices|forex|crypto}";

/// Opens a connection.
pub(crate) async fn open(
    state: web::Data<State>,
    cluster: web::Path<String>,
    request: HttpRequest,
    body: web::Payload,
) -> actix_web::Result<HttpResponse> {
    if state.controls.is_down() || state.feed.is_down() {
        return Ok(HttpResponse::ServiceUnavailable().finish());
    }
    let Some(market) = market_of(&cluster) else {
        return Ok(actix_web::Responder::respond_to(Answer::from(Refusal::NotFound), &request).map_into_boxed_body());
    };
    let (response, session, messages) = actix_ws::handle(&request, body)?;
    actix_web::rt::spawn(session::run(state, market, session, messages));
    Ok(response)
}

fn market_of(cluster: &str) -> Option<Market> {
    let markets = [Market::Stocks, Market::Options, Market::Indices, Market::Forex, Market::Crypto];
    markets.into_iter().find(|market| market.as_str() == cluster)
}
