//! Cuts anywhere: every event exactly once, in position order; what is gone is told.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Dice, Event, McpClient, TestGateway, get};

const CUTS: u64 = 100;

fn position(event: &Event) -> Option<u64> {
    event.id.as_ref()?.split('-').nth(1)?.parse().ok()
}

#[test]
fn a_hundred_random_cuts_of_a_stream_of_all_events_lose_and_double_nothing() {
    let mut dice = Dice::seeded("events");
    let gateway = TestGateway::with(&[("SIM_SPEED", "20")]);
    let path = "/events?topics=prices:AAPL,prices:TSLA,prices:X:BTCUSD,news:*,status&mode=all&window=0&interval=250";
    // A reader that is never cut sees what there was.
    let mut whole = get(path).send(gateway.address);
    assert!(whole.event().unwrap().retry.is_some());
    let (mut last_id, mut got, mut cuts) = (None::<String>, BTreeMap::new(), 0);
    while cuts < CUTS {
        let mut request = get(path);
        if let Some(id) = &last_id {
            request = request.header("Last-Event-ID", id);
        }
        let mut stream = request.send(gateway.address);
        for _ in 0..dice.below(6) {
            let event = stream.event().unwrap();
            let Some(place) = position(&event) else { continue };
            last_id.clone_from(&event.id);
            if event.data.is_none() {
                continue;
            }
            assert_ne!(event.name.as_deref(), Some("gap"), "{event:?}");
            assert!(got.last_key_value().is_none_or(|(last, _)| *last < place), "position {place} came after a later one");
            assert!(got.insert(place, event.data).is_none(), "position {place} came twice");
        }
        stream.cut();
        cuts += 1;
    }
    let (first, last) = (*got.first_key_value().unwrap().0, *got.last_key_value().unwrap().0);
    let mut compared = 0;
    loop {
        let event = whole.data().unwrap();
        let place = position(&event).unwrap();
        if place > last {
            break;
        }
        if place > first {
            assert_eq!(got.get(&place), Some(&event.data), "position {place} was lost");
            compared += 1;
        }
    }
    println!("{compared} events over {CUTS} cuts");
    assert!(compared > 20);
}

#[test]
fn a_hundred_random_cuts_of_mcp_streams_lose_and_double_nothing() {
    let mut dice = Dice::seeded("mcp");
    let gateway = TestGateway::start();
    let client = McpClient::connect(gateway.address);
    let mut cuts = 0;
    let mut call = 0;
    while cuts < CUTS {
        call += 1;
        let arguments =
            json!({"stream": true, "symbols": ["AAPL", "MSFT", "TSLA", "X:BTCUSD"], "interval": 250, "duration": 3_000});
        let params = json!({"name": "stream_stock_prices", "arguments": arguments, "_meta": {"progressToken": call}});
        let mut stream = client.post(&json!({"jsonrpc": "2.0", "id": call, "method": "tools/call", "params": params}));
        let mut got: Vec<(u64, serde_json::Value)> = Vec::new();
        let mut last_id = None;
        'call: loop {
            for _ in 0..=dice.below(3) {
                let Some(event) = stream.event() else { break };
                let Some(id) = event.id.clone() else { continue };
                let seq: u64 = id.split('.').nth(1).unwrap().parse().unwrap();
                assert_eq!(seq, got.len() as u64, "each event of a stream once, in order");
                last_id = Some(id);
                let message = event
                    .data
                    .as_deref()
                    .filter(|data| !data.is_empty())
                    .map_or(json!(null), |data| serde_json::from_str(data).unwrap());
                got.push((seq, message));
                if got.last().unwrap().1.get("id").is_some() {
                    break 'call;
                }
            }
            stream.cut();
            cuts += 1;
            stream = client.open_stream(last_id.as_deref());
            assert_eq!(stream.status, 200);
        }
        let result = &got.last().unwrap().1;
        assert_eq!(result["id"], call);
        // The result repeats prices; what the status of the market said on the way is not among them.
        let items = got.iter().map(|(_, message)| &message["params"]["_meta"]["tickgate/event"]);
        let told: Vec<_> =
            items.filter(|item| item.get("price").is_some()).filter_map(|item| item["position"].as_str()).collect();
        let kept: Vec<_> = result["result"]["structuredContent"]["events"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["position"].as_str().unwrap())
            .collect();
        assert_eq!(told, kept, "what was streamed is what the result repeats");
    }
}

#[test]
fn conflated_prices_never_go_back_and_end_on_the_newest() {
    let mut dice = Dice::seeded("conflate");
    let gateway = TestGateway::start();
    let path = "/events?topics=prices:AAPL,prices:MSFT&interval=250";
    let (mut last_id, mut last): (Option<String>, BTreeMap<String, u64>) = (None, BTreeMap::new());
    for _ in 0..30 {
        let mut request = get(path);
        if let Some(id) = &last_id {
            request = request.header("Last-Event-ID", id);
        }
        let mut stream = request.send(gateway.address);
        for _ in 0..dice.below(4) {
            let event = stream.event().unwrap();
            let Some(place) = position(&event) else { continue };
            last_id.clone_from(&event.id);
            if event.name.as_deref() == Some("price") {
                let symbol = event.json()["symbol"].as_str().unwrap().to_owned();
                assert!(last.insert(symbol, place).is_none_or(|before| before < place), "{event:?}");
            }
        }
        stream.cut();
    }
    gateway.simulator().set_price("AAPL", 777.25);
    let mut stream = get(path).header("Last-Event-ID", &last_id.unwrap()).send(gateway.address);
    loop {
        let data = stream.data().unwrap().json();
        if data["symbol"] == "AAPL" && data["price"] == 777.25 {
            break;
        }
    }
}

