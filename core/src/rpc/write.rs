//! Writing messages: each is one line of JSON, put together from parts that are JSON already.

use bytes::{BufMut, Bytes, BytesMut};

use super::error::RpcError;
use super::message::RequestId;

/// An answer with a result, itself JSON.
#[must_use]
pub fn result_response(id: &RequestId, result: &[u8]) -> Bytes {
    response(id, b",\"result\":", result)
}

/// An answer with an error.
#[must_use]
pub fn error_response(id: &RequestId, error: &RpcError) -> Bytes {
    response(id, b",\"error\":", &json(error))
}

/// An error that answers no readable request.
#[must_use]
pub fn null_id_error(error: &RpcError) -> Bytes {
    let mut line = BytesMut::with_capacity(128);
    line.put_slice(b"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":");
    line.put_slice(&json(error));
    line.put_u8(b'}');
    line.freeze()
}

/// The same without an `id` member, as the stateless revision has it.
#[must_use]
pub fn idless_error(error: &RpcError) -> Bytes {
    let mut line = BytesMut::with_capacity(128);
    line.put_slice(b"{\"jsonrpc\":\"2.0\",\"error\":");
    line.put_slice(&json(error));
    line.put_u8(b'}');
    line.freeze()
}

/// A request of ours; `params` is a JSON object.
#[must_use]
pub fn request(id: u64, method: &str, params: &[u8]) -> Bytes {
    let mut line = BytesMut::with_capacity(params.len() + method.len() + 64);
    line.put_slice(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",\"params\":").as_bytes());
    line.put_slice(params);
    line.put_u8(b'}');
    line.freeze()
}

/// Writes an id.
pub(crate) fn put_id(line: &mut BytesMut, id: &RequestId) {
    serde_json::to_writer(line.writer(), id).expect("an id is a string or a number, and memory is no failing writer");
}

/// A notification; `params` is a JSON object.
#[must_use]
pub fn notification(method: &str, params: &[u8]) -> Bytes {
    let mut line = BytesMut::with_capacity(params.len() + method.len() + 48);
    line.put_slice(b"{\"jsonrpc\":\"2.0\",\"method\":\"");
    line.put_slice(method.as_bytes());
    line.put_slice(b"\",\"params\":");
    line.put_slice(params);
    line.put_u8(b'}');
    line.freeze()
}

/// A message as a line of its own, as stdio has it. A line break within JSON stands between its parts only, so a blank does as well.
#[must_use]
pub fn line(json: &[u8]) -> Bytes {
    let mut line = BytesMut::with_capacity(json.len() + 1);
    line.put_slice(json);
    for byte in line.iter_mut().filter(|byte| matches!(**byte, b'\n' | b'\r')) {
        *byte = b' ';
    }
    line.put_u8(b'\n');
    line.freeze()
}

fn response(id: &RequestId, member: &[u8], value: &[u8]) -> Bytes {
    let mut line = BytesMut::with_capacity(value.len() + 64);
    line.put_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    line.put_slice(&json(id));
    line.put_slice(member);
    line.put_slice(value);
    line.put_u8(b'}');
    line.freeze()
}

fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("ids and errors hold only strings, numbers and JSON values")
}
