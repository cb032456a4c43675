//! What holds for every message, however it was put together: reading, classifying, admitting, answering, framing, asking.

use proptest::collection::{hash_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use tickgate_core::mcp::{
    Answers, Asked, CacheScope, ClientCapabilities, Era, FeatureRequest, FeatureResult, HeaderValue, MAX_ROUNDS, Question,
    ROUND_TTL_MS, Refusal, Revision, Round, RoutingHeaders, StatelessRequest, admit, classify,
};
use tickgate_core::rpc::{Body, ClientMessage, RequestId};
use tickgate_core::sse::{Decoder, EventId, StreamId, bare_message, comment, message, priming};
use tickgate_core::time::Millis;

const MODERN: &str = "2026-07-28";
const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// Every method of a feature, those of the protocol itself, and one that is none.
fn methods() -> Vec<&'static str> {
    let others = ["initialize", "ping", "server/discover", "subscriptions/listen", "resources/subscribe", "no/such"];
    FeatureRequest::METHODS.into_iter().chain(others).collect()
}

/// Any JSON value of modest size.
fn any_json() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        // Quarters: serde_json reads longer fractions only almost as they were.
        any::<i32>().prop_map(|number| json!(f64::from(number) / 4.0)),
        "\\PC{0,12}".prop_map(Value::from),
        select(vec![MODERN, "2025-11-25", "v999", "", "=?base64?cQ==?="]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            hash_map(any_name(), inner, 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
    .boxed()
}

/// A member's name, often one that means something.
fn any_name() -> impl Strategy<Value = String> {
    let known = [
        VERSION,
        CAPABILITIES,
        "io.modelcontextprotocol/clientInfo",
        "io.modelcontextprotocol/logLevel",
        "_meta",
        "progressToken",
        "traceparent",
        "name",
        "uri",
        "arguments",
        "cursor",
        "taskId",
        "notifications",
        "inputResponses",
        "requestState",
        "ref",
        "argument",
        "elicitation",
        "extensions",
    ];
    prop_oneof![3 => select(known.to_vec()).prop_map(ToOwned::to_owned), 1 => "\\PC{0,8}"]
}

/// A name as JSON, spelled in one of its many ways.
fn spelled(name: &str, escapes: &[bool]) -> String {
    let spell = |(at, c): (usize, char)| match escapes.get(at % escapes.len().max(1)) {
        Some(true) => format!("\\u{:04x}", c as u32),
        _ => c.to_string(),
    };
    format!("\"{}\"", name.chars().enumerate().map(spell).collect::<String>())
}

/// An object's text, in which names may stand twice.
fn object(members: &[(String, String)]) -> String {
    let members: Vec<String> = members.iter().map(|(name, value)| format!("{name}:{value}")).collect();
    format!("{{{}}}", members.join(","))
}

fn any_members() -> impl Strategy<Value = Vec<(String, String)>> {
    vec((any_name(), any_json()), 0..4)
        .prop_map(|members| members.into_iter().map(|(name, value)| (json!(name).to_string(), value.to_string())).collect())
}

/// The text of parameters that claim the stateless era somewhere in some spelling, perhaps more than once.
fn claiming_params() -> impl Strategy<Value = String> {
    let claim = (prop_oneof![Just(json!(MODERN)), any_json()], vec(any::<bool>(), 1..5));
    (claim, any_members(), any::<prop::sample::Index>(), any_members(), any::<prop::sample::Index>(), vec(any::<bool>(), 1..5))
        .prop_map(|((version, escapes), mut meta, at, mut params, place, meta_escapes)| {
            meta.insert(at.index(meta.len() + 1), (spelled(VERSION, &escapes), version.to_string()));
            params.insert(place.index(params.len() + 1), (spelled("_meta", &meta_escapes), object(&meta)));
            object(&params)
        })
}

fn any_header() -> impl Strategy<Value = Option<String>> {
    let known = [MODERN, "2025-11-25", "2025-03-26", "1999-01-01", "", " 2026-07-28 ", "2026-07-28, 2026-07-28"];
    prop_oneof![Just(None), select(known.to_vec()).prop_map(|header| Some(header.to_owned())), "\\PC{0,20}".prop_map(Some)]
}

fn any_id() -> impl Strategy<Value = Value> {
    prop_oneof![any::<i64>().prop_map(Value::from), "\\PC{0,20}".prop_map(Value::from)]
}

fn any_message() -> impl Strategy<Value = String> {
    (proptest::option::of(any_id()), select(methods()), any_members()).prop_map(|(id, method, params)| {
        let id = id.map(|id| format!("\"id\":{id},")).unwrap_or_default();
        format!("{{\"jsonrpc\":\"2.0\",{id}\"method\":\"{method}\",\"params\":{}}}", object(&params))
    })
}

proptest! {
    #[test]
    fn no_header_and_no_body_panic_and_a_refusal_is_a_4xx(
        header in any_header(), bytes in vec(any::<u8>(), 0..80), messages in vec(any_message(), 1..4), batch: bool, lenient: bool,
    ) {
        let texts = if batch { format!("[{}]", messages.join(",")) } else { messages[0].clone() };
        for body in [bytes, texts.into_bytes()] {
            let Ok(body) = Body::parse(&body) else { continue };
            if let Era::Refused(Refusal { status, error, .. }) = classify(header.as_deref(), body, lenient) {
                prop_assert_eq!(status, 400);
                prop_assert!(error.code.0 < 0 && !error.message.is_empty());
            }
        }
    }

    #[test]
    fn a_message_that_claims_the_stateless_era_is_never_stateful(
        header in any_header(), params in claiming_params(), method in select(methods()), request: bool, batch: bool, lenient: bool,
    ) {
        let id = if request { "\"id\":1," } else { "" };
        let text = format!("{{\"jsonrpc\":\"2.0\",{id}\"method\":\"{method}\",\"params\":{params}}}");
        let text = if batch { format!("[{{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}},{text}]") } else { text };
        let era = classify(header.as_deref(), Body::parse(text.as_bytes()).unwrap(), lenient);
        prop_assert!(!matches!(era, Era::Legacy(_) | Era::LegacyBatch(_)), "{}", text);
    }

    #[test]
    fn a_message_without_a_claim_and_without_a_modern_header_is_never_stateless(
        message in any_message(), header in select(vec![None, Some("2025-11-25"), Some("2025-03-26"), Some("")]),
    ) {
        let message = message.replace(VERSION, "another/key");
        let era = classify(header, Body::parse(message.as_bytes()).unwrap(), false);
        prop_assert!(matches!(era, Era::Legacy(_)));
    }
}

/// Admits a request as it stands in a body; what is no request of the stateless era is left out.
fn admitted(text: &str, headers: Option<&RoutingHeaders<'_>>) -> Option<Result<StatelessRequest, Refusal>> {
    let Ok(Body::One(message)) = Body::parse(text.as_bytes()) else { return None };
    match classify(Some(MODERN), Body::One(message), false) {
        Era::Modern(ClientMessage::Request { id, method, params }, envelope) => {
            Some(admit(id, &method, params.as_deref(), *envelope, headers))
        }
        _ => None,
    }
}

fn any_value() -> impl Strategy<Value = Option<Option<String>>> {
    let known = methods().into_iter().chain([MODERN, "=?base64?cQ==?=", "=?base64?", "q"]).collect::<Vec<_>>();
    prop_oneof![
        Just(None),
        Just(Some(None)),
        select(known).prop_map(|text| Some(Some(text.to_owned()))),
        "\\PC{0,12}".prop_map(|text| Some(Some(text))),
    ]
}

fn header(sent: &Option<Option<String>>) -> HeaderValue<'_> {
    match sent {
        None => HeaderValue::Absent,
        Some(None) => HeaderValue::Unusable,
        Some(Some(text)) => HeaderValue::Once(text),
    }
}

