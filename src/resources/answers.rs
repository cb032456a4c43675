//! `market://answers/{answer}`: the whole of an answer that was too large for a model. Nothing is kept for it: the URI holds the
//! request, sealed for its caller, and reading asks again.

use std::sync::Arc;

use futures_util::FutureExt as _;
use tickgate_core::access::Scope;
use tickgate_core::mcp::{CacheScope, FeatureError, Outcome};

use super::resource::{ReadCall, Resource, contents};
use crate::completion::Source;
use crate::tools::market;

/// How long a client may keep what it read, in ms.
const READ_TTL_MS: u64 = 60_000;

pub(super) fn answers() -> Resource {
    Resource {
        uri: format!("{}{{answer}}", market::ANSWERS),
        name: "answer".to_owned(),
        title: "A whole answer".to_owned(),
        description: "The whole of an answer that a tool has cut, up to 16 MB. The tool's result links to it.".to_owned(),
        mime_type: "application/json",
        variables: vec![("answer", Source::words(&[]))],
        scope: Scope::Read,
        read: Arc::new(|call| read(call).boxed_local()),
        // What a URI leads to is an answer, not a thing that lives on.
        watch: Arc::new(|_, _, _| None),
    }
}

async fn read(call: ReadCall) -> Outcome {
    let not_found = || FeatureError::ResourceNotFound { uri: call.uri.as_str().into() };
    let sealed = call.variables.get("answer").ok_or_else(not_found)?;
    let request_id = call.link.request_id().to_owned();
    match market::whole(sealed, &call.context, &call.caller.principal, request_id).await {
        None => Err(not_found()),
        Some(Err(failure)) if failure.is_not_found() => Err(not_found()),
        Some(Err(failure)) => Err(failure.into_error()),
        Some(Ok(text)) => Ok(contents(&call.uri, "application/json", &text).cached(READ_TTL_MS, CacheScope::Private)),
    }
}
