//! Which browser is signed in: the cookie, and the record that it names?
//!
//! The cookie holds nothing but the sealed name of a [`BrowserSession`] in the store, so that ending a session there ends it
//! everywhere, and no token is ever in a browser's hands. `__Host-` (RFC 6265bis §4.1.3.2) binds it to this host over HTTPS;
//! on a developer's loopback address without HTTPS it has no prefix.

use std::io;
use std::path::Path;
use std::sync::Arc;

use actix_web::cookie::time::Duration as CookieAge;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::{COOKIE, HeaderMap};
use bytes::Bytes;
use hkdf::Hkdf;
use secrecy::SecretString;
use sha2::Sha256;
use tickgate_actors::Clock;
use tickgate_actors::clock::random_u128;
use tickgate_core::identity::{BrowserSession, HashKey, HashKeys, SessionId, User, UserId};
use tickgate_core::ports::{Record, Shelf, Store, StoreError, Versioned};
use tickgate_core::time::Millis;

use crate::identity::TOKEN_LIFE_MS;
use crate::sealing::{Purpose, Sealer, SealerError};
use crate::settings::secret_bytes;
use crate::storage::kept_secret;

/// A browser that does nothing for this long has to sign in again, in ms: 12 hours, a night.
const IDLE_MS: u64 = 12 * 3_600_000;
/// A browser has to sign in again after this long whatever it does, in ms: a week.
const ABSOLUTE_MS: u64 = 7 * 24 * 3_600_000;
/// Longest value of a cookie that is looked at, in bytes; ours have about 100.
const MAX_COOKIE_BYTES: usize = 1_024;
/// Keeps keys for one-time secrets apart from those for sealing.
const ONCE_SALT: &[u8] = b"tickgate one-time secrets v1";

/// Reads and writes the sessions of browsers. Shared by all workers.
pub struct BrowserSessions {
    store: Arc<dyn Store>,
    sealer: Sealer,
    secure: bool,
    lives: (u64, u64),
    clock: Clock,
}

impl BrowserSessions {
    /// Sessions under these secrets (`SESSION_SECRET_KEY`): the first seals, all open. `public_url` decides about the cookie.
    ///
    /// # Errors
    /// When there is no secret, or one is no secret.
    pub fn new(secrets: &[SecretString], public_url: &str, store: Arc<dyn Store>, clock: Clock) -> Result<Self, SealerError> {
        let sealer = Sealer::new(secrets)?;
        Ok(Self { store, sealer, secure: !is_plain_loopback(public_url), lives: (IDLE_MS, ABSOLUTE_MS), clock })
    }

