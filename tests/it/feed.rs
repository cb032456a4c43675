//! Prices by the upstream's feed, through the whole gateway.

use std::time::Duration;

use crate::support::{TestGateway, get, until};

#[test]
fn with_a_feed_prices_come_without_polls_and_go_on_by_polls_when_it_is_cut() {
    let gateway = TestGateway::with(&[("MASSIVE_WS_URL", "simulated")]);
    let mut stream = get("/events?topics=prices:AAPL").send(gateway.address);
    stream.data().unwrap();
    until("the feed to hold AAPL", || gateway.simulator().feed().subscribed().contains(&"T.AAPL".to_owned()));
    until("the first events of the feed", || {
        gateway.metric("tickgate_feed_events_total{market=\"stocks\",outcome=\"read\"}") > 0
    });
    let polled = gateway.simulator().requests_to("/v2/snapshot");
    for _ in 0..5 {
        stream.data().unwrap();
    }
    assert!(gateway.simulator().requests_to("/v2/snapshot") <= polled + 1);
    gateway.simulator().feed().set_down(true);
    gateway.simulator().feed().cut();
    until("polling to take over", || gateway.simulator().requests_to("/v2/snapshot") > polled + 2);
    stream.data().unwrap();
    gateway.simulator().feed().set_down(false);
    until("the feed to be back", || gateway.simulator().feed().connected() == 1);
}

#[test]
fn with_a_feed_many_subscribers_are_one_subscription() {
    let gateway = TestGateway::with(&[("MASSIVE_WS_URL", "simulated"), ("MAX_STREAMS_PER_CALLER", "2000")]);
    let mut streams: Vec<_> = (0..200).map(|_| get("/events?topics=prices:AAPL").send(gateway.address)).collect();
    for stream in &mut streams {
        stream.data().expect("every subscriber is served");
    }
    until("the feed to hold AAPL", || !gateway.simulator().feed().subscribed().is_empty());
    std::thread::park_timeout(Duration::from_secs(1));
    assert_eq!((gateway.simulator().feed().opened(), gateway.simulator().feed().subscribed().len()), (1, 3));
}
