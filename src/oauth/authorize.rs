//! Where does the browser go next: to sign in, to the consent page, back to the client?
//!
//! A request is checked, then waits in the store for at most ten minutes, bound to this browser by a cookie; the address that goes
//! to the sign-in and comes back has only its name. Nobody gets a code for a client without having agreed to this client.

use actix_web::cookie::time::Duration as CookieAge;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::HeaderMap;
use bytes::Bytes;
use secrecy::{ExposeSecret as _, SecretString};
use tickgate_actors::clock::random_u128;
use tickgate_core::access::Principal;
use tickgate_core::identity::audit::{AuditAction, Outcome};
use tickgate_core::identity::oauth::{
    Asked, AuthorizationCode, AuthorizationRequest, AuthorizeFault, CodeGrant, Consent, ConsentPage, Form, OAuthCode, OAuthError,
    Params, PendingAuthorization, PendingRefusal, ScopeSet, error_redirect, success_redirect,
};
use tickgate_core::identity::{BrowserSession, Once, PresentedOnce, User};
use tickgate_core::ports::{Record, Shelf, StoreError, Version};

use super::notes::{Asker, Note};
use super::pages;
use super::server::{AuthorizationServer, once_random, random_bytes, unavailable};
use crate::auth::only_cookie;

/// To whom a request belongs that nobody has been shown.
const NOBODYS: &str = "oauth:waiting";
/// The parameter that names a waiting request. OAuth has none of this name.
const PENDING: &str = "pending";

/// Where the browser goes.
#[derive(Debug)]
pub enum Next {
    /// Elsewhere.
    Go(String),
    /// It stays, and shows a page.
    Page {
        /// The HTTP status.
        status: u16,
        /// The page.
        html: String,
    },
}

/// What the browser is told.
#[derive(Debug)]
pub struct Browser {
    /// Where it goes.
    pub next: Next,
    /// What it is to remember.
    pub cookie: Option<Cookie<'static>>,
}

/// Why a person is told something instead of their client.
enum Stop {
    Fault(OAuthError),
    Refused(PendingRefusal),
}

impl From<OAuthError> for Stop {
    fn from(error: OAuthError) -> Self {
        Self::Fault(error)
    }
}

impl From<PendingRefusal> for Stop {
    fn from(refusal: PendingRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Fault(unavailable(&error))
    }
}

/// A request that waits: new, or as it was read.
struct Waiting {
    name: u128,
    pending: PendingAuthorization,
    version: Option<Version>,
    cookie: Option<Cookie<'static>>,
}

impl AuthorizationServer {
    /// Answers `GET /authorize`: a client's request, or one that waits and whose person comes back from the sign-in.
    pub async fn authorize(&self, query: &str, headers: &HeaderMap, asker: &Asker) -> Browser {
        self.asked(query, headers, asker).await.unwrap_or_else(|stop| self.stopped(stop, asker))
    }

    /// Answers `POST /authorize`: the form of the consent page.
    pub async fn decide(&self, form: &str, headers: &HeaderMap, asker: &Asker) -> Browser {
        self.decided(form, headers, asker).await.unwrap_or_else(|stop| self.stopped(stop, asker))
    }

    async fn asked(&self, query: &str, headers: &HeaderMap, asker: &Asker) -> Result<Browser, Stop> {
        let params = read(query)?;
        if let (None, Some(name)) = (params.get("client_id"), params.get(PENDING)) {
            let waiting = self.waiting(headers).await?;
            if format!("{:032x}", waiting.name) != name {
                return Err(PendingRefusal::OtherBrowser.into());
            }
            return self.proceed(waiting, headers, asker).await;
        }
        let asked = Asked::read(&params)?;
        let client = self.client(asked.client_id, asker).await?;
        let request = match asked.check(client.as_ref(), &self.resource, &self.issuer) {
            Ok(request) => request,
            Err(AuthorizeFault::Page(error)) => return Err(error.into()),
            Err(AuthorizeFault::Back(to)) => return Ok(go(to)),
        };
        let random = once_random();
        let (pending, secret) = PendingAuthorization::begin(request, &random, &self.keys, self.clock.now());
        let cookie = Some(self.cookie(&secret));
        self.proceed(Waiting { name: random.name, pending, version: None, cookie }, headers, asker).await
    }

    /// The request that this browser's cookie names.
    async fn waiting(&self, headers: &HeaderMap) -> Result<Waiting, Stop> {
        let browser = self.browser(headers);
        let Some(presented) = browser else { return Err(PendingRefusal::OtherBrowser.into()) };
        let now = self.clock.now();
        let found = self.store.find(Shelf::AuthFlows, presented.name, now).await?.ok_or(PendingRefusal::Expired)?;
        let pending: PendingAuthorization =
            serde_json::from_slice(&found.record.body).map_err(|_| Stop::from(PendingRefusal::OtherBrowser))?;
        pending.may_go_on(Some(&presented), &self.keys, now)?;
        Ok(Waiting { name: presented.name, pending, version: Some(found.version), cookie: None })
    }

