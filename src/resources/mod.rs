//! What clients can read and watch: `market://quote/{symbol}`, `market://news/{symbol}`, `market://bars/{symbol}/{timespan}`,
//! `market://status`,
//! `market://alerts/{alert_id}`, `market://answers/{answer}`.

mod alerts;
mod answers;
mod changes;
mod market;
mod resource;
mod uri;

pub use market::all;
pub use resource::{Read, ReadCall, Resource, Watch, contents, nothing_changes};
pub use uri::Variables;

/// The resource that a URI names, and what stands in its variables.
#[must_use]
pub fn find<'a>(resources: &'a [Resource], uri: &str) -> Option<(&'a Resource, Variables)> {
    resources.iter().find_map(|resource| Some((resource, uri::matches(&resource.uri, uri)?)))
}
