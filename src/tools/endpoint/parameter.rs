//! What a row takes.

use serde_json::{Value, json};

use super::kind::Kind;

/// Where a parameter goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Into the path, under this name.
    Path(&'static str),
    /// Into the query, under this name.
    Query(&'static str),
}

/// A value written in the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Literal {
    /// Text.
    Text(&'static str),
    /// A whole number.
    Integer(i64),
    /// A number with decimals.
    Number(f64),
    /// True or false.
    Flag(bool),
    /// A list of texts.
    Texts(&'static [&'static str]),
}

impl From<Literal> for Value {
    fn from(literal: Literal) -> Self {
        match literal {
            Literal::Text(text) => text.into(),
            Literal::Integer(number) => number.into(),
            Literal::Number(number) => number.into(),
            Literal::Flag(truth) => truth.into(),
            Literal::Texts(texts) => json!(texts),
        }
    }
}

/// What holds where an argument is left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fallback {
    /// The upstream decides.
    None,
    /// The upstream takes this: said, not sent.
    Theirs(Literal),
    /// We send this.
    Ours(Literal),
}

/// How a variant of a parameter compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// `_lt`
    Less,
    /// `_lte`
    AtMost,
    /// `_gt`
    Greater,
    /// `_gte`
    AtLeast,
    /// `_any_of`: a list.
    AnyOf,
    /// `_all_of`: a list.
    AllOf,
}

impl Compare {
    /// Whether the variant takes a list.
    #[must_use]
    pub const fn takes_list(self) -> bool {
        matches!(self, Self::AnyOf | Self::AllOf)
    }

    /// What a variant says, for models.
    pub(super) const fn help(self) -> &'static str {
        match self {
            Self::Less => "less than this",
            Self::AtMost => "this or less",
            Self::Greater => "greater than this",
            Self::AtLeast => "this or greater",
            Self::AnyOf => "any of these",
            Self::AllOf => "all of these",
        }
    }
}

/// Another argument for the same thing.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// The argument, `date_gte`.
    pub name: &'static str,
    /// The query's name, `date.gte`.
    pub key: &'static str,
    /// How it compares.
    pub compare: Compare,
}

/// One parameter.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// The argument's name.
    pub name: &'static str,
    /// Where it goes.
    pub place: Place,
    /// What it may be.
    pub kind: Kind,
    /// Whether it must be given.
    pub required: bool,
    /// What holds without it.
    pub default: Fallback,
    /// A value that the simulated market knows; it stands in the examples of the documentation.
    pub example: Option<Literal>,
    /// Its variants, if it has any.
    pub variants: &'static [Variant],
    /// For models.
    pub help: &'static str,
}

/// A parameter that is required and goes into the path under its own name.
pub(in crate::tools) const fn in_path(name: &'static str, kind: Kind, help: &'static str) -> Parameter {
    let place = Place::Path(name);
    Parameter { name, place, kind, required: true, default: Fallback::None, example: None, variants: &[], help }
}

/// A parameter that may be left out and goes into the query under its own name.
pub(in crate::tools) const fn in_query(name: &'static str, kind: Kind, help: &'static str) -> Parameter {
    Parameter { place: Place::Query(name), required: false, ..in_path(name, kind, help) }
}

/// How many results: what we ask for without it, and what the upstream gives at most.
pub(in crate::tools) const fn limit(ours: i64, most: i64) -> Parameter {
    in_query("limit", Kind::Integer(1, most), "Most results").or_ours(Literal::Integer(ours))
}

impl Parameter {
    /// The same, going elsewhere.
    pub(in crate::tools) const fn to(self, place: Place) -> Self {
        Self { place, ..self }
    }

    /// The same, but it must be given.
    pub(in crate::tools) const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// The same, sent as this where it is left out.
    pub(in crate::tools) const fn or_ours(self, default: Literal) -> Self {
        Self { required: false, default: Fallback::Ours(default), ..self }
    }

    /// The same, taken as this by the upstream where it is left out.
    pub(in crate::tools) const fn or_theirs(self, default: Literal) -> Self {
        Self { required: false, default: Fallback::Theirs(default), ..self }
    }

    /// The same with an example.
    pub(in crate::tools) const fn like(self, example: Literal) -> Self {
        Self { example: Some(example), ..self }
    }

    /// The same with an example that is text.
    pub(in crate::tools) const fn such_as(self, example: &'static str) -> Self {
        self.like(Literal::Text(example))
    }

    /// The same with variants.
    pub(in crate::tools) const fn with(self, variants: &'static [Variant]) -> Self {
        Self { variants, ..self }
    }
}

/// The variants of a name: `range`, `range any`, `any`, `any all`.
macro_rules! variants {
    (@one $name:literal, $suffix:literal, $compare:ident) => {
        $crate::tools::endpoint::Variant {
            name: concat!($name, "_", $suffix),
            key: concat!($name, ".", $suffix),
            compare: $crate::tools::endpoint::Compare::$compare,
        }
    };
    (@some $name:literal, $($suffix:literal $compare:ident),+) => {
        &[$($crate::tools::endpoint::variants!(@one $name, $suffix, $compare)),+]
    };
    (range $name:literal) => {
        $crate::tools::endpoint::variants!(@some $name, "lt" Less, "lte" AtMost, "gt" Greater, "gte" AtLeast)
    };
    (range any $name:literal) => {
        $crate::tools::endpoint::variants!(
            @some $name, "lt" Less, "lte" AtMost, "gt" Greater, "gte" AtLeast, "any_of" AnyOf
        )
    };
    (any all $name:literal) => {
        $crate::tools::endpoint::variants!(@some $name, "any_of" AnyOf, "all_of" AllOf)
    };
}
pub(in crate::tools) use variants;

/// A parameter of the query with its range variants.
macro_rules! ranged {
    ($name:literal, $kind:expr, $help:literal) => {
        $crate::tools::endpoint::in_query($name, $kind, $help).with($crate::tools::endpoint::variants!(range $name))
    };
}
pub(in crate::tools) use ranged;

/// The same, and `_any_of`.
macro_rules! filtered {
    ($name:literal, $kind:expr, $help:literal) => {
        $crate::tools::endpoint::in_query($name, $kind, $help).with($crate::tools::endpoint::variants!(range any $name))
    };
}
pub(in crate::tools) use filtered;
