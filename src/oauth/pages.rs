//! What do people see: the consent page, and the page of a fault?
//!
//! Whatever a client says of itself is escaped, and stands beside where the answer really goes. The pages have no script.

use tickgate_core::access::Scope;
use tickgate_core::identity::User;
use tickgate_core::identity::oauth::{Client, ClientUrl, ConsentPage};

use crate::html::{self, escaped};

const CONSENT: &str = include_str!("pages/consent.html");
const FAULT: &str = include_str!("pages/fault.html");
/// Content security policy of the pages. It does not name `form-action`: browsers hold also the redirects after a form to it, and
/// where those lead (the client's address, and from there perhaps an app) is the very thing that the person agrees to. Nothing but
/// our own form can stand on the page, since all that comes from outside is escaped.
pub const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The consent page.
pub(super) fn consent(page: &ConsentPage, client: &Client, user: &User, csrf: &str) -> String {
    let scopes: String = page.scopes.iter().map(|scope| format!("<li>{}</li>", allows(scope))).collect();
    let origin = match ClientUrl::read(&client.id) {
        Ok(url) => format!("It is described at {}.", escaped(&url.host())),
        Err(_) => "It registered itself under this name; nobody has checked the name.".to_owned(),
    };
    let warning = if page.is_local_only {
        "<p class=\"warning\">The answer goes to a program on this computer. Go on only if you have just started it yourself: any \
         program here could pose as this one.</p>"
    } else {
        ""
    };
    let person = user.email.as_deref().or(user.name.as_deref()).unwrap_or("you");
    html::page("Allow access?", CONSENT, |field| match field {
        "client" => escaped(&page.client_name),
        "place" => escaped(&page.place),
        "person" => escaped(person),
        "csrf" => escaped(csrf),
        "origin" => origin.clone(),
        "warning" => warning.to_owned(),
        "scopes" => scopes.clone(),
        _ => String::new(),
    })
}

/// The page of a fault.
pub(super) fn fault(code: &str, description: &str) -> String {
    html::page("This did not work", FAULT, |field| match field {
        "code" => escaped(code),
        "description" => escaped(description),
        _ => String::new(),
    })
}

const fn allows(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "read market data and news, and follow streams",
        Scope::Write => "set and delete your price alerts, start tasks, see and revoke your API keys (it is given none)",
        Scope::Admin => "administer this gateway: people, keys and the audit log",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_have_no_script_and_no_style_of_their_own() {
        for page in [CONSENT, FAULT] {
            assert!(!page.contains("<script") && !page.contains("style=") && !page.contains("onclick"), "{page}");
        }
    }
}
