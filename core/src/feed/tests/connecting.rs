//! The life of a connection.

use super::super::{
    Channel, Connection, Effect, FeedEvent, FeedState, Input, Loss, Notice, StatusWord, Timing, Told, channels_of,
};
use crate::market::{Market, Symbol};
use crate::time::Millis;

fn symbol(text: &str) -> Symbol {
    text.parse().unwrap()
}

fn notice(word: StatusWord, message: &str) -> Notice {
    Notice { word, message: message.to_owned() }
}

fn trade(of: &str, at: u64) -> FeedEvent {
    FeedEvent { symbol: symbol(of), at: Millis(at), told: Told::Trade { price: 1.0, size: None } }
}

struct Bench {
    connection: Connection,
    now: u64,
}

impl Bench {
    fn new() -> Self {
        Self { connection: Connection::new(Market::Stocks, Timing::default()), now: 1_000_000 }
    }

    fn handle(&mut self, input: Input<'_>) -> Vec<Effect> {
        self.connection.handle(input, Millis(self.now), 0)
    }

    fn says(&mut self, word: StatusWord, message: &str) -> Vec<Effect> {
        self.handle(Input::Notice(&notice(word, message)))
    }

    fn pass(&mut self, ms: u64) -> Vec<Effect> {
        self.now += ms;
        self.handle(Input::Time)
    }

    /// Lets time pass to the next thing that the machine wants to do; says how long that was.
    fn wake(&mut self) -> (u64, Vec<Effect>) {
        let passed = self.connection.next_wake().unwrap().since(Millis(self.now));
        (passed, self.pass(passed))
    }

    fn live(&mut self, symbols: &[&str]) {
        for of in symbols {
            self.handle(Input::Want(&channels_of(&symbol(of))));
        }
        self.handle(Input::Opened);
        self.says(StatusWord::Connected, "");
        self.says(StatusWord::AuthSuccess, "");
        for of in symbols {
            self.acknowledge(of);
        }
    }

    fn acknowledge(&mut self, of: &str) {
        for channel in channels_of(&symbol(of)) {
            self.says(StatusWord::Success, &format!("subscribed to: {channel}"));
        }
    }
}

fn pauses(effects: &[Effect]) -> bool {
    !effects.contains(&Effect::Connect)
}

#[test]
fn it_connects_when_something_is_wanted_authenticates_after_the_greeting_and_subscribes_after_the_key_is_accepted() {
    let mut bench = Bench::new();
    assert_eq!(bench.handle(Input::Time), []);
    let channels = channels_of(&symbol("AAPL"));
    assert_eq!(bench.handle(Input::Want(&channels)), [Effect::Connect, Effect::State(FeedState::Connecting)]);
    assert_eq!(bench.handle(Input::Opened), []);
    assert_eq!(bench.says(StatusWord::Connected, "Connected Successfully"), [Effect::Authenticate]);
    assert_eq!(bench.says(StatusWord::AuthSuccess, ""), [Effect::Subscribe(channels), Effect::State(FeedState::Live)]);
    assert_eq!(bench.says(StatusWord::Success, "subscribed to: Q.AAPL"), []);
    assert_eq!(bench.says(StatusWord::Success, "subscribed to: T.AAPL"), [Effect::Covered(symbol("AAPL"))]);
    assert_eq!(bench.says(StatusWord::Success, "subscribed to: T.AAPL"), [], "twice says nothing new");
}

