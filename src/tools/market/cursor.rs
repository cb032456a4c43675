//! Where an answer goes on, and where the whole of it is: handed out sealed, good for their caller alone.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tickgate_core::access::Principal;
use tickgate_core::ports::{Seal, Sealed};

use crate::tools::outcome::ToolFailure;
use crate::upstream::polygon::NextPage;

/// How the URI of a whole answer begins.
pub(crate) const ANSWERS: &str = "market://answers/";
/// Longest URI that clients may send (as for every name).
const MAX_URI_BYTES: usize = 2_048;

/// A place in an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The upstream's page; the first when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    /// Rows of it that have been shown.
    pub(super) skip: usize,
}

impl Place {
    pub(super) fn on_page_of(&self, skip: usize) -> Self {
        Self { page: self.page.clone(), skip }
    }

    pub(super) fn page(page: &NextPage) -> Self {
        Self { page: Some(page.as_str().to_owned()), skip: 0 }
    }

    pub(super) fn is_first_page(&self) -> bool {
        self.page.is_none()
    }

    pub(super) fn next_page(&self) -> Option<NextPage> {
        NextPage::parse(self.page.as_deref()?)
    }
}

/// A request, as far as it decides what the upstream is asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) tool: String,
    pub(super) arguments: Map<String, Value>,
    pub(super) place: Place,
}

impl Asked {
    /// The cursor of a place further on.
    pub(super) fn cursor(&self, place: &Place, principal: &Principal, seal: &dyn Seal) -> String {
        let plain = serde_json::to_vec(place).expect("a place is text and a number");
        let arguments = self.said();
        seal.seal(Sealed::Cursor, &self.context(principal, &arguments), &plain)
    }

    /// Opens the cursor of this very request.
    ///
    /// # Errors
    /// When it is another's, of another request, or damaged: which, is not told.
    pub(super) fn open(&self, cursor: &str, principal: &Principal, seal: &dyn Seal) -> Result<Place, ToolFailure> {
        let arguments = self.said();
        let opened = seal.open(Sealed::Cursor, &self.context(principal, &arguments), cursor);
        opened.and_then(|plain| serde_json::from_slice(&plain).ok()).ok_or_else(|| {
            let problem = "unknown: send `next` of the answer before as it is, with the same other arguments, or leave it out";
            ToolFailure::argument("cursor", problem)
        })
    }

    /// The URI of the whole answer; none when it would be too long to be sent back.
    pub(super) fn uri(&self, principal: &Principal, seal: &dyn Seal) -> Option<String> {
        let plain = serde_json::to_vec(self).expect("a request is JSON");
        let uri = format!("{ANSWERS}{}", seal.seal(Sealed::Cursor, &[principal.as_str().as_bytes(), b"answer"], &plain));
        (uri.len() <= MAX_URI_BYTES).then_some(uri)
    }

    /// The request behind the last part of such a URI.
    pub(super) fn of_uri(sealed: &str, principal: &Principal, seal: &dyn Seal) -> Option<Self> {
        let plain = seal.open(Sealed::Cursor, &[principal.as_str().as_bytes(), b"answer"], sealed)?;
        serde_json::from_slice(&plain).ok()
    }

    /// The arguments as text, whatever order they came in.
    fn said(&self) -> String {
        let mut members: Vec<(&String, &Value)> = self.arguments.iter().collect();
        members.sort_by_key(|(name, _)| *name);
        serde_json::to_string(&members).expect("arguments are JSON")
    }

    fn context<'a>(&'a self, principal: &'a Principal, arguments: &'a str) -> [&'a [u8]; 4] {
        [principal.as_str().as_bytes(), b"rows", self.tool.as_bytes(), arguments.as_bytes()]
    }
}
