//! `manage_api_keys` and its links (requirement B16): a key reaches its owner without having been in a transcript.

use serde_json::json;
use tickgate_core::identity::{HashKey, HashKeys, Once, OnceRandom, OnceRecord};
use tickgate_core::ports::{Record, Shelf};

use super::*;
use crate::api_keys::{ADMIN, ask, audit_with, beside, key_of, status_with};
use crate::clients::{client, passes, pictures};
use crate::support::postgres::Server;
use crate::support::{Answer, get, until};

/// Asks an admin's tool for a link: its secret, and the answer.
fn link(gateway: &TestGateway, way: Way, key: &str, arguments: &Value) -> (String, Value) {
    let called = call(gateway, way, Some(key), "manage_api_keys", arguments);
    assert!(!called.raw.contains("tg_"), "no key is in what a model reads: {}", called.raw);
    let answer = called.good();
    let (page, secret) = answer["link"].as_str().unwrap().split_once('#').unwrap();
    assert_eq!(page, gateway.url("/auth/key-link"));
    (secret.to_owned(), answer)
}

fn new_link(gateway: &TestGateway) -> (String, Value) {
    link(
        gateway,
        Way::Stateless,
        ADMIN,
        &json!({"action": "create", "user_id": "ada", "scope": "write", "name": "a <b>laptop</b>"}),
    )
}

/// Sends what the button of the page sends.
fn open(gateway: &TestGateway, secret: &str) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new()).append_pair("link", secret).finish();
    post("/auth/key-link", body)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .header("Origin", &gateway.url(""))
        .send(gateway.address)
}

/// The key on a page, if there is one.
fn key_on(page: &str) -> Option<String> {
    let from = page.find("tg_")?;
    Some(page[from..].split('<').next().unwrap().to_owned())
}

/// Changes the only link of an admin in the database.
fn change_link(gateway: &TestGateway, change: impl FnOnce(&mut Value)) {
    beside(gateway.folder(), "", async |store| {
        let now = tickgate_actors::Clock::start().now();
        let found = store.of(Shelf::AuthFlows, "user:root", now).await.unwrap();
        assert_eq!(found.len(), 1);
        let mut link: Value = serde_json::from_slice(&found[0].record.body).unwrap();
        change(&mut link);
        let body = serde_json::to_vec(&link).unwrap().into();
        store.put(Shelf::AuthFlows, vec![Record { body, ..found[0].record.clone() }]).await.unwrap();
    });
}

#[test]
fn b16_a_link_shows_a_key_once_and_only_then_is_there_one() {
    let gateway = accounts("", &[]);
    for way in Way::ALL {
        let wanted = json!({"action": "create", "user_id": "ada", "scope": "write", "name": "<i>x</i>", "ttl_hours": 2});
        let (secret, answer) = link(&gateway, way, ADMIN, &wanted);
        let id = answer["api_key"]["key_id"].as_str().unwrap().to_owned();
        let path = format!("/auth/api-keys/{id}");
        assert_eq!(ask(&gateway, "GET", &path, "", ADMIN).status, 404, "it is not made yet");
        let page = open(&gateway, &secret);
        assert_eq!(page.status, 200);
        assert_eq!((page.header("cache-control"), page.header("referrer-policy")), (Some("no-store"), Some("no-referrer")));
        let policy = page.header("content-security-policy").unwrap();
        // Its script copies the key, and can send it nowhere.
        for allowed in ["default-src 'none'", "script-src 'self';", "form-action 'none'"] {
            assert!(policy.contains(allowed), "{policy}");
        }
        assert!(!policy.contains("connect-src") && !policy.contains("unsafe"), "{policy}");
        let page = page.text();
        assert!(page.contains("&lt;i&gt;x&lt;/i&gt;") && !page.contains("<i>"), "{page}");
        let key = key_on(&page).unwrap();
        assert_eq!(key.split('_').nth(1), Some(id.as_str()), "the name that was told");
        let who = call(&gateway, Way::Rest, Some(&key), "get_user_info", &json!({})).good();
        assert_eq!((&who["principal"], &who["scope"]), (&json!("user:ada"), &json!("write")));
        let shown = ask(&gateway, "GET", &path, "", ADMIN).json();
        assert_eq!((&shown["name"], &shown["state"]), (&json!("<i>x</i>"), &json!("good")));
        let again = open(&gateway, &secret);
        assert_eq!(again.status, 410);
        let again = again.text();
        assert!(again.contains("opened already") && again.contains(&format!("revoke the key {id}")), "{again}");
        assert_eq!(key_on(&again), None);
        let revoked = call(&gateway, way, Some(ADMIN), "manage_api_keys", &json!({"action": "revoke", "key_id": id})).good();
        assert_eq!(revoked["api_key"]["state"], "revoked");
        assert_eq!(status_with(&gateway, &key), 401);
    }
}

