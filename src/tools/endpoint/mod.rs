//! A pass-through market tool as data: where it goes, what it takes, what it gives. Everything about it is derived from its row.

mod field;
mod instant;
mod kind;
mod parameter;
mod request;
mod schema;

use tickgate_core::access::Scope;
use tickgate_core::market::CacheClass;

use super::toolset::Toolset;

pub use field::{Field, FieldKind};
pub(super) use field::{flag, integer, list, number, object, text, texts};
pub use kind::{Kind, Unit};
pub use parameter::{Compare, Fallback, Literal, Parameter, Place, Variant};
pub(super) use parameter::{filtered, in_path, in_query, limit, ranged, variants};
pub use request::Request;

/// What the upstream's answer looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// An envelope whose member of this name is an array; absent means empty.
    List(&'static str),
    /// An envelope whose member of this name is an object.
    Object(&'static str),
    /// An envelope whose first-named member is an object with an array of the second name, which is what is given.
    Nested(&'static str, &'static str),
    /// The whole answer is the object.
    Flat,
    /// The whole answer is an array.
    Array,
}

/// The time of the data in an answer.
#[derive(Clone, Copy, Debug)]
pub enum AsOf {
    /// At this path of the results, of any unit; the greatest, where the results are an array.
    At(&'static [&'static str]),
    /// The greatest of several such places: which of them a row has depends on the plan.
    Newest(&'static [&'static [&'static str]]),
    /// It has none: the time of the fetch.
    Fetch,
}

impl AsOf {
    /// Every place where a time may stand.
    pub fn paths(self) -> impl Iterator<Item = &'static [&'static str]> {
        let (one, several): (Option<&'static [&'static str]>, &'static [&'static [&'static str]]) = match self {
            Self::At(path) => (Some(path), &[]),
            Self::Newest(paths) => (None, paths),
            Self::Fetch => (None, &[]),
        };
        one.into_iter().chain(several.iter().copied())
    }
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint {
    /// The tool's name.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// For models.
    pub description: &'static str,
    /// Path with `{placeholders}`; `{locale}` follows from the market unless it is given.
    pub path: &'static str,
    /// What it takes.
    pub parameters: &'static [Parameter],
    /// What it gives.
    pub shape: Shape,
    /// How old that is.
    pub as_of: AsOf,
    /// Fields of a row that a model should know of, for the output schema.
    pub fields: &'static [Field],
    /// Fields of a row that carry text from outside.
    pub untrusted: &'static [&'static str],
    /// For how long an answer may be shown again.
    pub cache: CacheClass,
    /// The least scope that may call it.
    pub scope: Scope,
    /// Its home.
    pub toolset: Toolset,
    /// Other groups that would be poor without it: bars belong to every asset class.
    pub also: &'static [Toolset],
}

impl Shape {
    /// Whether the results are an array.
    #[must_use]
    pub const fn is_list(self) -> bool {
        matches!(self, Self::List(_) | Self::Nested(..) | Self::Array)
    }
}

impl Endpoint {
    /// A row that gives a list under `results`, without parameters, open to readers, kept like reference data.
    pub(super) const fn list(name: &'static str, title: &'static str, path: &'static str, toolset: Toolset) -> Self {
        Self {
            name,
            title,
            description: "",
            path,
            parameters: &[],
            shape: Shape::List("results"),
            as_of: AsOf::Fetch,
            fields: &[],
            untrusted: &[],
            cache: CacheClass::Reference,
            scope: Scope::Read,
            toolset,
            also: &[],
        }
    }

    /// The same for one object under `results`.
    pub(super) const fn one(name: &'static str, title: &'static str, path: &'static str, toolset: Toolset) -> Self {
        Self { shape: Shape::Object("results"), ..Self::list(name, title, path, toolset) }
    }

    /// The parameter that has this argument, itself or as a variant.
    #[must_use]
    pub fn parameter(&self, argument: &str) -> Option<&'static Parameter> {
        self.parameters
            .iter()
            .find(|parameter| parameter.name == argument || parameter.variants.iter().any(|variant| variant.name == argument))
    }

    /// Whether the table says that rows have the column at this path, `day.c`.
    #[must_use]
    pub fn documents(&self, path: &str) -> bool {
        let name = path.split('.').next().unwrap_or(path);
        self.fields.iter().any(|field| field.name == name)
    }

    /// Whether it belongs to that group.
    #[must_use]
    pub fn is_in(&self, toolset: Toolset) -> bool {
        self.toolset == toolset || self.also.contains(&toolset)
    }
}
