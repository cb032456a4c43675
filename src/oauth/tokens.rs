//! What does a client get for a code or a refresh token, and how does it give them back?

use bytes::Bytes;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Serialize, Serializer};
use tickgate_actors::clock::random_u128;
use tickgate_core::access::{Caller, CredentialId, Principal};
use tickgate_core::identity::audit::{AuditAction, Outcome};
use tickgate_core::identity::oauth::{
    AuthorizationCode, ClientCredentials, CodeClaim, Consent, OAuthCode, OAuthError, Params, Redeemed, RevocationRequest,
    ScopeSet, TokenGrant, TokenRequest,
};
use tickgate_core::identity::refresh::{
    FamilyEnd, FamilyTerms, Issue, Presented, PresentedRefresh, RefreshFamily, RefreshRandom,
};
use tickgate_core::identity::{FamilyId, Once, PresentedOnce, User, UserId};
use tickgate_core::ports::{Record, Shelf, Version};

use super::notes::{Asker, Note};
use super::server::{AuthorizationServer, random_bytes, unavailable};
use crate::auth::AccessGrant;

/// How often a record is read again that another request has just changed: each time somebody else got on. A client that
/// refreshes as fast as it can must not outrun its person who disconnects it.
const ATTEMPTS: usize = 16;

/// The answer of `/token` (RFC 6749 §5.1).
#[derive(Debug, Serialize)]
pub struct TokenAnswer {
    #[serde(serialize_with = "shown_once")]
    access_token: SecretString,
    token_type: &'static str,
    expires_in: u64,
    #[serde(serialize_with = "shown_once")]
    refresh_token: SecretString,
    scope: ScopeSet,
}

fn shown_once<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

/// What a code is used with, beside itself.
struct CodeUse<'a> {
    client: &'a str,
    redirect_uri: &'a str,
    verifier: &'a SecretString,
    resource: Option<&'a str>,
    asker: &'a Asker,
}

/// What a refresh token is used with.
struct RefreshUse<'a> {
    client: &'a str,
    scope: Option<&'a str>,
    resource: Option<&'a str>,
    asker: &'a Asker,
}

impl AuthorizationServer {
    /// Answers `POST /token`: the form and the `Authorization` header.
    ///
    /// # Errors
    /// With the exact codes of protocol.md §6.4.
    pub async fn token(&self, form: &str, authorization: Option<&str>, asker: &Asker) -> Result<TokenAnswer, OAuthError> {
        let request = TokenRequest::read(&params(form)?, authorization)?;
        self.authenticated(&request.client).await?;
        let client = request.client.id.as_str();
        match &request.grant {
            TokenGrant::AuthorizationCode { code, redirect_uri, verifier, resource } => {
                let used = CodeUse { client, redirect_uri, verifier, resource: resource.as_deref(), asker };
                self.exchange(code, &used).await
            }
            TokenGrant::RefreshToken { token, scope, resource } => {
                self.refresh(token, &RefreshUse { client, scope: scope.as_deref(), resource: resource.as_deref(), asker }).await
            }
        }
    }

    async fn exchange(&self, code: &SecretString, used: &CodeUse<'_>) -> Result<TokenAnswer, OAuthError> {
        let presented = PresentedOnce::read(Once::Code, code.expose_secret()).ok_or_else(OAuthError::dead_grant)?;
        let claim = CodeClaim {
            client_id: used.client,
            redirect_uri: used.redirect_uri,
            verifier: used.verifier.expose_secret(),
            resource: used.resource,
        };
        for _ in 0..ATTEMPTS {
            let now = self.clock.now();
            let found = self.store.find(Shelf::AuthFlows, presented.name, now).await.map_err(|error| unavailable(&error))?;
            let found = found.ok_or_else(OAuthError::dead_grant)?;
            let code: AuthorizationCode = serde_json::from_slice(&found.record.body).map_err(|_| OAuthError::dead_grant())?;
            let redeemed = match code.redeem(&presented, &claim, &self.keys, now) {
                Redeemed::Good(redeemed) => redeemed,
                Redeemed::Replayed(family) => return Err(self.replayed(&code, family, used.asker).await),
                Redeemed::Refused(refusal) => {
                    tracing::info!(client = used.client, problem = %refusal, "a code is refused");
                    return Err(refusal.told());
                }
            };
            let user = self.user(&redeemed.grant.principal).await?;
            let record = Record { body: written(&*redeemed), ..found.record };
            let swapped = self.store.swap(Shelf::AuthFlows, record, Some(found.version), now).await;
            if swapped.map_err(|error| unavailable(&error))?.is_some() {
                return self.begin_family(&redeemed, &user, used.asker).await;
            }
        }
        Err(busy())
    }

