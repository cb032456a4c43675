//! The only place that knows everyone: builds the gateway from its settings, and runs it until it is told to stop.
//!
//! | file | the question it answers |
//! |---|---|
//! | `parts` | what every way of serving stands on: the market, what is kept, what is offered |
//! | `worker` | what one thread that serves has of its own |
//! | `market` | where prices come from and who polls them |
//! | `oauth` | the authorization server, where there is one |
//! | `replay` | how a recording is put on the tape |
//! | `sign_in` | how browsers are known: their sessions, their sign-in, their tickets |
//! | `identity` | who is known, and what keeps it so |
//! | `housekeeping` | what goes on beside serving requests |
//! | `http` | an HTTP server for many clients: [`Application`] |
//! | `stdio` | standard input and output for the one client that started us: [`StdioApplication`] |

mod housekeeping;
mod http;
mod identity;
mod market;
mod oauth;
mod parts;
mod replay;
mod sign_in;
mod stdio;
#[cfg(test)]
mod tests;
mod worker;

use std::net::SocketAddr;

use anyhow::Context as _;

use crate::auth::{JwtAuthority, development_secret};
use crate::settings::{AccessSettings, AuthMode, Environment, ListenSettings};

pub use http::{Application, Stopper};
pub use stdio::StdioApplication;

/// The URL that clients use, without trailing slash.
pub(crate) fn public_url(listen: &ListenSettings, address: SocketAddr) -> String {
    let url = listen.public_url.as_ref().map_or_else(|| format!("http://{address}"), ToString::to_string);
    url.trim_end_matches('/').to_owned()
}

/// The authority that makes and checks our tokens.
///
/// # Errors
/// When the development secret cannot be kept, or no key pair can be derived.
pub fn jwt_authority(access: &AccessSettings, listen: &ListenSettings, public_url: &str) -> anyhow::Result<JwtAuthority> {
    let mut secrets = access.jwt_secrets.clone();
    if secrets.is_empty() && listen.environment == Environment::Development && access.mode != AuthMode::Off {
        let secret = development_secret(&listen.data_dir);
        secrets.push(
            secret.with_context(|| format!("the secret key of development cannot be kept in {}", listen.data_dir.display()))?,
        );
    }
    Ok(JwtAuthority::new(&secrets, public_url)?)
}