    async fn proceed(&self, waiting: Waiting, headers: &HeaderMap, asker: &Asker) -> Result<Browser, Stop> {
        let request = &waiting.pending.request;
        let signed_in = self.browsers.signed_in(headers).await?;
        let Some((_, user)) = signed_in.filter(|(session, _)| is_fresh_enough(session, &waiting.pending)) else {
            if request.prompt.none {
                return Ok(self.back(request, OAuthCode::LoginRequired, "nobody is signed in"));
            }
            return self.sign_in(waiting).await;
        };
        let Some(scopes) = user.scope().and_then(|most| request.scopes_for(most)) else {
            return Ok(self.back(request, OAuthCode::InvalidScope, "this person may not give any of these scopes"));
        };
        if self.has_agreed(&user, request, scopes).await? {
            if waiting.version.is_some() {
                let taken = self.store.take(Shelf::AuthFlows, waiting.name, NOBODYS, self.clock.now()).await?;
                taken.ok_or(PendingRefusal::Decided)?;
            }
            return Ok(go(self.code(&user, request, scopes).await?));
        }
        if request.prompt.none {
            return Ok(self.back(request, OAuthCode::ConsentRequired, "this person has not agreed"));
        }
        self.show(waiting, &user, scopes, asker).await
    }

    async fn sign_in(&self, waiting: Waiting) -> Result<Browser, Stop> {
        let Waiting { name, pending, version, cookie } = waiting;
        if version.is_none() {
            self.store.put(Shelf::AuthFlows, vec![record_of(name, NOBODYS, &pending)]).await?;
        }
        let back: String = url::form_urlencoded::byte_serialize(format!("/authorize?{PENDING}={name:032x}").as_bytes()).collect();
        Ok(Browser { next: Next::Go(format!("/auth/login?return_to={back}")), cookie })
    }

    async fn has_agreed(&self, user: &User, request: &AuthorizationRequest, scopes: ScopeSet) -> Result<bool, Stop> {
        let principal = user.principal();
        let name = Consent::record_name(&principal, &request.client_id);
        let Some(found) = self.store.find(Shelf::Grants, name, self.clock.now()).await? else { return Ok(false) };
        let consent: Option<Consent> = serde_json::from_slice(&found.record.body).ok();
        Ok(consent.is_some_and(|consent| consent.covers(&principal, request, scopes)))
    }

    async fn show(&self, mut waiting: Waiting, user: &User, scopes: ScopeSet, asker: &Asker) -> Result<Browser, Stop> {
        let client = self.client(&waiting.pending.request.client_id, asker).await?.ok_or_else(OAuthError::unknown_client)?;
        let principal = user.principal();
        let csrf = waiting.pending.show(&principal, &random_bytes());
        let record = record_of(waiting.name, NOBODYS, &waiting.pending);
        let shown = self.store.swap(Shelf::AuthFlows, record, waiting.version, self.clock.now()).await?;
        shown.ok_or(PendingRefusal::Decided)?;
        let page = ConsentPage::new(&client, &waiting.pending.request, scopes);
        Ok(Browser {
            next: Next::Page { status: 200, html: pages::consent(&page, &client, user, &csrf) },
            cookie: waiting.cookie,
        })
    }

    async fn decided(&self, form: &str, headers: &HeaderMap, asker: &Asker) -> Result<Browser, Stop> {
        let params = read(form)?;
        let waiting = self.waiting(headers).await?;
        let (_, user) = self.browsers.signed_in(headers).await?.ok_or(PendingRefusal::OtherPerson)?;
        let (browser, principal) = (self.browser(headers), user.principal());
        let form = Form { browser: browser.as_ref(), person: &principal, csrf: params.get("csrf").unwrap_or_default() };
        let decided = waiting.pending.decide(&form, &self.keys, self.clock.now())?;
        let record = record_of(waiting.name, NOBODYS, &decided);
        let swapped = self.store.swap(Shelf::AuthFlows, record, waiting.version, self.clock.now()).await?;
        swapped.ok_or(PendingRefusal::Decided)?;
        let request = &decided.request;
        if params.get("decision") != Some("allow") {
            self.write_down(asker, said(AuditAction::ConsentDeny, request, &principal, request.scopes)).await;
            return Ok(self.back(request, OAuthCode::AccessDenied, "the person said no"));
        }
        let Some(scopes) = user.scope().and_then(|most| request.scopes_for(most)) else {
            return Ok(self.back(request, OAuthCode::InvalidScope, "this person may not give any of these scopes"));
        };
        self.keep_consent(&Consent::given(&principal, request, scopes, self.clock.now())).await?;
        self.write_down(asker, said(AuditAction::ConsentGrant, request, &principal, scopes)).await;
        Ok(go(self.code(&user, request, scopes).await?))
    }

