//! Where does the next page begin? The upstream says it with an absolute URL, of which only the path and the query are believed.

use std::fmt;

use url::Url;

/// Longest page accepted, in bytes: a cursor repeats a query.
const MAX_PAGE_BYTES: usize = 4_096;

/// The path and query of a `next_url`, without any key. Its host is never followed: the client's own base is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextPage(String);

impl NextPage {
    /// Reads a `next_url`, or what [`NextPage::as_str`] gave earlier. `None` when it does not lead to a versioned path of
    /// the API, or is longer than 4 KiB.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_PAGE_BYTES {
            return None;
        }
        // A place to resolve a path against; nobody ever asks it.
        let anywhere = Url::parse("https://upstream.invalid").ok()?;
        let url = Url::options().base_url(Some(&anywhere)).parse(text).ok()?;
        if !matches!(url.scheme(), "http" | "https") || !is_versioned(url.path()) {
            return None;
        }
        let kept: Vec<&str> =
            url.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty() && !is_key(pair)).collect();
        let mut page = url.path().to_owned();
        if !kept.is_empty() {
            page.push('?');
            page.push_str(&kept.join("&"));
        }
        Some(Self(page))
    }

    /// The path and query.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NextPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `/v3/…`, `/vX/…`, and of a product family `/stocks/v1/…`, `/futures/vX/…`.
fn is_versioned(path: &str) -> bool {
    let is_version = |segment: &str| {
        segment
            .strip_prefix('v')
            .is_some_and(|version| version == "X" || !version.is_empty() && version.bytes().all(|c| c.is_ascii_digit()))
    };
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    // The version is never the last: something is asked of it.
    segments.len() > 1 && segments[..segments.len() - 1].iter().take(2).any(|segment| is_version(segment))
}

fn is_key(pair: &str) -> bool {
    url::form_urlencoded::parse(pair.as_bytes()).next().is_some_and(|(name, _)| name.eq_ignore_ascii_case("apiKey"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Option<String> {
        NextPage::parse(text).map(|page| page.as_str().to_owned())
    }

    #[test]
    fn only_path_and_query_of_a_next_url_are_kept() {
        for url in [
            "https://api.massive.com/v2/reference/news?cursor=eyJ9&limit=3",
            "https://api.polygon.io:443/v2/reference/news?cursor=eyJ9&limit=3",
            "http://evil.example/v2/reference/news?cursor=eyJ9&limit=3#x",
            "https://user:pass@evil.example/v2/reference/news?cursor=eyJ9&limit=3",
            "//evil.example/v2/reference/news?cursor=eyJ9&limit=3",
            "/v2/reference/news?cursor=eyJ9&limit=3",
        ] {
            assert_eq!(page(url).as_deref(), Some("/v2/reference/news?cursor=eyJ9&limit=3"), "{url}");
        }
    }

    #[test]
    fn every_family_of_the_api_has_pages() {
        for path in
            ["/v3/trades/AAPL", "/vX/reference/ipos", "/stocks/v1/short-interest", "/futures/vX/contracts", "/fed/v1/inflation"]
        {
            assert_eq!(page(&format!("https://api.massive.com{path}?cursor=c")).as_deref(), Some(&*format!("{path}?cursor=c")));
        }
    }

    #[test]
    fn a_key_in_a_next_url_is_taken_out_however_it_is_written() {
        for url in
            ["/v2/x?apiKey=k&cursor=c", "/v2/x?cursor=c&APIKEY=k", "/v2/x?api%4bey=k&cursor=c", "/v2/x?apiKey&cursor=c&apiKey=k"]
        {
            assert_eq!(page(url).as_deref(), Some("/v2/x?cursor=c"), "{url}");
        }
        assert_eq!(page("/v2/x?apiKey=k").as_deref(), Some("/v2/x"));
    }

    #[test]
    fn what_leads_elsewhere_is_no_page() {
        let long = format!("/v2/x?cursor={}", "c".repeat(5_000));
        for url in [
            "",
            "javascript:alert(1)",
            "file:///v2/x",
            "https://api.massive.com/",
            "/admin",
            "/v2/../admin",
            "/v/x",
            "/vx/x",
            "/a/b/v1/x",
            "/futures/v1",
            "/v2",
            &long,
        ] {
            assert_eq!(page(url), None, "{url}");
        }
    }
}
