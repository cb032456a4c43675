//! Everything secret that there is, used once, and looked for where it must not be: the database, the audit log, metrics, the
//! files, the log (requirements B7, B18, Y3; CWE-532). Beside it every other test of this binary watches as well.

use std::path::Path;

use serde_json::{Value, json};

use crate::api_keys::{ADMIN, DATA_KEY, printed};
use crate::oauth::support::{REDIRECT, VERIFIER, asking, basic, csrf_of, form, location, refresh, register, told};
use crate::support::browser::signing_in;
use crate::support::{Browser, OidcProvider, TestGateway, canary, get, post, postgres};

const OWN_UPSTREAM_KEY: &str = "canary-own-upstream-key";
const SESSION_KEY: &str = "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f";
const JWT_KEY: &str = "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";

/// What a person's browser and a client of theirs were given, and the upstream key that they brought.
fn use_everything(gateway: &TestGateway, provider: &OidcProvider) -> Vec<String> {
    let mut browser = Browser::of(gateway);
    browser.sign_in(provider);
    let mut secrets: Vec<String> = browser.cookies.values().map(|(value, _)| value.clone()).collect();
    let own = json!({"key": OWN_UPSTREAM_KEY, "plan": "free"}).to_string();
    let put = post("/api/user/upstream-key", own).method("PUT").header("Content-Type", "application/json");
    assert_eq!(browser.send(put.header("Sec-Fetch-Site", "same-origin"), "/api/user/upstream-key").status, 200);
    secrets.push(OWN_UPSTREAM_KEY.to_owned());
    let said = |answer: Value, field: &str| answer[field].as_str().unwrap_or_else(|| panic!("{field} in {answer}")).to_owned();
    let key = said(browser.post("/auth/api-keys", &json!({"scope": "write", "name": "a key"}).to_string()).json(), "key");
    assert_eq!(get("/api/quotes/AAPL").header("X-API-Key", &key).send(gateway.address).status, 200);
    let page = said(browser.post("/auth/refresh", "").json(), "access_token");
    let ticket = said(browser.post("/auth/stream-ticket", "").json(), "ticket");
    get(&format!("/events?topics=status&ticket={ticket}")).send(gateway.address).cut();
    secrets.extend([key, page, ticket]);
    let body = json!({"redirect_uris": [REDIRECT], "client_name": "A test", "token_endpoint_auth_method": "client_secret_basic"});
    let client = register(gateway, &body);
    let (id, secret) = (said(client.clone(), "client_id"), said(client, "client_secret"));
    let consent = browser.get(&asking(&id, &[])).text();
    let csrf = csrf_of(&consent);
    let agree = form("/authorize", &[("csrf", &csrf), ("decision", "allow")]).header("Sec-Fetch-Site", "same-origin");
    let agreed = browser.send(agree, "/authorize");
    let code = told(&location(&agreed))["code"].clone();
    let tokens = exchange(gateway, (&id, &secret), &code);
    let (access, first) = (said(tokens.clone(), "access_token"), said(tokens, "refresh_token"));
    assert_eq!(get("/tools/list").header("Authorization", &format!("Bearer {access}")).send(gateway.address).status, 200);
    let refused = refresh(gateway, "somebody-else", &first, &[]);
    assert!(refused.status >= 400);
    // Bad ones are told in errors and in the log, if anywhere.
    for (name, value) in [("Authorization", format!("Bearer {}x", &access)), ("X-API-Key", format!("{}x", secrets[2]))] {
        assert_eq!(get("/api/status").header(name, &value).send(gateway.address).status, 401);
    }
    let cookies = browser.cookies.values().map(|(value, _)| value.clone());
    secrets.extend(cookies.chain([secret, csrf, code, access, first]));
    secrets
}

fn exchange(gateway: &TestGateway, client: (&str, &str), code: &str) -> Value {
    let fields = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT), ("code_verifier", VERIFIER)];
    let answer = form("/token", &fields).header("Authorization", &basic(client.0, client.1)).send(gateway.address);
    assert_eq!(answer.status, 200);
    answer.json()
}

/// Every row of every table of a database, as text.
fn dump(url: &str) -> String {
    let read = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            let tables = client.query("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'", &[]).await.unwrap();
            let mut text = String::new();
            for table in tables {
                let table: String = table.get(0);
                for row in client.query(&format!("SELECT t::text FROM \"{table}\" t"), &[]).await.unwrap() {
                    text.push_str(&format!("{table} {}\n", row.get::<_, String>(0)));
                }
            }
            text
        })
    };
    std::thread::scope(|scope| scope.spawn(read).join()).unwrap()
}

/// The files of a folder and of those in it.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of = |path: std::path::PathBuf| {
        if path.is_dir() { files(&path) } else { vec![(path.display().to_string(), std::fs::read(&path).unwrap())] }
    };
    entries.flat_map(of).collect()
}

#[test]
fn no_secret_is_in_the_database_the_audit_the_metrics_or_a_file_on_either_store() {
    for url in [String::new(), postgres::Server::shared().database()] {
        let provider = OidcProvider::start();
        let issuer = provider.issuer();
        let keys = format!("{ADMIN}:admin:root");
        let own = [
            ("MCP_API_KEYS", keys.as_str()),
            ("DATABASE_URL", url.as_str()),
            ("DATA_ENCRYPTION_KEY", DATA_KEY),
            ("SESSION_SECRET_KEY", SESSION_KEY),
            ("JWT_SECRET_KEY", JWT_KEY),
        ];
        let mut gateway = TestGateway::with(&signing_in(&issuer, &own));
        let mut secrets = use_everything(&gateway, &provider);
        secrets.extend([ADMIN, DATA_KEY, SESSION_KEY, JWT_KEY].map(ToOwned::to_owned));
        secrets.iter().for_each(|secret| canary::watch_for(secret));
        let metrics = get("/metrics").send(gateway.address).text();
        gateway.begin_to_stop();
        gateway.wait_until_stopped();
        let audit = printed(&["audit", "export"], gateway.folder(), &url);
        assert!(audit.lines().count() > 6, "{audit}");
        let mut places = files(gateway.folder());
        assert!(places.iter().any(|(_, bytes)| bytes.starts_with(b"SQLite format 3")) == url.is_empty());
        places.extend([("the audit".to_owned(), audit.into_bytes()), ("the metrics".to_owned(), metrics.into_bytes())]);
        if !url.is_empty() {
            let dump = dump(&url);
            assert!(dump.lines().count() > 20, "{dump}");
            places.push(("the database".to_owned(), dump.into_bytes()));
        }
        for (place, bytes) in places {
            let text = String::from_utf8_lossy(&bytes);
            for secret in &secrets {
                assert!(!text.contains(secret.as_str()), "{secret} is in {place}");
                // As bytes of a column a database shows them in hex.
                assert!(!text.contains(&hex::encode(secret)), "{secret} is in {place}");
            }
        }
    }
}
