//! Where do browsers sign in, and is what is said about it complete?

use secrecy::SecretString;

use super::reader::{Reader, SettingError};
use super::values::{list, web_url};
use super::{Environment, Settings, SignInSettings};

/// The paths that take a callback.
const CALLBACK_PATHS: [&str; 2] = ["/auth/callback", "/callback"];
/// Longest client id or secret, in bytes.
const MAX_CREDENTIAL_BYTES: usize = 512;

/// Reads `GOOGLE_*` and `ADMIN_EMAILS`.
pub(super) fn sign_in(reader: &mut Reader<'_>) -> Option<SignInSettings> {
    let client_id = reader.optional("GOOGLE_CLIENT_ID", |text| credential(text).map(str::to_owned));
    let client_secret = reader.optional("GOOGLE_CLIENT_SECRET", |text| credential(text).map(SecretString::from));
    let rest = (
        reader.read("GOOGLE_ISSUER", issuer),
        reader.optional("GOOGLE_REDIRECT_URI", redirect_uri),
        reader.optional("GOOGLE_HOSTED_DOMAIN", domain),
        reader.optional("ADMIN_EMAILS", list(email)).unwrap_or_default(),
    );
    match (client_id, client_secret) {
        (Some(client_id), Some(client_secret)) => {
            let (issuer, redirect_uri, hosted_domain, admin_emails) = rest;
            Some(SignInSettings { issuer, client_id, client_secret, redirect_uri, hosted_domain, admin_emails })
        }
        (Some(_), None) => {
            reader
                .errors
                .push(SettingError::together("GOOGLE_CLIENT_ID is set and GOOGLE_CLIENT_SECRET is not: set both, or neither"));
            None
        }
        (None, Some(_)) => {
            reader
                .errors
                .push(SettingError::together("GOOGLE_CLIENT_SECRET is set and GOOGLE_CLIENT_ID is not: set both, or neither"));
            None
        }
        (None, None) => None,
    }
}

/// What must hold between these and the others.
pub(super) fn check(settings: &Settings, errors: &mut Vec<SettingError>) {
    let environment = settings.listen.environment;
    if settings.access.sign_in.is_some() && settings.access.session_secrets.is_empty() && environment != Environment::Development
    {
        errors.push(SettingError::together(format!(
            "SESSION_SECRET_KEY is needed for sign-in when APP_ENV is {environment}, to seal cookies: `tickgate secrets` prints a good one"
        )));
    }
}

fn credential(text: &str) -> Result<&str, &'static str> {
    let sound = text.len() <= MAX_CREDENTIAL_BYTES && text.bytes().all(|c| c.is_ascii_graphic());
    if sound { Ok(text) } else { Err("not as the provider gave it") }
}

/// As discovery compares it: without a trailing slash only if it was said without one.
fn issuer(text: &str) -> Result<String, String> {
    let url = web_url(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("an issuer has no query and no fragment".to_owned());
    }
    let local = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if url.scheme() == "https" || local { Ok(text.to_owned()) } else { Err("http is for loopback addresses only".to_owned()) }
}

fn redirect_uri(text: &str) -> Result<url::Url, String> {
    let url = web_url(text)?;
    if CALLBACK_PATHS.contains(&url.path()) && url.query().is_none() && url.fragment().is_none() {
        Ok(url)
    } else {
        Err("its path must be /auth/callback or /callback, and nothing may follow".to_owned())
    }
}

fn domain(text: &str) -> Result<String, &'static str> {
    let sound = text.contains('.') && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-'));
    if sound { Ok(text.to_ascii_lowercase()) } else { Err("not a domain") }
}

fn email(text: &str) -> Result<String, &'static str> {
    match text.split_once('@') {
        Some((name, host))
            if !name.is_empty() && host.contains('.') && !host.contains('@') && !text.contains(char::is_whitespace) =>
        {
            Ok(text.to_owned())
        }
        _ => Err("not an e-mail address"),
    }
}
