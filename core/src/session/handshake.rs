//! `initialize`: the beginning of a session.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::limits::SessionLimits;
use super::machine::Session;
use crate::mcp::{ClientCapabilities, InitializeParams, Revision, ServerInfo, parse};
use crate::rpc::{RequestId, RpcError, result_response};
use crate::time::Millis;

/// A new session and what to answer.
#[derive(Debug)]
pub struct Opened {
    /// The session.
    pub session: Session,
    /// The answer to `initialize`.
    pub answer: Bytes,
}

/// Opens a session: the client's revision if we speak it, else our newest of this era.
///
/// # Errors
/// When the parameters are no `initialize` parameters.
pub fn open(
    id: &RequestId,
    params: Option<&RawValue>,
    server: &ServerInfo,
    limits: SessionLimits,
    now: Millis,
) -> Result<Opened, RpcError> {
    let (revision, client) = negotiate(params)?;
    let answer = result_response(id, &server.initialize_result(revision));
    Ok(Opened { session: Session::new(revision, client, limits, now), answer })
}

/// The revision of a conversation, and what its client can do. Capabilities of an unknown form count as none.
pub(super) fn negotiate(params: Option<&RawValue>) -> Result<(Revision, ClientCapabilities), RpcError> {
    let params: InitializeParams = parse("initialize", params)?;
    let revision = Revision::stateful(&params.protocol_version).unwrap_or(Revision::NEWEST_STATEFUL);
    let client = params.capabilities.and_then(|told| ClientCapabilities::read(&told, revision)).unwrap_or_default();
    Ok((revision, client))
}
