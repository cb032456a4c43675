//! A list in pages: each page is written once, only the cursor of the next is made for its reader.

use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tickgate_core::access::Principal;
use tickgate_core::mcp::{FeatureError, FeatureResult};
use tickgate_core::ports::{Seal, Sealed};

/// Entries of a page.
const PAGE_SIZE: usize = 50;

/// A list.
#[derive(Debug)]
pub struct Pages {
    member: &'static str,
    /// `"tools":[…]` for each page; one at least.
    pages: Vec<Bytes>,
    /// Changes with the entries, so that a cursor of another list is refused instead of skipping or repeating some.
    version: [u8; 8],
}

impl Pages {
    /// The pages of these entries, as the member of that name.
    #[must_use]
    pub fn new(member: &'static str, entries: Vec<Value>) -> Self {
        let mut digest = Sha256::new();
        let written: Vec<String> = entries.iter().map(Value::to_string).collect();
        written.iter().for_each(|entry| digest.update(entry.as_bytes()));
        let mut pages: Vec<Bytes> =
            written.chunks(PAGE_SIZE).map(|chunk| format!("\"{member}\":[{}]", chunk.join(",")).into()).collect();
        if pages.is_empty() {
            pages.push(format!("\"{member}\":[]").into());
        }
        let mut version = [0; 8];
        version.copy_from_slice(&digest.finalize()[..8]);
        Self { member, pages, version }
    }

    /// The page of a cursor, or the first; the next one's cursor is sealed for this reader alone.
    ///
    /// # Errors
    /// When the cursor was not made for this list as it is now, or for another reader.
    pub fn page(&self, cursor: Option<&str>, principal: &Principal, seal: &dyn Seal) -> Result<FeatureResult, FeatureError> {
        let context: [&[u8]; 3] = [principal.as_str().as_bytes(), self.member.as_bytes(), &self.version];
        let unknown =
            || FeatureError::invalid_params("unknown cursor: start again without one, or send `nextCursor` as you received it");
        let at = match cursor {
            None => 0,
            Some(cursor) => {
                let opened = seal.open(Sealed::Cursor, &context, cursor).ok_or_else(unknown)?;
                u32::from_be_bytes(opened.try_into().map_err(|_| unknown())?) as usize
            }
        };
        let page = self.pages.get(at).ok_or_else(unknown)?;
        let next = u32::try_from(at + 1).ok().filter(|next| (*next as usize) < self.pages.len());
        let mut body = Vec::with_capacity(page.len() + 128);
        body.push(b'{');
        body.extend_from_slice(page);
        if let Some(next) = next {
            let cursor = seal.seal(Sealed::Cursor, &context, &next.to_be_bytes());
            body.extend_from_slice(format!(",\"nextCursor\":\"{cursor}\"").as_bytes());
        }
        body.push(b'}');
        Ok(FeatureResult::new(body.into()))
    }
}
