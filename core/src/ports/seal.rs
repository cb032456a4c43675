//! What is handed out to be brought back, such as `requestState` and cursors: sealed, so that nobody else can read, make or move it.

/// What a sealed text is for: a text sealed for one thing opens for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sealed {
    /// `requestState` of multi round-trip requests.
    RequestState,
    /// Cursors of lists.
    Cursor,
    /// What a page is to do with a key for the person who asked for it.
    KeyPage,
}

/// Seals and opens.
pub trait Seal: Send + Sync {
    /// Seals a text, bound to a context that must be the same when it is opened and that is not in it.
    fn seal(&self, what: Sealed, context: &[&[u8]], plain: &[u8]) -> String;

    /// Opens it; `None` for whatever reason it cannot be.
    fn open(&self, what: Sealed, context: &[&[u8]], sealed: &str) -> Option<Vec<u8>>;
}