    async fn keep_consent(&self, consent: &Consent) -> Result<(), StoreError> {
        let record = Record {
            id: Consent::record_name(&consent.principal, &consent.client_id),
            principal: consent.principal.as_str().to_owned(),
            expires: None,
            body: Bytes::from(serde_json::to_vec(consent).unwrap_or_default()),
        };
        self.store.put(Shelf::Grants, vec![record]).await
    }

    /// The address of the client with a fresh code.
    async fn code(&self, user: &User, request: &AuthorizationRequest, scopes: ScopeSet) -> Result<String, Stop> {
        let (principal, random) = (user.principal(), once_random());
        let grant = CodeGrant::new(&principal, request, scopes);
        let (code, text) = AuthorizationCode::create(grant, random_u128(), &random, &self.keys, self.clock.now());
        let record = Record {
            id: random.name,
            principal: principal.as_str().to_owned(),
            expires: Some(code.forget_at()),
            body: Bytes::from(serde_json::to_vec(&code).unwrap_or_default()),
        };
        self.store.put(Shelf::AuthFlows, vec![record]).await?;
        self.note_use(&request.client_id).await;
        Ok(success_redirect(&request.redirect_uri, text.expose_secret(), request.state.as_deref(), &self.issuer))
    }

    /// The page of a fault. Nobody is sent anywhere.
    fn stopped(&self, stop: Stop, asker: &Asker) -> Browser {
        let (status, html) = match stop {
            Stop::Fault(error) => {
                // 401 would make a browser ask for a password.
                let status = if error.code.status() == 401 { 400 } else { error.code.status() };
                (status, pages::fault(error.code.as_str(), &error.description))
            }
            Stop::Refused(refusal) => {
                let details = vec![("reason", refusal.to_string())];
                let (action, outcome) = (AuditAction::BrowserMismatch, Outcome::Refused);
                self.note(asker, Note { action, client: "", person: None, outcome, details });
                (403, pages::fault("access_denied", &refusal.to_string()))
            }
        };
        Browser { next: Next::Page { status, html }, cookie: None }
    }

    fn back(&self, request: &AuthorizationRequest, code: OAuthCode, description: &'static str) -> Browser {
        let error = OAuthError::told(code, description);
        go(error_redirect(&request.redirect_uri, &error, request.state.as_deref(), &self.issuer))
    }

    fn cookie_name(&self) -> &'static str {
        if self.browsers.is_secure() { "__Host-tickgate-consent" } else { "tickgate-consent" }
    }

    fn browser(&self, headers: &HeaderMap) -> Option<PresentedOnce> {
        PresentedOnce::read(Once::Browser, only_cookie(headers, self.cookie_name())?)
    }

    /// Lax: the browser comes back from the provider by a redirect that began elsewhere.
    fn cookie(&self, secret: &SecretString) -> Cookie<'static> {
        let life = i64::try_from(Once::Browser.longest_ms() / 1_000).unwrap_or(i64::MAX);
        Cookie::build(self.cookie_name(), secret.expose_secret().to_owned())
            .http_only(true)
            .secure(self.browsers.is_secure())
            .same_site(SameSite::Lax)
            .path("/")
            .max_age(CookieAge::seconds(life))
            .finish()
    }
}

/// Whether a sign-in will do: with `prompt=login` only one that came after the request.
fn is_fresh_enough(session: &BrowserSession, pending: &PendingAuthorization) -> bool {
    !pending.request.prompt.login || session.created >= pending.expires().minus(Once::Browser.longest_ms())
}

fn record_of(name: u128, principal: &str, pending: &PendingAuthorization) -> Record {
    let body = Bytes::from(serde_json::to_vec(pending).unwrap_or_default());
    Record { id: name, principal: principal.to_owned(), expires: Some(pending.expires()), body }
}

fn read(text: &str) -> Result<Params, OAuthError> {
    Params::read(text).map_err(|_| OAuthError::told(OAuthCode::InvalidRequest, "the request is longer than any request is"))
}

fn go(to: String) -> Browser {
    Browser { next: Next::Go(to), cookie: None }
}

/// What a person said to a client.
fn said<'a>(action: AuditAction, request: &'a AuthorizationRequest, person: &'a Principal, scopes: ScopeSet) -> Note<'a> {
    let details = vec![("scope", scopes.to_string()), ("place", request.redirect_uri.shown())];
    Note { action, client: &request.client_id, person: Some(person), outcome: Outcome::Done, details }
}
