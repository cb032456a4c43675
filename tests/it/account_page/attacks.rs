//! The attacks of peers.md §5 that go against what people see and end of their own.

use super::*;
use crate::oauth::support::{calls, refresh};

/// Enough that the two meet in every order.
const ROUNDS: usize = 12;
/// More refreshes than a disconnection can take.
const MANY: usize = 2_000;

#[test]
fn attack_29_a_client_of_somebody_else_is_like_one_that_does_not_exist() {
    let provider = OidcProvider::start();
    let gateway = gateway(&provider, "", &[]);
    let (mut ada, mut bob) = (signed_in(&gateway, &provider, "ada"), signed_in(&gateway, &provider, "bob"));
    let (client, access, _) = connect(&gateway, &mut ada, "Notebook");
    let (bobs_access, _) = tokens(&gateway, &mut bob, &client);
    let (adas, bobs) = (id_of(&listed(&mut ada), &client), id_of(&listed(&mut bob), &client));
    assert_ne!(adas, bobs, "one client of two people");
    let mut answers = Vec::new();
    for id in [adas.as_str(), &"0".repeat(32), "nonsense", &client, &bobs.to_uppercase(), "%20"] {
        let path = format!("{CLIENTS}/{id}");
        let request = get(&path).method("DELETE").header("Sec-Fetch-Site", "same-origin").header("X-Request-Id", "the-same");
        let answer = bob.send(request, &path);
        answers.push((answer.status, answer.text()));
    }
    let (_, told) = &answers[0];
    assert!(answers.iter().all(|(status, text)| *status == 404 && text == told), "{answers:?}");
    assert!(told.contains("there is no such client"), "{told}");
    assert_eq!((calls(&gateway, &access), calls(&gateway, &bobs_access)), (200, 200));
    // What is Bob's own is his alone to end.
    assert_eq!(disconnect(&mut bob, &bobs).status, 204);
    assert_eq!((calls(&gateway, &access), calls(&gateway, &bobs_access)), (200, 401));
}

#[test]
fn attack_28_a_page_of_another_site_disconnects_nobody() {
    let provider = OidcProvider::start();
    let gateway = gateway(&provider, "", &[]);
    let mut browser = signed_in(&gateway, &provider, "ada");
    let (client, access, _) = connect(&gateway, &mut browser, "Notebook");
    let path = format!("{CLIENTS}/{}", id_of(&listed(&mut browser), &client));
    let headers: [&[(&str, &str)]; 5] = [
        &[],
        &[("Origin", "https://evil.example")],
        &[("Origin", "null")],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site")],
    ];
    for headers in headers {
        let request = headers.iter().fold(get(&path).method("DELETE"), |request, (name, value)| request.header(name, value));
        assert_eq!(browser.send(request, &path).status, 403, "{headers:?}");
    }
    assert_eq!(get(&path).method("DELETE").send(gateway.address).status, 401, "nobody");
    assert_eq!((calls(&gateway, &access), listed(&mut browser).len()), (200, 1));
}

#[test]
fn attack_27_of_a_client_that_refreshes_while_it_is_disconnected_no_token_lives_on_both_stores() {
    for url in databases() {
        let provider = OidcProvider::start();
        let gateway = gateway(&provider, &url, &[]);
        let mut browser = signed_in(&gateway, &provider, "ada");
        for round in 0..ROUNDS {
            let (client, access, first) = connect(&gateway, &mut browser, "Restless");
            let id = id_of(&listed(&mut browser), &client);
            // As fast as it can, until it is refused: every token that it was given.
            let restless = || {
                let (mut accesses, mut token) = (vec![access.clone()], first.clone());
                loop {
                    let answer = refresh(&gateway, &client, &token, &[]);
                    if answer.status != 200 {
                        assert_eq!(answer.status, 400);
                        return (accesses, token);
                    }
                    let tokens = answer.json();
                    assert!(accesses.len() < MANY, "it is never refused");
                    accesses.push(tokens["access_token"].as_str().unwrap().to_owned());
                    token = tokens["refresh_token"].as_str().unwrap().to_owned();
                }
            };
            let (accesses, last) = std::thread::scope(|scope| {
                let client = scope.spawn(restless);
                assert_eq!(disconnect(&mut browser, &id).status, 204, "round {round}");
                client.join().unwrap()
            });
            assert!(accesses.iter().all(|access| calls(&gateway, access) == 401), "round {round}");
            assert_eq!(refresh(&gateway, &client, &last, &[]).status, 400);
            assert_eq!(listed(&mut browser), Vec::<Value>::new());
        }
    }
}

#[test]
fn attack_21_a_code_that_is_used_while_its_client_is_disconnected_leaves_no_token_on_both_stores() {
    for url in databases() {
        let provider = OidcProvider::start();
        let gateway = gateway(&provider, &url, &[]);
        let mut browser = signed_in(&gateway, &provider, "ada");
        for round in 0..ROUNDS {
            let (client, _, _) = connect(&gateway, &mut browser, "Late");
            let id = id_of(&listed(&mut browser), &client);
            // Given without a question, because she has agreed.
            let (late, later) = (code(&mut browser, &client, REDIRECT), code(&mut browser, &client, REDIRECT));
            let answer = std::thread::scope(|scope| {
                let used = scope.spawn(|| exchange(&gateway, &client, &late, &[]));
                assert_eq!(disconnect(&mut browser, &id).status, 204);
                used.join().unwrap()
            });
            if answer.status == 200 {
                let tokens = answer.json();
                assert_eq!(calls(&gateway, tokens["access_token"].as_str().unwrap()), 401, "round {round}");
                assert_eq!(refresh(&gateway, &client, tokens["refresh_token"].as_str().unwrap(), &[]).status, 400);
            } else {
                assert_eq!(answer.json()["error"], "invalid_grant");
            }
            assert_eq!(exchange(&gateway, &client, &later, &[]).json()["error"], "invalid_grant", "a code from before");
            assert_eq!(listed(&mut browser), Vec::<Value>::new());
        }
    }
}
