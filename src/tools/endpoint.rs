//! A pass-through market tool as data: where it goes, what it takes, what it gives. Everything about it is derived from its row.

use serde_json::{Map, Value, json};
use tickgate_core::access::Scope;

use super::outcome::ToolFailure;
use super::schema;

/// Where a parameter goes.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// Into the path, under this name.
    Path(&'static str),
    /// Into the query, under this name.
    Query(&'static str),
}

/// What a parameter may be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A symbol of the strict grammar.
    Symbol,
    /// Text of at most so many characters, none of them a control character.
    Text(usize),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number within these bounds.
    Integer(i64, i64),
    /// True or false.
    Boolean,
    /// A day, `2026-03-10`.
    Date,
    /// A day, an RFC 3339 time, or a Unix time.
    Time,
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
    /// Its `_lt`, `_lte`, `_gt` and `_gte` variants, if it has them: argument and query name.
    pub ranges: &'static [(&'static str, &'static str)],
    /// For models.
    pub help: &'static str,
}

/// What the upstream's answer looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// An envelope whose member of this name is an array; absent means empty.
    List(&'static str),
    /// An envelope whose member of this name is an object.
    Object(&'static str),
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
    /// It has none: the time of the fetch.
    Fetch,
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
    /// Path with `{placeholders}`; `{locale}` follows from the market.
    pub path: &'static str,
    /// What it takes.
    pub parameters: &'static [Parameter],
    /// What it gives.
    pub shape: Shape,
    /// How old that is.
    pub as_of: AsOf,
    /// Fields of a row that a model should know of, for the output schema.
    pub fields: &'static [(&'static str, &'static str)],
    /// Fields of a row that carry text from outside.
    pub untrusted: &'static [&'static str],
    /// The least scope that may call it.
    pub scope: Scope,
}

/// A parameter that is required and goes into the path under its own name.
pub(super) const fn in_path(name: &'static str, placeholder: &'static str, kind: Kind, help: &'static str) -> Parameter {
    Parameter { name, place: Place::Path(placeholder), kind, required: true, ranges: &[], help }
}

/// A parameter that may be left out and goes into the query under its own name.
pub(super) const fn in_query(name: &'static str, kind: Kind, help: &'static str) -> Parameter {
    Parameter { name, place: Place::Query(name), kind, required: false, ranges: &[], help }
}

/// The same with its range variants.
macro_rules! ranged {
    ($name:literal, $kind:expr, $help:literal) => {
        $crate::tools::endpoint::Parameter {
            ranges: &[
                (concat!($name, "_lt"), concat!($name, ".lt")),
                (concat!($name, "_lte"), concat!($name, ".lte")),
                (concat!($name, "_gt"), concat!($name, ".gt")),
                (concat!($name, "_gte"), concat!($name, ".gte")),
            ],
            ..$crate::tools::endpoint::in_query($name, $kind, $help)
        }
    };
}
pub(super) use ranged;

