//! Which clients may be, and how they prove who they are.

use base64::Engine as _;
use proptest::prelude::*;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::*;

fn answered(body: &Value) -> (Client, Value) {
    let registration = Registration::read(body).unwrap_or_else(|error| panic!("{body}: {error}"));
    let (client, answer) = registration.accept(&NewClient { id: 42, secret: [9; 32] }, &keys(), NOW);
    (client, serde_json::to_value(&answer).unwrap())
}

#[test]
fn a_public_client_is_answered_without_secret_and_without_nulls() {
    let (client, answer) = answered(&json!({"redirect_uris": ["http://127.0.0.1/"], "client_uri": null, "scope": null}));
    let expected = json!({
        "client_id": client.id, "client_id_issued_at": NOW.0 / 1000, "redirect_uris": ["http://127.0.0.1/"],
        "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
    });
    assert_eq!(answer, expected);
    assert!(client.id.starts_with("client-") && client.secret.is_none() && client.is_local_only());
    assert_eq!(Client::record_name(&client.id), 42);
}

#[test]
fn what_editors_register_is_accepted_and_what_we_know_of_it_is_answered() {
    let body = json!({
        "client_name": "Visual Studio Code", "client_uri": "https://code.visualstudio.com", "application_type": "native",
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        "response_types": ["code"], "redirect_uris": ["https://vscode.dev/redirect", "http://127.0.0.1/", "http://127.0.0.1:33418/"],
        "token_endpoint_auth_method": "none", "scope": "read write offline_access", "software_id": "x", "contacts": ["a@b"],
    });
    let (client, answer) = answered(&body);
    assert_eq!(answer["client_name"], "Visual Studio Code");
    assert_eq!(answer["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert_eq!((&answer["application_type"], &answer["scope"]), (&json!("native"), &json!("read write")));
    assert!(!answer.as_object().unwrap().values().any(Value::is_null) && !client.is_local_only());
    assert!(client.redirect("http://127.0.0.1:51004/").is_some() && client.redirect("https://vscode.dev/redirect2").is_none());
}

#[test]
fn a_secret_is_given_once_to_who_asked_for_one() {
    for method in ["client_secret_post", "client_secret_basic"] {
        let body = json!({"redirect_uris": ["https://a/cb"], "token_endpoint_auth_method": method});
        let (client, answer) = answered(&body);
        let secret = answer["client_secret"].as_str().unwrap();
        assert_eq!((&answer["client_secret_expires_at"], &answer["token_endpoint_auth_method"]), (&json!(0), &json!(method)));
        assert!(client.has_secret(&ClientSecret(secret.into()), &keys()));
        let stored = serde_json::to_string(&client).unwrap();
        assert!(!stored.contains(secret) && !format!("{client:?}").contains(secret));
        assert_eq!(serde_json::from_str::<Client>(&stored).unwrap(), client);
    }
}

#[test]
fn registrations_are_refused_with_the_exact_code() {
    let uris = json!(["https://a/cb"]);
    let table = [
        (json!([]), "invalid_client_metadata"),
        (json!({}), "invalid_redirect_uri"),
        (json!({"redirect_uris": []}), "invalid_redirect_uri"),
        (json!({"redirect_uris": "https://a/cb"}), "invalid_redirect_uri"),
        (json!({"redirect_uris": [5]}), "invalid_redirect_uri"),
        (json!({"redirect_uris": ["https://a/cb", "javascript:alert(1)"]}), "invalid_redirect_uri"),
        (json!({"redirect_uris": vec!["https://a/cb"; 21]}), "invalid_redirect_uri"),
        (json!({"redirect_uris": uris, "token_endpoint_auth_method": "private_key_jwt"}), "invalid_client_metadata"),
        (json!({"redirect_uris": uris, "grant_types": ["client_credentials"]}), "invalid_client_metadata"),
        (json!({"redirect_uris": uris, "grant_types": "authorization_code"}), "invalid_client_metadata"),
        (json!({"redirect_uris": uris, "grant_types": vec!["authorization_code"; 21]}), "invalid_client_metadata"),
        (json!({"redirect_uris": uris, "response_types": ["token"]}), "invalid_client_metadata"),
        (json!({"redirect_uris": uris, "application_type": "desktop"}), "invalid_client_metadata"),
        (json!({"redirect_uris": uris, "client_name": {"a": 1}}), "invalid_client_metadata"),
        (json!({"redirect_uris": uris, "client_uri": "javascript:alert(1)"}), "invalid_client_metadata"),
        (json!({"redirect_uris": uris, "logo_uri": "data:image/svg+xml,<svg/onload=alert(1)>"}), "invalid_client_metadata"),
        (json!({"redirect_uris": uris, "tos_uri": format!("https://a/{}", "x".repeat(1_024))}), "invalid_client_metadata"),
    ];
    for (body, code) in table {
        let error = Registration::read(&body).unwrap_err();
        assert_eq!((error.code.as_str(), error.code.status()), (code, 400), "{body}");
        let shown = serde_json::to_value(&error).unwrap();
        assert_eq!(shown["error"], code);
        assert!(shown["error_description"].is_string());
    }
}

#[test]
fn attack_26_registrations_that_nobody_uses_are_forgotten_after_a_day() {
    let (mut client, _) = client(&["https://a/cb"], "none");
    assert_eq!(client.expires(), NOW.plus(UNUSED_CLIENT_MS));
    assert!(client.used(NOW.plus(5)) && !client.used(NOW.plus(6)));
    assert!(client.expires() > NOW.plus(80 * UNUSED_CLIENT_MS));
}

fn basic(id: &str, secret: &str) -> String {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(format!("{}:{}", encode(id), encode(secret))))
}

/// A client, its form, its header, and the code with which it is refused.
type Proof<'a> = (&'a Client, &'a [(&'a str, &'a str)], Option<&'a str>, Option<OAuthCode>);

