//! How does a key reach its owner under a link that opens once? Pure rules: `tickgate_core::identity::api_key::KeyLink`.
//!
//! The secret of a link stands behind `#` in its address, which no browser sends: the page reads it there and sends it in a form.
//! So it is in no access log, and who merely looks at the address (previews, scanners, prefetch) opens nothing.
//!
//! A person who can be shown an address by their client gets one that is no secret: it opens in a browser in which they are signed in,
//! and nowhere else. There the link itself stands, sealed; nothing is kept before it is opened, so making one is harmless to repeat.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use secrecy::{ExposeSecret as _, SecretString};
use tickgate_actors::Clock;
use tickgate_actors::clock::random_u128;
use tickgate_core::access::{Caller, Principal};
use tickgate_core::identity::api_key::{KeyId, KeyLink, LinkRefusal, LinkedKey, may_manage};
use tickgate_core::identity::audit::{AuditAction, Outcome};
use tickgate_core::identity::{Once, OnceRandom, PresentedOnce};
use tickgate_core::ports::{Record, Seal, Sealed, Shelf, Store, StoreError};
use tickgate_core::time::Millis;

use super::audit::{AuditWriter, Happening, Who};
use super::directory::Directory;
use super::keys::{By, KeyError, KeyService, Rotated, random_secret};

/// Links of one maker that can wait at once: more than a person hands out in a quarter of an hour.
pub const MAX_WAITING_LINKS: usize = 20;
/// What every sealed text begins with, and no link.
const SEALED: &str = "v1.";
/// How often a link is read again that another has just changed: it changes once.
const ATTEMPTS: usize = 3;

/// Hands out links and opens them. Clones are the same.
#[derive(Clone)]
pub struct KeyLinks(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    keys: KeyService,
    directory: Directory,
    audit: AuditWriter,
    /// Seals links that travel in addresses.
    seal: Arc<dyn Seal>,
    /// The page's address.
    page: String,
    clock: Clock,
}

/// Where links are kept, and what makes keys.
pub struct LinkParts {
    /// Keeps links, and which were opened.
    pub store: Arc<dyn Store>,
    /// Seals links that travel in addresses.
    pub seal: Arc<dyn Seal>,
    /// Makes keys.
    pub keys: KeyService,
    /// Which keys and people are good now.
    pub directory: Directory,
    /// The audit log.
    pub audit: AuditWriter,
    /// The time.
    pub clock: Clock,
}

/// A link that was handed out.
#[derive(Debug)]
pub struct LinkHandedOut {
    /// The address. Whoever has it can open it, once.
    pub address: SecretString,
    /// From when on it opens no more.
    pub expires: Millis,
}

/// Why a link opens nothing.
#[derive(Debug, thiserror::Error)]
pub enum LinkFault {
    /// It opens no more, or never did. The key that it was for is told to who holds the link.
    #[error("the link does not open: {0}")]
    Refused(LinkRefusal, Option<KeyId>),
    /// It is for a person who is not signed in in this browser.
    #[error("the link is for somebody who is not signed in here")]
    NotSignedIn,
    /// Who made it may do it no more.
    #[error("who made the link may do this no more")]
    MakerGone,
    /// The link is used up, and the key was not made.
    #[error(transparent)]
    Key(KeyError),
    /// The store did not do it; the link still waits.
    #[error("the store does not answer, so nothing was changed: try again later")]
    Store(#[from] StoreError),
}

impl KeyLinks {
    /// Links to the page at this address.
    #[must_use]
    pub fn new(parts: LinkParts, page: String) -> Self {
        let LinkParts { store, seal, keys, directory, audit, clock } = parts;
        Self(Arc::new(Inner { store, keys, directory, audit, seal, page, clock }))
    }

    /// The address at which a person gets what they asked for, in a browser in which they are signed in. It is no secret. Whether they
    /// may have it done is decided before; [`Self::told`] writes down that they were shown it.
    #[must_use]
    pub fn address_for(&self, person: &Caller, key: LinkedKey) -> String {
        let inner = &*self.0;
        let random = OnceRandom { name: random_u128(), secret: random_secret() };
        let (link, text) = KeyLink::create(key, person, &random, inner.keys.hashing(), inner.clock.now());
        let plain = serde_json::to_vec(&(text.expose_secret(), link)).expect("a link is texts and numbers");
        let sealed = inner.seal.seal(Sealed::KeyPage, &[person.principal.as_str().as_bytes()], &plain);
        format!("{}#{sealed}", inner.page)
    }

    /// Writes down that a person was shown the address at which they get a key. A new key has no name yet: it may have been asked for
    /// again since, under another one.
    pub async fn told(&self, by: By, key: &LinkedKey) {
        let row = happening(by, key, Outcome::Done, vec![("for", what(key).to_owned()), ("shown_to", "its maker".to_owned())]);
        let target = if matches!(key, LinkedKey::New(..)) { "key".to_owned() } else { row.target.clone() };
        self.0.audit.write_or_queue(Happening { target, ..row }).await;
    }

    /// Hands out a link on a caller's word. Whether they may have it done is decided before.
    ///
    /// # Errors
    /// When too many of theirs wait, or the store is away.
    pub async fn hand_out(&self, by: By, maker: &Caller, key: LinkedKey) -> Result<LinkHandedOut, KeyError> {
        let inner = &*self.0;
        let now = inner.clock.now();
        let theirs = inner.store.of(Shelf::AuthFlows, maker.principal.as_str(), now).await?;
        let waiting = theirs.iter().filter_map(|found| read(&found.record)).filter(|link| link.is_waiting(now)).count();
        if waiting >= MAX_WAITING_LINKS {
            return Err(KeyError::TooManyLinks);
        }
        let random = OnceRandom { name: random_u128(), secret: random_secret() };
        let (link, text) = KeyLink::create(key, maker, &random, inner.keys.hashing(), now);
        inner.store.put(Shelf::AuthFlows, vec![record(random.name, &link)]).await?;
        let address = SecretString::from(format!("{}#{}", inner.page, text.expose_secret()));
        let details = vec![("for", what(&link.key).to_owned())];
        inner.audit.write_or_queue(happening(by, &link.key, Outcome::Done, details)).await;
        Ok(LinkHandedOut { address, expires: link.expires() })
    }