proptest! {
    #[test]
    fn a_refused_request_is_told_its_own_id_and_an_admitted_one_keeps_it(
        id in any_id(), method in select(methods()), params in any_members(), complete: bool, sent: bool,
        values in (any_value(), any_value(), any_value()), fitting: bool,
    ) {
        let mut params = params;
        if complete {
            params.retain(|(name, _)| name != "\"_meta\"");
            params.push(("\"_meta\"".into(), json!({VERSION: MODERN, CAPABILITIES: {}}).to_string()));
        }
        let text = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",\"params\":{}}}", object(&params));
        let (version, named, name) = (header(&values.0), header(&values.1), header(&values.2));
        let headers = if fitting {
            RoutingHeaders { version: HeaderValue::Once(MODERN), method: HeaderValue::Once(method), name }
        } else {
            RoutingHeaders { version, method: named, name }
        };
        let Some(outcome) = admitted(&text, sent.then_some(&headers)) else { return Ok(()) };
        let echoed = match outcome {
            Ok(request) => {
                prop_assert_eq!(request.revision, Revision::V2026_07_28);
                prop_assert!(complete || text.contains(CAPABILITIES), "both keys are there");
                Some(request.id)
            }
            Err(refusal) => {
                prop_assert!(matches!(refusal.status, 200 | 400 | 404), "{}", refusal.status);
                prop_assert!(matches!(refusal.error.code.0, -32_602 | -32_601 | -32_020 | -32_021 | -32_022));
                refusal.id
            }
        };
        prop_assert_eq!(serde_json::to_value(echoed.unwrap()).unwrap(), id);
    }

    /// Whoever routes by headers routes by what is carried out.
    #[test]
    fn what_is_admitted_is_what_its_headers_say(
        method in select(methods()), name in "\\PC{0,12}", sent in any_value(), wrong in any_value(),
    ) {
        let params = json!({
            "name": name, "uri": name, "taskId": name, "notifications": {}, "arguments": {},
            "ref": {"type": "ref/prompt", "name": "p"}, "argument": {"name": "a", "value": "v"},
            "_meta": {VERSION: MODERN, CAPABILITIES: {"extensions": {"io.modelcontextprotocol/tasks": {}}}},
        });
        let text = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let headers = RoutingHeaders {
            version: HeaderValue::Once(MODERN),
            method: if wrong.is_none() { HeaderValue::Once(method) } else { header(&wrong) },
            name: header(&sent),
        };
        if let Some(Ok(request)) = admitted(&text, Some(&headers)) {
            prop_assert_eq!(headers.method.text(), Some(method));
            if let Asked::Feature(feature, _) = &request.asked
                && let Some(named) = feature.name()
            {
                let sent = tickgate_core::mcp::decode_sentinel(headers.name.text().unwrap());
                prop_assert_eq!(sent.as_deref(), Some(named));
            }
        }
    }
}

