//! `subscriptions/listen`: a stream that tells of changes, whoever made them, until the client closes it.

use bytes::Bytes;
use futures_util::future::ready;
use futures_util::stream::{self, LocalBoxStream, select_all};
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::{Value, json};
use tickgate_core::access::Caller;
use tickgate_core::mcp::{Asked, FeatureResult, Revision, StatelessRequest, Subjects};
use tickgate_core::rpc::{RequestId, notification};
use tickgate_core::session::Notice;

use super::call::StatelessStream;
use super::{Stateless, StatelessAnswer};

/// What happens on a listener.
enum Told {
    Notice(Notice),
    /// The parameters of `notifications/tasks`, a JSON object.
    Task(String),
}

pub(super) fn listen(stateless: &Stateless, request: StatelessRequest, caller: &Caller) -> StatelessAnswer {
    let StatelessRequest { id, asked, revision, .. } = request;
    let Asked::Listen(wanted) = asked else { unreachable!("only a listen listens") };
    let (honoured, sources) = sources(stateless, wanted, caller);
    let acknowledged = acknowledgement(&id, &honoured);
    let closing = closing(stateless, &id, revision);
    // Nothing to listen to: acknowledged and closed at once.
    let messages = if sources.is_empty() {
        stream::iter([acknowledged, closing]).boxed_local()
    } else {
        let mut draining = stateless.draining.clone();
        let listen_for = stateless.listen_for;
        let over = async move {
            // A sender that is gone drains as well.
            let drained = draining.wait_for(|draining| *draining);
            match listen_for {
                Some(life) => drop(tokio::time::timeout(life, drained).await),
                None => drop(drained.await),
            }
        };
        // It ends by itself when nothing that it listens to will change any more.
        let told = select_all(sources).take_until(over.boxed_local());
        let told = told.map(move |told| match told {
            Told::Notice(notice) => message(&id, &notice),
            Told::Task(params) => notification("notifications/tasks", &with_subscription(&id, params.as_bytes())),
        });
        stream::iter([acknowledged]).chain(told).chain(stream::iter([closing])).boxed_local()
    };
    StatelessAnswer::Stream(StatelessStream::of_listener(messages))
}

/// What of the wanted can be heard of, and from where.
fn sources(stateless: &Stateless, wanted: Subjects, caller: &Caller) -> (Value, Vec<LocalBoxStream<'static, Told>>) {
    let (tools, prompts) = (wanted.tools_list_changed, wanted.prompts_list_changed);
    let mut honoured = json!({});
    let mut sources: Vec<LocalBoxStream<'static, Told>> = Vec::new();
    if tools || prompts {
        for (name, _) in [("toolsListChanged", tools), ("promptsListChanged", prompts)].into_iter().filter(|(_, wanted)| *wanted)
        {
            honoured[name] = json!(true);
        }
        let wanted = move |notice: &Notice| match notice {
            Notice::ToolsChanged => tools,
            Notice::PromptsChanged => prompts,
            Notice::ResourceUpdated(_) => false,
        };
        sources
            .push(stateless.catalog.list_changes().filter(move |notice| ready(wanted(notice))).map(Told::Notice).boxed_local());
    }
    let (mut uris, mut tasks) = (Vec::new(), Vec::new());
    for uri in once_each(wanted.resource_subscriptions) {
        // What does not exist for this caller is left out of what is honoured.
        let Ok(changes) = stateless.catalog.watch_resource(&uri, caller) else { continue };
        let notice = Notice::ResourceUpdated(uri.as_str().into());
        sources.push(changes.map(move |()| Told::Notice(notice.clone())).boxed_local());
        uris.push(uri);
    }
    for id in once_each(wanted.task_ids) {
        let Some(changes) = stateless.tasks.watch(&id, &caller.principal) else { continue };
        sources.push(changes.map(Told::Task).boxed_local());
        tasks.push(id);
    }
    for (name, named) in [("resourceSubscriptions", uris), ("taskIds", tasks)] {
        if !named.is_empty() {
            honoured[name] = json!(named);
        }
    }
    (honoured, sources)
}

/// What is named twice is told once.
fn once_each(mut names: Vec<String>) -> Vec<String> {
    names.sort_unstable();
    names.dedup();
    names
}

fn acknowledgement(id: &RequestId, honoured: &Value) -> Bytes {
    let params = json!({"notifications": honoured}).to_string();
    notification("notifications/subscriptions/acknowledged", &with_subscription(id, params.as_bytes()))
}

fn message(id: &RequestId, notice: &Notice) -> Bytes {
    notification(notice.method(), &with_subscription(id, format!("{{{}}}", notice.members()).as_bytes()))
}

/// The parameters with the listener's own id in `_meta`, of the same JSON type as the request's.
fn with_subscription(id: &RequestId, params: &[u8]) -> Vec<u8> {
    let members = &params[1..params.len() - 1];
    let comma = if members.is_empty() { "" } else { "," };
    let mut all = Vec::with_capacity(params.len() + 96);
    all.push(b'{');
    all.extend_from_slice(members);
    all.extend_from_slice(format!("{comma}\"_meta\":{{{}}}}}", subscription(id)).as_bytes());
    all
}

fn subscription(id: &RequestId) -> String {
    format!("\"io.modelcontextprotocol/subscriptionId\":{}", serde_json::to_string(id).expect("an id is a string or a number"))
}

/// The result that ends it in good order.
fn closing(stateless: &Stateless, id: &RequestId, revision: Revision) -> Bytes {
    FeatureResult::empty().with_meta(subscription(id).into()).response(id, revision, &stateless.meta)
}
