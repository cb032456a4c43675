//! What is known of a route before anything of a request is read: of which kind it is, and who may come in. From the kind follows
//! where cookies count, what is charged to which limit, and from which pages it may be called. Layers ask [`RouteSpec::of`];
//! nothing else looks at paths.

use std::collections::HashMap;
use std::sync::LazyLock;

use actix_web::Route;
use actix_web::http::Method;
use tickgate_core::access::Scope;

use super::gateway::HttpSettings;
use super::routes::ROUTES;

/// Who may come in.
#[derive(Clone, Copy, Debug)]
pub(super) enum Door {
    /// Everyone.
    Open,
    /// Callers with this scope.
    Needs(Scope),
    /// Browsers that have signed in: callers with `read`, and the handler asks for the person.
    SignedIn,
    /// Everyone where a setting says so, else admins.
    AdminUnless(Opening),
}

/// A setting that lets everyone in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// `DOCS_PUBLIC`.
    Docs,
    /// `METRICS_PUBLIC`.
    Metrics,
    /// `APP_ENV=development`.
    Development,
}

impl Opening {
    /// Whether it does.
    pub(super) const fn is_set(self, settings: &HttpSettings) -> bool {
        match self {
            Self::Docs => settings.docs_public,
            Self::Metrics => settings.metrics_public,
            Self::Development => settings.development,
        }
    }

    /// Its name.
    pub(super) const fn setting(self) -> &'static str {
        match self {
            Self::Docs => "DOCS_PUBLIC",
            Self::Metrics => "METRICS_PUBLIC",
            Self::Development => "APP_ENV=development",
        }
    }
}

impl Door {
    /// The scope that a caller needs; `None` where everyone may come in.
    pub(super) fn needs(self, settings: &HttpSettings) -> Option<Scope> {
        match self {
            Self::Open => None,
            Self::Needs(scope) => Some(scope),
            Self::SignedIn => Some(Scope::Read),
            Self::AdminUnless(opening) => (!opening.is_set(settings)).then_some(Scope::Admin),
        }
    }
}

/// What a route is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Something for people to look at.
    Page,
    /// Whether the gateway lives; orchestrators ask by address.
    Probe,
    /// For operators' programs.
    Operations,
    /// MCP.
    Mcp,
    /// The stream of the HTTP+SSE transport of MCP.
    McpStream,
    /// The registry over HTTP.
    Tools,
    /// JSON for pages and programs.
    Api,
    /// An event stream for pages and programs.
    Stream,
    /// How browsers sign in, and what people do with their keys.
    Auth,
    /// Where people let a client in.
    Consent,
    /// Where clients find out how they get in.
    Discovery,
    /// Where clients get their tokens.
    Token,
    /// Administration.
    Admin,
}

/// When a route exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Served {
    /// In every gateway.
    Always,
    /// Where `LEGACY_SSE` is on; else its path is as unknown as any other.
    WithHttpSse,
}

/// A method that a route takes, and its handler.
pub(super) type Taken = (Verb, fn() -> Route);

/// One route.
pub(super) struct RouteSpec {
    /// Its path; `{name}` stands for one segment.
    pub(super) path: &'static str,
    /// What it is for.
    pub(super) kind: Kind,
    /// Who may come in.
    pub(super) door: Door,
    /// When it exists.
    pub(super) served: Served,
    /// What it takes. Nothing: it is a place where nothing is, which must look the same to everyone.
    pub(super) methods: &'static [Taken],
}

/// A method that a route can take (RFC 9110 §9.3, RFC 5789).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Verb {
    /// As HTTP writes it.
    pub(super) const fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Patch => Method::PATCH,
            Self::Delete => Method::DELETE,
        }
    }
}

impl Kind {
    /// Whether pages of any origin may use it: clients that live in a browser find us and get their tokens there. No cookie is
    /// looked at, so a page can do nothing that its owner could not do without a browser.
    pub(super) const fn is_for_any_origin(self) -> bool {
        matches!(self, Self::Discovery | Self::Token)
    }