    /// The cookie's name.
    #[must_use]
    pub const fn cookie_name(&self) -> &'static str {
        if self.secure { "__Host-tickgate" } else { "tickgate" }
    }

    /// Whether cookies need HTTPS.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Seals and opens cookies.
    #[must_use]
    pub const fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// Begins a session under a new name; the one that the browser had before, whoever's, is over.
    ///
    /// # Errors
    /// When the store fails; then nothing has begun.
    pub async fn begin(&self, user: UserId, headers: &HeaderMap) -> Result<(BrowserSession, Cookie<'static>), StoreError> {
        let mut csrf = [0; 32];
        getrandom::fill(&mut csrf).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let session = BrowserSession::begin(user, random_u128(), &csrf, self.lives, self.clock.now());
        self.store.put(Shelf::BrowserSessions, vec![record_of(&session)]).await?;
        if let Some(old) = self.named(headers) {
            self.end(old).await?;
        }
        let cookie = self.cookie(&session);
        Ok((session, cookie))
    }

    /// The session that a request's cookie names, if it is good now. A use a minute after the last one is written down.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find(&self, headers: &HeaderMap) -> Result<Option<BrowserSession>, StoreError> {
        let Some(id) = self.named(headers) else { return Ok(None) };
        let now = self.clock.now();
        let Some(found) = self.record(id, now).await? else { return Ok(None) };
        let Some(session) = read(&found.record.body).filter(|session| session.id == id && session.check(now).is_ok()) else {
            return Ok(None);
        };
        let Some(used) = session.used(now) else { return Ok(Some(session)) };
        // Another request may have written it at the same time, or ended it: neither is undone.
        self.store.swap(Shelf::BrowserSessions, record_of(&used), Some(found.version), now).await?;
        Ok(Some(used))
    }

    /// The session and its person; `None` as well when they are disabled or gone.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn signed_in(&self, headers: &HeaderMap) -> Result<Option<(BrowserSession, User)>, StoreError> {
        let Some(session) = self.find(headers).await? else { return Ok(None) };
        Ok(self.person(session.user).await?.map(|user| (session, user)))
    }

    /// A person who may do something; `None` when they are disabled or gone.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn person(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let users = self.store.of(Shelf::Users, id.principal().as_str(), self.clock.now()).await?;
        let mut users = users.iter().filter_map(|found| serde_json::from_slice::<User>(&found.record.body).ok());
        Ok(users.find(|user| user.id == id && user.scope().is_some()))
    }

    /// Whether a session is good now, whoever asks.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn lives(&self, id: SessionId) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let found = self.record(id, now).await?;
        Ok(found.and_then(|found| read(&found.record.body)).is_some_and(|session| session.check(now).is_ok()))
    }

    /// A record under a data key that was dropped is nobody's session: whoever had it signs in again.
    async fn record(&self, id: SessionId, now: Millis) -> Result<Option<Versioned>, StoreError> {
        match self.store.find(Shelf::BrowserSessions, id.0, now).await {
            Err(StoreError::Unreadable(_)) => Ok(None),
            found => found,
        }
    }

    /// Ends a session; one that does not exist has ended already. That it has ended is kept for as long as a token that was made
    /// with it could be shown, so that a gateway that starts meanwhile knows it too.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end(&self, id: SessionId) -> Result<(), StoreError> {
        let now = self.clock.now();
        let Some(session) = self.record(id, now).await?.and_then(|found| read(&found.record.body)) else { return Ok(()) };
        let record = record_of(&session.end(now));
        // Whoever writes a use at this moment wrote to another state than this one, so it does not come back to life.
        self.store.put(Shelf::BrowserSessions, vec![record]).await
    }

    /// The session that a request's cookie names, good or not. A cookie that is not ours names none.
    #[must_use]
    pub fn named(&self, headers: &HeaderMap) -> Option<SessionId> {
        let value = only_cookie(headers, self.cookie_name())?;
        let id = self.sealer.open(Purpose::BrowserCookie, &[], value).ok()?;
        Some(SessionId(u128::from_be_bytes(id.try_into().ok()?)))
    }

    /// Whether a request has a cookie of this name at all.
    #[must_use]
    pub fn is_sent(&self, headers: &HeaderMap) -> bool {
        cookies(headers, self.cookie_name()).next().is_some()
    }

    /// The cookie of a session.
    #[must_use]
    pub fn cookie(&self, session: &BrowserSession) -> Cookie<'static> {
        let value = self.sealer.seal(Purpose::BrowserCookie, &[], &session.id.0.to_be_bytes());
        self.cookie_with(value, session.absolute_ms)
    }

    /// What takes the cookie from the browser.
    #[must_use]
    pub fn no_cookie(&self) -> Cookie<'static> {
        self.cookie_with(String::new(), 0)
    }

    fn cookie_with(&self, value: String, life_ms: u64) -> Cookie<'static> {
        Cookie::build(self.cookie_name(), value)
            .http_only(true)
            .secure(self.secure)
            .same_site(SameSite::Lax)
            .path("/")
            .max_age(CookieAge::seconds(i64::try_from(life_ms / 1_000).unwrap_or(i64::MAX)))
            .finish()
    }
}

/// Shows nothing of the keys.
impl std::fmt::Debug for BrowserSessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BrowserSessions").field("cookie", &self.cookie_name()).finish_non_exhaustive()
    }
}

/// The value of a cookie that came exactly once: of two with one name, nobody knows who set which.
#[must_use]
pub fn only_cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = cookies(headers, name);
    let value = values.next()?;
    (values.next().is_none() && !value.is_empty() && value.len() <= MAX_COOKIE_BYTES).then_some(value)
}

