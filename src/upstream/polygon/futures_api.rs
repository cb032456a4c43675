//! Which version of the vendor's futures API is asked, and where is an endpoint in it?

use std::fmt;
use std::str::FromStr;

/// How every path of futures begins in our tables.
const PREFIX: &str = "/futures/vX/";
/// Objects and nested lists that `v1` has no more, the list that takes the place of each, and the filter that its path value becomes.
const GONE: [(&str, &str, &str); 3] = [
    ("/futures/vX/contracts/{ticker}", "/futures/v1/contracts", "ticker"),
    ("/futures/vX/products/{product_code}", "/futures/v1/products", "product_code"),
    ("/futures/vX/products/{product_code}/schedules", "/futures/v1/schedules", "product_code"),
];

/// A version of the futures API. The vendor moves its users from the one to the other (polygon.md §1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FuturesApi {
    /// The experimental one.
    #[default]
    Vx,
    /// Its successor.
    V1,
}

/// The text names no version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("use vX or v1")]
pub struct FuturesApiError;

impl FuturesApi {
    /// The template to ask instead of one of our tables, and, where a path value has become a filter, its name.
    #[must_use]
    pub fn target(self, template: &'static str) -> (String, Option<&'static str>) {
        let Some(rest) = template.strip_prefix(PREFIX).filter(|_| self == Self::V1) else { return (template.to_owned(), None) };
        match GONE.iter().find(|(gone, ..)| *gone == template) {
            Some((_, list, filter)) => ((*list).to_owned(), Some(filter)),
            None => (format!("/futures/v1/{rest}"), None),
        }
    }
}

impl FromStr for FuturesApi {
    type Err = FuturesApiError;

    fn from_str(text: &str) -> Result<Self, FuturesApiError> {
        match text {
            "vX" => Ok(Self::Vx),
            "v1" => Ok(Self::V1),
            _ => Err(FuturesApiError),
        }
    }
}

impl fmt::Display for FuturesApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vx => "vX",
            Self::V1 => "v1",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn futures_stand_under_the_version_that_is_set_and_all_else_where_it_was() {
        for (api, asked, template, filter) in [
            (FuturesApi::Vx, "/futures/vX/aggs/{ticker}", "/futures/vX/aggs/{ticker}", None),
            (FuturesApi::V1, "/futures/vX/aggs/{ticker}", "/futures/v1/aggs/{ticker}", None),
            (FuturesApi::V1, "/futures/vX/contracts", "/futures/v1/contracts", None),
            (FuturesApi::V1, "/futures/vX/contracts/{ticker}", "/futures/v1/contracts", Some("ticker")),
            (FuturesApi::V1, "/futures/vX/products/{product_code}/schedules", "/futures/v1/schedules", Some("product_code")),
            (FuturesApi::V1, "/vX/reference/ipos", "/vX/reference/ipos", None),
        ] {
            assert_eq!(api.target(asked), (template.to_owned(), filter), "{api} {asked}");
        }
        assert_eq!("v1".parse::<FuturesApi>().map(|api| api.to_string()), Ok("v1".to_owned()));
        assert!("V1".parse::<FuturesApi>().is_err());
    }
}
