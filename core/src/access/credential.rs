//! By which credential somebody is known: what ends when it is revoked.

/// The credential of a caller. Never a secret; two callers with the same id showed the same credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CredentialId {
    /// None: an address, or the process that started us.
    None,
    /// A key of the configuration, by a part of its hash. It lives as long as the process.
    StaticKey(u64),
    /// A stored API key, by its name.
    ApiKey(u128),
    /// A family of refresh tokens: each access token of it.
    Family(u128),
    /// An access token that belongs to no family, by a part of its hash.
    Token(u128),
    /// A browser's session, by its name.
    BrowserSession(u128),
}

impl CredentialId {
    /// Its name in a record, as [`Self::read`] reads it.
    #[must_use]
    pub fn written(self) -> String {
        match self {
            Self::None => "none".to_owned(),
            Self::StaticKey(id) => format!("static:{id:032x}"),
            Self::ApiKey(id) => format!("key:{id:032x}"),
            Self::Family(id) => format!("family:{id:032x}"),
            Self::Token(id) => format!("token:{id:032x}"),
            Self::BrowserSession(id) => format!("session:{id:032x}"),
        }
    }

    /// The credential of a name; `None` when it is none that we write.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text == "none" {
            return Some(Self::None);
        }
        let (kind, id) = text.split_once(':')?;
        let id = u128::from_str_radix(id, 16).ok()?;
        let credential = match kind {
            "static" => Self::StaticKey(u64::try_from(id).ok()?),
            "key" => Self::ApiKey(id),
            "family" => Self::Family(id),
            "token" => Self::Token(id),
            "session" => Self::BrowserSession(id),
            _ => return None,
        };
        (credential.written() == text).then_some(credential)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_has_one_name_and_is_read_by_it() {
        let all = [
            CredentialId::None,
            CredentialId::StaticKey(u64::MAX),
            CredentialId::ApiKey(7),
            CredentialId::Family(u128::MAX),
            CredentialId::Token(1),
            CredentialId::BrowserSession(2),
        ];
        for credential in all {
            assert_eq!(CredentialId::read(&credential.written()), Some(credential));
        }
        for bad in ["", "key", "key:7", "key:+0000000000000000000000000000007", "other:00000000000000000000000000000007"] {
            assert_eq!(CredentialId::read(bad), None, "{bad}");
        }
    }
}