fn cookies<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let pairs = headers.get_all(COOKIE).filter_map(|header| header.to_str().ok()).flat_map(|header| header.split(';'));
    pairs.filter_map(move |pair| pair.trim().split_once('=').filter(|(other, _)| *other == name).map(|(_, value)| value))
}

fn record_of(session: &BrowserSession) -> Record {
    Record {
        id: session.id.0,
        principal: session.user.principal().as_str().to_owned(),
        expires: Some(session.ended.map_or_else(|| session.expires(), |ended| ended.plus(TOKEN_LIFE_MS))),
        body: Bytes::from(serde_json::to_vec(session).unwrap_or_default()),
    }
}

/// What cannot be read is no session.
fn read(body: &[u8]) -> Option<BrowserSession> {
    serde_json::from_slice(body).ok()
}

/// Whether clients reach us without HTTPS on this machine only: there browsers would not keep a `Secure` cookie.
fn is_plain_loopback(public_url: &str) -> bool {
    let Ok(url) = url::Url::parse(public_url) else { return false };
    let local = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "http" && local
}

/// The keys under which one-time secrets of browsers are kept (pending sign-ins, tickets): as many as `SESSION_SECRET_KEY` lists.
///
/// # Errors
/// When there is none.
pub fn once_keys(secrets: &[SecretString]) -> Result<HashKeys, SealerError> {
    let mut keys = secrets.iter().map(|secret| {
        let mut key = [0; 32];
        let root = Hkdf::<Sha256>::new(Some(ONCE_SALT), &secret_bytes(secret));
        root.expand(b"one-time secrets", &mut key).expect("HKDF-SHA256 gives up to 8160 bytes");
        HashKey::new(key)
    });
    let first = keys.next().ok_or(SealerError::NoKey)?;
    Ok(HashKeys::new(first, keys.collect()))
}