    /// The family of a code that was just used for the first time.
    async fn begin_family(&self, code: &AuthorizationCode, user: &User, asker: &Asker) -> Result<TokenAnswer, OAuthError> {
        let (family, issue) = self.new_family(code);
        if self.swap_family(&family, None).await?.is_none() {
            return Err(self.replayed(code, code.family, asker).await);
        }
        // Whoever takes a consent back deletes it first and then ends what there is: one of the two sees the other.
        if !self.is_agreed(&family.terms).await? {
            self.end_family(family.id, FamilyEnd::Withdrawn, asker).await?;
            return Err(OAuthError::dead_grant());
        }
        self.note(asker, about(AuditAction::TokenIssue, &family, Outcome::Done));
        self.note_use(&family.terms.client).await;
        self.answer(&family, issue, user, family.terms.scopes)
    }

    /// Whether a person's consent to a client is still there.
    async fn is_agreed(&self, terms: &FamilyTerms) -> Result<bool, OAuthError> {
        let name = Consent::record_name(&terms.principal, &terms.client);
        let found = self.store.find(Shelf::Grants, name, self.clock.now()).await.map_err(|error| unavailable(&error))?;
        Ok(found.is_some())
    }

    fn new_family(&self, code: &AuthorizationCode) -> (RefreshFamily, Issue) {
        let terms = FamilyTerms {
            principal: code.grant.principal.clone(),
            client: code.grant.client_id.clone(),
            resource: code.grant.resource.clone(),
            scopes: code.grant.scopes,
            absolute_ms: self.refresh_ms,
            idle_ms: self.refresh_ms,
        };
        let bytes = random_bytes();
        let mut token = [0; 16];
        token.copy_from_slice(&bytes[..16]);
        RefreshFamily::begin(terms, &RefreshRandom { family: code.family.0, token }, &self.keys, self.clock.now())
    }

    /// A code came twice: what its first use gave is over, also if that is still being made.
    async fn replayed(&self, code: &AuthorizationCode, family: FamilyId, asker: &Asker) -> OAuthError {
        let dead = self.new_family(code).0.end(FamilyEnd::CodeReplay, self.clock.now());
        self.note(asker, about(AuditAction::TokenCodeReplay, &dead, Outcome::Refused));
        match self.swap_family(&dead, None).await {
            Ok(Some(_)) => OAuthError::dead_grant(),
            Ok(None) => self.end_family(family, FamilyEnd::CodeReplay, asker).await.err().unwrap_or_else(OAuthError::dead_grant),
            Err(error) => error,
        }
    }

