//! A person sees which clients may act for them, and disconnects one: it is out everywhere, and has to ask again.

use serde_json::json;

use super::*;
use crate::api_keys::audit_with;
use crate::oauth::documents::Site;
use crate::oauth::support::{VERIFIER, calls, error, refresh};
use crate::support::until;

fn dead() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

#[test]
fn a_client_that_is_disconnected_is_out_with_all_that_it_has_and_asks_again_on_both_stores() {
    for url in databases() {
        let provider = OidcProvider::start();
        let gateway = gateway(&provider, &url, &[]);
        let mut browser = signed_in(&gateway, &provider, "ada");
        assert_eq!(listed(&mut browser), Vec::<Value>::new());
        let (client, access, first) = connect(&gateway, &mut browser, "Notebook");
        let (other_client, others_access, others_refresh) = connect(&gateway, &mut browser, "Another");
        let (second_access, _) = tokens(&gateway, &mut browser, &client);
        let clients = listed(&mut browser);
        assert_eq!(clients.len(), 2);
        let id = id_of(&clients, &client);
        let shown = clients.iter().find(|listed| listed["client_id"] == client.as_str()).unwrap();
        let told = ["name", "place", "scopes", "signed_in"].map(|field| shown[field].clone());
        assert_eq!(told, [json!("Notebook"), json!("client.example"), json!("read write"), json!(2)]);
        for time in ["agreed_at", "last_used_at"] {
            assert!(shown[time].as_str().unwrap().ends_with('Z'), "{shown}");
        }
        let asked_again = browser.get(&asking(&client, &[]));
        assert_eq!(asked_again.status, 303, "as long as it is connected nobody is asked");

        let open =
            |token: &str| get("/events?topics=status").header("Authorization", &format!("Bearer {token}")).send(gateway.address);
        let mut streams = [open(&access), open(&second_access)];
        let mut others = open(&others_access);
        let done = disconnect(&mut browser, &id);
        assert_eq!((done.status, done.header("cache-control")), (204, Some("no-store")));
        assert_eq!((calls(&gateway, &access), calls(&gateway, &second_access)), (401, 401), "at once");
        assert_eq!(error(refresh(&gateway, &client, &first, &[])), dead());
        for stream in &mut streams {
            let bye = std::iter::from_fn(|| stream.data()).last().unwrap();
            assert_eq!((bye.name.as_deref(), &bye.json()["reason"]), (Some("bye"), &json!("credential_revoked")));
        }
        let left = listed(&mut browser);
        assert_eq!((left.len(), &left[0]["client_id"]), (1, &json!(other_client)));
        assert_eq!((calls(&gateway, &others_access), refresh(&gateway, &other_client, &others_refresh, &[]).status), (200, 200));
        others.data().expect("the other client's stream goes on");
        let page = browser.get(&asking(&client, &[]));
        assert_eq!((page.status, page.header("location")), (200, None), "it has to ask again");
        assert_eq!(disconnect(&mut browser, &id).status, 404, "there is nothing left to disconnect");
        let (access, _) = tokens(&gateway, &mut browser, &client);
        assert_eq!((calls(&gateway, &access), listed(&mut browser).len()), (200, 2), "and may be let in anew");

        let rows = audit_with(gateway.folder(), &url, &["consent.withdraw"]);
        let row = rows.iter().map(ToString::to_string).find(|row| row.contains("consent.withdraw")).unwrap();
        assert!(row.contains(&client) && row.contains("done") && !row.contains("user:") && !row.contains("@"), "{row}");
    }
}

#[test]
fn a_client_on_the_persons_own_machine_and_one_with_a_document_are_shown_by_what_is_known_of_them() {
    let (provider, site) = (OidcProvider::start(), Site::start());
    let gateway = gateway(&provider, "", &[("CIMD_ALLOWED_HOSTS", "localhost")]);
    let mut browser = signed_in(&gateway, &provider, "ada");
    let local = "http://127.0.0.1:33418/callback";
    site.serves(&json!({"client_id": site.client(), "client_name": "By document", "redirect_uris": [REDIRECT]}));
    for (client, redirect) in [(client(&gateway, "Local", local), local), (site.client(), REDIRECT)] {
        let code = code(&mut browser, &client, redirect);
        let answer = exchange(&gateway, &client, &code, &[("redirect_uri", redirect), ("code_verifier", VERIFIER)]);
        assert_eq!(answer.status, 200, "{client}");
    }
    let clients = listed(&mut browser);
    let shown = |name: &str| clients.iter().find(|client| client["name"] == name).unwrap_or_else(|| panic!("{clients:?}"));
    assert_eq!(shown("Local")["place"], "this computer");
    assert_eq!((&shown("By document")["client_id"], site.asked()), (&json!(site.client()), 1), "it is not fetched for a list");
    let id = id_of(&clients, &site.client());
    assert_eq!(disconnect(&mut browser, &id).status, 204, "an address as the id of a client is no trouble in a path");
    assert_eq!(listed(&mut browser).len(), 1);
}

#[test]
fn a_client_that_is_disconnected_is_out_on_every_gateway_of_the_database() {
    let provider = OidcProvider::start();
    let url = postgres::Server::shared().database();
    let public = [("PUBLIC_URL", "http://127.0.0.1:9")];
    let (here, there) = (gateway(&provider, &url, &public), gateway(&provider, &url, &public));
    let mut browser = signed_in(&here, &provider, "ada");
    let (client, access, first) = connect(&here, &mut browser, "Notebook");
    assert_eq!(calls(&there, &access), 200);
    let mut stream = get("/events?topics=status").header("Authorization", &format!("Bearer {access}")).send(there.address);
    let id = id_of(&listed(&mut browser), &client);
    assert_eq!(disconnect(&mut browser, &id).status, 204);
    let bye = std::iter::from_fn(|| stream.data()).last().unwrap();
    assert_eq!(bye.name.as_deref(), Some("bye"));
    until("the token is worth nothing there", || calls(&there, &access) == 401);
    assert_eq!(error(refresh(&there, &client, &first, &[])), dead());
}

#[test]
fn a_key_of_the_person_with_the_scope_write_does_it_as_well_and_one_that_may_only_read_does_not() {
    let provider = OidcProvider::start();
    let gateway = gateway(&provider, "", &[]);
    let mut browser = signed_in(&gateway, &provider, "ada");
    let (client, ..) = connect(&gateway, &mut browser, "Notebook");
    let mut key = |scope: &str| {
        let made = browser.post("/auth/api-keys", &json!({ "scope": scope }).to_string()).json();
        made["key"].as_str().unwrap().to_owned()
    };
    let (reads, writes) = (key("read"), key("write"));
    let with =
        |key: &str, method: &'static str, path: &str| get(path).method(method).header("X-API-Key", key).send(gateway.address);
    assert_eq!(with(&reads, "GET", CLIENTS).status, 403);
    let id = id_of(with(&writes, "GET", CLIENTS).json()["clients"].as_array().unwrap(), &client);
    let path = format!("{CLIENTS}/{id}");
    assert_eq!((with(&reads, "DELETE", &path).status, with(&writes, "DELETE", &path).status), (403, 204));
    // Who is no person has no clients.
    assert_eq!(with("a-key-for-the-tests-1", "GET", CLIENTS).json(), json!({"clients": []}));
}
