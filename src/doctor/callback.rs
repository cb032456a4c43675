//! Where does the browser of a person come back to? To a page of our own on this machine, for as long as we wait for it.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::KeepAlive;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use tokio::sync::mpsc;
use url::form_urlencoded;

/// How long a person may take to sign in.
pub(super) const SIGN_IN_DEADLINE: Duration = Duration::from_secs(300);
/// Answers that wait for us; a browser brings one.
const MAX_WAITING: usize = 16;
/// How long the page may still be on its way when we have what we wanted.
const CLOSE_SECS: u64 = 1;
/// The path of the page.
const PATH: &str = "/callback";
const PAGE: &str =
    "<!doctype html><title>tickgate doctor</title><p>Thank you. Go back to the terminal; this page can be closed.</p>";

/// What a browser brought: names and values of its address.
pub(super) type Brought = Vec<(String, String)>;

/// The page.
pub(super) struct Callback {
    /// Its address, as it is registered.
    pub(super) redirect: String,
    brought: mpsc::Receiver<Brought>,
    server: ServerHandle,
}

impl Callback {
    /// Listens on a free port of this machine.
    pub(super) fn listen() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let redirect = format!("http://{}{PATH}", listener.local_addr()?);
        let (sender, brought) = mpsc::channel(MAX_WAITING);
        let app = move || {
            let sender = sender.clone();
            let page = move |request: HttpRequest| {
                let _ = sender.try_send(form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect());
                std::future::ready(HttpResponse::Ok().content_type("text/html; charset=utf-8").body(PAGE))
            };
            App::new().route(PATH, web::get().to(page))
        };
        let server = HttpServer::new(app)
            .workers(1)
            .disable_signals()
            .keep_alive(KeepAlive::Disabled)
            .shutdown_timeout(CLOSE_SECS)
            .listen(listener)?
            .run();
        let handle = server.handle();
        actix_rt::spawn(server);
        Ok(Self { redirect, brought, server: handle })
    }

    /// The next thing that a browser brings; `None` when nobody comes in time.
    pub(super) async fn next(&mut self, until: tokio::time::Instant) -> Option<Brought> {
        tokio::time::timeout_at(until, self.brought.recv()).await.ok().flatten()
    }

    pub(super) async fn close(self) {
        self.server.stop(true).await;
    }
}