#[test]
fn a_channel_is_subscribed_once_however_many_want_it_and_given_back_by_the_last() {
    let mut bench = Bench::new();
    bench.live(&["AAPL"]);
    let channels = channels_of(&symbol("AAPL"));
    assert_eq!(bench.handle(Input::Want(&channels)), []);
    assert_eq!(bench.handle(Input::Release(&channels)), []);
    assert_eq!(bench.handle(Input::Release(&channels)), [Effect::Unsubscribe(channels.clone())]);
    assert_eq!(bench.handle(Input::Release(&channels)), [], "one that nobody wants is given back once");
    assert_eq!(bench.says(StatusWord::Success, "unsubscribed to: T.AAPL"), []);
    let (passed, effects) = bench.wake();
    assert_eq!((passed, &effects[0]), (30_000, &Effect::Disconnect(Loss::Unwanted)));
    assert_eq!(bench.handle(Input::Want(&channels))[0], Effect::Connect, "no pause after a parting in peace");
}

#[test]
fn many_channels_go_out_in_messages_of_a_hundred() {
    let mut bench = Bench::new();
    let channels: Vec<Channel> = (0..100)
        .flat_map(|n| {
            channels_of(&symbol(&format!("A{}", char::from(b'A' + n / 26))))
                .into_iter()
                .chain(channels_of(&symbol(&format!("B{n}"))))
        })
        .collect();
    bench.handle(Input::Want(&channels));
    bench.handle(Input::Opened);
    bench.says(StatusWord::Connected, "");
    let sizes: Vec<usize> = bench
        .says(StatusWord::AuthSuccess, "")
        .iter()
        .filter_map(|effect| if let Effect::Subscribe(some) = effect { Some(some.len()) } else { None })
        .collect();
    assert_eq!(sizes, [100, 100, 100, 12]);
}

#[test]
fn losses_pause_longer_and_longer_up_to_half_a_minute_and_an_accepted_key_does_not_reset_that() {
    let mut bench = Bench::new();
    bench.live(&["AAPL"]);
    let mut paused = Vec::new();
    for _ in 0..7 {
        let effects = bench.handle(Input::Closed);
        assert!(effects.contains(&Effect::Disconnect(Loss::Closed)) && pauses(&effects), "{effects:?}");
        let (passed, effects) = bench.wake();
        assert!(effects.contains(&Effect::Connect));
        paused.push(passed);
        bench.live(&[]);
    }
    assert_eq!(paused, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000], "the least of each pause: no chance was added");
}

#[test]
fn ten_seconds_of_data_make_the_next_loss_the_first_again() {
    let mut bench = Bench::new();
    bench.live(&["AAPL"]);
    for (data_ms, pause) in [(0, 500), (9_999, 1_000), (10_000, 500)] {
        bench.handle(Input::Data(&[trade("AAPL", 1)]));
        bench.now += data_ms;
        bench.handle(Input::Data(&[trade("AAPL", 2)]));
        bench.handle(Input::Closed);
        assert_eq!(bench.wake().0, pause);
        bench.live(&[]);
        bench.acknowledge("AAPL");
    }
}

#[test]
fn a_connection_that_is_evicted_cools_down_for_a_minute_at_least() {
    let mut bench = Bench::new();
    bench.live(&["AAPL"]);
    let effects = bench.says(StatusWord::MaxConnections, "Maximum number of websocket connections exceeded.");
    assert_eq!(
        effects,
        [Effect::Uncovered(symbol("AAPL")), Effect::Disconnect(Loss::Crowded), Effect::State(FeedState::Crowded)]
    );
    assert!(bench.handle(Input::Closed).is_empty());
    let channels = channels_of(&symbol("MSFT"));
    assert!(bench.handle(Input::Want(&channels)).is_empty(), "new interest does not shorten it");
    let (passed, effects) = bench.wake();
    assert_eq!((passed, effects), (60_000, vec![Effect::Connect]));
}

#[test]
fn a_refused_key_pauses_for_minutes_and_says_so() {
    let mut bench = Bench::new();
    bench.handle(Input::Want(&channels_of(&symbol("AAPL"))));
    bench.handle(Input::Opened);
    bench.says(StatusWord::Connected, "");
    let effects = bench.says(StatusWord::AuthFailed, "authentication failed");
    assert_eq!(effects, [Effect::Disconnect(Loss::AuthFailed), Effect::State(FeedState::AuthFailed)]);
    assert_eq!(bench.wake().0, 300_000);
}