#[test]
fn b16_looking_at_a_link_uses_nothing_up_and_its_page_knows_nothing() {
    let gateway = accounts("", &[]);
    let (secret, _) = new_link(&gateway);
    let page = || {
        let page = get("/auth/key-link").send(gateway.address);
        assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")));
        assert_eq!(page.header("referrer-policy"), Some("same-origin"));
        let policy = page.header("content-security-policy").unwrap().to_owned();
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"));
        page.text()
    };
    let first = page();
    assert_eq!(page(), first, "a preview and a prefetch");
    assert!(first.contains("method=\"post\"") && !first.contains("tgl_"));
    for path in [format!("/auth/key-link?link={secret}"), format!("/auth/key-link/{secret}")] {
        let text = get(&path).send(gateway.address).text();
        assert_eq!(key_on(&text), None, "no credential is read from an address");
    }
    assert_eq!(get("/assets/key-link.js").send(gateway.address).status, 200);
    let evil = post("/auth/key-link", format!("link={secret}"))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .header("Origin", "https://evil.example");
    assert_eq!(evil.send(gateway.address).status, 403);
    assert_eq!(open(&gateway, &secret).status, 200, "it still waits");
}

#[test]
fn b16_a_real_browser_shows_the_key_with_and_without_scripts_and_keeps_no_trace_of_the_link() {
    let gateway = accounts("", &[]);
    let wanted = json!({"action": "create", "user_id": "ada", "name": "laptop", "ttl_hours": 48});
    let new = || link(&gateway, Way::Stateless, ADMIN, &wanted).0;
    let links = [(); 3].map(|()| format!("{}#{}", gateway.url("/auth/key-link"), new()));
    let mut command = client("NODE", "typescript/key_link.mjs");
    command.args(links).arg(pictures());
    passes(command, "key_link");
}

#[test]
fn b16_a_rotation_by_link_shows_the_new_secret_and_keeps_its_grace() {
    let gateway = accounts("", &[]);
    let (old, id) = key_of(&gateway, "ada", "write");
    let (secret, answer) = link(&gateway, Way::Session, ADMIN, &json!({"action": "rotate", "key_id": id, "grace_hours": 0}));
    assert_eq!(answer["api_key"]["key_id"], json!(id));
    assert_eq!(status_with(&gateway, &old), 200, "nothing has changed yet");
    let new = key_on(&open(&gateway, &secret).text()).unwrap();
    assert_eq!((status_with(&gateway, &new), status_with(&gateway, &old)), (200, 401));
    let (secret, _) = link(&gateway, Way::Session, ADMIN, &json!({"action": "rotate", "key_id": id, "grace_hours": 1}));
    let page = open(&gateway, &secret).text();
    assert!(page.contains("The secret before it is good until"), "{page}");
    assert_eq!((status_with(&gateway, &key_on(&page).unwrap()), status_with(&gateway, &new)), (200, 200));
}

#[test]
fn attack_30_of_twenty_who_open_a_link_at_once_one_gets_the_key() {
    let gateway = accounts("", &[]);
    one_of_many(&[&gateway], &new_link(&gateway).0);
}

#[test]
fn attack_30_a_link_opens_once_on_whichever_gateway_of_the_database() {
    let url = Server::shared().database();
    let gateways = [accounts(&url, &[]), accounts(&url, &[])];
    let (secret, _) = new_link(&gateways[0]);
    let key = one_of_many(&[&gateways[0], &gateways[1]], &secret);
    until("the key is good everywhere", || gateways.iter().all(|gateway| status_with(gateway, &key) == 200));
    // The link of a key that this gateway alone knows yet is opened at the other at once.
    let (admin, _) = key_of(&gateways[0], "eve", "admin");
    let (secret, _) = link(&gateways[0], Way::Rest, &admin, &json!({"action": "create"}));
    assert_eq!(open(&gateways[1], &secret).status, 200);
    let rows = audit_with(gateways[0].folder(), &url, &["key.link", "key.create", "opened already"]);
    assert_eq!(count(&rows, "key.create", "done"), 3, "{rows:?}");
}