    /// Rotates a caller's own refresh token on their word, without a form: the rules are those of `/token`. A client that has a secret
    /// proves who it is there and nowhere else; a caller whose credential is an access token refreshes the sign-in that it came with.
    ///
    /// # Errors
    /// As [`Self::token`]. Another's token is a dead one, and nothing happens to it.
    pub async fn refresh_own(&self, token: &SecretString, caller: &Caller, asker: &Asker) -> Result<TokenAnswer, OAuthError> {
        let presented = PresentedRefresh::read(token.expose_secret()).ok_or_else(OAuthError::dead_grant)?;
        let (family, _) = self.family(presented.family).await?.ok_or_else(OAuthError::dead_grant)?;
        let is_theirs = caller.authenticated
            && caller.principal == family.terms.principal
            && !matches!(caller.credential, CredentialId::Family(other) if other != family.id.0);
        if !is_theirs {
            tracing::info!(family = %family.id, "a refresh token is refused: it is not the caller's own");
            return Err(OAuthError::dead_grant());
        }
        let client = family.terms.client.as_str();
        self.authenticated(&ClientCredentials { id: client.to_owned(), secret: None, with_basic: false }).await?;
        self.refresh(token, &RefreshUse { client, scope: None, resource: None, asker }).await
    }

    async fn refresh(&self, token: &SecretString, used: &RefreshUse<'_>) -> Result<TokenAnswer, OAuthError> {
        let RefreshUse { client, scope, resource, asker } = *used;
        let presented = PresentedRefresh::read(token.expose_secret()).ok_or_else(OAuthError::dead_grant)?;
        for _ in 0..ATTEMPTS {
            let (family, version) = self.family(presented.family).await?.ok_or_else(OAuthError::dead_grant)?;
            match family.present(&presented, client, &self.keys, random_u128(), self.clock.now()) {
                Presented::Rotated(rotated, issue) => {
                    let scopes = family.scopes_for(resource, scope)?;
                    let user = self.user(&family.terms.principal).await?;
                    if self.swap_family(&rotated, Some(version)).await?.is_some() {
                        self.note(asker, about(AuditAction::TokenRefresh, &rotated, Outcome::Done));
                        self.note_use(client).await;
                        return self.answer(&rotated, issue, &user, scopes);
                    }
                }
                Presented::Again(issue) => {
                    let scopes = family.scopes_for(resource, scope)?;
                    let user = self.user(&family.terms.principal).await?;
                    return self.answer(&family, issue, &user, scopes);
                }
                Presented::Reused(dead) => {
                    if self.swap_family(&dead, Some(version)).await?.is_some() {
                        self.note(asker, about(AuditAction::TokenRefreshReuse, &dead, Outcome::Refused));
                        return Err(OAuthError::dead_grant());
                    }
                }
                Presented::Refused(refusal) => {
                    tracing::info!(client, problem = %refusal, "a refresh token is refused");
                    return Err(OAuthError::dead_grant());
                }
            }
        }
        Err(busy())
    }

    /// Answers `POST /revoke` (RFC 7009): whatever the token is, there is nothing to complain about once the client is right.
    ///
    /// # Errors
    /// `invalid_request`, `invalid_client`, or that the store fails.
    pub async fn revoke(&self, form: &str, authorization: Option<&str>, asker: &Asker) -> Result<(), OAuthError> {
        let request = RevocationRequest::read(&params(form)?, authorization)?;
        self.authenticated(&request.client).await?;
        let (token, client) = (request.token.expose_secret(), request.client.id.as_str());
        let family = match PresentedRefresh::read(token) {
            Some(presented) => {
                let found = self.family(presented.family).await?;
                found
                    .is_some_and(|(family, _)| family.may_be_given_back(&presented, client, &self.keys))
                    .then_some(presented.family)
            }
            // An access token dies with its family only, so the family goes (RFC 7009 §2.1 allows it).
            None => self
                .tokens
                .read(token)
                .ok()
                .filter(|claims| claims.client_id.as_deref() == Some(client))
                .and_then(|claims| claims.family),
        };
        match family {
            Some(family) => self.end_family(family, FamilyEnd::GivenBack, asker).await,
            None => Ok(()),
        }
    }

    pub(super) async fn end_family(&self, id: FamilyId, why: FamilyEnd, asker: &Asker) -> Result<(), OAuthError> {
        for _ in 0..ATTEMPTS {
            let Some((family, version)) = self.family(id).await? else { return Ok(()) };
            if !family.is_alive() {
                return Ok(());
            }
            let dead = family.end(why, self.clock.now());
            if self.swap_family(&dead, Some(version)).await?.is_some() {
                self.note(asker, about(AuditAction::TokenRevoke, &dead, Outcome::Done));
                return Ok(());
            }
        }
        Err(busy())
    }

