//! What does this process hold of somebody: MCP sessions, armed alerts, running tasks, an own upstream key?

use tickgate_actors::alerts::Alerts;
use tickgate_actors::session::SessionDirectory;
use tickgate_actors::tasks::Tasks;
use tickgate_core::access::Principal;

use crate::upstream::own::OwnKeys;

/// Everything that is held in memory, by whom it is held.
#[derive(Clone)]
pub struct Belongings {
    /// MCP sessions.
    pub sessions: SessionDirectory,
    /// Price alerts.
    pub alerts: Alerts,
    /// Tasks.
    pub tasks: Tasks,
    /// Own upstream keys.
    pub own_keys: OwnKeys,
}

/// Something is still held. What was forgotten is forgotten; it can be asked again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StillHeld(String);

impl Belongings {
    /// Forgets all of it. When this returns, nothing of them goes on here, and nothing is written for them any more but by requests that
    /// are under way. What the store has of them is for the caller to erase.
    ///
    /// # Errors
    /// When somebody who holds something does not answer.
    pub async fn forget(&self, principal: &Principal) -> Result<(), StillHeld> {
        // Sessions first: their calls make alerts and tasks.
        let sessions = self.sessions.end_all_of(principal).await;
        let tasks = self.tasks.forget_all_of(principal).await;
        self.alerts.forget_all_of(principal).await.map_err(|error| StillHeld(error.to_string()))?;
        let change = self.own_keys.change(principal).map_err(|error| StillHeld(error.to_string()))?;
        change.forget().await.map_err(|error| StillHeld(error.to_string()))?;
        if sessions + tasks > 0 {
            tracing::info!(user = %principal, sessions, tasks, "what was held of somebody is forgotten");
        }
        Ok(())
    }
}
