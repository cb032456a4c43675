//! The account page in a real browser.

use super::*;
use crate::clients::{client as program, passes, pictures};

#[test]
fn a_person_signs_in_makes_and_revokes_a_key_disconnects_a_client_and_signs_out_in_a_real_browser() {
    let provider = OidcProvider::start();
    provider.script().person = json!({"sub": "1089", "email": "ada@example.com", "email_verified": true, "name": "Ada"});
    let gateway = gateway(&provider, "", &[]);
    let open = TestGateway::start();
    let key = ("MCP_API_KEYS", "a-key-for-the-tests-1");
    let [read, keys] = ["optional", "required"].map(|mode| TestGateway::with(&[("AUTH", mode), key]));
    let mut command = program("NODE", "typescript/account.mjs");
    command.args([gateway.url(""), open.url(""), read.url(""), keys.url("")]).arg(pictures());
    passes(command, "account");
}