#[test]
fn a_client_proves_itself_in_one_way() {
    let (public, _) = client(&["https://a/cb"], "none");
    let (private, secret) = client(&["https://a/cb"], "client_secret_basic");
    let secret = secret.unwrap();
    let secret = secret.0.expose_secret();
    let id = private.id.as_str();
    let (header, wrong) = (basic(id, secret), basic(id, "wrong"));
    let table: [Proof<'_>; 11] = [
        (&public, &[("client_id", id)], None, None),
        (&public, &[("client_id", id), ("client_secret", "")], None, None),
        (&public, &[("client_id", id), ("client_secret", "x")], None, Some(OAuthCode::InvalidClient)),
        (&public, &[], None, Some(OAuthCode::InvalidRequest)),
        (&private, &[], Some(&header), None),
        (&private, &[("client_id", id)], Some(&header), None),
        (&private, &[("client_id", id), ("client_secret", secret)], None, None),
        (&private, &[("client_id", id), ("client_secret", secret)], Some(&header), Some(OAuthCode::InvalidRequest)),
        (&private, &[("client_id", "other")], Some(&header), Some(OAuthCode::InvalidRequest)),
        (&private, &[("client_id", id)], None, Some(OAuthCode::InvalidClient)),
        (&private, &[], Some(&wrong), Some(OAuthCode::InvalidClient)),
    ];
    for (client, pairs, header, expected) in table {
        let read = ClientCredentials::read(&query(pairs), header);
        let outcome = read.and_then(|credentials| authenticate(Some(client), &credentials, &keys()));
        assert_eq!(outcome.err().map(|error| error.code), expected, "{pairs:?} {header:?}");
    }
}

#[test]
fn an_unknown_client_is_told_401_so_that_it_registers_anew() {
    let credentials = ClientCredentials::read(&query(&[("client_id", "client-gone")]), None).unwrap();
    let error = authenticate(None, &credentials, &keys()).unwrap_err();
    assert_eq!((error.code, error.code.status(), error.with_basic), (OAuthCode::InvalidClient, 401, false));
    let credentials = ClientCredentials::read(&Params::default(), Some(&basic("client-gone", "x"))).unwrap();
    assert!(authenticate(None, &credentials, &keys()).unwrap_err().with_basic, "the answer names the way that was tried");
    let (other, _) = client(&["https://a/cb"], "none");
    assert!(authenticate(Some(&other), &credentials, &keys()).is_err(), "the record of another id");
}

#[test]
fn a_header_that_is_no_basic_is_refused_and_an_address_as_id_is_read() {
    for header in ["", "Basic", "Basic !!", "Bearer abc", "Basic YQ==", "Basic Og==", &format!("Basic {}", "A".repeat(9_000))] {
        let error = ClientCredentials::read(&Params::default(), Some(header)).unwrap_err();
        assert_eq!((error.code, error.with_basic), (OAuthCode::InvalidClient, true), "{header:.20}");
    }
    let header = basic("https://app.example/c?x=1&y=2", "p:+ %");
    let credentials = ClientCredentials::read(&Params::default(), Some(&header)).unwrap();
    assert_eq!(credentials.id, "https://app.example/c?x=1&y=2");
    assert_eq!(credentials.secret.unwrap().0.expose_secret(), "p:+ %");
}

const URL: &str = "https://app.example/client.json";

fn document(changes: Value) -> Vec<u8> {
    let mut document =
        json!({"client_id": URL, "client_name": "App", "redirect_uris": ["https://app.example/cb", "http://localhost/cb"]});
    for (name, value) in changes.as_object().unwrap() {
        document[name] = value.clone();
    }
    serde_json::to_vec(&document).unwrap()
}