#[test]
fn a_server_that_sends_us_away_is_left_and_tried_again() {
    for (word, loss) in [
        (StatusWord::SlowConsumer, Loss::SlowConsumer),
        (StatusWord::ForceDisconnect, Loss::Dismissed),
        (StatusWord::AuthTimeout, Loss::Silent),
    ] {
        let mut bench = Bench::new();
        bench.live(&["AAPL"]);
        assert!(bench.says(word, "").contains(&Effect::Disconnect(loss)));
        assert_eq!(bench.wake(), (500, vec![Effect::Connect]));
    }
}

#[test]
fn a_step_that_takes_too_long_and_a_link_without_a_sign_of_life_are_losses() {
    let mut bench = Bench::new();
    bench.handle(Input::Want(&channels_of(&symbol("AAPL"))));
    let (passed, effects) = bench.wake();
    assert!(passed == 10_000 && effects.contains(&Effect::Disconnect(Loss::Silent)), "{effects:?}");
    bench.wake();
    bench.live(&[]);
    bench.acknowledge("AAPL");
    bench.handle(Input::Session { open: false });
    assert!(bench.pass(29_999).is_empty());
    bench.handle(Input::Beat);
    assert!(bench.pass(29_999).is_empty());
    assert!(bench.pass(1).contains(&Effect::Disconnect(Loss::Silent)));
}

#[test]
fn data_that_stops_in_an_open_session_is_a_loss_and_in_a_closed_one_is_the_night() {
    let mut bench = Bench::new();
    bench.live(&["AAPL"]);
    bench.handle(Input::Session { open: false });
    for _ in 0..100 {
        bench.handle(Input::Beat);
        assert!(bench.pass(10_000).is_empty());
    }
    bench.handle(Input::Session { open: true });
    for _ in 0..5 {
        bench.handle(Input::Beat);
        assert!(bench.pass(10_000).is_empty());
    }
    bench.handle(Input::Beat);
    assert!(bench.pass(10_000).contains(&Effect::Disconnect(Loss::Stuck)));
}

#[test]
fn a_channel_that_the_plan_lacks_is_given_up_alone_and_asked_for_again_later() {
    let mut bench = Bench::new();
    bench.handle(Input::Want(&channels_of(&symbol("AAPL"))));
    bench.handle(Input::Opened);
    bench.says(StatusWord::Connected, "");
    bench.says(StatusWord::AuthSuccess, "");
    let denied = Channel::read(Market::Stocks, "Q.AAPL").unwrap();
    assert_eq!(bench.says(StatusWord::Error, "not authorized to subscribe to: Q.AAPL"), [Effect::Denied(denied.clone())]);
    bench.says(StatusWord::Success, "subscribed to: T.AAPL,A.AAPL");
    bench.handle(Input::Session { open: false });
    let mut waited = 0;
    while waited < 300_000 {
        bench.handle(Input::Beat);
        waited += 10_000;
        let effects = bench.pass(10_000);
        assert_eq!(effects.contains(&Effect::Subscribe(vec![denied.clone()])), waited == 300_000, "{waited}: {effects:?}");
    }
}

#[test]
fn a_question_without_an_answer_is_given_up_and_data_is_an_answer() {
    let mut bench = Bench::new();
    bench.handle(Input::Want(&channels_of(&symbol("AAPL"))));
    bench.handle(Input::Opened);
    bench.says(StatusWord::Connected, "");
    bench.says(StatusWord::AuthSuccess, "");
    assert_eq!(bench.handle(Input::Data(&[trade("AAPL", 1)])), [Effect::Covered(symbol("AAPL"))]);
    let denied = bench.pass(10_000);
    assert_eq!(denied.len(), 2, "{denied:?}");
    assert!(denied.iter().all(|effect| matches!(effect, Effect::Denied(_))));
}
