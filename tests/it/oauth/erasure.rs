//! A person who is erased, and the clients that act for them.

use serde_json::Value;

use super::support::{
    Browser, asking, calls, code, error, exchange, gateway, location, on_store, public_client, refresh, text, told,
};
use crate::support::get;
use tickgate_core::ports::Shelf;

#[test]
fn attack_27_the_tokens_codes_and_consents_of_who_was_erased_are_worth_nothing_at_once() {
    let gateway = gateway(&[]);
    let client = public_client(&gateway);
    let mut browser = Browser::of(&gateway, "ada");
    let first = code(&mut browser, &client);
    let tokens: Value = exchange(&gateway, &client, &first, &[]).json();
    let (access, refresh_token) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
    // They have agreed already.
    let unused = told(&location(&browser.get(&asking(&client, &[]))))["code"].clone();
    assert_eq!(calls(&gateway, &access), 200);
    let mut stream = get("/events?topics=status").header("Authorization", &format!("Bearer {access}")).send(gateway.address);
    let erase = get("/api/user").method("DELETE").header("Sec-Fetch-Site", "same-origin");
    assert_eq!(browser.send(erase).status, 204);
    while stream.event().is_some() {}
    assert_eq!(calls(&gateway, &access), 401);
    let dead = (400, "invalid_grant".to_owned());
    assert_eq!(error(refresh(&gateway, &client, &refresh_token, &[])), dead);
    assert_eq!(error(exchange(&gateway, &client, &unused, &[])), dead, "a code that was not used yet");
    assert_eq!(error(exchange(&gateway, &client, &first, &[])), dead, "nor one that was");
    let id = browser.user;
    let left = on_store(&gateway, async |store| {
        let now = tickgate_actors::Clock::start().now();
        let mut left = 0;
        for shelf in Shelf::ALL {
            left += store.of(shelf, id.principal().as_str(), now).await.unwrap().len();
        }
        left
    });
    assert_eq!(left, 0, "families, consents and codes as well");
}
