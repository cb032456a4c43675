//! The order of the layers (DESIGN §5). In actix the last `wrap` is the outermost, so the list reads from the inside out.

use std::rc::Rc;
use std::sync::Arc;

use actix_governor::Governor;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Condition, from_fn};
use actix_web::web::ServiceConfig;
use actix_web::{App, Error};
use actix_web_lab::middleware::CatchPanic;
use actix_web_prom::PrometheusMetrics;
use tracing_actix_web::TracingLogger;

use super::gateway::{Gateway, Worker};
use super::middleware::access_log::AccessLog;
use super::middleware::authenticate::authenticate;
use super::middleware::finish::finish;
use super::middleware::guard::guard;
use super::middleware::rate_limit::{Counts, Limiter, limiter};
use super::middleware::unread::close_unread;
use super::routes::routes;
use crate::settings::LimitSettings;

/// The limiters, shared by all workers.
#[derive(Clone)]
pub struct Limiters {
    requests: Limiter,
    streams: Limiter,
    resumes: Limiter,
    sign_ins: Limiter,
    callers: Limiter,
}

impl Limiters {
    /// Limiters of these settings.
    #[must_use]
    pub fn new(limits: &LimitSettings) -> Self {
        Self {
            requests: limiter(Counts::Requests, limits.mcp, 1),
            streams: limiter(Counts::Streams, limits.stream, 1),
            resumes: limiter(Counts::Resumes, limits.stream, 10),
            sign_ins: limiter(Counts::SignIns, limits.auth, 1),
            callers: limiter(Counts::Caller, limits.key, 1),
        }
    }

    /// Forgets accounts that have been full again for a while; without it they would be kept for ever.
    pub fn forget_the_idle(&self) {
        for limiter in [&self.requests, &self.streams, &self.resumes, &self.sign_ins, &self.callers] {
            limiter.limiter().retain_recent();
            limiter.limiter().shrink_to_fit();
        }
    }
}

/// Routes beside the product's own: the bench server and the conformance server plug theirs in here.
pub type MoreRoutes = Arc<dyn Fn(&mut ServiceConfig, &Gateway) + Send + Sync>;

/// The application of one worker.
pub fn app(
    worker: Rc<Worker>,
    limiters: &Limiters,
    prometheus: PrometheusMetrics,
    more: &MoreRoutes,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = Error,
        InitError = (),
    > + use<>,
> {
    let gateway = Arc::clone(&worker.gateway);
    let reports = gateway.settings.reports;
    App::new()
        .app_data(worker)
        .configure(|config| more(config, &gateway))
        .configure(|config| routes(config, &gateway.settings))
        // Inside: what is closest to the handlers.
        .wrap(Governor::new(&limiters.callers))
        .wrap(from_fn(authenticate))
        .wrap(from_fn(guard))
        .wrap(Governor::new(&limiters.sign_ins))
        .wrap(Governor::new(&limiters.resumes))
        .wrap(Governor::new(&limiters.streams))
        .wrap(Governor::new(&limiters.requests))
        .wrap(Condition::new(
            reports,
            sentry_actix::Sentry::builder().capture_server_errors(true).start_transaction(true).finish(),
        ))
        .wrap(CatchPanic::default())
        .wrap(from_fn(finish))
        .wrap(TracingLogger::<AccessLog>::new())
        .wrap(prometheus)
        .wrap(from_fn(close_unread))
    // Outside: what sees a request first.
}
