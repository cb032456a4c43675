//! Who is a person here, what may they do, and when may that change?
//!
//! A person is found by issuer and subject (OpenID Connect Core §5.7: the only claims that are a stable identity), never by
//! e-mail, which can change hands. Their id is random: the record lies on its shelf under [`AccountKey`], so that two
//! sign-ins at once cannot make two people, and belongs to the principal of the id, so that both ways find it. Who was deleted
//! and comes back gets another id and inherits nothing.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::hash::{digest, name_of};
use super::id::UserId;
use super::user_change::UserChange;
use crate::access::{Principal, Scope};
use crate::market::text::clean;
use crate::time::Millis;

/// Longest name and e-mail kept, in characters: RFC 5321 §4.5.3.1 allows 254 for an address.
const MAX_SHOWN_CHARS: usize = 254;
/// The issuer of people whom the operator made at the command line.
pub const LOCAL_ISSUER: &str = "local";

/// What a person may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Scope `write`.
    #[default]
    User,
    /// Scope `admin`.
    Admin,
}

impl Role {
    /// The most that a person of this role may do.
    #[must_use]
    pub const fn scope(self) -> Scope {
        match self {
            Self::User => Scope::Write,
            Self::Admin => Scope::Admin,
        }
    }

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }
}

/// The name no role has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a role: use user or admin")]
pub struct RoleError;

impl std::str::FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        match text {
            "user" => Ok(Self::User),
            "admin" => Ok(Self::Admin),
            _ => Err(RoleError),
        }
    }
}

/// Why somebody has their role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RoleSource {
    /// `ADMIN_EMAILS`, or the want of it: looked at anew at each sign-in.
    #[default]
    List,
    /// An admin or the operator said so: stays until somebody says otherwise.
    Set,
}

/// The name under which a person's record lies: SHA-256 of issuer and subject, cut to 128 bits. It is a lookup key and not
/// keyed, so that it outlives a change of `DATA_ENCRYPTION_KEY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccountKey(pub u128);

impl AccountKey {
    /// The key of this subject of this issuer. Both exactly as the ID token says, the issuer in its one accepted spelling.
    #[must_use]
    pub fn of(issuer: &str, subject: &str) -> Self {
        Self(name_of(&digest("tickgate account", &[issuer.as_bytes(), subject.as_bytes()])))
    }
}

/// Who signed in, as a checked ID token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The issuer, in its one accepted spelling.
    pub issuer: String,
    /// The issuer's name for the person.
    pub subject: String,
    /// Their e-mail address, if told. It identifies nobody.
    pub email: Option<String>,
    /// Whether the issuer has checked that the address is theirs.
    pub email_verified: bool,
    /// Their name, for people.
    pub name: Option<String>,
}

/// Addresses whose owners are admins (`ADMIN_EMAILS`). Compared without regard to ASCII case, else exactly: a look-alike in
/// another script is another address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdminEmails(BTreeSet<String>);

impl AdminEmails {
    /// The addresses of a list; blank ones are left out.
    pub fn new<'a>(addresses: impl IntoIterator<Item = &'a str>) -> Self {
        Self(addresses.into_iter().map(|address| address.trim().to_ascii_lowercase()).filter(|a| !a.is_empty()).collect())
    }

    /// The role that the list gives: admin only for an address that the issuer has verified.
    #[must_use]
    pub fn role_of(&self, identity: &Identity) -> Role {
        let listed = identity.email.as_deref().is_some_and(|email| self.0.contains(&email.to_ascii_lowercase()));
        if listed && identity.email_verified { Role::Admin } else { Role::User }
    }
}

/// A person, as the store keeps them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Their name here.
    pub id: UserId,
    /// Who vouches for them; [`LOCAL_ISSUER`] for those whom the operator made.
    pub issuer: String,
    /// What that issuer calls them.
    pub subject: String,
    /// For people and for `ADMIN_EMAILS`; nobody is found by it.
    #[serde(default)]
    pub email: Option<String>,
    /// Whether the issuer has checked the address.
    #[serde(default)]
    pub email_verified: bool,
    /// For people. Cleaned: it comes from outside.
    #[serde(default)]
    pub name: Option<String>,
    /// What they may do.
    #[serde(default)]
    pub role: Role,
    /// Why.
    #[serde(default)]
    pub role_source: RoleSource,
    /// When they first came.
    pub created: Millis,
    /// When they last signed in.
    pub last_seen: Millis,
    /// Since when they may do nothing at all.
    #[serde(default)]
    pub disabled: Option<Millis>,
    /// Since when all that is theirs is being erased. There is no way back: whoever finds it unfinished goes on.
    #[serde(default)]
    pub erasing: Option<Millis>,
}

/// Why a person's record does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserRefusal {
    /// They may not sign in.
    #[error("this account is disabled")]
    Disabled,
    /// Nobody would be left to undo it.
    #[error("this is the last admin: make another one first")]
    LastAdmin,
    /// They are being erased.
    #[error("this account is being erased: whoever signs in again in a minute is somebody new")]
    Erasing,
    /// The record is another's: a fault of the caller.
    #[error("the record belongs to another account")]
    Foreign,
}

