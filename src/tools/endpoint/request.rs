//! Checks the arguments of a row and says where each goes.

use serde_json::{Map, Value};
use tickgate_core::market::{Market, Symbol};
use tickgate_core::rpc::excerpt;

use super::{Endpoint, Fallback, Kind, Parameter, Place};
use crate::tools::outcome::ToolFailure;

/// A checked call.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Values of the path's placeholders.
    pub path: Vec<(&'static str, String)>,
    /// The query.
    pub query: Vec<(&'static str, String)>,
}

impl Request {
    fn put(&mut self, place: Place, value: String) {
        match place {
            Place::Path(placeholder) => self.path.push((placeholder, value)),
            Place::Query(key) => self.query.push((key, value)),
        }
    }

    /// What goes into the path under this name.
    fn in_path(&self, placeholder: &str) -> Option<&str> {
        self.path.iter().find(|(name, _)| *name == placeholder).map(|(_, value)| value.as_str())
    }
}

impl Endpoint {
    /// Checks arguments and says where each goes.
    ///
    /// # Errors
    /// The first argument that is unknown, missing or not allowed, with what is.
    pub fn request(&self, arguments: &Map<String, Value>) -> Result<Request, ToolFailure> {
        if arguments.contains_key("params") {
            let hint = format!("raw parameters are not passed on; use the typed arguments {}", self.names());
            return Err(ToolFailure::argument("params", hint));
        }
        if let Some(unknown) = arguments.keys().find(|name| self.parameter(name).is_none()) {
            let problem = format!("unknown argument; {} takes {}", self.name, self.names());
            return Err(ToolFailure::argument(&excerpt(unknown), problem));
        }
        let given = |name: &str| arguments.get(name).filter(|value| !value.is_null());
        let mut request = Request::default();
        for parameter in self.parameters {
            match given(parameter.name) {
                Some(value) => request.put(parameter.place, parameter.kind.check(parameter.name, value)?),
                None if parameter.required => {
                    return Err(ToolFailure::argument(parameter.name, format!("it is required: {}", parameter.help)));
                }
                None => {
                    if let Fallback::Ours(default) = parameter.default {
                        request.put(parameter.place, parameter.kind.check(parameter.name, &default.into())?);
                    }
                }
            }
            for variant in parameter.variants {
                if let Some(value) = given(variant.name) {
                    let list = variant.compare.takes_list();
                    let check = if list { Kind::check_list } else { Kind::check };
                    request.query.push((variant.key, check(parameter.kind, variant.name, value)?));
                }
            }
        }
        self.settle_market(&mut request)?;
        Ok(request)
    }

    /// The locale follows from the market, and a symbol is of the market that is said beside it.
    fn settle_market(&self, request: &mut Request) -> Result<(), ToolFailure> {
        let market = request.in_path("market_type").unwrap_or_default();
        let other = request.in_path("ticker").and_then(|ticker| ticker.parse::<Symbol>().ok()).map(|symbol| symbol.market());
        if let Some(other) = other.filter(|other| !market.is_empty() && other.as_str() != market) {
            let problem = format!("it is a symbol of {}, but `market_type` says {market}", other.as_str());
            return Err(ToolFailure::argument("ticker", problem));
        }
        if self.path.contains("{locale}") && request.in_path("locale").is_none() {
            let us = market == Market::Stocks.as_str();
            request.path.push(("locale", if us { "us" } else { "global" }.to_owned()));
        }
        Ok(())
    }

    /// The arguments, for errors.
    fn names(&self) -> String {
        let shown = |parameter: &Parameter| {
            let suffixes: Vec<&str> = parameter.variants.iter().map(|variant| &variant.name[parameter.name.len()..]).collect();
            if suffixes.is_empty() { parameter.name.to_owned() } else { format!("{}[{}]", parameter.name, suffixes.join("|")) }
        };
        let names: Vec<String> = self.parameters.iter().map(shown).collect();
        if names.is_empty() { "no arguments".to_owned() } else { names.join(", ") }
    }
}
