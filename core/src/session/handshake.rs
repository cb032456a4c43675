//! `initialize`: the beginning of a session.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::limits::SessionLimits;
use super::machine::Session;
use crate::mcp::{InitializeParams, Revision, ServerInfo};
use crate::rpc::{ErrorCode, RequestId, RpcError, result_response};
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
    let params = params.map_or("{}", RawValue::get);
    let params: InitializeParams =
        serde_json::from_str(params).map_err(|error| RpcError::new(ErrorCode::INVALID_PARAMS, format!("initialize: {error}")))?;
    let revision = Revision::by_name(&params.protocol_version).unwrap_or(Revision::NEWEST);
    let answer = result_response(id, &server.initialize_result(revision));
    Ok(Opened { session: Session::new(revision, limits, now), answer })
}
