//! The HTTP edge. `stack` shows the order of the layers, `routes` every route, `route` what is known of one.

mod access;
mod endpoints;
mod error;
mod event_body;
mod fan_out_body;
mod gateway;
mod middleware;
mod openapi;
mod request;
mod route;
mod routes;
mod slots;
mod stack;
mod tenure;

pub use access::{Access, RouteAccess, access};
pub use endpoints::KEY_LINK;
pub use gateway::{Gateway, HttpMetrics, HttpSettings, Worker};
pub use openapi::document as openapi_document;
pub use slots::StreamSlots;
pub use stack::{Limiters, MoreRoutes, app};
