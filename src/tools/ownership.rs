//! Whose topics: an alert's firings are its owner's alone; everything else on the tape is everybody's.

use tickgate_actors::alerts::AlertError;
use tickgate_core::access::Principal;
use tickgate_core::alert::AlertId;
use tickgate_core::market::Topic;

use super::context::ToolContext;

impl ToolContext {
    /// Whether a caller may read these topics. Another's alert is answered like one that does not exist.
    ///
    /// # Errors
    /// When one of them is not the caller's, or the alerts cannot be asked.
    pub async fn may_read(&self, principal: &Principal, topics: &[Topic]) -> Result<(), AlertError> {
        let alerts = topics.iter().filter(|topic| matches!(topic, Topic::Alerts(_)));
        let ids: Option<Vec<AlertId>> = alerts.map(AlertId::of_topic).collect();
        match ids {
            None => Err(AlertError::NotFound),
            Some(ids) if ids.is_empty() => Ok(()),
            Some(ids) => self.alerts.owned(principal, &ids).await,
        }
    }
}
