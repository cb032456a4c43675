//! Feeds over a scripted socket: all actors on one thread, whose time the test holds.

mod scripted;

use tickgate_core::feed::{InboxLimits, Timing};
use tickgate_core::market::{MarketStatus, Source};
use tickgate_core::ports::UpstreamErrorKind;
use tickgate_core::tape::Start;
use tickgate_core::time::Millis;

use super::*;
use crate::stream::Health;
use crate::test_support::{LINGER, Market as Bench, Turn, next, on_paused_time, pass, read, read_all, settle};
use scripted::Server;

fn settings(server: &Server) -> FeedSettings {
    let (timing, inbox) = (Timing::default(), InboxLimits::default());
    FeedSettings { factory: server.factory(), source: Source::Ws, delayed: false, timing, inbox }
}

/// A trade that is newer than any poll.
fn trade(of: &str, price: u32, at: Millis) -> String {
    format!(r#"[{{"ev":"T","sym":"{of}","p":{price},"s":1,"t":{}}}]"#, at.0)
}

async fn bench() -> (Server, Bench) {
    let server = Server::default();
    let market = Bench::with_feed(settings(&server)).await;
    (server, market)
}

#[test]
fn a_topic_is_polled_until_the_feed_brings_it_then_once_a_minute_and_again_when_the_feed_is_gone() {
    on_paused_time(|| async {
        let (server, market) = bench().await;
        let window = market.window();
        let mut reader = read(&window, "prices:AAPL", Start::Live).await;
        pass(1.0).await;
        read_all(&mut reader);
        let before = market.upstream.quote_calls("AAPL");
        for second in 0..120 {
            server.tells(&trade("AAPL", 10 + second, market.clock.now()));
            pass(1.0).await;
        }
        assert_eq!(read_all(&mut reader).iter().filter(|told| *told == "price prices:AAPL").count(), 120);
        let checks = market.upstream.quote_calls("AAPL") - before;
        assert!((1..=3).contains(&checks), "{checks} polls in two minutes");
        server.refuses(true);
        server.cuts();
        pass(0.1).await;
        assert!(market.upstream.quote_calls("AAPL") > before + checks, "polled at once");
        market.upstream.begins(market.clock.now());
        pass(10.0).await;
        let polled = market.upstream.quote_calls("AAPL") - before - checks;
        assert!((9..=13).contains(&polled), "{polled} polls in ten seconds");
        assert!(read_all(&mut reader).len() >= 9, "every poll is news");
        server.refuses(false);
        pass(40.0).await;
        let before = market.upstream.quote_calls("AAPL");
        server.tells(&trade("AAPL", 7, market.clock.now()));
        pass(30.0).await;
        assert!(market.upstream.quote_calls("AAPL") - before <= 1);
    });
}

#[test]
fn a_feed_that_a_symbol_was_never_polled_for_leaves_it_to_the_poller() {
    on_paused_time(|| async {
        let (server, market) = bench().await;
        let window = market.window();
        market.upstream.next([Turn::Fails(UpstreamErrorKind::Unavailable); 3]);
        let mut reader = read(&window, "prices:AAPL", Start::Live).await;
        pass(20.0).await;
        assert!(server.holds("T.AAPL"));
        assert_eq!(next(&mut reader).await, "price prices:AAPL");
    });
}

#[test]
fn what_is_wanted_by_nobody_is_given_back_after_the_linger_and_the_connection_closed() {
    on_paused_time(|| async {
        let (server, market) = bench().await;
        let window = market.window();
        let reader = read(&window, "prices:AAPL", Start::Live).await;
        let other = read(&window, "prices:AAPL,prices:MSFT", Start::Live).await;
        pass(1.0).await;
        assert!(server.holds("T.AAPL") && server.holds("Q.AAPL") && server.holds("T.MSFT"));
        drop(other);
        pass(LINGER.as_secs_f64() + 1.0).await;
        assert!(server.holds("T.AAPL") && !server.holds("T.MSFT"));
        drop(reader);
        pass(LINGER.as_secs_f64() + 1.0).await;
        assert!(!server.holds("T.AAPL"));
        pass(60.0).await;
        assert_eq!(server.open(), 0);
    });
}

#[test]
fn nothing_is_degraded_while_either_feed_or_polling_works_and_all_is_when_neither_does() {
    on_paused_time(|| async {
        let (server, market) = bench().await;
        let window = market.window();
        let _reader = read(&window, "prices:AAPL", Start::Live).await;
        pass(2.0).await;
        market.upstream.next([Turn::Fails(UpstreamErrorKind::Unavailable); 1_000]);
        for _ in 0..20 {
            server.tells(&trade("AAPL", 9, market.clock.now()));
            pass(5.0).await;
        }
        assert_eq!(market.state.health(), Health::Ok, "the feed works");
        server.refuses(true);
        server.cuts();
        pass(40.0).await;
        assert_eq!(market.state.health(), Health::Degraded(UpstreamErrorKind::Unavailable));
        market.upstream.forget_turns();
        pass(40.0).await;
        assert_eq!(market.state.health(), Health::Ok, "polling works");
    });
}

#[test]
fn a_feed_that_dies_of_a_panic_is_rebuilt_and_its_topics_are_polled_meanwhile_and_fed_again() {
    on_paused_time(|| async {
        let (server, market) = bench().await;
        let window = market.window();
        let mut reader = read(&window, "prices:AAPL", Start::Live).await;
        pass(2.0).await;
        server.panics_once();
        server.cuts();
        pass(5.0).await;
        assert_eq!(market.restarts("feed"), 1);
        assert!(server.holds("T.AAPL"));
        read_all(&mut reader);
        server.tells(&trade("AAPL", 99, market.clock.now()));
        settle().await;
        assert_eq!(read_all(&mut reader), ["price prices:AAPL"]);
    });
}

#[test]
fn a_late_feed_is_not_taken_for_stuck_in_the_first_quarter_of_an_hour_of_the_session() {
    on_paused_time(|| async {
        // Monday, half a minute after the opening in New York: the feed still shows a quarter past nine.
        let opening = Millis::parse_rfc3339("2026-03-16T13:30:30Z").unwrap();
        let (server, clock) = (Server::default(), Clock::starting_at(opening));
        let feed = FeedSettings { delayed: true, ..settings(&server) };
        let market = Bench::late_by_hours(clock, MarketStatus::new("open", false, false, opening), feed).await;
        let _reader = read(&market.window(), "prices:I:SPX", Start::Live).await;
        pass(600.0).await;
        assert!(server.holds("V.I:SPX"));
        assert_eq!(server.connections(), 1, "nothing is to be expected yet");
        pass(600.0).await;
        assert!(server.connections() > 1, "now it is stuck");
    });
}

#[test]
fn a_server_that_takes_nothing_and_one_that_says_nothing_are_left() {
    on_paused_time(|| async {
        let (server, market) = bench().await;
        let window = market.window();
        server.is_mute(true);
        let _reader = read(&window, "prices:AAPL", Start::Live).await;
        pass(60.0).await;
        let connections = server.connections();
        assert!((3..=6).contains(&connections), "{connections} in a minute");
        assert!(market.upstream.quote_calls("AAPL") >= 55, "polled all the while");
    });
}
