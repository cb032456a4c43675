//! Which address is asked? A path whose variable parts cannot become anything but one segment each, and its query.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tickgate_core::ports::{UpstreamError, UpstreamErrorKind};

/// What is encoded in a segment: all but what RFC 3986 leaves free, and the colon of `X:BTCUSD`, which a segment may hold.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// In a query's value the comma stays too: a hundred symbols would grow by 200 bytes.
const QUERY: &AsciiSet = &SEGMENT.remove(b',');

/// Longest value of a path, in bytes: far more than any symbol, id or date.
const MAX_VALUE_BYTES: usize = 256;

/// A path of the upstream's API, already encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(String);

impl Path {
    /// Puts values into a template such as `/v2/last/trade/{ticker}`. Each becomes exactly one segment.
    ///
    /// # Errors
    /// `InvalidParams` when a value is missing, empty, `.`, `..` or longer than 256 bytes.
    pub fn new(template: &str, values: &[(&str, &str)]) -> Result<Self, UpstreamError> {
        let mut path = String::with_capacity(template.len() + 16);
        for segment in template.split('/').skip(1) {
            path.push('/');
            match segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                None => path.push_str(segment),
                Some(name) => {
                    let value = values.iter().find(|(given, _)| *given == name).map_or("", |(_, value)| *value);
                    if matches!(value, "" | "." | "..") || value.len() > MAX_VALUE_BYTES {
                        let message = format!("{name} is empty, too long or no name at all: give the value itself");
                        return Err(UpstreamError::new(UpstreamErrorKind::InvalidParams, message));
                    }
                    path.extend(utf8_percent_encode(value, SEGMENT));
                }
            }
        }
        Ok(Self(path))
    }

    /// Writes the path and its query: what follows the base in a URL.
    pub(in crate::upstream) fn with_query(&self, query: &[(&'static str, String)]) -> String {
        let mut target = self.0.clone();
        for (place, (name, value)) in query.iter().enumerate() {
            target.push(if place == 0 { '?' } else { '&' });
            target.extend(utf8_percent_encode(name, QUERY));
            target.push('=');
            target.extend(utf8_percent_encode(value, QUERY));
        }
        target
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(ticker: &str) -> Result<String, UpstreamErrorKind> {
        Path::new("/v2/aggs/ticker/{ticker}/prev", &[("ticker", ticker)]).map(|path| path.0).map_err(|error| error.kind)
    }

    #[test]
    fn symbols_keep_their_spelling() {
        assert_eq!(path("BRK.B").unwrap(), "/v2/aggs/ticker/BRK.B/prev");
        assert_eq!(path("X:BTCUSD").unwrap(), "/v2/aggs/ticker/X:BTCUSD/prev");
    }

    #[test]
    fn a_value_can_not_leave_its_segment() {
        for (value, segment) in [
            ("../../v1", "..%2F..%2Fv1"),
            ("A/prev?apiKey=x#", "A%2Fprev%3FapiKey%3Dx%23"),
            ("A%2F..", "A%252F.."),
            ("A\\..\\B", "A%5C..%5CB"),
            ("A\r\nHost: x", "A%0D%0AHost:%20x"),
            ("A;b@c&d", "A%3Bb%40c%26d"),
            ("é\0", "%C3%A9%00"),
            ("...", "..."),
            ("{ticker}", "%7Bticker%7D"),
        ] {
            assert_eq!(path(value).unwrap(), format!("/v2/aggs/ticker/{segment}/prev"), "{value:?}");
        }
    }

    #[test]
    fn a_value_that_is_no_name_is_refused() {
        let long = "A".repeat(257);
        for value in ["", ".", "..", long.as_str()] {
            assert_eq!(path(value), Err(UpstreamErrorKind::InvalidParams), "{value:?}");
        }
        assert!(Path::new("/v1/{a}/{b}", &[("a", "x")]).is_err());
    }

    #[test]
    fn a_query_is_encoded() {
        let query = [("tickers", "AAPL,X:BTCUSD".to_owned()), ("published_utc.gte", "a&b=c d+#".to_owned())];
        let target = Path::new("/v2/x", &[]).unwrap().with_query(&query);
        assert_eq!(target, "/v2/x?tickers=AAPL,X:BTCUSD&published_utc.gte=a%26b%3Dc%20d%2B%23");
    }
}
