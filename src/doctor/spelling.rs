//! How do two addresses differ that should be the same letter by letter? Clients compare them as text.

use std::net::IpAddr;

use url::{Host, Url};

/// What is different, in words; `None` when nothing is.
pub(super) fn difference(typed: &str, said: &str) -> Option<String> {
    if typed == said {
        return None;
    }
    let (Ok(one), Ok(other)) = (Url::parse(typed), Url::parse(said)) else {
        return Some("one of them is no address".to_owned());
    };
    let mut words = Vec::new();
    if one.scheme() != other.scheme() {
        words.push(format!("{} and {}", one.scheme(), other.scheme()));
    }
    if one.host_str() != other.host_str() {
        let loopback = if is_loopback(&one) && is_loopback(&other) { ", two names of this machine" } else { "" };
        words.push(format!("host {} and {}{loopback}", one.host_str().unwrap_or("-"), other.host_str().unwrap_or("-")));
    }
    if one.port_or_known_default() != other.port_or_known_default() && one.scheme() == other.scheme() {
        let port = |url: &Url| url.port_or_known_default().map_or_else(|| "-".to_owned(), |port| port.to_string());
        words.push(format!("port {} and {}", port(&one), port(&other)));
    }
    if one.path() != other.path() {
        let slash = one.path().trim_end_matches('/') == other.path().trim_end_matches('/');
        words.push(if slash { "a slash at the end".to_owned() } else { format!("path {} and {}", one.path(), other.path()) });
    }
    if one.query() != other.query() {
        words.push("the part behind the question mark".to_owned());
    }
    if words.is_empty() {
        words.push("capital letters, a port that need not be named, or a slash at the end".to_owned());
    }
    Some(words.join("; "))
}

/// Whether it names this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

/// Whether tokens may travel there: encrypted, or not over a network at all.
pub(super) fn is_safe(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url))
}

/// A path at the same origin.
pub(super) fn at(url: &Url, path: &str) -> Url {
    let mut other = url.clone();
    other.set_path(path);
    other.set_query(None);
    other.set_fragment(None);
    other
}

/// The address where metadata of this kind lies for an address with a path (RFC 8414 §3.1, RFC 9728 §3.1).
pub(super) fn well_known(url: &Url, kind: &str) -> Url {
    at(url, &format!("/.well-known/{kind}{}", url.path().trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told_in_words() {
        for (typed, said, word) in [
            ("http://localhost:8080/mcp", "http://127.0.0.1:8080/mcp", "two names of this machine"),
            ("https://gate.example/mcp", "http://gate.example/mcp", "https and http"),
            ("https://gate.example/mcp", "https://gate.example/mcp/", "a slash at the end"),
            ("https://gate.example/mcp", "https://gate.example/", "path /mcp and /"),
            ("https://gate.example/mcp", "https://gate.example:8443/mcp", "port 443 and 8443"),
            ("https://Gate.example/mcp", "https://gate.example/mcp", "capital letters"),
            ("https://gate.example/mcp", "gate", "no address"),
        ] {
            let told = difference(typed, said).unwrap();
            assert!(told.contains(word), "{typed} {said}: {told}");
        }
        assert_eq!(difference("https://gate.example/mcp", "https://gate.example/mcp"), None);
    }

    #[test]
    fn metadata_lies_before_the_path_and_never_ends_with_a_slash() {
        let of = |text: &str| well_known(&Url::parse(text).unwrap(), "oauth-protected-resource").to_string();
        assert_eq!(of("https://gate.example/mcp?x=1#y"), "https://gate.example/.well-known/oauth-protected-resource/mcp");
        assert_eq!(of("https://gate.example/"), "https://gate.example/.well-known/oauth-protected-resource");
        assert_eq!(of("https://gate.example/mcp/"), "https://gate.example/.well-known/oauth-protected-resource/mcp");
    }
}
