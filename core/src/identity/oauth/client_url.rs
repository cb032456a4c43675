//! Is a client id the address of a metadata document?

use std::fmt;

use url::{Host, Url};

/// Longest address, in bytes.
const MAX_BYTES: usize = 1_024;

/// The id of a client that is an address (draft-ietf-oauth-client-id-metadata-document §3), in its one spelling.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientUrl(Url);

/// Why an id is no such address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientUrlFault {
    /// It is no https address, or too long.
    #[error("the client_id must be an https address of at most 1024 bytes")]
    NotHttps,
    /// It has no path.
    #[error("the client_id must have a path")]
    NoPath,
    /// It has a fragment, or names a user.
    #[error("the client_id must have neither fragment nor user")]
    Extra,
    /// It is written in another way than addresses normally are: dot segments, an upper-case host, a default port.
    #[error("the client_id must be written in its normal form, without dot segments and default port")]
    NotNormal,
}

impl ClientUrl {
    /// Whether an id looks like an address, so that it is one or nothing.
    #[must_use]
    pub fn is_wanted(client_id: &str) -> bool {
        client_id.contains("://")
    }

    /// Reads an id.
    ///
    /// # Errors
    /// Why it is none.
    pub fn read(client_id: &str) -> Result<Self, ClientUrlFault> {
        if client_id.len() > MAX_BYTES || !client_id.starts_with("https://") {
            return Err(ClientUrlFault::NotHttps);
        }
        let url = Url::parse(client_id).map_err(|_| ClientUrlFault::NotHttps)?;
        if client_id.contains('#') || !url.username().is_empty() || url.password().is_some() {
            return Err(ClientUrlFault::Extra);
        }
        let has_dots =
            |path: &str| path.to_ascii_lowercase().replace("%2e", ".").split('/').any(|part| matches!(part, "." | ".."));
        if url.as_str() != client_id || has_dots(url.path()) {
            // A bare origin is written without the slash that its normal form has.
            let bare = url.path() == "/" && url.as_str().strip_suffix('/') == Some(client_id);
            return Err(if bare { ClientUrlFault::NoPath } else { ClientUrlFault::NotNormal });
        }
        if url.path() == "/" { Err(ClientUrlFault::NoPath) } else { Ok(Self(url)) }
    }

    /// The text, which is the client's id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host to ask, for `CIMD_ALLOWED_HOSTS` and the consent page.
    #[must_use]
    pub fn host(&self) -> String {
        match self.0.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => String::new(),
        }
    }
}

impl fmt::Display for ClientUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
