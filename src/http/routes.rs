//! Every route.

use actix_web::web::{ServiceConfig, delete, get, post, put, resource, route};

use super::endpoints::{
    API_KEYS, api, api_keys, auth, dashboard, docs, events, fallback, health, mcp, metrics, oauth, progress, stream_ticket,
    test_error, tools, upstream_key, user,
};

/// Adds the routes of the HTTP+SSE transport of 2024-11-05. Without them its paths are as unknown as any other.
pub(super) fn http_sse_routes(config: &mut ServiceConfig) {
    config
        .service(resource("/sse").route(get().to(mcp::stream)).default_service(route().to(fallback::get_only)))
        .service(resource("/messages").route(post().to(mcp::post_to_stream)).default_service(route().to(fallback::post_only)));
}

/// Adds the routes of the authorization server.
pub(super) fn oauth_routes(config: &mut ServiceConfig) {
    let get_only = || route().to(fallback::get_only);
    let post_only = || route().to(fallback::post_only);
    config
        .service(resource("/.well-known/oauth-protected-resource").route(get().to(oauth::resource)).default_service(get_only()))
        .service(
            resource("/.well-known/oauth-protected-resource/mcp").route(get().to(oauth::resource)).default_service(get_only()),
        )
        .service(resource("/.well-known/oauth-authorization-server").route(get().to(oauth::server)).default_service(get_only()))
        .service(
            resource("/.well-known/oauth-authorization-server/mcp").route(get().to(oauth::server)).default_service(get_only()),
        )
        .service(resource("/.well-known/openid-configuration").route(get().to(oauth::open_id)).default_service(get_only()))
        .service(resource("/jwks.json").route(get().to(oauth::keys)).default_service(get_only()))
        .service(resource("/register").route(post().to(oauth::register)).default_service(post_only()))
        .service(
            resource("/authorize")
                .route(get().to(oauth::authorize))
                .route(post().to(oauth::decide))
                .default_service(route().to(fallback::get_post_only)),
        )
        .service(resource("/token").route(post().to(oauth::token)).default_service(post_only()))
        .service(resource("/revoke").route(post().to(oauth::revoke)).default_service(post_only()));
}

/// Adds the routes of browsers that sign in and out.
fn browser_routes(config: &mut ServiceConfig) {
    config
        .service(resource("/auth/login").route(get().to(auth::login)).default_service(route().to(fallback::get_only)))
        .service(resource("/auth/callback").route(get().to(auth::callback)).default_service(route().to(fallback::get_only)))
        .service(resource("/callback").route(get().to(auth::callback)).default_service(route().to(fallback::get_only)))
        .service(resource("/auth/logout").route(post().to(auth::logout)).default_service(route().to(fallback::post_only)))
        .service(resource("/auth/refresh").route(post().to(auth::refresh)).default_service(route().to(fallback::post_only)))
        .service(
            resource("/auth/stream-ticket")
                .route(post().to(stream_ticket::post))
                .default_service(route().to(fallback::post_only)),
        )
        .service(resource("/api/user").route(get().to(user::get)).default_service(route().to(fallback::get_only)));
}

/// Adds every other route to an application.
pub(super) fn routes(config: &mut ServiceConfig) {
    browser_routes(config);
    config
        .service(
            resource("/mcp")
                .route(post().to(mcp::post))
                .route(get().to(mcp::get))
                .route(delete().to(mcp::delete))
                .default_service(route().to(mcp::other_method)),
        )
        .service(resource("/events").route(get().to(events::get)).default_service(route().to(fallback::get_only)))
        .service(resource("/api/mcp/stream-news").route(get().to(progress::news)).default_service(route().to(fallback::get_only)))
        .service(
            resource("/api/mcp/stream-prices").route(get().to(progress::prices)).default_service(route().to(fallback::get_only)),
        )
        .service(
            resource("/api/mcp/stream-alerts").route(get().to(progress::alerts)).default_service(route().to(fallback::get_only)),
        )
        .service(resource("/api/quotes/{symbol}").route(get().to(api::quote)).default_service(route().to(fallback::get_only)))
        .service(resource("/api/news/{symbol}").route(get().to(api::news)).default_service(route().to(fallback::get_only)))
        .service(resource("/api/bars/{symbol}").route(get().to(api::bars)).default_service(route().to(fallback::get_only)))
        .service(resource("/api/status").route(get().to(api::status)).default_service(route().to(fallback::get_only)))
        .service(
            resource("/api/user/upstream-key")
                .route(get().to(upstream_key::get))
                .route(put().to(upstream_key::put))
                .route(delete().to(upstream_key::delete))
                .default_service(route().to(fallback::get_put_delete_only)),
        )
        .service(
            resource(API_KEYS)
                .route(get().to(api_keys::list))
                .route(post().to(api_keys::create))
                .default_service(route().to(fallback::get_post_only)),
        )
        .service(
            resource("/auth/api-keys/{id}")
                .route(get().to(api_keys::get))
                .route(delete().to(api_keys::revoke))
                .default_service(route().to(fallback::get_delete_only)),
        )
        .service(
            resource("/auth/api-keys/{id}/rotate")
                .route(post().to(api_keys::rotate))
                .default_service(route().to(fallback::post_only)),
        )
        .service(resource("/tools/list").route(get().to(tools::list)).default_service(route().to(fallback::get_only)))
        .service(resource("/tools/{name}").route(post().to(tools::call)).default_service(route().to(fallback::post_only)))
        .service(resource("/health").route(get().to(health::health)).default_service(route().to(fallback::get_only)))
        .service(resource("/healthz").route(get().to(health::live)).default_service(route().to(fallback::get_only)))
        .service(resource("/readyz").route(get().to(health::ready)).default_service(route().to(fallback::get_only)))
        .service(resource("/metrics").route(get().to(metrics::get)).default_service(route().to(fallback::get_only)))
        .service(resource("/openapi.json").route(get().to(docs::openapi)).default_service(route().to(fallback::get_only)))
        .service(resource("/docs").route(get().to(docs::index)).default_service(route().to(fallback::get_only)))
        .service(resource("/docs/{file}").route(get().to(docs::file)).default_service(route().to(fallback::get_only)))
        .service(resource("/test-error").route(post().to(test_error::post)).default_service(route().to(fallback::post_only)))
        .service(resource("/").route(get().to(dashboard::index)).default_service(route().to(fallback::get_only)))
        .service(resource("/favicon.ico").route(get().to(dashboard::favicon)).default_service(route().to(fallback::get_only)))
        .service(resource("/assets/{file}").route(get().to(dashboard::asset)).default_service(route().to(fallback::get_only)))
        .default_service(route().to(fallback::not_found));
}
