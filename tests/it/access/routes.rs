//! Every method of every route, by every kind of caller.

use tickgate::http::{Access, RouteAccess, access};
use tickgate_core::access::Scope;

use super::{Verdict, Who, everybody, expected, gateway, verdict};
use crate::support::{Answer, Request, TestGateway, get, postgres};

/// A path of the route that names nothing that exists. `?nothing=1`: no handler takes it, so whoever is let in changes nothing.
fn path_of(route: &RouteAccess) -> String {
    let path = route.path.replace("{symbol}", "AAPL").replace("{name}", "nosuch").replace("{file}", "nosuch");
    format!("{}?nothing=1", path.replace("{id}", "WXNxlzyvDjhs"))
}

fn request(route: &RouteAccess, who: &Who) -> Request {
    let method = ["GET", "POST", "PUT", "PATCH", "DELETE"].into_iter().find(|method| *method == route.method).unwrap();
    // As a page of ours would: nothing is refused for where it comes from.
    who.sends(get(&path_of(route)).method(method).header("Sec-Fetch-Site", "same-origin"))
}

fn try_everything(gateway: &TestGateway, everybody: &[Who], anonymous: Option<Scope>) {
    let mut tried = 0;
    for route in access() {
        let needed = match route.access {
            Access::Everyone => None,
            Access::Scope(scope) => Some(scope),
            Access::SignedIn => Some(Scope::Read),
            Access::AdminUnless(_) => Some(Scope::Admin),
        };
        for who in everybody {
            let answer = request(&route, who).send(gateway.address);
            let scope = who.credential.as_ref().map_or(anonymous, |_| who.scope);
            let who = Who { scope, name: who.name, credential: who.credential.clone() };
            // No key and no token is a browser.
            let wanted = if route.access == Access::SignedIn { Verdict::Unknown } else { expected(&who, needed) };
            assert_eq!(seen(&route, &answer), wanted, "{} asks {} {}", who.name, route.method, route.path);
            tried += 1;
        }
    }
    assert!(tried > 40 * everybody.len(), "{tried}");
}

/// The tokens' routes know their callers, clients, by themselves, and say 401 to a client in their own words.
fn seen(route: &RouteAccess, answer: &Answer) -> Verdict {
    if route.path == "/token" || route.path == "/revoke" {
        assert!(answer.status < 500, "{}", answer.status);
        return Verdict::LetIn;
    }
    verdict(answer)
}

#[test]
fn attack_29_every_route_asks_every_caller_for_its_scope() {
    let gateway = gateway("", &[]);
    try_everything(&gateway, &everybody(&gateway, ""), None);
}

#[test]
fn attack_29_every_route_asks_every_caller_for_its_scope_on_postgresql() {
    let url = postgres::Server::shared().database();
    let gateway = gateway(&url, &[]);
    try_everything(&gateway, &everybody(&gateway, &url), None);
}

#[test]
fn while_keys_are_introduced_who_shows_none_may_read_and_who_shows_a_bad_one_nothing() {
    let gateway = gateway("", &[("AUTH", "optional")]);
    try_everything(&gateway, &everybody(&gateway, ""), Some(Scope::Read));
}

#[test]
fn a_method_that_a_route_does_not_take_is_405_with_those_that_it_takes() {
    let gateway = gateway("", &[]);
    let everybody = everybody(&gateway, "");
    let admin = everybody.iter().find(|who| who.name == "the key admin").unwrap();
    let routes = access();
    for route in &routes {
        let taken: Vec<&str> =
            routes.iter().filter(|other| other.path == route.path).map(|other| other.method.as_str()).collect();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"].into_iter().filter(|method| !taken.contains(method)) {
            let answer = admin.sends(get(&path_of(route)).method(method)).send(gateway.address);
            assert_eq!(answer.status, 405, "{method} {}", route.path);
            assert_eq!(answer.header("allow"), Some(taken.join(", ").as_str()), "{method} {}", route.path);
        }
    }
}
