//! Who may ask for what, told to people (`docs/ACCESS.md`) and to the test that tries every row.

use tickgate_core::access::Scope;

use super::route::{Door, RouteSpec, Served};
use super::routes::ROUTES;

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everyone.
    Everyone,
    /// Callers with this scope. A handler may want more for what is another's.
    Scope(Scope),
    /// Browsers that have signed in.
    SignedIn,
    /// Admins, and everyone where the setting says so.
    AdminUnless(&'static str),
}

/// One method of one route.
#[derive(Clone, Debug)]
pub struct RouteAccess {
    /// As HTTP writes it.
    pub method: String,
    /// Its path; `{name}` stands for one segment.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
    /// Whether it is there only with `LEGACY_SSE`.
    pub legacy: bool,
}

/// Every method of every route, in their order.
#[must_use]
pub fn access() -> Vec<RouteAccess> {
    let of_route = |spec: &'static RouteSpec| {
        spec.methods.iter().map(move |(verb, _)| RouteAccess {
            method: verb.method().to_string(),
            path: spec.path,
            access: through(spec.door_for(&verb.method())),
            legacy: spec.served == Served::WithHttpSse,
        })
    };
    ROUTES.iter().flat_map(of_route).collect()
}

const fn through(door: Door) -> Access {
    match door {
        Door::Open => Access::Everyone,
        Door::Needs(scope) => Access::Scope(scope),
        Door::SignedIn => Access::SignedIn,
        Door::AdminUnless(opening) => Access::AdminUnless(opening.setting()),
    }
}

impl RouteAccess {
    /// The row of `docs/ACCESS.md`.
    #[must_use]
    pub fn row(&self) -> String {
        let who = match self.access {
            Access::Everyone => "everyone".to_owned(),
            Access::Scope(scope) => format!("`{scope}`"),
            Access::SignedIn => "a browser that has signed in".to_owned(),
            Access::AdminUnless(setting) => format!("`admin`; everyone with `{setting}`"),
        };
        let legacy = if self.legacy { " (with `LEGACY_SSE`)" } else { "" };
        format!("| `{} {}`{legacy} | {who} |", self.method, self.path)
    }
}