/// Opens a link twenty times at once: the key that one of them got.
fn one_of_many(gateways: &[&TestGateway], secret: &str) -> String {
    let pages: Vec<(u16, String)> = std::thread::scope(|scope| {
        let openings: Vec<_> = (0..20)
            .map(|number: usize| {
                let gateway = gateways[number % gateways.len()];
                scope.spawn(move || {
                    let page = open(gateway, secret);
                    (page.status, page.text())
                })
            })
            .collect();
        openings.into_iter().map(|opening| opening.join().unwrap()).collect()
    });
    let keys: Vec<String> = pages.iter().filter_map(|(_, page)| key_on(page)).collect();
    assert_eq!(keys.len(), 1, "{keys:?}");
    assert_eq!(pages.iter().filter(|(status, _)| *status == 410).count(), 19);
    keys.into_iter().next().unwrap()
}

#[test]
fn attack_30_a_link_that_is_late_guessed_or_spoilt_opens_nothing() {
    let gateway = accounts("", &[]);
    let (secret, answer) = new_link(&gateway);
    let name = u128_of(&gateway);
    let hashing = HashKeys::new(HashKey::new([0; 32]), Vec::new());
    let now = tickgate_actors::Clock::start().now();
    let guess = |name: u128| {
        let (_, text) = OnceRecord::create(Once::Link, &OnceRandom { name, secret: [7; 32] }, 1, &hashing, now);
        secrecy::ExposeSecret::expose_secret(&text).to_owned()
    };
    let told = |secret: &str| {
        let page = open(&gateway, secret);
        (page.status, page.text())
    };
    let nothing = told("nothing");
    assert_eq!(nothing.0, 404);
    // With the right name too: whoever guesses learns nothing of which links there are.
    for wrong in [guess(name), guess(1), secret[..secret.len() - 1].to_owned(), secret.to_lowercase(), "x".repeat(10_000)] {
        assert_eq!(told(&wrong), nothing, "{wrong:.60}");
    }
    change_link(&gateway, |link| link["once"]["expires"] = link["once"]["created"].clone());
    let (status, late) = told(&secret);
    assert_eq!(status, 410);
    assert!(late.contains("15 minutes") && key_on(&late).is_none(), "{late}");
    let id = answer["api_key"]["key_id"].as_str().unwrap();
    assert_eq!(ask(&gateway, "GET", &format!("/auth/api-keys/{id}"), "", ADMIN).status, 404, "nothing was made");
    for body in ["", "link=", "key=x", &format!("link={secret}&link={secret}")] {
        let request = post("/auth/key-link", body).header("Content-Type", "application/x-www-form-urlencoded");
        assert_eq!(request.send(gateway.address).status, 404, "{body:.30}");
    }
    let json = post("/auth/key-link", json!({"link": secret}).to_string()).header("Content-Type", "application/json");
    assert_eq!(json.send(gateway.address).status, 415);
}

/// The name of the only link of the admin.
fn u128_of(gateway: &TestGateway) -> u128 {
    beside(gateway.folder(), "", async |store| {
        let found = store.of(Shelf::AuthFlows, "user:root", tickgate_actors::Clock::start().now()).await.unwrap();
        found[0].record.id
    })
}

#[test]
fn attack_29_a_link_ends_with_the_credential_of_who_made_it() {
    let gateway = accounts("", &[]);
    let (admin, id) = key_of(&gateway, "eve", "admin");
    let (secret, _) = link(&gateway, Way::Stateless, &admin, &json!({"action": "create", "scope": "admin"}));
    assert_eq!(ask(&gateway, "DELETE", &format!("/auth/api-keys/{id}"), "", ADMIN).status, 204);
    let page = open(&gateway, &secret);
    assert_eq!(page.status, 410);
    assert_eq!(key_on(&page.text()), None);
    let all = call(&gateway, Way::Rest, Some(ADMIN), "manage_api_keys", &json!({"action": "list"})).good();
    assert_eq!((&all["count"], &all["api_keys"][0]["key_id"]), (&json!(1), &json!(id)), "nothing was made");
}

