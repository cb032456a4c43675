//! The promises of the authorization server: first each part, then the attacks of peers.md §5.

mod addresses;
mod attacks;
mod clients;
mod flow;
mod redirects;
mod words;

use serde_json::json;

use super::*;
use crate::identity::{HashKey, HashKeys, Once, OnceRandom, PresentedOnce};
use crate::time::Millis;

const NOW: Millis = Millis(1_773_167_467_294);
const ISSUER: &str = "https://host";
/// 43 characters, as RFC 7636 wants at least.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn keys() -> HashKeys {
    HashKeys::new(HashKey::new([1; 32]), vec![])
}

fn resource() -> Resource {
    Resource::new("https://host/mcp")
}

/// A registered client with these redirect addresses.
fn client(redirect_uris: &[&str], method: &str) -> (Client, Option<ClientSecret>) {
    let body = json!({"redirect_uris": redirect_uris, "client_name": "App", "token_endpoint_auth_method": method});
    let registration = Registration::read(&body).unwrap();
    let (client, answer) = registration.accept(&NewClient { id: 42, secret: [9; 32] }, &keys(), NOW);
    let secret = serde_json::to_value(&answer).unwrap()["client_secret"].as_str().map(str::to_owned);
    (client, secret.map(|secret| ClientSecret(secret.into())))
}

fn query(pairs: &[(&str, &str)]) -> Params {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs);
    Params::read(&query.finish()).unwrap()
}

/// A good authorization request, changed: a value of `None` leaves the parameter out.
fn asked(client: &Client, changes: &[(&str, Option<&str>)]) -> Result<AuthorizationRequest, AuthorizeFault> {
    let challenge = challenge_of(VERIFIER);
    let mut pairs = vec![
        ("response_type", "code"),
        ("client_id", client.id.as_str()),
        ("redirect_uri", client.redirect_uris[0].as_str()),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
        ("scope", "read write"),
        ("state", "s & t"),
        ("resource", "https://host/mcp"),
    ];
    for (name, value) in changes {
        pairs.retain(|(known, _)| known != name);
        pairs.extend(value.map(|value| (*name, value)));
    }
    let params = query(&pairs);
    let asked = Asked::read(&params).map_err(AuthorizeFault::Page)?;
    asked.check(Some(client), &resource(), ISSUER)
}

/// The parameters with which a browser is sent back.
fn back(fault: AuthorizeFault) -> Vec<(String, String)> {
    let AuthorizeFault::Back(address) = fault else { panic!("a page: {fault:?}") };
    parameters(&address)
}

fn parameters(address: &str) -> Vec<(String, String)> {
    let (_, query) = address.split_once('?').unwrap();
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn error_of(fault: AuthorizeFault) -> String {
    back(fault).into_iter().find(|(name, _)| name == "error").unwrap().1
}

/// A code for a good request, its text read back.
fn code(request: &AuthorizationRequest) -> (AuthorizationCode, PresentedOnce) {
    let grant = CodeGrant::new(&crate::access::Principal::new("user", "ada"), request, request.scopes);
    let (code, text) = AuthorizationCode::create(grant, 0xfa, &OnceRandom { name: 7, secret: [8; 32] }, &keys(), NOW);
    (code, PresentedOnce::read(Once::Code, crate::identity::token_text::exposed(&text)).unwrap())
}
