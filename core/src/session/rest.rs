//! A session between two lives of the gateway: what is worth writing down, and what has become of the rest when it is taken up again.

use super::calls::Route;
use super::machine::Session;
use crate::rpc::{ErrorCode, RpcError, error_response};
use crate::time::Millis;

impl Session {
    /// Whether it can be written down and taken up again: one that lives by its only stream cannot.
    #[must_use]
    pub const fn can_rest(&self) -> bool {
        self.pipe.is_none()
    }

    /// How many calls run.
    #[must_use]
    pub fn running_calls(&self) -> usize {
        self.calls.len()
    }

    /// When it is over if nothing more happens.
    #[must_use]
    pub fn expires(&self) -> Millis {
        self.idle_end().min(self.age_end())
    }

    /// The resources whose changes its client is told.
    #[must_use]
    pub fn watched(&self) -> &[Box<str>] {
        &self.watched
    }

    /// Drops what its client has very likely received: what went out just before may have been lost with its connection.
    pub fn slim(&mut self) {
        self.streams.retain(|stream| !stream.is_delivered());
    }

    /// Takes it up again: nobody is attached, and the calls that ran are over. Their streams say so to a client that comes back.
    pub fn wake_up(&mut self, now: Millis) {
        let error = RpcError::new(ErrorCode::INTERNAL, "the gateway was restarted while this call ran: call again");
        for call in std::mem::take(&mut self.calls) {
            if let Route::Stream(id) = call.route
                && let Some(stream) = self.streams.iter_mut().find(|stream| stream.log.id() == id)
            {
                stream.append(&error_response(&call.request, &error));
                stream.exchange = None;
                stream.finish(now);
            }
        }
        self.batches.clear();
        self.questions.clear();
        for stream in &mut self.streams {
            stream.exchange = None;
        }
        self.heard = now;
    }
}