/// The secret of a development machine: made once and kept in `DATA_DIR`, readable by its owner only.
///
/// # Errors
/// When the folder or the file cannot be written or read, or the file holds no secret.
pub fn development_session_secret(data_dir: &Path) -> io::Result<SecretString> {
    kept_secret(data_dir, "session-secret-key")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::SqliteStore;
    use actix_web::http::header::HeaderValue;

    const NOW: Millis = Millis(1_773_167_467_294);
    const HTTPS: &str = "https://gate.example";

    fn secret(byte: u8) -> SecretString {
        hex::encode((0..32).map(|n| byte.wrapping_add(n)).collect::<Vec<u8>>()).into()
    }

    fn store(folder: &Path) -> Arc<dyn Store> {
        store_under(folder, 9)
    }

    fn store_under(folder: &Path, key: u8) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open_beside(folder, Arc::new(Sealer::new(&[secret(key)]).unwrap())).unwrap())
    }

    fn sessions(store: &Arc<dyn Store>, secrets: &[u8], now: Millis) -> BrowserSessions {
        let secrets: Vec<_> = secrets.iter().map(|byte| secret(*byte)).collect();
        BrowserSessions::new(&secrets, HTTPS, Arc::clone(store), Clock::starting_at(now)).unwrap()
    }

    fn sent(cookies: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(COOKIE, HeaderValue::from_str(cookie).unwrap());
        }
        headers
    }

    fn shown(cookie: &Cookie<'_>) -> HeaderMap {
        sent(&[&format!("theme=dark; {}={}", cookie.name(), cookie.value())])
    }

    #[actix_rt::test]
    async fn a_session_is_found_by_its_cookie_until_it_ends_and_the_cookie_tells_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let browsers = sessions(&store, &[1], NOW);
        let (session, cookie) = browsers.begin(UserId(7), &HeaderMap::new()).await.unwrap();
        let written = cookie.to_string();
        for part in ["__Host-tickgate=v1.", "HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=604800"] {
            assert!(written.contains(part), "{part} in {written}");
        }
        assert!(!written.contains("Domain") && !written.contains(&session.id.to_string()), "{written}");
        assert_eq!(browsers.find(&shown(&cookie)).await.unwrap(), Some(session.clone()));
        browsers.end(session.id).await.unwrap();
        assert_eq!(browsers.find(&shown(&cookie)).await.unwrap(), None);
        assert!(browsers.no_cookie().to_string().contains("Max-Age=0"));
    }

    #[actix_rt::test]
    async fn a_cookie_that_was_changed_sent_twice_or_sealed_under_another_secret_is_nobodys() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let browsers = sessions(&store, &[1], NOW);
        let (session, cookie) = browsers.begin(UserId(7), &HeaderMap::new()).await.unwrap();
        let value = cookie.value();
        let mut flipped = value.to_owned();
        flipped.replace_range(
            value.len() - 9..value.len() - 8,
            if &value[value.len() - 9..value.len() - 8] == "A" { "B" } else { "A" },
        );
        let id = session.id.to_string();
        for bad in ["", "v1", &flipped, &id, &value[1..], &value.to_uppercase(), &"a".repeat(2_000)] {
            let headers = sent(&[&format!("__Host-tickgate={bad}")]);
            assert_eq!(browsers.find(&headers).await.unwrap(), None, "{bad}");
        }
        let twice = format!("__Host-tickgate={value}");
        assert_eq!(browsers.find(&sent(&[&twice, &twice])).await.unwrap(), None);
        assert_eq!(browsers.find(&sent(&[&format!("tickgate={value}")])).await.unwrap(), None, "without its prefix");
        assert_eq!(sessions(&store, &[2], NOW).find(&shown(&cookie)).await.unwrap(), None, "another secret");
        assert_eq!(sessions(&store, &[2, 1], NOW).find(&shown(&cookie)).await.unwrap(), Some(session), "a rotated secret");
    }

    #[actix_rt::test]
    async fn a_session_ends_of_disuse_and_of_age_and_lives_on_by_use() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let (_, cookie) = sessions(&store, &[1], NOW).begin(UserId(7), &HeaderMap::new()).await.unwrap();
        let cookie = shown(&cookie);
        let at = async |now: Millis| sessions(&store, &[1], now).find(&cookie).await.unwrap();
        let mut now = NOW;
        while now.plus(IDLE_MS - 60_000) < NOW.plus(ABSOLUTE_MS) {
            now = now.plus(IDLE_MS - 60_000);
            assert_eq!(at(now).await.map(|session| session.seen.0 / 1_000), Some(now.0 / 1_000), "written down");
        }
        assert_eq!(at(NOW.plus(ABSOLUTE_MS)).await, None, "too old");
        let (_, unused) = sessions(&store, &[1], NOW).begin(UserId(7), &HeaderMap::new()).await.unwrap();
        assert_eq!(sessions(&store, &[1], NOW.plus(IDLE_MS)).find(&shown(&unused)).await.unwrap(), None, "too long unused");
    }

    #[actix_rt::test]
    async fn a_new_sign_in_has_a_new_name_and_ends_the_browsers_old_session() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let browsers = sessions(&store, &[1], NOW);
        let (first, cookie) = browsers.begin(UserId(7), &HeaderMap::new()).await.unwrap();
        let (second, _) = browsers.begin(UserId(8), &shown(&cookie)).await.unwrap();
        assert_ne!(first.id, second.id);
        assert_eq!(browsers.find(&shown(&cookie)).await.unwrap(), None);
    }

    #[actix_rt::test]
    async fn a_session_under_a_data_key_that_was_dropped_is_nobodys_and_no_failure() {
        let folder = tempfile::tempdir().unwrap();
        let (session, cookie) = sessions(&store(folder.path()), &[1], NOW).begin(UserId(7), &HeaderMap::new()).await.unwrap();
        let other = sessions(&store_under(folder.path(), 8), &[1], NOW);
        assert_eq!(other.find(&shown(&cookie)).await, Ok(None));
        assert_eq!(other.lives(session.id).await, Ok(false));
        assert!(other.begin(UserId(7), &shown(&cookie)).await.is_ok(), "and they sign in again");
    }

    #[test]
    fn only_a_loopback_address_without_https_has_the_cookie_without_prefix() {
        for plain in ["http://127.0.0.1:8080", "http://localhost:3000", "http://[::1]"] {
            assert!(is_plain_loopback(plain), "{plain}");
        }
        for public in [HTTPS, "http://gate.example", "https://127.0.0.1:8080", "http://localhost.evil.example", "nonsense"] {
            assert!(!is_plain_loopback(public), "{public}");
        }
    }
}