fn any_object() -> impl Strategy<Value = Map<String, Value>> {
    let names = "[a-z]{1,6}".prop_filter("these are written by the gateway", |name| {
        !["_meta", "resultType", "ttlMs", "cacheScope"].contains(&name.as_str())
    });
    hash_map(names, any_json(), 0..4).prop_map(|members| members.into_iter().collect())
}

proptest! {
    #[test]
    fn an_answer_is_json_with_exactly_the_members_of_its_revision(
        id in any_id(), body in any_object(), blank in select(vec!["", " ", "  "]), meta in any_object(), server in any_object(),
        cached in proptest::option::of((any::<u64>(), any::<bool>())), has_meta: bool,
        kind in select(vec!["complete", "input_required", "task"]), revision in select([&Revision::STATEFUL[..], &Revision::STATELESS].concat()),
    ) {
        let inside = |object: &Map<String, Value>| { let text = json!(object).to_string(); text[1..text.len() - 1].to_owned() };
        let members = inside(&body);
        let mut result = FeatureResult::of_kind(kind, format!("{{{blank}{members}{blank}}}").into());
        if let Some((ttl_ms, public)) = cached {
            result = result.cached(ttl_ms, if public { CacheScope::Public } else { CacheScope::Private });
        }
        if has_meta {
            result = result.with_meta(inside(&meta).into());
        }
        let server: Map<String, Value> = server.into_iter().map(|(name, value)| (format!("server {name}"), value)).collect();
        let read_id: RequestId = serde_json::from_value(id.clone()).unwrap();
        let written = result.response(&read_id, revision, inside(&server).as_bytes());
        prop_assert!(!written.iter().any(|byte| matches!(byte, b'\n' | b'\r')), "one line");
        let written: Value = serde_json::from_slice(&written).unwrap();
        let mut expected = body;
        let mut told = if has_meta { meta } else { Map::new() };
        if revision.is_stateless() {
            expected.insert("resultType".into(), kind.into());
            if let Some((ttl_ms, public)) = cached {
                expected.insert("ttlMs".into(), ttl_ms.into());
                expected.insert("cacheScope".into(), if public { "public" } else { "private" }.into());
            }
            told.extend(server);
        }
        if !told.is_empty() {
            expected.insert("_meta".into(), told.into());
        }
        prop_assert_eq!(written, json!({"jsonrpc": "2.0", "id": id, "result": expected}));
    }
}

