//! `market://alerts/{alert_id}`: one of the caller's price alerts. It changes when the alert fires.

use std::rc::Rc;
use std::sync::Arc;

use futures_util::stream::{self, LocalBoxStream};
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::json;
use tickgate_core::access::{Caller, Scope};
use tickgate_core::alert::AlertId;
use tickgate_core::mcp::{CacheScope, FeatureError, Outcome};

use super::changes::changes;
use super::resource::{ReadCall, Resource, contents};
use super::uri::Variables;
use crate::completion::Source;
use crate::tools::{ToolContext, ToolFailure};

pub(super) fn alert() -> Resource {
    Resource {
        uri: "market://alerts/{alert_id}".to_owned(),
        name: "alert".to_owned(),
        title: "Price alert".to_owned(),
        description: "One of your price alerts and how often it has fired. Subscribe to hear when it fires.".to_owned(),
        mime_type: "application/json",
        variables: vec![("alert_id", Source::words(&[]))],
        scope: Scope::Write,
        read: Arc::new(|call| read(call).boxed_local()),
        watch: Arc::new(|context, variables, caller| Some(firings(context, id_of(variables)?, caller))),
    }
}

fn id_of(variables: &Variables) -> Option<AlertId> {
    variables.get("alert_id")?.parse().ok()
}

async fn read(call: ReadCall) -> Outcome {
    let not_found = || FeatureError::ResourceNotFound { uri: call.uri.as_str().into() };
    let id = id_of(&call.variables).ok_or_else(not_found)?;
    let context = &call.context;
    let position = context.window.position();
    let alerts = context.alerts.list(&call.caller.principal).await.map_err(|error| ToolFailure::from(error).into_error())?;
    let alert = alerts.iter().find(|alert| alert.id == id).ok_or_else(not_found)?;
    let freshness = context.freshness(context.clock.now(), false, position);
    let text = json!({"results": alert.shown(), "_freshness": freshness}).to_string();
    // An old answer would hide that it has fired.
    Ok(contents(&call.uri, "application/json", &text).cached(0, CacheScope::Private))
}

/// Ticks when the alert fires. Another's, like one that does not exist, never does.
fn firings(context: &Rc<ToolContext>, id: AlertId, caller: &Caller) -> LocalBoxStream<'static, ()> {
    let (context, principal) = (Rc::clone(context), caller.principal.clone());
    let own = async move {
        let own = context.alerts.owned(&principal, &[id]).await.is_ok();
        if own { changes(&context, id.topic()) } else { stream::pending().boxed_local() }
    };
    stream::once(own).flatten().boxed_local()
}
