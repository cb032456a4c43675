//! Every route, what it is for, and who may come in; and how they get into an application.

use actix_web::web::{ServiceConfig, delete, get, patch, post, put, resource, route};
use tickgate_core::access::Scope;

use super::endpoints::{
    API_KEYS, KEY_LINK, admin, admin_audit, api, api_keys, auth, clients, dashboard, docs, events, fallback, health, key_link,
    mcp, metrics, oauth, progress, session, stream_ticket, test_error, tools, upstream_key, user,
};
use super::gateway::HttpSettings;
use super::route::Verb::{Delete, Get, Patch, Post, Put};
use super::route::{Door, Kind, Opening, RouteSpec};

const OPEN: Door = Door::Open;
const READ: Door = Door::Needs(Scope::Read);
const WRITE: Door = Door::Needs(Scope::Write);
const ADMIN: Door = Door::Needs(Scope::Admin);
const DOCS: Door = Door::AdminUnless(Opening::Docs);
const METRICS: Door = Door::AdminUnless(Opening::Metrics);
const TEST_ERROR: Door = Door::AdminUnless(Opening::Development);

/// Every route.
pub(super) static ROUTES: &[RouteSpec] = &[
    RouteSpec::new("/", Kind::Page, OPEN, &[(Get, || get().to(dashboard::index))]),
    RouteSpec::new("/account", Kind::Page, OPEN, &[(Get, || get().to(dashboard::account))]),
    RouteSpec::new("/favicon.ico", Kind::Page, OPEN, &[(Get, || get().to(dashboard::favicon))]),
    RouteSpec::new("/assets/{file}", Kind::Page, OPEN, &[(Get, || get().to(dashboard::asset))]),
    RouteSpec::new("/docs", Kind::Page, DOCS, &[(Get, || get().to(docs::index))]),
    RouteSpec::new("/docs/{file}", Kind::Page, DOCS, &[(Get, || get().to(docs::file))]),
    RouteSpec::new("/openapi.json", Kind::Page, DOCS, &[(Get, || get().to(docs::openapi))]),
    RouteSpec::new("/health", Kind::Probe, OPEN, &[(Get, || get().to(health::health))]),
    RouteSpec::new("/healthz", Kind::Probe, OPEN, &[(Get, || get().to(health::live))]),
    RouteSpec::new("/readyz", Kind::Probe, OPEN, &[(Get, || get().to(health::ready))]),
    RouteSpec::new("/metrics", Kind::Operations, METRICS, &[(Get, || get().to(metrics::get))]),
    RouteSpec::new("/test-error", Kind::Operations, TEST_ERROR, &[(Post, || post().to(test_error::post))]),
    RouteSpec::new(
        "/mcp",
        Kind::Mcp,
        READ,
        &[(Get, || get().to(mcp::get)), (Post, || post().to(mcp::post)), (Delete, || delete().to(mcp::delete))],
    ),
    RouteSpec::new("/sse", Kind::McpStream, READ, &[(Get, || get().to(mcp::stream))]).with_http_sse(),
    RouteSpec::new("/messages", Kind::Mcp, READ, &[(Post, || post().to(mcp::post_to_stream))]).with_http_sse(),
    RouteSpec::new("/tools/list", Kind::Tools, READ, &[(Get, || get().to(tools::list))]),
    RouteSpec::new("/tools/{name}", Kind::Tools, READ, &[(Post, || post().to(tools::call))]),
    RouteSpec::new("/events", Kind::Stream, READ, &[(Get, || get().to(events::get))]),
    RouteSpec::new("/api/mcp/stream-news", Kind::Stream, READ, &[(Get, || get().to(progress::news))]),
    RouteSpec::new("/api/mcp/stream-prices", Kind::Stream, READ, &[(Get, || get().to(progress::prices))]),
    RouteSpec::new("/api/mcp/stream-alerts", Kind::Stream, READ, &[(Get, || get().to(progress::alerts))]),
    RouteSpec::new("/api/quotes/{symbol}", Kind::Api, READ, &[(Get, || get().to(api::quote))]),
    RouteSpec::new("/api/news/{symbol}", Kind::Api, READ, &[(Get, || get().to(api::news))]),
    RouteSpec::new("/api/bars/{symbol}", Kind::Api, READ, &[(Get, || get().to(api::bars))]),
    RouteSpec::new("/api/status", Kind::Api, READ, &[(Get, || get().to(api::status))]),
    RouteSpec::new("/api/user", Kind::Api, READ, &[(Get, || get().to(user::get)), (Delete, || delete().to(user::delete))])
        // What was handed out to read must not be able to destroy.
        .but_to_change(WRITE),
    RouteSpec::new(
        "/api/user/upstream-key",
        Kind::Api,
        WRITE,
        &[
            (Get, || get().to(upstream_key::get)),
            (Put, || put().to(upstream_key::put)),
            (Delete, || delete().to(upstream_key::delete)),
        ],
    ),
    RouteSpec::new("/api/user/clients", Kind::Api, WRITE, &[(Get, || get().to(clients::list))]),
    RouteSpec::new("/api/user/clients/{id}", Kind::Api, WRITE, &[(Delete, || delete().to(clients::disconnect))]),
    // Each page asks it when it is opened: charged like a sign-in, a few readers behind one address would lock each other out.
    RouteSpec::new("/auth/session", Kind::Api, OPEN, &[(Get, || get().to(session::get))]),
    RouteSpec::new("/auth/login", Kind::Auth, OPEN, &[(Get, || get().to(auth::login))]),
    RouteSpec::new("/auth/callback", Kind::Auth, OPEN, &[(Get, || get().to(auth::callback))]),
    RouteSpec::new("/callback", Kind::Auth, OPEN, &[(Get, || get().to(auth::callback))]),
    RouteSpec::new("/auth/logout", Kind::Auth, OPEN, &[(Post, || post().to(auth::logout))]),
    RouteSpec::new("/auth/refresh", Kind::Auth, Door::SignedIn, &[(Post, || post().to(auth::refresh))]),
    RouteSpec::new("/auth/stream-ticket", Kind::Auth, READ, &[(Post, || post().to(stream_ticket::post))]),
    RouteSpec::new(API_KEYS, Kind::Auth, WRITE, &[(Get, || get().to(api_keys::list)), (Post, || post().to(api_keys::create))]),
    RouteSpec::new(
        "/auth/api-keys/{id}",
        Kind::Auth,
        WRITE,
        &[(Get, || get().to(api_keys::get)), (Delete, || delete().to(api_keys::revoke))],
    ),
    RouteSpec::new("/auth/api-keys/{id}/rotate", Kind::Auth, WRITE, &[(Post, || post().to(api_keys::rotate))]),
    // Who has a link is whoever the key is for: no other credential is asked for.
    RouteSpec::new(KEY_LINK, Kind::Auth, OPEN, &[(Get, || get().to(key_link::page)), (Post, || post().to(key_link::open))]),
    RouteSpec::new("/admin/users", Kind::Admin, ADMIN, &[(Get, || get().to(admin::list))]),
    RouteSpec::new(
        "/admin/users/{id}",
        Kind::Admin,
        ADMIN,
        &[(Get, || get().to(admin::get)), (Patch, || patch().to(admin::change)), (Delete, || delete().to(admin::erase))],
    ),
    RouteSpec::new("/admin/audit", Kind::Admin, ADMIN, &[(Get, || get().to(admin_audit::get))]),
    RouteSpec::new(
        "/authorize",
        Kind::Consent,
        OPEN,
        &[(Get, || get().to(oauth::authorize)), (Post, || post().to(oauth::decide))],
    ),
    RouteSpec::new("/.well-known/oauth-protected-resource", Kind::Discovery, OPEN, &[(Get, || get().to(oauth::resource))]),
    RouteSpec::new("/.well-known/oauth-protected-resource/mcp", Kind::Discovery, OPEN, &[(Get, || get().to(oauth::resource))]),
    RouteSpec::new("/.well-known/oauth-authorization-server", Kind::Discovery, OPEN, &[(Get, || get().to(oauth::server))]),
    RouteSpec::new("/.well-known/oauth-authorization-server/mcp", Kind::Discovery, OPEN, &[(Get, || get().to(oauth::server))]),
    RouteSpec::new("/.well-known/openid-configuration", Kind::Discovery, OPEN, &[(Get, || get().to(oauth::open_id))]),
    RouteSpec::new("/jwks.json", Kind::Discovery, OPEN, &[(Get, || get().to(oauth::keys))]),
    // Clients try out more of them than we have: each is 404, not 401.
    RouteSpec::new("/.well-known/{name}", Kind::Discovery, OPEN, &[]),
    RouteSpec::new("/.well-known/{name}/{path}", Kind::Discovery, OPEN, &[]),
    RouteSpec::new("/register", Kind::Token, OPEN, &[(Post, || post().to(oauth::register))]),
    RouteSpec::new("/token", Kind::Token, OPEN, &[(Post, || post().to(oauth::token))]),
    RouteSpec::new("/revoke", Kind::Token, OPEN, &[(Post, || post().to(oauth::revoke))]),
];

/// Adds every route to an application.
pub(super) fn routes(config: &mut ServiceConfig, settings: &HttpSettings) {
    for spec in ROUTES.iter().filter(|spec| spec.is_served(settings) && !spec.methods.is_empty()) {
        let taken = spec.methods.iter().fold(resource(spec.path), |resource, (_, handler)| resource.route(handler()));
        config.service(taken.default_service(route().to(fallback::other_method)));
    }
    config.default_service(route().to(fallback::not_found));
}
