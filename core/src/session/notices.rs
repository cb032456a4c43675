//! What belongs to no call: changes of lists and of watched resources. Each is sent on exactly one stream (protocol.md §3.3).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::calls::Route;
use super::effect::Effect;
use super::input::Notice;
use super::limits::MAX_WATCHES;
use super::machine::Session;
use super::requests::{Asked, Refused};
use super::streams::Carries;
use crate::mcp::parse;
use crate::rpc::{ErrorCode, RequestId, RpcError, notification};
use crate::time::Millis;

#[derive(Deserialize)]
struct UriParams {
    uri: Box<str>,
}

impl Session {
    /// Tells the client on the stream that is there for it. A client that holds none open cannot be told; one that will resume is.
    pub(super) fn notice(&mut self, notice: &Notice, effects: &mut Vec<Effect>) {
        // Before `initialize` nobody has asked to hear of anything; on stdio it may be a client that never will.
        if self.is_ungreeted() {
            return;
        }
        if matches!(notice, Notice::ResourceUpdated(uri) if !self.watched.contains(uri)) {
            return;
        }
        let stream = self.streams.iter().find(|stream| stream.carries != Carries::Answer && stream.finished.is_none());
        if let Some(id) = stream.map(|stream| stream.log.id()) {
            let params = format!("{{{}}}", notice.members());
            self.send(id, &notification(notice.method(), params.as_bytes()), effects);
        }
    }

    pub(super) fn subscribe(
        &mut self,
        id: RequestId,
        params: Option<&RawValue>,
        route: Route,
        now: Millis,
    ) -> Result<Asked, Refused> {
        let UriParams { uri } = parse("resources/subscribe", params)?;
        if self.watched.contains(&uri) {
            return Ok(Asked::Answer(b"{}"));
        }
        let starting = self.calls.iter().filter(|call| call.watches.is_some()).count();
        if self.watched.len() + starting >= MAX_WATCHES {
            let message =
                format!("this session watches {MAX_WATCHES} resources, the most there can be: unsubscribe from one first");
            return Err(Refused::Error(RpcError::new(ErrorCode::INVALID_PARAMS, message)));
        }
        let call = self.begin(id, params, route, now)?;
        if let Some(running) = self.calls.last_mut() {
            running.watches = Some(uri.clone());
        }
        Ok(Asked::Watch(call, uri))
    }

    /// A call that wanted to watch this is over, or it is watched no more. It goes on as long as another call wants the same.
    pub(super) fn watch_settled(&mut self, wanted: Option<Box<str>>, watches: bool, effects: &mut Vec<Effect>) {
        let Some(uri) = wanted.filter(|uri| !self.watched.contains(uri)) else { return };
        if watches {
            self.watched.push(uri);
        } else if !self.calls.iter().any(|call| call.watches.as_ref() == Some(&uri)) {
            effects.push(Effect::Unwatch(uri));
        }
    }

    pub(super) fn unsubscribe(&mut self, params: Option<&RawValue>, effects: &mut Vec<Effect>) -> Result<Asked, Refused> {
        let UriParams { uri } = parse("resources/unsubscribe", params)?;
        if let Some(at) = self.watched.iter().position(|watched| *watched == uri) {
            self.watched.swap_remove(at);
            self.watch_settled(Some(uri), false, effects);
        }
        Ok(Asked::Answer(b"{}"))
    }
}