#[test]
fn evicted_foreign_and_unrecorded_cursors_get_a_gap() {
    let gateway = TestGateway::with(&[("TAPE_MAX_EVENTS", "3"), ("POLL_LINGER_SECS", "0")]);
    let path = "/events?topics=prices:AAPL&interval=250&mode=all&window=0";
    let mut stream = get(path).send(gateway.address);
    let first = std::iter::from_fn(|| stream.event()).find(|event| position(event).is_some()).unwrap();
    for _ in 0..6 {
        stream.data().unwrap();
    }
    let mut evicted = get(path).header("Last-Event-ID", &first.id.clone().unwrap()).send(gateway.address);
    let gap = evicted.data().unwrap();
    assert_eq!((gap.name.as_deref(), &gap.json()["reason"]), (Some("gap"), &json!("evicted")));
    assert_eq!(gap.json()["from"], json!(first.id));
    assert_eq!(gap.json()["to"], json!(gap.id));
    assert_eq!(gap.json()["snapshot"][0]["symbol"], "AAPL");
    assert!(position(&evicted.data().unwrap()) > position(&gap));

    let mut foreign = get(path).header("Last-Event-ID", "abc-5").send(gateway.address);
    let gap = foreign.data().unwrap();
    assert_eq!((gap.name.as_deref(), &gap.json()["reason"]), (Some("gap"), &json!("epoch")));

    // A topic that nobody watched since the cursor; the query is as good as the header, and the header wins.
    let cursor = first.id.unwrap();
    let mut unrecorded = get(&format!("/events?topics=prices:MSFT&last_event_id={cursor}")).send(gateway.address);
    let gap = unrecorded.data().unwrap();
    assert_eq!((gap.name.as_deref(), &gap.json()["reason"]), (Some("gap"), &json!("unrecorded")));
    let mut header_wins =
        get("/events?topics=prices:MSFT&last_event_id=abc-5").header("Last-Event-ID", &cursor).send(gateway.address);
    assert_eq!(header_wins.data().unwrap().json()["reason"], "unrecorded");
}

#[test]
fn the_older_form_resumes_within_its_time() {
    let gateway = TestGateway::start();
    let path = "/api/mcp/stream-prices?symbols=AAPL,MSFT&interval=250&duration=6000";
    let (mut stream, mut last_id, mut places) = (get(path).send(gateway.address), None::<String>, Vec::new());
    for cut in 0..8 {
        for _ in 0..=cut % 3 {
            let event = stream.data().unwrap();
            let id = event.id.clone().unwrap();
            places.push(id.split(['-', '~']).nth(1).unwrap().parse::<u64>().unwrap());
            last_id = Some(id);
        }
        stream.cut();
        stream = get(path).header("Last-Event-ID", last_id.as_ref().unwrap()).send(gateway.address);
        assert_eq!(stream.status, 200);
    }
    assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "{places:?}");
}

#[test]
fn a_session_survives_a_restart_with_its_streams_and_its_subscriptions() {
    let data = tempfile::tempdir().unwrap();
    let settings = [("DATA_DIR", data.path().to_str().unwrap()), ("SIM_SPEED", "5")];
    let mut gateway = TestGateway::with(&settings);
    let mut client = McpClient::connect(gateway.address);
    assert_eq!(client.ask("resources/subscribe", json!({"uri": "market://quote/AAPL"})).status, 200);
    let standalone = client.open_stream(None).event().unwrap().id.unwrap();
    let arguments = json!({"stream": true, "symbols": ["AAPL"], "duration": 300_000});
    let mut stream = client.ask("tools/call", json!({"name": "stream_stock_prices", "arguments": arguments}));
    let first = stream.event().unwrap().id.unwrap();
    gateway.begin_to_stop();
    gateway.wait_until_stopped();
    let gateway = TestGateway::with(&settings);
    client.address = gateway.address;
    let stranger = McpClient::connect_as(gateway.address, "2025-11-25", None);
    assert_ne!(stranger.session, client.session);
    // The call that ran ended with the gateway, and its answer was kept; the standalone stream goes on with what is watched.
    let mut resumed = client.open_stream(Some(&first));
    let mut last = Value::Null;
    while let Some(event) = resumed.data() {
        last = event.json();
    }
    assert!(last["result"]["structuredContent"]["position"].is_string(), "{last}");
    let mut again = client.open_stream(Some(&standalone));
    assert_eq!(again.status, 200);
    let updated = again.data().unwrap().json();
    assert_eq!(updated["params"]["uri"], "market://quote/AAPL");
    assert_eq!(client.ask("ping", json!({})).status, 200);
    assert_eq!(client.delete().status, 204);
    assert_eq!(client.ask("ping", json!({})).status, 404);
}
