//! For which resource is a token (RFC 8707), and is it ours?

/// The one thing that our tokens are for, as the protected resource metadata names it: `https://host/mcp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource(String);

impl Resource {
    /// A resource by its published name.
    #[must_use]
    pub fn new(published: &str) -> Self {
        Self(published.to_owned())
    }

    /// The published name: the `aud` of every token.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a `resource` parameter means this one: the very text, and where the published name is a bare origin also with
    /// the slash that older SDKs add (protocol.md §6.3). Left out, it is meant too: clients of 2025-03-26 know no resources.
    #[must_use]
    pub fn is_meant_by(&self, asked: Option<&str>) -> bool {
        let Some(asked) = asked else { return true };
        asked == self.0 || (self.is_bare_origin() && asked.strip_suffix('/') == Some(&self.0))
    }

    fn is_bare_origin(&self) -> bool {
        self.0.split_once("://").is_some_and(|(_, rest)| !rest.contains('/'))
    }
}