    /// Whether a browser that has signed in is known there by its cookie, which it sends by itself.
    pub(super) const fn takes_cookies(self) -> bool {
        matches!(self, Self::Page | Self::Stream | Self::Api | Self::Auth | Self::Admin)
    }

    /// A handful of labels, for counting.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Mcp | Self::McpStream => "mcp",
            Self::Stream => "stream",
            Self::Tools => "tools",
            Self::Api => "api",
            Self::Auth => "auth",
            Self::Admin => "admin",
            Self::Page | Self::Probe | Self::Operations | Self::Consent | Self::Discovery | Self::Token => "other",
        }
    }
}

/// Routes by their path, and those whose path has a variable part.
static BY_PATH: LazyLock<HashMap<&'static str, &'static RouteSpec>> =
    LazyLock::new(|| ROUTES.iter().filter(|spec| !spec.is_pattern()).map(|spec| (spec.path, spec)).collect());
static PATTERNS: LazyLock<Vec<&'static RouteSpec>> = LazyLock::new(|| ROUTES.iter().filter(|spec| spec.is_pattern()).collect());

impl RouteSpec {
    /// A route of every gateway.
    pub(super) const fn new(path: &'static str, kind: Kind, door: Door, methods: &'static [Taken]) -> Self {
        Self { path, kind, door, served: Served::Always, methods }
    }

    /// The same, where `LEGACY_SSE` is on.
    pub(super) const fn with_http_sse(self) -> Self {
        Self { served: Served::WithHttpSse, ..self }
    }

    /// The route of a path, as it was sent; `None` for a path of nothing.
    pub(super) fn of(path: &str) -> Option<&'static Self> {
        BY_PATH.get(path).or_else(|| PATTERNS.iter().find(|spec| fits(spec.path, path))).copied()
    }

    /// The kind of the route of a path.
    pub(super) fn kind_of(path: &str) -> Option<Kind> {
        Self::of(path).map(|spec| spec.kind)
    }

    /// Whether a gateway of these settings has it.
    pub(super) fn is_served(&self, settings: &HttpSettings) -> bool {
        self.served == Served::Always || settings.legacy_sse
    }

    /// What it takes, as `Allow` says it.
    pub(super) fn allow(&self) -> String {
        let methods = self.methods.iter().map(|(verb, _)| verb.method().to_string());
        methods.collect::<Vec<_>>().join(", ")
    }

    fn is_pattern(&self) -> bool {
        self.path.contains('{')
    }
}

/// Whether a path has the segments of a pattern.
fn fits(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some(variable), Some(segment)) if variable.starts_with('{') => {
                if segment.is_empty() {
                    return false;
                }
            }
            (Some(fixed), Some(segment)) if fixed == segment => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_that_of_one_route_letter_by_letter() {
        let found = |path| RouteSpec::of(path).map(|spec| spec.path);
        assert_eq!(found("/mcp"), Some("/mcp"));
        assert_eq!(found("/tools/list"), Some("/tools/list"));
        assert_eq!(found("/tools/echo"), Some("/tools/{name}"));
        assert_eq!(found("/auth/api-keys/abc/rotate"), Some("/auth/api-keys/{id}/rotate"));
        for nothing in ["", "/MCP", "/mcp/", "//mcp", "/tools/", "/tools/a/b", "/auth/api-keys//rotate", "/.well-known"] {
            assert_eq!(found(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn no_two_routes_share_a_path() {
        let mut paths: Vec<_> = ROUTES.iter().map(|spec| spec.path).collect();
        paths.sort_unstable();
        assert!(paths.windows(2).all(|two| two[0] != two[1]), "{paths:?}");
    }

    #[test]
    fn where_cookies_count_no_page_of_another_origin_may_call() {
        for spec in ROUTES {
            assert!(!(spec.kind.takes_cookies() && spec.kind.is_for_any_origin()), "{}", spec.path);
        }
    }
}