    /// Opens what stands behind `#`: the key, which is shown this once. `person`: who is signed in in the browser.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn open(
        &self,
        text: &str,
        person: Option<&Principal>,
        from: Option<IpAddr>,
        request_id: &str,
    ) -> Result<Rotated, LinkFault> {
        if !text.starts_with(SEALED) {
            return self.open_link(text, from, request_id).await;
        }
        let inner = &*self.0;
        let person = person.ok_or(LinkFault::NotSignedIn)?;
        let plain = inner.seal.open(Sealed::KeyPage, &[person.as_str().as_bytes()], text).ok_or(LinkFault::NotSignedIn)?;
        let unknown = || LinkFault::Refused(LinkRefusal::Unknown, None);
        let (text, link): (String, KeyLink) = serde_json::from_slice(&plain).map_err(|_| unknown())?;
        let name = PresentedOnce::read(Once::Link, &text).ok_or_else(unknown)?.name;
        // From now on it is a link as any other; who opens it again finds the one that was opened.
        inner.store.swap(Shelf::AuthFlows, record(name, &link), None, inner.clock.now()).await?;
        self.open_link(&text, from, request_id).await
    }

    async fn open_link(&self, text: &str, from: Option<IpAddr>, request_id: &str) -> Result<Rotated, LinkFault> {
        let unknown = || LinkFault::Refused(LinkRefusal::Unknown, None);
        let inner = &*self.0;
        let presented = PresentedOnce::read(Once::Link, text).ok_or_else(unknown)?;
        let by = |who| By { who, from, request_id: Some(request_id.to_owned()) };
        for _ in 0..ATTEMPTS {
            let now = inner.clock.now();
            let found = inner.store.find(Shelf::AuthFlows, presented.name, now).await?.ok_or_else(unknown)?;
            let link = read(&found.record).ok_or_else(unknown)?;
            let opened = match link.open(&presented, inner.keys.hashing(), now) {
                Ok(opened) => opened,
                Err(LinkRefusal::Unknown) => return Err(unknown()),
                Err(refusal) => {
                    self.refused(by(Who::Nobody), &link, &refusal.to_string());
                    return Err(LinkFault::Refused(refusal, Some(link.key.id())));
                }
            };
            let Some(maker) = self.maker(&link, now).await else {
                self.refused(by(Who::Nobody), &link, "its maker may do it no more");
                return Err(LinkFault::MakerGone);
            };
            let kept = inner.store.swap(Shelf::AuthFlows, record(presented.name, &opened), Some(found.version), now).await?;
            if kept.is_some() {
                return self.make(by(Who::Somebody(maker.principal.clone())), opened.key, &maker).await.map_err(LinkFault::Key);
            }
        }
        Err(LinkFault::Key(KeyError::Busy))
    }

    async fn make(&self, by: By, key: LinkedKey, maker: &Caller) -> Result<Rotated, KeyError> {
        match key {
            LinkedKey::New(id, new) => self.0.keys.create_named(by, maker.credential, new, id).await,
            LinkedKey::Rotated(id, grace_ms) => self.0.keys.rotate(by, id, grace_ms, |key| may_manage(maker, key, true)).await,
        }
    }

    /// Who made a link, with what they may do now; `None` when their credential has ended or does not reach any more.
    async fn maker(&self, link: &KeyLink, now: Millis) -> Option<Caller> {
        let directory = &self.0.directory;
        let maker = link.maker()?;
        // Another gateway may have made their key a moment ago.
        if directory.stands(&maker, now).is_err() && !(directory.catch_up().await && directory.stands(&maker, now).is_ok()) {
            return None;
        }
        let most = directory.scope_of(&maker.principal)?;
        let maker = Caller { scope: maker.scope.min(most), ..maker };
        link.may_make(&maker).is_ok().then_some(maker)
    }

    fn refused(&self, by: By, link: &KeyLink, reason: &str) {
        self.0.audit.note(happening(by, &link.key, Outcome::Refused, vec![("reason", reason.to_owned())]));
    }
}

fn happening(by: By, key: &LinkedKey, outcome: Outcome, details: Vec<(&'static str, String)>) -> Happening {
    let By { who, from, request_id } = by;
    let owner = match key {
        LinkedKey::New(_, new) => Some(new.owner.clone()),
        LinkedKey::Rotated(..) => None,
    };
    let target = format!("key:{}", key.id());
    Happening { who, from, request_id, action: AuditAction::KeyLink, target, owner, outcome, details }
}

const fn what(key: &LinkedKey) -> &'static str {
    match key {
        LinkedKey::New(..) => "a new key",
        LinkedKey::Rotated(..) => "a new secret",
    }
}

fn record(name: u128, link: &KeyLink) -> Record {
    let body = serde_json::to_vec(link).expect("a link is texts and numbers");
    let principal = link.maker().map_or_else(String::new, |maker| maker.principal.as_str().to_owned());
    Record { id: name, principal, expires: Some(link.forget_at()), body: Bytes::from(body) }
}

fn read(record: &Record) -> Option<KeyLink> {
    serde_json::from_slice(&record.body).ok()
}
