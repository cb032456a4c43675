//! The official clients from the bare URL: discovery, registration or a document, sign-in at a provider, consent, tokens, calls, refresh.

use std::process::Command;

use serde_json::json;

use super::documents::Site;
use super::support::gateway;
use crate::clients::tools;
use crate::support::OidcProvider;

const REDIRECT: &str = "http://127.0.0.1:33418/callback";

fn signs_in(interpreter: &str, program: &str) {
    let (provider, site) = (OidcProvider::start(), Site::start());
    let issuer = provider.issuer();
    let gateway = gateway(&[("GOOGLE_ISSUER", &issuer), ("CIMD_ALLOWED_HOSTS", "localhost")]);
    let document = json!({"client_id": site.client(), "client_name": "By document", "redirect_uris": [REDIRECT]});
    site.serves(&document);
    let tools = tools();
    let output = Command::new(&tools[interpreter])
        .arg(format!("{}/tests/clients/{program}", env!("CARGO_MANIFEST_DIR")))
        .args([gateway.url("/mcp"), site.client()])
        .envs(tools.iter())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.ends_with("ok sign_in\n"), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(site.asked(), 1, "the document");
}

#[test]
fn the_official_python_client_gets_in_with_nothing_but_the_url() {
    signs_in("PYTHON", "python/sign_in.py");
}

#[test]
fn the_official_typescript_client_gets_in_with_nothing_but_the_url() {
    signs_in("NODE", "typescript/sign_in.mjs");
}
