//! How does an endpoint answer that is described and not written? A [`Table`] is a list: a generator of rows, and which
//! filters, orders and page sizes they have. An [`Object`] is one body. Filters and orders read the rows' own JSON fields.
//!
//! | room | the question it answers |
//! |---|---|
//! | `wanted` | which rows does a query ask for |
//! | `page` | in which order do they come, and which of them are on this page |

mod page;
mod wanted;

use std::collections::HashMap;

use actix_web::{HttpRequest, web};
use jiff::civil::Date;
use serde_json::Value;

use super::answer::{Answer, Refusal};
use super::market::universe::{Instrument, Market};
use super::parameters::Parameters;
use super::state::{State, View};

pub(crate) use page::page_of;
pub(crate) use wanted::{Filter, Wanted, date, flag, nanos, number, text, time};

/// How many stocks the reference tables cover, the well-known ones first: tens of thousands of symbols would make every
/// page of every table as dear as the whole market.
const COVERED_STOCKS: usize = 500;

/// What an endpoint knows when it answers.
pub(crate) struct Call<'a> {
    pub(crate) view: View<'a>,
    pub(crate) parameters: Parameters,
    pub(crate) wanted: Wanted,
    segments: HashMap<String, String>,
    /// How many rows the pages before held.
    pub(crate) skip: usize,
    /// The path as it was asked, which the address of the next page repeats.
    pub(crate) path: String,
}

impl<'a> Call<'a> {
    /// Gives the value of a variable part of the path; empty if the path has none of this name.
    pub(crate) fn segment(&self, name: &str) -> &str {
        self.segments.get(name).map_or("", String::as_str)
    }

    /// Lists the stocks that the tables cover and the query does not rule out.
    pub(crate) fn stocks(&self) -> impl Iterator<Item = &'a Instrument> {
        let covered = self.view.exchange.universe.of(Market::Stocks).take(COVERED_STOCKS);
        covered.filter(|stock| self.wanted.admits("ticker", &Value::from(stock.ticker.as_str())))
    }

    /// Lists those of [`Self::stocks`] that are companies and not funds.
    pub(crate) fn companies(&self) -> impl Iterator<Item = &'a Instrument> {
        self.stocks().filter(|stock| stock.kind != "ETF")
    }

    /// Gives New York's date.
    pub(crate) fn today(&self) -> Date {
        self.view.exchange.calendar.date_of(Market::Stocks, self.view.now_ms)
    }

    /// Says whether the query leaves rows of a date in, so that a generator need not write those that it rules out.
    pub(crate) fn admits_date(&self, field: &str, date: Date) -> bool {
        self.wanted.admits(field, &Value::from(date.to_string()))
    }
}

/// Writes the rows of a list, or refuses.
pub(crate) type Rows = fn(&Call<'_>) -> Result<Vec<Value>, Refusal>;

/// Completes a row of the page that is sent.
pub(crate) type Dress = fn(&Call<'_>, &mut Value);

/// A list endpoint.
#[derive(Clone, Copy)]
pub(crate) struct Table {
    pub(crate) path: &'static str,
    rows: Rows,
    dress: Option<Dress>,
    filters: &'static [Filter],
    /// What it may be sorted by; the first is the default.
    sorts: &'static [&'static str],
    descending: bool,
    default_limit: usize,
    max_limit: usize,
    counted: bool,
    sparse: bool,
}

impl Table {
    /// Describes a list with the vendor's ordinary page sizes: 10, at most 1,000.
    pub(crate) const fn new(path: &'static str, rows: Rows) -> Self {
        Self {
            path,
            rows,
            dress: None,
            filters: &[],
            sorts: &[],
            descending: false,
            default_limit: 10,
            max_limit: 1_000,
            counted: false,
            sparse: false,
        }
    }

    /// Has the rows of a page completed after the page is cut, where a row is dear and its fields to filter by are few.
    pub(crate) const fn dressed(self, dress: Dress) -> Self {
        Self { dress: Some(dress), ..self }
    }

    pub(crate) const fn filters(self, filters: &'static [Filter]) -> Self {
        Self { filters, ..self }
    }

    /// Names the fields a client may sort by; the first is the default.
    pub(crate) const fn sorts(self, sorts: &'static [&'static str]) -> Self {
        Self { sorts, ..self }
    }

    /// Makes the default order the one from the newest, or highest, down.
    pub(crate) const fn newest_first(self) -> Self {
        Self { descending: true, ..self }
    }

    pub(crate) const fn limit(self, default_limit: usize, max_limit: usize) -> Self {
        Self { default_limit, max_limit, ..self }
    }

    /// Makes the answer say how many rows it has.
    pub(crate) const fn counted(self) -> Self {
        Self { counted: true, ..self }
    }

    /// Leaves `results` out when there are none.
    pub(crate) const fn sparse(self) -> Self {
        Self { sparse: true, ..self }
    }

    /// Registers the route.
    pub(crate) fn register(&'static self, config: &mut web::ServiceConfig) {
        let handler = move |state: web::Data<State>, segments: web::Path<Vec<String>>, request: HttpRequest| async move {
            let asked = Asked::of(&request, segments.into_inner());
            Answer::from(page_of(&state, state.clock.now_ms(), self, asked))
        };
        config.route(self.path, web::get().to(handler));
    }
}

/// Writes the body of an endpoint that is no list, or refuses.
pub(crate) type Body = fn(&Call<'_>) -> Result<Value, Refusal>;

/// An endpoint that answers one body.
#[derive(Clone, Copy)]
pub(crate) struct Object {
    pub(crate) path: &'static str,
    pub(crate) body: Body,
}

impl Object {
    pub(crate) const fn new(path: &'static str, body: Body) -> Self {
        Self { path, body }
    }

    /// Registers the route.
    pub(crate) fn register(&'static self, config: &mut web::ServiceConfig) {
        let handler = move |state: web::Data<State>, segments: web::Path<Vec<String>>, request: HttpRequest| async move {
            let asked = Asked::of(&request, segments.into_inner());
            Answer::from((self.body)(&asked.call(state.view())))
        };
        config.route(self.path, web::get().to(handler));
    }
}

/// A request, before it is known which moment of the market it is about.
#[derive(Clone, Default)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) segments: HashMap<String, String>,
    pub(crate) parameters: Parameters,
}

impl Asked {
    /// The values of the segments come decoded, in the order of their names.
    fn of(request: &HttpRequest, values: Vec<String>) -> Self {
        let names = request.match_info().iter().map(|(name, _)| name.to_owned());
        let segments = names.zip(values).collect();
        Self { path: request.path().to_owned(), segments, parameters: Parameters::of(request.query_string()) }
    }

    /// Makes the call of an endpoint without filters.
    pub(crate) fn call(self, view: View<'_>) -> Call<'_> {
        self.with(view, Wanted::default(), 0)
    }

    fn with(self, view: View<'_>, wanted: Wanted, skip: usize) -> Call<'_> {
        Call { view, parameters: self.parameters, wanted, segments: self.segments, skip, path: self.path }
    }
}