    async fn family(&self, id: FamilyId) -> Result<Option<(RefreshFamily, Version)>, OAuthError> {
        let found = self.store.find(Shelf::RefreshFamilies, id.0, self.clock.now()).await.map_err(|error| unavailable(&error))?;
        Ok(found.and_then(|found| Some((serde_json::from_slice(&found.record.body).ok()?, found.version))))
    }

    /// Puts a family in place of the one that was read. One that is dead is known to be so here at once, elsewhere by the feed.
    async fn swap_family(&self, family: &RefreshFamily, expected: Option<Version>) -> Result<Option<Version>, OAuthError> {
        let record = Record {
            id: family.id.0,
            principal: family.terms.principal.as_str().to_owned(),
            expires: Some(family.absolute_end()),
            body: written(family),
        };
        let swapped = self.store.swap(Shelf::RefreshFamilies, record, expected, self.clock.now()).await;
        let swapped = swapped.map_err(|error| unavailable(&error))?;
        if let (Some((at, _)), Some(_)) = (family.ended, swapped) {
            self.directory.end_family(family.id.0, at);
        }
        Ok(swapped)
    }

    /// The person, if they still may do anything; else what hangs on their word is worth nothing.
    async fn user(&self, principal: &Principal) -> Result<User, OAuthError> {
        let found =
            self.store.of(Shelf::Users, principal.as_str(), self.clock.now()).await.map_err(|error| unavailable(&error))?;
        let id = UserId::of_principal(principal);
        let mut users = found.iter().filter_map(|found| serde_json::from_slice::<User>(&found.record.body).ok());
        users.find(|user| Some(user.id) == id && user.scope().is_some()).ok_or_else(OAuthError::dead_grant)
    }

    /// The tokens: at most what the person may do now, and at most as long as the family may live.
    fn answer(&self, family: &RefreshFamily, issue: Issue, user: &User, scopes: ScopeSet) -> Result<TokenAnswer, OAuthError> {
        let scope = user.scope().map(|most| scopes.within(most)).filter(|scopes| !scopes.is_empty());
        let scope = scope.ok_or_else(OAuthError::dead_grant)?;
        let ends = issue.issued.plus(self.access_ms).min(family.absolute_end());
        let grant = AccessGrant {
            user: user.id,
            client: &family.terms.client,
            scopes: scope,
            family: family.id,
            jti: issue.jti,
            issued: issue.issued,
            ends,
        };
        let access_token = self.tokens.grant(&grant).map_err(|error| {
            tracing::error!(error = %error, "an access token cannot be made");
            OAuthError::told(OAuthCode::ServerError, "the token could not be made")
        })?;
        let expires_in = ends.since(self.clock.now()).div_ceil(1_000);
        Ok(TokenAnswer { access_token, token_type: "Bearer", expires_in, refresh_token: issue.refresh_token, scope })
    }
}

/// What happened to a family; the row is its person's.
fn about(action: AuditAction, family: &RefreshFamily, outcome: Outcome) -> Note<'_> {
    let details = vec![("family", family.id.to_string()), ("scope", family.terms.scopes.to_string())];
    Note { action, client: &family.terms.client, person: Some(&family.terms.principal), outcome, details }
}

fn params(form: &str) -> Result<Params, OAuthError> {
    Params::read(form).map_err(|_| OAuthError::told(OAuthCode::InvalidRequest, "the request is longer than any request is"))
}

fn written(record: &impl Serialize) -> Bytes {
    Bytes::from(serde_json::to_vec(record).unwrap_or_default())
}

fn busy() -> OAuthError {
    OAuthError::told(OAuthCode::TemporarilyUnavailable, "too many requests for the same at once: try again")
}