/// A stream as it is written, and what a reader must get of it: ids and data.
#[derive(Clone, Debug)]
enum Written {
    Message(Value),
    Bare(Value),
    Comment,
    Priming,
}

proptest! {
    #[test]
    fn what_is_framed_is_what_is_read_however_it_is_cut(
        frames in vec(prop_oneof![
            any_json().prop_map(Written::Message), any_json().prop_map(Written::Bare), Just(Written::Comment), Just(Written::Priming),
        ], 0..12),
        cuts in vec(any::<prop::sample::Index>(), 0..20), stream: u128,
    ) {
        let mut bytes = Vec::new();
        let mut expected = Vec::new();
        let mut last_id = None;
        for (seq, frame) in frames.iter().enumerate() {
            let id = EventId { stream: StreamId(stream), seq: seq as u64 };
            match frame {
                Written::Message(json) => {
                    bytes.extend_from_slice(&message(id, json.to_string().as_bytes()));
                    last_id = Some(id.to_string());
                    expected.push((last_id.clone(), json.to_string()));
                }
                Written::Bare(json) => {
                    bytes.extend_from_slice(&bare_message(json.to_string().as_bytes()));
                    expected.push((last_id.clone(), json.to_string()));
                }
                Written::Comment => bytes.extend_from_slice(&comment("ping")),
                Written::Priming => {
                    bytes.extend_from_slice(&priming(id, 1_000));
                    last_id = Some(id.to_string());
                }
            }
        }
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).chain([0, bytes.len()]).collect();
        cuts.sort_unstable();
        let mut decoder = Decoder::default();
        let mut got = Vec::new();
        for cut in cuts.windows(2) {
            got.extend(decoder.feed(&bytes[cut[0]..cut[1]]).unwrap());
        }
        prop_assert!(got.iter().all(|event| event.name == "message"));
        prop_assert_eq!(got.into_iter().map(|event| (event.id, event.data)).collect::<Vec<_>>(), expected);
        prop_assert_eq!(decoder.last_event_id(), last_id.as_deref());
    }
}

const KEYS: [&str; 4] = ["a", "b", "c", "d"];

fn roots(of: &str) -> Value {
    json!({"roots": [{"uri": format!("file:///{of}")}]})
}

/// What a client sends for a key.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sent {
    Nothing,
    Nonsense,
    Answer,
}

