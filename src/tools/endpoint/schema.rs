//! The schemas of a row.

use serde_json::{Map, Value, json};

use super::{Endpoint, Fallback, Parameter, Shape};
use crate::tools::schema;

impl Parameter {
    /// JSON Schema of the argument.
    pub(in crate::tools) fn schema(&self) -> Value {
        let mut schema = self.kind.schema();
        schema["description"] = self.help.into();
        if let Fallback::Ours(default) | Fallback::Theirs(default) = self.default {
            schema["default"] = default.into();
        }
        if let Some(example) = self.example {
            schema["examples"] = json!([Value::from(example)]);
        }
        schema
    }

    fn add_to(&self, properties: &mut Map<String, Value>) {
        properties.insert(self.name.to_owned(), self.schema());
        for variant in self.variants {
            let list = variant.compare.takes_list();
            let mut schema = if list { self.kind.list_schema() } else { self.kind.schema() };
            schema["description"] = format!("{}: {}", self.help, variant.compare.help()).into();
            properties.insert(variant.name.to_owned(), schema);
        }
    }
}

impl Endpoint {
    /// JSON Schema of the arguments.
    #[must_use]
    pub fn input_schema(&self) -> Value {
        let mut properties = Map::new();
        self.parameters.iter().for_each(|parameter| parameter.add_to(&mut properties));
        json!({"type": "object", "properties": properties, "required": self.required(), "additionalProperties": false})
    }

    /// Arguments that must be given.
    #[must_use]
    pub fn required(&self) -> Vec<&'static str> {
        self.parameters.iter().filter(|parameter| parameter.required).map(|parameter| parameter.name).collect()
    }

    /// Arguments that fit, of things that the simulated market has.
    #[must_use]
    pub fn sample(&self) -> Value {
        let examples =
            self.parameters.iter().filter_map(|parameter| Some((parameter.name.to_owned(), parameter.example?.into())));
        Value::Object(examples.collect())
    }

    /// JSON Schema of the structured content.
    #[must_use]
    pub fn output_schema(&self) -> Value {
        let fields: Map<String, Value> = self.fields.iter().map(|field| (field.name.to_owned(), field.schema())).collect();
        let row = json!({"type": "object", "properties": fields});
        let results = match self.shape {
            Shape::List(_) | Shape::Nested(..) | Shape::Array => json!({"type": "array", "items": row}),
            Shape::Object(_) | Shape::Flat => row,
        };
        schema::answer(&results)
    }
}
