//! Who may do what: every route and every tool, asked by every kind of caller, on both stores (requirements A7, A14, A18, A19, B16,
//! C1–C5; attacks 29 and 30 of the checklist).

mod document;
mod foreign;
mod modes;
mod routes;
mod tools;

use serde_json::json;
use tickgate_actors::Clock;
use tickgate_core::access::Scope;
use tickgate_core::time::Millis;

use crate::api_keys::{ADMIN, DATA_KEY, change_key_on};
use crate::support::{Answer, Request, TestGateway, get, post};

const JWT_SECRET: &str = "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";
const SESSION_SECRET: &str = "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f";
const HOST: &str = "gate.example";
const PUBLIC_URL: &str = "https://gate.example";
const HOUR_MS: u64 = 3_600_000;

/// A gateway as on the internet: everything closed that can be.
fn gateway(url: &str, more: &[(&str, &str)]) -> TestGateway {
    let keys = format!("{ADMIN}:admin:root");
    let own = [
        ("APP_ENV", "production"),
        ("PUBLIC_URL", PUBLIC_URL),
        ("MCP_API_KEYS", keys.as_str()),
        ("JWT_SECRET_KEY", JWT_SECRET),
        ("SESSION_SECRET_KEY", SESSION_SECRET),
        ("DATA_ENCRYPTION_KEY", DATA_KEY),
        ("DATABASE_URL", url),
        // Nobody is there: these tests sign in nowhere.
        ("GOOGLE_ISSUER", "http://127.0.0.1:9"),
        ("GOOGLE_CLIENT_ID", "client"),
        ("GOOGLE_CLIENT_SECRET", "canary-of-the-client-0123456789"),
        ("RATE_LIMIT_AUTH", "0"),
        ("RATE_LIMIT_KEY", "0"),
        ("TOOLSETS", "all"),
        ("LEGACY_SSE", "true"),
    ];
    TestGateway::with(&[&own[..], more].concat())
}

/// Somebody who asks.
struct Who {
    name: &'static str,
    credential: Option<String>,
    /// What they may do; nothing for a credential that is worth nothing.
    scope: Option<Scope>,
}

impl Who {
    fn new(name: &'static str, credential: &str, scope: Option<Scope>) -> Self {
        Self { name, credential: Some(credential.to_owned()), scope }
    }

    /// A request as theirs.
    fn sends(&self, request: Request) -> Request {
        let request = request.header("Host", HOST);
        match &self.credential {
            Some(credential) => request.header("Authorization", &format!("Bearer {credential}")),
            None => request,
        }
    }
}

/// Who makes the others.
fn root() -> Who {
    Who::new("the static key", ADMIN, Some(Scope::Admin))
}

/// A key of this user and scope, and its id.
fn key(gateway: &TestGateway, user: &str, scope: &str) -> (String, String) {
    let wanted = post("/auth/api-keys", json!({"user_id": user, "scope": scope}).to_string());
    let made = root().sends(wanted.header("Content-Type", "application/json")).send(gateway.address).json();
    (made["key"].as_str().unwrap().to_owned(), made["key_id"].as_str().unwrap().to_owned())
}

/// Every kind of caller. The last three scopes come as keys and as tokens.
fn everybody(gateway: &TestGateway, url: &str) -> Vec<Who> {
    let key = |user: &str, scope: &str| key(gateway, user, scope);
    let (expired, expired_id) = key("late", "admin");
    change_key_on(gateway, url, &expired_id, |key| key.expires = Some(Millis(Clock::start().now().0 - 1)));
    let (revoked, revoked_id) = key("gone", "admin");
    let revoke = root().sends(get(&format!("/auth/api-keys/{revoked_id}")).method("DELETE"));
    assert_eq!(revoke.send(gateway.address).status, 204);
    let tokens = tickgate::auth::JwtAuthority::new(&[JWT_SECRET.into()], PUBLIC_URL).unwrap();
    let token = |user: &str, scope, at: Millis| tokens.issue(user, scope, 600, at).unwrap();
    let now = Clock::start().now();
    // A person whose record is gone: their id is all that is left of them.
    let erased = token(&"0".repeat(32), Scope::Admin, now);
    let others = tickgate::auth::JwtAuthority::new(&[JWT_SECRET.into()], "https://other.example").unwrap();
    let everybody = vec![
        Who { name: "anonymous", credential: None, scope: None },
        Who::new("an expired key", &expired, None),
        Who::new("a revoked key", &revoked, None),
        Who::new("an expired token", &token("ada", Scope::Admin, Millis(now.0 - HOUR_MS)), None),
        Who::new("a token of somebody who was erased", &erased, None),
        Who::new("a token for another gateway", &others.issue("ada", Scope::Admin, 600, now).unwrap(), None),
        Who::new("a made-up key", "tg_000000000000_0000000000000000000000000000000000000000000000000", None),
        Who::new("the key read", &key("rita", "read").0, Some(Scope::Read)),
        Who::new("the key write", &key("will", "write").0, Some(Scope::Write)),
        Who::new("the key admin", &key("anna", "admin").0, Some(Scope::Admin)),
        Who::new("the token read", &token("rita", Scope::Read, now), Some(Scope::Read)),
        Who::new("the token write", &token("will", Scope::Write, now), Some(Scope::Write)),
        Who::new("the token admin", &token("anna", Scope::Admin, now), Some(Scope::Admin)),
    ];
    // What was changed beside the gateway is known.
    crate::support::until("the expired key is refused", || {
        everybody[1].sends(get("/api/status")).send(gateway.address).status == 401
    });
    everybody
}

/// What a request came to, as far as access goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// 401.
    Unknown,
    /// 403 with the scope that would be enough.
    Needs(Scope),
    /// The handler had it.
    LetIn,
}

fn verdict(answer: &Answer) -> Verdict {
    match answer.status {
        401 => {
            assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"));
            Verdict::Unknown
        }
        403 => {
            let challenge = answer.header("www-authenticate").expect("a refusal that says what would be enough");
            let scope = challenge.split("error=\"insufficient_scope\"").nth(1).expect(challenge);
            let scope = scope.rsplit("scope=\"").next().unwrap().trim_end_matches('"');
            Verdict::Needs(scope.split(' ').next_back().unwrap().parse().unwrap())
        }
        _ => Verdict::LetIn,
    }
}

/// What it should come to.
fn expected(who: &Who, needed: Option<Scope>) -> Verdict {
    match (needed, who.scope) {
        (None, _) => Verdict::LetIn,
        (Some(_), None) => Verdict::Unknown,
        (Some(needed), Some(scope)) if scope.allows(needed) => Verdict::LetIn,
        // Who has shown nothing may have something to show.
        (Some(_), Some(_)) if who.credential.is_none() => Verdict::Unknown,
        (Some(needed), Some(_)) => Verdict::Needs(needed),
    }
}