impl User {
    /// Somebody who comes for the first time. `id` is 128 random bits.
    #[must_use]
    pub fn first_seen(id: UserId, identity: &Identity, admins: &AdminEmails, now: Millis) -> Self {
        let mut user = Self {
            id,
            issuer: identity.issuer.clone(),
            subject: identity.subject.clone(),
            email: None,
            email_verified: false,
            name: None,
            role: Role::User,
            role_source: RoleSource::List,
            created: now,
            last_seen: now,
            disabled: None,
            erasing: None,
        };
        user.learn(identity, admins);
        user
    }

    /// The same person after another sign-in.
    ///
    /// # Errors
    /// When they are disabled or being erased, or the identity is another's.
    pub fn seen_again(mut self, identity: &Identity, admins: &AdminEmails, now: Millis) -> Result<Self, UserRefusal> {
        if (self.issuer.as_str(), self.subject.as_str()) != (identity.issuer.as_str(), identity.subject.as_str()) {
            return Err(UserRefusal::Foreign);
        }
        if self.erasing.is_some() {
            return Err(UserRefusal::Erasing);
        }
        if self.disabled.is_some() {
            return Err(UserRefusal::Disabled);
        }
        self.last_seen = self.last_seen.max(now);
        self.learn(identity, admins);
        Ok(self)
    }

    fn learn(&mut self, identity: &Identity, admins: &AdminEmails) {
        self.email = identity.email.as_deref().map(shown);
        self.email_verified = identity.email_verified && self.email.is_some();
        self.name = identity.name.as_deref().map(shown);
        if self.role_source == RoleSource::List {
            self.role = admins.role_of(identity);
        }
    }

    /// The key under which the record lies.
    #[must_use]
    pub fn account_key(&self) -> AccountKey {
        AccountKey::of(&self.issuer, &self.subject)
    }

    /// To whom what they make belongs.
    #[must_use]
    pub fn principal(&self) -> Principal {
        self.id.principal()
    }

    /// The most that any credential of theirs may do now; nothing when disabled or being erased.
    #[must_use]
    pub fn scope(&self) -> Option<Scope> {
        (self.disabled.is_none() && self.erasing.is_none()).then(|| self.role.scope())
    }

    /// Whether they are an admin who can act.
    #[must_use]
    pub fn is_acting_admin(&self) -> bool {
        self.scope() == Some(Scope::Admin)
    }

    /// Gives them a role that outlasts sign-ins. `other_admins` are the acting admins beside them.
    ///
    /// # Errors
    /// When it would take the role from the last acting admin.
    pub fn set_role(&mut self, role: Role, other_admins: usize) -> Result<(), UserRefusal> {
        if role != Role::Admin {
            self.may_go(other_admins)?;
        }
        self.role = role;
        self.role_source = RoleSource::Set;
        Ok(())
    }

    /// Takes every right from them; their credentials are worth nothing from now on. Disabling twice keeps the first time.
    ///
    /// # Errors
    /// When they are the last acting admin.
    pub fn disable(&mut self, other_admins: usize, now: Millis) -> Result<(), UserRefusal> {
        self.may_go(other_admins)?;
        self.disabled.get_or_insert(now);
        Ok(())
    }

    /// Lets them in again.
    pub const fn enable(&mut self) {
        self.disabled = None;
    }

    /// Changes what an admin may change, all of it or nothing. Without a guard when `other_admins` is `None`: the operator may do
    /// everything, and can make another admin.
    ///
    /// # Errors
    /// When they are the last acting admin and would be none, or are being erased.
    pub fn change(&mut self, change: UserChange, other_admins: Option<usize>, now: Millis) -> Result<(), UserRefusal> {
        if self.erasing.is_some() {
            return Err(UserRefusal::Erasing);
        }
        let others = other_admins.unwrap_or(usize::MAX);
        let mut next = self.clone();
        // In this order: nobody is an acting admin in between who was none before.
        if change.disabled == Some(true) {
            next.disable(others, now)?;
        }
        if let Some(role) = change.role {
            next.set_role(role, others)?;
        }
        if change.disabled == Some(false) {
            next.enable();
        }
        *self = next;
        Ok(())
    }

    /// Begins to erase them: every credential of theirs is worth nothing from now on, for ever.
    ///
    /// # Errors
    /// When they are the last acting admin and `other_admins` are asked.
    pub fn begin_to_erase(&mut self, other_admins: Option<usize>, now: Millis) -> Result<(), UserRefusal> {
        self.may_go(other_admins.unwrap_or(usize::MAX))?;
        self.erasing.get_or_insert(now);
        Ok(())
    }

    /// Whether they may be demoted, disabled or deleted by an admin. Their own right to deletion (GDPR art. 17) is not asked.
    ///
    /// # Errors
    /// When they are the last acting admin.
    pub fn may_go(&self, other_admins: usize) -> Result<(), UserRefusal> {
        if self.is_acting_admin() && other_admins == 0 { Err(UserRefusal::LastAdmin) } else { Ok(()) }
    }
}

fn shown(text: &str) -> String {
    clean(text).trim().chars().take(MAX_SHOWN_CHARS).collect()
}