#[test]
fn b16_mistakes_are_told_all_at_once_as_over_http() {
    let gateway = accounts("", &[]);
    let wrong = json!({"scope": "root", "ttl_hours": 0, "name": "", "user_id": "a b", "limit_per_minute": -1, "x": 1});
    let problem = ask(&gateway, "POST", "/auth/api-keys", &wrong.to_string(), ADMIN).json();
    let mut asked = wrong;
    asked["action"] = json!("create");
    let told = call(&gateway, Way::Session, Some(ADMIN), "manage_api_keys", &asked);
    for error in problem["errors"].as_array().unwrap() {
        let (field, message) = (error["field"].as_str().unwrap(), error["message"].as_str().unwrap());
        assert!(told.raw.contains(&format!("`{field}`: {message}")), "{field}: {message} in {}", told.raw);
    }
    assert_eq!(told.class(), "invalid_argument");
    let id = "000000000001";
    for (arguments, class) in [
        (json!({"action": "revoke", "key_id": id}), "not_found"),
        (json!({"action": "rotate", "key_id": id}), "not_found"),
        (json!({"action": "revoke", "key_id": ADMIN}), "invalid_argument"),
        (json!({}), "invalid_argument"),
    ] {
        let told = call(&gateway, Way::Stateless, Some(ADMIN), "manage_api_keys", &arguments);
        assert!(!told.raw.contains(ADMIN), "{}", told.raw);
        assert_eq!(told.class(), class, "{arguments}");
    }
    let (_, dead) = key_of(&gateway, "ada", "read");
    for _ in 0..2 {
        let revoked =
            call(&gateway, Way::Rest, Some(ADMIN), "manage_api_keys", &json!({"action": "revoke", "key_id": dead})).good();
        assert_eq!(revoked["api_key"]["state"], "revoked", "twice is once");
    }
    let told = call(&gateway, Way::Stateless, Some(ADMIN), "manage_api_keys", &json!({"action": "rotate", "key_id": dead}));
    assert_eq!(told.class(), "conflict");
}

#[test]
fn b16_links_that_wait_are_few_and_lists_say_what_they_leave_out() {
    let gateway = accounts("", &[]);
    let links: Vec<String> = (0..20).map(|_| new_link(&gateway).0).collect();
    let wanted = json!({"action": "create"});
    assert_eq!(call(&gateway, Way::Rest, Some(ADMIN), "manage_api_keys", &wanted).class(), "too_many");
    assert!(links.iter().take(2).all(|link| open(&gateway, link).status == 200));
    assert_eq!(link(&gateway, Way::Rest, ADMIN, &wanted).1["action"], "create", "one that is opened waits no more");
    key_of(&gateway, "bob", "read");
    let list = |arguments: Value| call(&gateway, Way::Session, Some(ADMIN), "manage_api_keys", &arguments).good();
    let one = list(json!({"action": "list", "limit": 1}));
    assert_eq!((&one["count"], &one["truncated"]), (&json!(1), &json!({"shown": 1, "total": 3})));
    let bobs = list(json!({"action": "list", "user_id": "bob"}));
    assert_eq!((&bobs["count"], &bobs["api_keys"][0]["user_id"], &bobs["truncated"]), (&json!(1), &json!("bob"), &json!(null)));
}

fn count(rows: &[Value], action: &str, outcome: &str) -> usize {
    rows.iter().filter(|row| row["entry"]["action"] == action && row["entry"]["outcome"] == outcome).count()
}

#[test]
fn y10_the_audit_log_has_a_row_for_the_link_the_key_and_who_came_second_and_no_secret() {
    let gateway = accounts("", &[]);
    let (secret, answer) = new_link(&gateway);
    let key = key_on(&open(&gateway, &secret).text()).unwrap();
    assert_eq!(open(&gateway, &secret).status, 410);
    let rows = audit_with(gateway.folder(), "", &["opened already"]);
    assert_eq!(
        (count(&rows, "key.link", "done"), count(&rows, "key.link", "refused"), count(&rows, "key.create", "done")),
        (1, 1, 1)
    );
    let target = json!(format!("key:{}", answer["api_key"]["key_id"].as_str().unwrap()));
    let of_key: Vec<&Value> = rows.iter().filter(|row| row["entry"]["target"] == target).collect();
    assert_eq!(of_key.len(), 3, "{rows:?}");
    let (link, created) = (&of_key[0]["entry"], &of_key[1]["entry"]);
    assert_eq!(link["actor"], created["actor"], "on whose word it was made");
    assert_eq!(created["from"], "127.0.0.1", "who opened it came from there");
    let text = json!(rows).to_string();
    for canary in [&key[16..], &secret[secret.len() - 40..], "user:ada", "laptop"] {
        assert!(!text.contains(canary), "{canary}");
    }
}