/// A checked call.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Values of the path's placeholders.
    pub path: Vec<(&'static str, String)>,
    /// The query.
    pub query: Vec<(&'static str, String)>,
}

impl Endpoint {
    /// Checks arguments and says where each goes.
    ///
    /// # Errors
    /// The first argument that is unknown, missing or not allowed, with what is.
    pub fn request(&self, arguments: &Map<String, Value>) -> Result<Request, ToolFailure> {
        if arguments.contains_key("params") {
            return Err(ToolFailure::argument(
                "params",
                format!("raw parameters are not passed on; use the typed arguments {}", self.names()),
            ));
        }
        if let Some(unknown) = arguments.keys().find(|name| self.find(name).is_none()) {
            let unknown: String = unknown.chars().take(64).collect();
            return Err(ToolFailure::argument(&unknown, format!("unknown argument; {} takes {}", self.name, self.names())));
        }
        let mut request = Request::default();
        for parameter in self.parameters {
            let value = arguments.get(parameter.name).filter(|value| !value.is_null());
            match (value, parameter.place) {
                (None, _) if parameter.required => return Err(ToolFailure::argument(parameter.name, "it is required")),
                (None, _) => {}
                (Some(value), Place::Path(placeholder)) => {
                    request.path.push((placeholder, parameter.kind.check(parameter.name, value)?))
                }
                (Some(value), Place::Query(key)) => request.query.push((key, parameter.kind.check(parameter.name, value)?)),
            }
            for (name, key) in parameter.ranges {
                if let Some(value) = arguments.get(*name).filter(|value| !value.is_null()) {
                    request.query.push((key, parameter.kind.check(name, value)?));
                }
            }
        }
        if self.path.contains("{locale}") {
            let stocks = request.path.iter().any(|(placeholder, value)| *placeholder == "market_type" && value == "stocks");
            request.path.push(("locale", if stocks { "us" } else { "global" }.to_owned()));
        }
        Ok(request)
    }

    fn find(&self, name: &str) -> Option<&Parameter> {
        self.parameters
            .iter()
            .find(|parameter| parameter.name == name || parameter.ranges.iter().any(|(variant, _)| *variant == name))
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.parameters.iter().map(|parameter| parameter.name).collect();
        if names.is_empty() { "no arguments".to_owned() } else { names.join(", ") }
    }

    /// JSON Schema of the arguments.
    #[must_use]
    pub fn input_schema(&self) -> Value {
        let mut properties = Map::new();
        for parameter in self.parameters {
            properties.insert(parameter.name.to_owned(), parameter.kind.schema(parameter.help));
            for (name, key) in parameter.ranges {
                let help = format!("{} ({} this)", parameter.help, key.rsplit('.').next().unwrap_or_default());
                properties.insert((*name).to_owned(), parameter.kind.schema(&help));
            }
        }
        let required: Vec<&str> =
            self.parameters.iter().filter(|parameter| parameter.required).map(|parameter| parameter.name).collect();
        json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
    }

    /// JSON Schema of the structured content.
    #[must_use]
    pub fn output_schema(&self) -> Value {
        let fields: Map<String, Value> =
            self.fields.iter().map(|(name, help)| ((*name).to_owned(), json!({"description": help}))).collect();
        let row = json!({"type": "object", "properties": fields});
        let results = match self.shape {
            Shape::List(_) | Shape::Array => json!({"type": "array", "items": row}),
            Shape::Object(_) | Shape::Flat => row,
        };
        json!({
            "type": "object",
            "properties": {
                "results": results,
                "count": {"type": "integer", "minimum": 0, "description": "Number of results, when they are an array"},
                "merged": {"type": "integer", "minimum": 2, "description": "Bars that one result is made of, where `max_points` merged them"},
                "next": {"type": "string", "description": "Where it goes on: the `cursor` of a call with the same other arguments"},
                "truncated": {
                    "type": "object",
                    "description": "There are more results than these",
                    "properties": {"shown": {"type": "integer", "minimum": 0}, "total": {"type": "integer", "minimum": 0}},
                    "required": ["shown"],
                },
                "_freshness": schema::freshness(),
            },
            "required": ["results", "_freshness"],
        })
    }
}

impl Kind {
    fn check(self, name: &str, value: &Value) -> Result<String, ToolFailure> {
        let refuse = |problem: String| Err(ToolFailure::argument(name, problem));
        let text = match (self, value) {
            (Self::Boolean, Value::Bool(truth)) => return Ok(truth.to_string()),
            (Self::Integer(least, most), Value::Number(number)) => {
                return match number.as_i64() {
                    Some(value) if (least..=most).contains(&value) => Ok(value.to_string()),
                    _ => refuse(format!("{number} is not a whole number from {least} to {most}")),
                };
            }
            (Self::Time, Value::Number(number)) if number.is_u64() => return Ok(number.to_string()),
            (Self::Boolean, _) => return refuse("it must be true or false".to_owned()),
            (Self::Integer(least, most), _) => return refuse(format!("it must be a whole number from {least} to {most}")),
            (_, Value::String(text)) => text,
            _ => return refuse("it must be a string".to_owned()),
        };
        match self {
            Self::Symbol => text
                .parse::<tickgate_core::market::Symbol>()
                .map(|symbol| symbol.to_string())
                .or_else(|error| refuse(error.to_string())),
            Self::Text(most) if text.chars().count() <= most && !text.is_empty() && !text.chars().any(char::is_control) => {
                Ok(text.clone())
            }
            Self::Text(most) => refuse(format!("it must be 1 to {most} characters without control characters")),
            Self::Word(words) if words.contains(&text.as_str()) => Ok(text.clone()),
            Self::Word(words) => refuse(format!("it must be one of {}", words.join(", "))),
            Self::Date if is_date(text) => Ok(text.clone()),
            Self::Date => refuse("it must be a day such as 2026-03-10".to_owned()),
            Self::Time
                if is_date(text) || text.parse::<u64>().is_ok() || tickgate_core::time::Millis::parse_rfc3339(text).is_some() =>
            {
                Ok(text.clone())
            }
            Self::Time => refuse("it must be a day such as 2026-03-10, an RFC 3339 time, or Unix milliseconds".to_owned()),
            Self::Integer(..) | Self::Boolean => refuse("it has the wrong type".to_owned()),
        }
    }

    fn schema(self, help: &str) -> Value {
        let mut schema = match self {
            Self::Symbol => {
                json!({"type": "string", "maxLength": tickgate_core::market::symbol::MAX_SYMBOL_BYTES, "examples": ["AAPL", "X:BTCUSD"]})
            }
            Self::Text(most) => json!({"type": "string", "minLength": 1, "maxLength": most}),
            Self::Word(words) => json!({"type": "string", "enum": words}),
            Self::Integer(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
            Self::Boolean => json!({"type": "boolean"}),
            Self::Date => json!({"type": "string", "format": "date"}),
            Self::Time => json!({"type": ["string", "integer"]}),
        };
        schema["description"] = help.into();
        schema
    }
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}
