//! Whoever asks is told whether somebody is signed in in this browser; nobody is refused for asking.

use serde_json::json;

use super::*;

fn asked(browser: &mut Browser) -> Value {
    let answer = browser.get("/auth/session");
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    answer.json()
}

#[test]
fn the_session_tells_who_is_signed_in_from_the_sign_in_to_the_sign_out() {
    let provider = OidcProvider::start();
    let gateway = gateway(&provider, "", &[]);
    let nobody = json!({"sign_in": true, "reads": false, "anonymous": null, "own_upstream_key": true, "user": null});
    assert_eq!(asked(&mut Browser::of(&gateway)), nobody);
    let mut browser = signed_in(&gateway, &provider, "ada");
    let session = asked(&mut browser);
    assert_eq!((&session["sign_in"], &session["reads"]), (&json!(true), &json!(true)));
    let told = ["name", "email", "role"].map(|field| session["user"][field].clone());
    assert_eq!(told, ["ada", "ada@example.com", "user"]);
    assert_eq!(session["user"], browser.get("/api/user").json()["user"]);
    let kept = browser.cookies.clone();
    assert_eq!(browser.post("/auth/logout", "").status, 204);
    assert_eq!(asked(&mut browser), nobody);
    browser.cookies = kept;
    assert_eq!(asked(&mut browser), nobody, "a cookie of a session that has ended");
    browser.cookies.insert("tickgate".to_owned(), ("nonsense".to_owned(), "/".to_owned()));
    assert_eq!(asked(&mut browser), nobody);
}

#[test]
fn where_nobody_can_sign_in_the_session_says_so_and_whether_it_is_worth_to_ask_for_data() {
    let key = [("MCP_API_KEYS", "a-key-for-the-tests-1")];
    for (mode, reads, anonymous) in
        [("off", true, json!("write")), ("optional", true, json!("read")), ("required", false, json!(null))]
    {
        let gateway = TestGateway::with(&[&key[..], &[("AUTH", mode)]].concat());
        let session = asked(&mut Browser::of(&gateway));
        let told = json!({"sign_in": false, "reads": reads, "anonymous": anonymous, "own_upstream_key": true, "user": null});
        assert_eq!(session, told, "{mode}");
        // Where a proxy adds a key, the key decides where it counts; good and bad look the same here.
        for key in ["a-key-for-the-tests-1", "a-bad-key"] {
            assert_eq!(get("/auth/session").header("X-API-Key", key).send(gateway.address).json()["reads"], true, "{mode}");
        }
    }
}

#[test]
fn the_session_is_not_charged_like_a_sign_in_and_takes_no_parameters() {
    let provider = OidcProvider::start();
    let gateway = gateway(&provider, "", &[("RATE_LIMIT_AUTH", "2")]);
    for _ in 0..8 {
        assert_eq!(get("/auth/session").send(gateway.address).status, 200);
    }
    assert_eq!(get("/auth/session?user=bob").send(gateway.address).status, 400);
    // Another site's page cannot read it.
    let foreign = get("/auth/session").header("Origin", "https://evil.example").send(gateway.address);
    assert_eq!((foreign.status, foreign.header("access-control-allow-origin")), (403, None));
}

#[test]
fn the_account_page_is_the_same_for_everybody_and_has_no_script_of_its_own() {
    let provider = OidcProvider::start();
    let gateway = gateway(&provider, "", &[]);
    let page = get("/account").send(gateway.address);
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").unwrap().to_owned();
    assert!(policy.contains("script-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    let text = page.text();
    assert_eq!(signed_in(&gateway, &provider, "ada").get("/account").text(), text);
    assert!(!text.contains("style=") && !text.contains("onclick") && text.matches("<script").count() == 1, "{text}");
    for asset in text.split("\"/assets/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert_eq!(get(&format!("/assets/{asset}")).send(gateway.address).status, 200, "{asset}");
    }
}
