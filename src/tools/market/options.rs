//! How a caller wants an answer: which columns, how many rows, in which form, from where on. The same for every row of the table.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::tools::endpoint::Endpoint;
use crate::tools::outcome::ToolFailure;

/// Columns that may be chosen.
const MAX_FIELDS: usize = 50;
/// Rows that are shown of a list whose endpoint knows no `limit` of its own.
const DEFAULT_ROWS: usize = 50;
/// And at most.
const MAX_ROWS: usize = 1_000;
/// Bounds of `max_points`.
const POINTS: std::ops::RangeInclusive<usize> = 2..=5_000;

/// The form of the text twin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    /// The structured content as text.
    #[default]
    Json,
    /// Its rows as CSV.
    Csv,
}

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct AnswerOptions {
    pub(super) fields: Vec<String>,
    pub(super) format: Format,
    pub(super) cursor: Option<String>,
    /// Rows shown at most; as many as fit when `None`.
    pub(super) rows: Option<usize>,
    /// Bars shown at most: more are merged.
    pub(super) max_points: Option<usize>,
}

const fn is_list(endpoint: &Endpoint) -> bool {
    endpoint.shape.is_list()
}

/// Whether the endpoint takes no `limit`, so that we bound its rows.
fn is_unlimited(endpoint: &Endpoint) -> bool {
    is_list(endpoint) && endpoint.parameter("limit").is_none()
}

/// Whether the rows are bars, which can be merged.
fn has_bars(endpoint: &Endpoint) -> bool {
    endpoint.path.contains("/range/")
}

/// The arguments' schemas.
pub(super) fn properties(endpoint: &Endpoint) -> Map<String, Value> {
    let mut properties = Map::new();
    let mut add = |name: &str, schema: Value| properties.insert(name.to_owned(), schema);
    add(
        "fields",
        json!({
            "anyOf": [{"type": "array", "items": {"type": "string"}, "maxItems": MAX_FIELDS}, {"type": "string"}],
            "description": "Only these columns, in this order; nested ones with a dot, e.g. day.c. All by default",
        }),
    );
    add(
        "format",
        json!({"type": "string", "enum": ["json", "csv"], "default": "json", "description": "Form of the text: csv is a third of the size"}),
    );
    if is_list(endpoint) {
        add(
            "cursor",
            json!({"type": "string", "maxLength": 8_192, "description": "`next` of the answer before, with the same other arguments: goes on there"}),
        );
    }
    if is_unlimited(endpoint) {
        add(
            "limit",
            json!({"type": "integer", "minimum": 1, "maximum": MAX_ROWS, "default": DEFAULT_ROWS, "description": "Most rows"}),
        );
    }
    if has_bars(endpoint) {
        add(
            "max_points",
            json!({"type": "integer", "minimum": POINTS.start(), "maximum": POINTS.end(), "description": "Merges bars so that no more than so many are left"}),
        );
    }
    properties
}

/// Takes these arguments out of the others.
///
/// # Errors
/// The first that is not allowed, with what is.
pub(super) fn take(endpoint: &Endpoint, arguments: &mut Map<String, Value>) -> Result<AnswerOptions, ToolFailure> {
    let mut given = |name: &str| arguments.remove(name).filter(|value| !value.is_null());
    let mut options = AnswerOptions::default();
    if let Some(value) = given("fields") {
        options.fields = fields(&value)?;
    }
    if let Some(value) = given("format") {
        options.format = serde_json::from_value(value).map_err(|_| ToolFailure::argument("format", "it must be json or csv"))?;
    }
    if is_list(endpoint)
        && let Some(value) = given("cursor")
    {
        let Value::String(cursor) = value else { return Err(ToolFailure::argument("cursor", "it must be a string")) };
        options.cursor = Some(cursor);
    }
    if is_unlimited(endpoint) {
        let rows = given("limit").map(|value| whole("limit", &value, &(1..=MAX_ROWS))).transpose()?;
        options.rows = Some(rows.unwrap_or(DEFAULT_ROWS));
    }
    if has_bars(endpoint)
        && let Some(value) = given("max_points")
    {
        options.max_points = Some(whole("max_points", &value, &POINTS)?);
    }
    Ok(options)
}

fn fields(value: &Value) -> Result<Vec<String>, ToolFailure> {
    let wrong = || ToolFailure::argument("fields", format!("it must be a list of 1 to {MAX_FIELDS} column names"));
    let fields: Vec<String> = match value {
        Value::String(text) => text.split(',').map(|field| field.trim().to_owned()).collect(),
        Value::Array(names) => {
            names.iter().map(|name| name.as_str().map(ToOwned::to_owned)).collect::<Option<_>>().ok_or_else(wrong)?
        }
        _ => return Err(wrong()),
    };
    let mut once = Vec::with_capacity(fields.len().min(MAX_FIELDS));
    for field in fields {
        if field.is_empty() || field.len() > 64 || once.len() == MAX_FIELDS {
            return Err(wrong());
        }
        if !once.contains(&field) {
            once.push(field);
        }
    }
    Ok(once)
}

fn whole(name: &str, value: &Value, bounds: &std::ops::RangeInclusive<usize>) -> Result<usize, ToolFailure> {
    let number = value.as_u64().and_then(|number| usize::try_from(number).ok()).filter(|number| bounds.contains(number));
    number.ok_or_else(|| {
        ToolFailure::argument(name, format!("it must be a whole number from {} to {}", bounds.start(), bounds.end()))
    })
}