#[test]
fn a_document_makes_a_public_client() {
    let url = ClientUrl::read(URL).unwrap();
    let more =
        json!({"token_endpoint_auth_method": "none", "grant_types": ["authorization_code"], "client_uri": "https://a/", "x": []});
    let client = read_document(&url, &document(more), NOW).unwrap();
    assert_eq!((client.id.as_str(), client.kind, client.auth_method), (URL, ClientKind::Document, AuthMethod::None));
    assert!(client.redirect("http://localhost:5/cb").is_some() && client.redirect("https://app.example/cb2").is_none());
    assert_ne!(Client::record_name(URL), Client::record_name("https://app.example/client2.json"));
}

#[test]
fn attack_25_a_document_that_is_not_the_clients_own_is_not_believed() {
    use DocumentFault::{AuthMethod, Grant, Malformed, NoName, OtherClient, Redirect, RedirectCount, TooLarge};
    let url = ClientUrl::read(URL).unwrap();
    let table = [
        (document(json!({"client_id": "https://evil.example/client.json"})), OtherClient),
        (document(json!({"client_id": format!("{URL}/")})), OtherClient),
        (document(json!({"client_id": "https://APP.example/client.json"})), OtherClient),
        (document(json!({"client_name": null})), NoName),
        (document(json!({"client_name": "\u{200B} "})), NoName),
        (document(json!({"redirect_uris": null})), RedirectCount),
        (document(json!({"redirect_uris": []})), RedirectCount),
        (document(json!({"redirect_uris": vec!["https://a/cb"; 21]})), RedirectCount),
        (document(json!({"redirect_uris": ["javascript:alert(1)"]})), Redirect(RedirectFault::Scheme)),
        (document(json!({"token_endpoint_auth_method": "client_secret_post"})), AuthMethod),
        (document(json!({"token_endpoint_auth_method": "private_key_jwt"})), AuthMethod),
        (document(json!({"client_secret": "x"})), AuthMethod),
        (document(json!({"client_secret_expires_at": 0})), AuthMethod),
        (document(json!({"grant_types": ["client_credentials"]})), Grant),
        (document(json!({"response_types": ["token"]})), Grant),
        (document(json!({"client_id": 5})), Malformed),
        (document(json!({"filler": "x".repeat(MAX_DOCUMENT_BYTES)})), TooLarge),
        (b"<html>".to_vec(), Malformed),
        (b"[]".to_vec(), Malformed),
        (Vec::new(), Malformed),
        (format!(r#"{{"client_id":"https://evil.example/","client_id":"{URL}"}}"#).into_bytes(), Malformed),
    ];
    for (body, fault) in table {
        assert_eq!(read_document(&url, &body, NOW), Err(fault), "{}", String::from_utf8_lossy(&body));
        assert_eq!(fault.told().code, OAuthCode::InvalidClient);
    }
}

#[test]
fn attack_26_names_are_bounded_and_cleaned_and_script_addresses_are_refused() {
    let huge = "<b>".repeat(1_000_000);
    let (client, answer) = answered(&json!({"redirect_uris": ["https://a/cb"], "client_name": huge}));
    assert_eq!(client.name.chars().count(), MAX_CLIENT_NAME_CHARS);
    assert!(serde_json::to_string(&answer).unwrap().len() < 1_000);
    let sly = "Goo\u{202E}gle\u{0}\r\n";
    assert_eq!(answered(&json!({"redirect_uris": ["https://a/cb"], "client_name": sly})).0.name, "Google");
    assert_eq!(answered(&json!({"redirect_uris": ["https://a/cb"], "client_name": "\u{200B}"})).1.get("client_name"), None);
    for field in ["client_uri", "logo_uri", "policy_uri", "tos_uri"] {
        for bad in ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//a", "https://u@a/", "x", "https://a/ b"] {
            let body = json!({"redirect_uris": ["https://a/cb"], field: bad});
            assert_eq!(Registration::read(&body).unwrap_err().code, OAuthCode::InvalidClientMetadata, "{field} {bad}");
        }
    }
}

const FIELDS: &[&str] = &["redirect_uris", "client_name", "grant_types", "client_uri", "token_endpoint_auth_method", "x"];

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".*".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map(proptest::sample::select(FIELDS), inner, 0..6).prop_map(|map| map
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect::<serde_json::Map<_, _>>()
                .into()),
        ]
    })
}

proptest! {
    #[test]
    fn no_body_of_a_stranger_makes_it_fail(body in anything(), bytes in proptest::collection::vec(any::<u8>(), 0..200), header in ".*") {
        if let Err(error) = Registration::read(&body) {
            prop_assert!(matches!(error.code, OAuthCode::InvalidRedirectUri | OAuthCode::InvalidClientMetadata));
        }
        let url = ClientUrl::read(URL).unwrap();
        prop_assert!(read_document(&url, &bytes, NOW).is_err());
        prop_assert!(read_document(&url, body.to_string().as_bytes(), NOW).is_err(), "it does not name itself");
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(params) = Params::read(&text) {
            let _ = (Asked::read(&params), TokenRequest::read(&params, None), TokenRequest::read(&params, Some(&header)));
        }
        let _ = ClientUrl::read(&header);
    }
}
