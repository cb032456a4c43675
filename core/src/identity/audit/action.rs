//! Which things are written down, and what are they called?

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word in the store, in exports and in the hash. It never changes.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                Self::ALL.iter().copied().find(|known| known.as_str() == text).ok_or(UnknownWord)
            }
        }
    };
}

/// A word of a newer version, or damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit knows no such word")]
pub struct UnknownWord;

words! {
    /// What happened.
    AuditAction {
        /// Somebody signed in in a browser.
        SignIn = "sign_in",
        /// Somebody signed out.
        SignOut = "sign_out",
        /// A credential was refused.
        CredentialRefused = "credential.refused",
        /// A caller was told that they may not.
        AccessDenied = "access.denied",
        /// A rate limit refused a caller.
        RateLimited = "rate_limit.refused",
        /// A key was made.
        KeyCreate = "key.create",
        /// A key was revoked.
        KeyRevoke = "key.revoke",
        /// A key got a new secret.
        KeyRotate = "key.rotate",
        /// A key was used: one row for many uses.
        KeyUse = "key.use",
        /// A one-time link to a key was handed out, or one was opened that opens no more.
        KeyLink = "key.link",
        /// A client got tokens for a code, or a page an access token for its person.
        TokenIssue = "token.issue",
        /// A refresh token was rotated.
        TokenRefresh = "token.refresh",
        /// A refresh token was used again and its family ended.
        TokenRefreshReuse = "token.refresh_reuse",
        /// A code was used again and its family ended.
        TokenCodeReplay = "token.code_replay",
        /// Tokens were given back or withdrawn.
        TokenRevoke = "token.revoke",
        /// A stream ticket was given out.
        TicketIssue = "ticket.issue",
        /// A client registered.
        ClientRegister = "client.register",
        /// A client's document was refused.
        ClientRefuse = "client.refuse",
        /// A person agreed to a client.
        ConsentGrant = "consent.grant",
        /// A person said no.
        ConsentDeny = "consent.deny",
        /// A person took their consent back.
        ConsentWithdraw = "consent.withdraw",
        /// A form or callback did not belong to its browser.
        BrowserMismatch = "browser.mismatch",
        /// Somebody came for the first time.
        UserCreate = "user.create",
        /// A person and all that was theirs was erased.
        UserErase = "user.erase",
        /// A role was given or taken.
        AdminRole = "admin.role",
        /// A person was shut out or let in again.
        AdminDisable = "admin.disable",
        /// An admin looked at the audit or exported it.
        AdminAuditRead = "admin.audit_read",
        /// An admin looked at people, sessions or anything else that is not theirs; the details say at what.
        AdminOther = "admin.other",
        /// An own upstream key was set or removed.
        UpstreamKey = "upstream_key.set",
        /// The client's model was asked for something.
        SamplingRequest = "sampling.request",
        /// Old rows were purged; the chain begins at a checkpoint now.
        AuditPurge = "audit.purge",
        /// A backup was made or restored.
        Backup = "backup",
        /// The gateway started; the details say with which safeguards.
        GatewayStart = "gateway.start",
        /// The gateway stopped.
        GatewayStop = "gateway.stop",
    }
}

words! {
    /// How it ended.
    Outcome {
        /// It was done.
        Done = "done",
        /// It was not allowed.
        Refused = "refused",
        /// It went wrong.
        Failed = "failed",
    }
}
