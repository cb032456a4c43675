//! What is under way while somebody is erased, and what is asked twice at once.

use serde_json::json;

use super::{databases, erase_me, gateway, key, patch, sign_in};
use crate::api_keys::{ADMIN, ask, key_of, status_with};
use crate::support::{Browser, OidcProvider, TestGateway, until_within};

/// Enough that the two meet in every order.
const ROUNDS: usize = 12;

/// Makes keys with this one as fast as it can, until it is refused.
fn make_many(gateway: &TestGateway, own: &str) -> Vec<String> {
    let mut made = Vec::new();
    loop {
        let answer = ask(gateway, "POST", "/auth/api-keys", r#"{"scope": "write"}"#, own);
        // An owner may have a hundred.
        if answer.status == 401 || made.len() > 90 {
            return made;
        }
        if answer.status == 201 {
            made.push(answer.json()["key"].as_str().unwrap().to_owned());
        }
    }
}

#[test]
fn attack_27_keys_that_are_made_while_a_name_is_erased_are_worth_nothing_afterwards_on_both_databases() {
    let provider = OidcProvider::start();
    for url in databases() {
        let gateway = gateway(&provider, &url, &[]);
        for _ in 0..ROUNDS {
            let (own, _) = key_of(&gateway, "ada", "write");
            let made = std::thread::scope(|scope| {
                let thieves: Vec<_> = (0..4).map(|_| scope.spawn(|| make_many(&gateway, &own))).collect();
                assert_eq!(ask(&gateway, "DELETE", "/api/user", "", &own).status, 204);
                thieves.into_iter().flat_map(|thief| thief.join().unwrap()).collect::<Vec<String>>()
            });
            until_within("the end of the keys that were made until then", 1, || {
                made.iter().all(|key| status_with(&gateway, key) == 401)
            });
        }
    }
}

#[test]
fn attack_27_keys_that_are_made_while_a_person_is_erased_are_worth_nothing_on_both_databases() {
    let provider = OidcProvider::start();
    for url in databases() {
        let gateway = gateway(&provider, &url, &[]);
        for round in 0..ROUNDS {
            let (mut browser, id) = sign_in(&gateway, &provider, "ada");
            let own = key(&gateway, &id, "write");
            let (made, twice) = std::thread::scope(|scope| {
                let thieves: Vec<_> = (0..3).map(|_| scope.spawn(|| make_many(&gateway, &own))).collect();
                let admin = scope.spawn(|| ask(&gateway, "DELETE", &format!("/admin/users/{id}"), "", ADMIN).status);
                let own = erase_me(&mut browser).status;
                let twice = (own, admin.join().unwrap());
                (thieves.into_iter().flat_map(|thief| thief.join().unwrap()).collect::<Vec<String>>(), twice)
            });
            assert!(matches!(twice, (204 | 401, 204 | 404)), "round {round}: {twice:?}");
            assert!(made.iter().all(|key| status_with(&gateway, key) == 401), "round {round}");
        }
    }
}

#[test]
fn attack_27_who_signs_in_while_they_are_erased_is_somebody_new_or_nobody() {
    let provider = OidcProvider::start();
    for url in databases() {
        let gateway = gateway(&provider, &url, &[]);
        for round in 0..ROUNDS {
            let (mut browser, id) = sign_in(&gateway, &provider, "ada");
            let mut others: Vec<Browser> = (0..3).map(|_| Browser::of(&gateway)).collect();
            std::thread::scope(|scope| {
                for other in &mut others {
                    scope.spawn(|| other.sign_in(&provider).status);
                }
                assert_eq!(erase_me(&mut browser).status, 204, "round {round}");
            });
            for other in &mut others {
                let seen = other.get("/api/user");
                if seen.status == 200 {
                    assert_ne!(seen.json()["user"]["id"], json!(id), "round {round}");
                } else {
                    assert_eq!(seen.status, 401);
                }
            }
            let users = ask(&gateway, "GET", "/admin/users", "", ADMIN).json();
            assert!(!users.to_string().contains(&id), "round {round}");
            for user in users["users"].as_array().unwrap() {
                ask(&gateway, "DELETE", &format!("/admin/users/{}", user["id"].as_str().unwrap()), "", ADMIN);
            }
        }
    }
}

#[test]
fn attack_29_of_two_admins_who_end_each_other_at_once_one_is_left_on_both_databases() {
    let provider = OidcProvider::start();
    for url in databases() {
        let gateway = gateway(&provider, &url, &[]);
        for round in 0..ROUNDS {
            let (_, ada) = sign_in(&gateway, &provider, "ada");
            let (_, bob) = sign_in(&gateway, &provider, "bob");
            let (ka, kb) = (key(&gateway, &ada, "admin"), key(&gateway, &bob, "admin"));
            for id in [&ada, &bob] {
                assert_eq!(patch(&gateway, id, &json!({"role": "admin"}), ADMIN).status, 200);
            }
            assert!([&ka, &kb].iter().all(|key| ask(&gateway, "GET", "/admin/users", "", key).status == 200), "both are admins");
            let (one, two) = std::thread::scope(|scope| {
                let one = scope.spawn(|| patch(&gateway, &bob, &json!({"role": "user"}), &ka).status);
                let two = scope.spawn(|| ask(&gateway, "DELETE", &format!("/admin/users/{ada}"), "", &kb).status);
                (one.join().unwrap(), two.join().unwrap())
            });
            let admins = ask(&gateway, "GET", "/admin/users?role=admin", "", ADMIN).json();
            let admins = admins["users"].as_array().unwrap().len();
            assert!(admins >= 1, "round {round}: {one} {two}");
            for id in [&ada, &bob] {
                ask(&gateway, "DELETE", &format!("/admin/users/{id}"), "", ADMIN);
            }
        }
    }
}
