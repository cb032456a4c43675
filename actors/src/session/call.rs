//! What a running call can say to its client.

use actix::Addr;
use bytes::Bytes;
use tickgate_core::mcp::LogLevel;
use tickgate_core::session::{CallEvent, CallId, FeatureRequest};

use super::{CallSaid, SessionActor};

/// A call's line to its session. Waiting for it is the back pressure on the call: the session itself never waits.
pub struct CallLink {
    session: Addr<SessionActor>,
    call: CallId,
    wants_progress: bool,
    request_id: String,
}

impl CallLink {
    pub(super) const fn new(session: Addr<SessionActor>, call: CallId, request: &FeatureRequest, request_id: String) -> Self {
        let wants_progress = matches!(request, FeatureRequest::CallTool { wants_progress: true, .. });
        Self { session, call, wants_progress, request_id }
    }

    /// Whether the client gave a progress token.
    #[must_use]
    pub const fn wants_progress(&self) -> bool {
        self.wants_progress
    }

    /// The id of the HTTP request that made the call.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The answer becomes a stream now: the call will speak before it answers.
    pub async fn stream(&self) {
        self.say(CallEvent::Streaming).await;
    }

    /// Reports progress. `message`: a JSON string; `event`: a JSON object.
    pub async fn progress(&self, progress: f64, total: Option<f64>, message: Option<Bytes>, event: Option<Bytes>) {
        self.say(CallEvent::Progress { progress, total, message, event }).await;
    }

    /// Logs to the client. `data`: JSON.
    pub async fn log(&self, level: LogLevel, logger: &'static str, data: Bytes) {
        self.say(CallEvent::Log { level, logger, data }).await;
    }

    async fn say(&self, event: CallEvent) {
        // A session that is gone has dropped this call with it.
        let _ = self.session.send(CallSaid(self.call, event)).await;
    }
}
