//! How long may a stream go on? Until the credential that opened it expires or is revoked, or its owner may do nothing any more.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream as _;
use tickgate_actors::Clock;
use tickgate_core::access::{Caller, CredentialId};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_stream::wrappers::WatchStream;

use super::gateway::Gateway;
use crate::identity::{Directory, Fall};

/// Longest sleep at once: what expires later is looked at again then. The timer's own bound is two years.
const LONGEST: Duration = Duration::from_secs(86_400);

/// The right of a stream to go on. Streams of anonymous callers and of static keys have it for ever and cost nothing.
pub(super) struct Tenure(Option<Box<Limited>>);

struct Limited {
    caller: Caller,
    directory: Directory,
    clock: Clock,
    changes: WatchStream<u64>,
    expiry: Option<Pin<Box<Sleep>>>,
}

impl Tenure {
    /// That of a stream that this caller opens now.
    pub(super) fn of(caller: &Caller, gateway: &Gateway) -> Self {
        if matches!(caller.credential, CredentialId::None | CredentialId::StaticKey(_)) {
            return Self(None);
        }
        let clock = gateway.clock;
        let expiry = caller.expires.map(|expires| Box::pin(sleep_until(Instant::now() + clock.until(expires).min(LONGEST))));
        // The first look is at once: what changed since the caller was found is not missed.
        let changes = WatchStream::new(gateway.directory.changes());
        Self(Some(Box::new(Limited { caller: caller.clone(), directory: gateway.directory.clone(), clock, changes, expiry })))
    }

    /// Ready when the stream has to end.
    pub(super) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<Fall> {
        let Some(limited) = &mut self.0 else { return Poll::Pending };
        while let Poll::Ready(Some(_)) = Pin::new(&mut limited.changes).poll_next(cx) {
            if let Err(fall) = limited.directory.stands(&limited.caller, limited.clock.now()) {
                return Poll::Ready(fall);
            }
        }
        let Some(expiry) = &mut limited.expiry else { return Poll::Pending };
        while expiry.as_mut().poll(cx).is_ready() {
            if let Err(fall) = limited.directory.stands(&limited.caller, limited.clock.now()) {
                return Poll::Ready(fall);
            }
            let left = limited.caller.expires.map_or(LONGEST, |expires| limited.clock.until(expires).min(LONGEST));
            expiry.as_mut().reset(Instant::now() + left);
        }
        Poll::Pending
    }
}

/// The word for metrics and events.
pub(super) const fn reason(fall: Fall) -> &'static str {
    match fall {
        Fall::Expired => "credential_expired",
        Fall::Revoked => "credential_revoked",
    }
}

/// The last event of an MCP stream: no message of the protocol, so clients of every revision skip it, and people who look see why.
pub(super) fn bye(fall: Fall) -> Bytes {
    Bytes::from(format!("event: bye\ndata: {{\"reason\":\"{}\"}}\n\n", reason(fall)))
}
