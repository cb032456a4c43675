//! The whole gateway with the simulated market's feed: what the settings say is what is wired.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;

use super::Application;
use crate::registry::Registry;
use crate::settings::{Settings, Sources};

/// Longest wait for something that is to happen within a moment; a loaded machine is given time.
const PATIENCE: Duration = Duration::from_secs(30);

async fn until(what: &str, happened: impl Fn() -> bool) {
    let begun = Instant::now();
    while !happened() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        actix_rt::time::sleep(Duration::from_millis(10)).await;
    }
}

#[actix_rt::test]
async fn with_the_simulated_feed_prices_come_by_it_and_by_polls_when_it_is_cut() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().to_str().unwrap();
    let said = [("PORT", "0"), ("DATA_DIR", folder), ("WORKERS", "1"), ("SIM_SYMBOLS", "50"), ("DRAIN_SECS", "1")];
    let said = said.into_iter().chain([("MASSIVE_WS_URL", "simulated")]);
    let sources = Sources::from_environment(said.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let settings = Settings::gather(&sources).unwrap();
    let application = Box::pin(Application::build(settings, Registry::standard())).await.unwrap();
    let (address, stopper) = (application.address(), application.stopper());
    let simulator = application.simulator().unwrap();
    let running = actix_rt::spawn(application.run_until_stopped());
    let mut events = awc::Client::default().get(format!("http://{address}/events?topics=prices:AAPL")).send().await.unwrap();
    until("the feed to hold AAPL", || simulator.feed().subscribed().iter().any(|channel| channel == "T.AAPL")).await;
    let (mut read, polled) = (String::new(), simulator.requests_to("/v2/snapshot"));
    while read.matches("event: price").count() < 5 {
        let chunk = actix_rt::time::timeout(PATIENCE, events.next()).await.unwrap().unwrap().unwrap();
        read.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert!(read.contains("\"source\":\"simulated\""), "{read}");
    assert!(simulator.requests_to("/v2/snapshot") <= polled + 2, "fed prices are hardly polled");
    simulator.feed().set_down(true);
    simulator.feed().cut();
    let polled = simulator.requests_to("/v2/snapshot");
    until("polling to take over", || simulator.requests_to("/v2/snapshot") > polled + 2).await;
    simulator.feed().set_down(false);
    until("the feed to be back", || simulator.feed().connected() == 1).await;
    stopper.stop().await;
    running.await.unwrap().unwrap();
}