proptest! {
    /// A handler asks its questions in groups, each as soon as those before are answered; its client answers some, well or badly.
    #[test]
    fn a_call_asks_exactly_what_is_missing_until_it_has_all(
        groups in vec(1usize..3, 1..4), rounds in vec(vec(select(vec![Sent::Nothing, Sent::Nonsense, Sent::Answer]), 4..=4), 0..14),
    ) {
        let now = Millis(5);
        let mut known: Vec<&str> = Vec::new();
        let mut state: Option<Vec<u8>> = None;
        // The last rounds answer everything, so that every call comes to its end.
        let rounds = [vec![Sent::Nothing; 4]].into_iter().chain(rounds).chain(vec![vec![Sent::Answer; 4]; 5]);
        for (number, sent) in rounds.enumerate().take(MAX_ROUNDS as usize) {
            let mut responses = Map::new();
            for (key, sent) in KEYS.into_iter().zip(&sent) {
                match sent {
                    Sent::Nothing => {}
                    Sent::Nonsense => drop(responses.insert(key.into(), json!({"roots": 7}))),
                    Sent::Answer => drop(responses.insert(key.into(), roots(&format!("{key}{number}")))),
                }
            }
            let mut round = Round::begin(Answers { responses, state: None }, state.as_deref(), now).unwrap();
            let mut missing = Vec::new();
            let mut keys = KEYS.into_iter();
            for group in &groups {
                for key in keys.by_ref().take(*group) {
                    let answered = sent[KEYS.iter().position(|known| *known == key).unwrap()] == Sent::Answer;
                    let expected = known.contains(&key) || answered;
                    let answer = round.answer(key, &Question::Roots);
                    prop_assert_eq!(answer.is_some(), expected, "{}", key);
                    if !expected { missing.push(key); } else if !known.contains(&key) { known.push(key); }
                }
                if !missing.is_empty() { break; }
            }
            prop_assert_eq!(round.has_asked(), !missing.is_empty());
            if missing.is_empty() { return Ok(()); }
            let carried = round.carry(now).unwrap();
            let asked: Value = serde_json::from_slice(round.input_required("s").body()).unwrap();
            prop_assert_eq!(asked["inputRequests"].as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>(), missing);
            state = Some(carried);
        }
    }

    #[test]
    fn no_state_panics_and_one_that_is_late_is_refused(bytes in vec(any::<u8>(), 0..60), state in any_json(), late in 0u64..10) {
        let _ = Round::begin(Answers::default(), Some(&bytes), Millis(1));
        let _ = Round::begin(Answers::default(), Some(state.to_string().as_bytes()), Millis(1));
        let mut round = Round::begin(Answers::default(), None, Millis(0)).unwrap();
        let carried = round.carry(Millis(0)).unwrap();
        prop_assert!(Round::begin(Answers::default(), Some(&carried), Millis(ROUND_TTL_MS - 1 - late)).is_ok());
        prop_assert!(Round::begin(Answers::default(), Some(&carried), Millis(ROUND_TTL_MS + late)).is_err());
    }

    #[test]
    fn no_answer_of_a_client_panics_and_only_objects_count(answer in any_json()) {
        let schema = json!({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]});
        let questions = [
            Question::Form { message: String::new(), schema },
            Question::Url { message: String::new(), url: String::new(), id: String::new() },
            Question::Sample(Map::new()),
            Question::Roots,
        ];
        for question in questions {
            prop_assert!(answer.is_object() || !question.is_answered_by(&answer));
        }
    }

    #[test]
    fn capabilities_that_are_not_declared_are_never_read(told in any_json()) {
        let raw = serde_json::value::to_raw_value(&told).unwrap();
        for revision in Revision::STATEFUL.into_iter().chain(Revision::STATELESS) {
            let Some(read) = ClientCapabilities::read(&raw, revision) else { continue };
            let declared = |name: &str| told.get(name).is_some_and(Value::is_object);
            prop_assert!(declared("sampling") || !(read.sampling || read.sampling_tools));
            prop_assert!(declared("elicitation") || !(read.forms || read.urls));
            prop_assert!(declared("roots") || !read.roots);
            prop_assert!((declared("extensions") && revision.is_stateless()) || !read.tasks);
        }
    }
}
