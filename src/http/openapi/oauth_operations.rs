//! The operations of the authorization server: a row each.

use super::operations::{AnswerKind, Operation, Parameter};

const fn at(
    method: &'static str,
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    parameters: &'static [Parameter],
    answer: AnswerKind,
) -> Operation {
    Operation { method, path, id, tag: "oauth", summary, parameters, answer }
}

const fn query(name: &'static str, example: &'static str, help: &'static str) -> Parameter {
    Parameter { name, place: "query", required: true, kind: "string", example, help }
}

pub(super) const OAUTH_OPERATIONS: &[Operation] = &[
    at(
        "get",
        "/.well-known/oauth-protected-resource",
        "oauth_resource",
        "What tokens are good for here, and who gives them (RFC 9728)",
        &[],
        AnswerKind::Json,
    ),
    at(
        "get",
        "/.well-known/oauth-protected-resource/mcp",
        "oauth_resource_mcp",
        "The same, where clients of /mcp look first",
        &[],
        AnswerKind::Json,
    ),
    at(
        "get",
        "/.well-known/oauth-authorization-server",
        "oauth_server",
        "What the authorization server can do, and where (RFC 8414)",
        &[],
        AnswerKind::Json,
    ),
    at(
        "get",
        "/.well-known/oauth-authorization-server/mcp",
        "oauth_server_mcp",
        "The same, for clients that add the path of the endpoint",
        &[],
        AnswerKind::Json,
    ),
    at(
        "get",
        "/.well-known/openid-configuration",
        "oauth_openid",
        "The same, for clients that know OpenID Connect discovery only",
        &[],
        AnswerKind::Json,
    ),
    at("get", "/jwks.json", "oauth_keys", "The public keys of access tokens (RFC 7517)", &[], AnswerKind::Json),
    at("post", "/register", "oauth_register", "Register a client (RFC 7591): JSON with redirect_uris", &[], AnswerKind::Json),
    at(
        "get",
        "/authorize",
        "oauth_authorize",
        "Ask a person to let a client in: for browsers; answers with a page or sends them on",
        &[
            query("response_type", "code", "code"),
            query("client_id", "client-0pHxR2tYw5Zk8mB3nC6vQa", "The client's id, or the address of its metadata document"),
            query("redirect_uri", "http://127.0.0.1:33418/", "Where the browser goes afterwards: the client's own"),
            query("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "PKCE challenge"),
            query("code_challenge_method", "S256", "S256"),
        ],
        AnswerKind::Text,
    ),
    at("post", "/authorize", "oauth_decide", "The form of the consent page", &[], AnswerKind::Text),
    at("post", "/token", "oauth_token", "Tokens for a code or a refresh token (a form, RFC 6749)", &[], AnswerKind::Json),
    at("post", "/revoke", "oauth_revoke", "Give a token back (a form, RFC 7009)", &[], AnswerKind::Text),
];
