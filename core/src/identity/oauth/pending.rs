//! Which browser may agree to what, once?
//!
//! A request to `/authorize` waits here while the person signs in and reads the consent page. It belongs to the browser that
//! began it (a `__Host-` cookie) and to the person to whom the page was shown: an address of the sign-in that somebody else
//! captured leads nowhere in another browser (peers.md §5 no. 20), and a forged form has neither cookie nor token (no. 28).

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::authorize::AuthorizationRequest;
use crate::access::Principal;
use crate::identity::base62;
use crate::identity::hash::{HashKeys, same};
use crate::identity::once::{Once, OnceRandom, OnceRecord, PresentedOnce};
use crate::time::Millis;

/// A request that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingAuthorization {
    /// What was asked.
    pub request: AuthorizationRequest,
    browser: OnceRecord,
    shown: Option<Shown>,
    decided: Option<Millis>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Shown {
    to: String,
    csrf: String,
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shown({})", self.to)
    }
}

/// Why a decision does not count. The browser sees a page; nobody is sent anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PendingRefusal {
    /// The cookie is not that of the browser that began.
    #[error("this request was begun in another browser")]
    OtherBrowser,
    /// Ten minutes are over.
    #[error("this request is too old: begin again in the application")]
    Expired,
    /// It was decided before.
    #[error("this request has been answered already")]
    Decided,
    /// The page was shown to somebody else, or to nobody.
    #[error("this request was shown to another account")]
    OtherPerson,
    /// The form does not come from our page.
    #[error("this form does not come from the consent page")]
    Forged,
}

impl PendingAuthorization {
    /// Lets a request wait. The record belongs under `random.name`; the text is for the cookie.
    #[must_use]
    pub fn begin(request: AuthorizationRequest, random: &OnceRandom, keys: &HashKeys, now: Millis) -> (Self, SecretString) {
        let (browser, cookie) = OnceRecord::create(Once::Browser, random, u64::MAX, keys, now);
        (Self { request, browser, shown: None, decided: None }, cookie)
    }

    /// Whether this browser may go on with it: after the sign-in, and before the page is shown.
    ///
    /// # Errors
    /// Why not.
    pub fn may_go_on(&self, browser: Option<&PresentedOnce>, keys: &HashKeys, now: Millis) -> Result<(), PendingRefusal> {
        if !browser.is_some_and(|browser| self.browser.is_of(browser, keys)) {
            return Err(PendingRefusal::OtherBrowser);
        }
        if self.browser.is_over(now) {
            return Err(PendingRefusal::Expired);
        }
        if self.decided.is_some() { Err(PendingRefusal::Decided) } else { Ok(()) }
    }

    /// Notes to whom the page is shown, and gives the token for its form out of 256 fresh random bits. Shown again, only the
    /// newest form counts.
    pub fn show(&mut self, to: &Principal, random: &[u8; 32]) -> String {
        let csrf = base62::write_32(random);
        self.shown = Some(Shown { to: to.as_str().to_owned(), csrf: csrf.clone() });
        csrf
    }

    /// Takes the decision of the person, yes or no. The record that is given back is decided: store it in place of exactly this
    /// one before the answer, so that of two forms one counts.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn decide(&self, form: &Form<'_>, keys: &HashKeys, now: Millis) -> Result<Self, PendingRefusal> {
        self.may_go_on(form.browser, keys, now)?;
        let shown = self.shown.as_ref().filter(|shown| shown.to == form.person.as_str()).ok_or(PendingRefusal::OtherPerson)?;
        if !same(&shown.csrf, form.csrf) {
            return Err(PendingRefusal::Forged);
        }
        Ok(Self { decided: Some(now), ..self.clone() })
    }

    /// When the record may be forgotten.
    #[must_use]
    pub const fn expires(&self) -> Millis {
        self.browser.expires
    }
}

/// A form of the consent page that came back.
#[derive(Clone, Copy, Debug)]
pub struct Form<'a> {
    /// The cookie.
    pub browser: Option<&'a PresentedOnce>,
    /// Who is signed in in this browser now.
    pub person: &'a Principal,
    /// The token of the form.
    pub csrf: &'a str,
}
