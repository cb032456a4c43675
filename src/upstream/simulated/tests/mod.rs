//! What the simulated upstream promises: the vendor's shapes, the same market for the same seed, numbers that agree with
//! each other, and paging without loss.

mod endpoints;
mod http;
mod market;
mod moments;
mod news;
mod shapes;
mod tables;
mod vendor;

use jiff::Timestamp;

use super::market::SessionMode;
use super::parameters::Parameters;
use super::state::State;
use super::{Faults, SimulatorSettings};

pub(super) fn state(session: SessionMode) -> State {
    State::new(SimulatorSettings { session, ..SimulatorSettings::default() })
}

pub(super) fn at(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

pub(super) fn query(text: &str) -> Parameters {
    Parameters::of(text)
}

/// Takes the query of a `next_url`.
pub(super) fn next_query(body: &serde_json::Value) -> Option<Parameters> {
    let url = body.get("next_url")?.as_str().unwrap();
    assert!(url.starts_with("https://api.massive.com/"), "{url}");
    Some(Parameters::of(url.split_once('?').unwrap().1))
}

#[test]
fn faults_are_parsed_and_written_back() {
    let text = "429:0.1,500:0.05,slow:0.1,malformed:0.01";
    let faults: Faults = text.parse().unwrap();
    assert_eq!(faults.to_string(), text);
    assert_eq!(faults.to_string().parse::<Faults>().unwrap(), faults);
    assert_eq!("".parse::<Faults>().unwrap(), Faults::default());
    let all = "401:1,403:0,429:1,429empty:1,500:1,502:1,503:1,slow:1,hang:1,malformed:1,html:1,noresults:1,wrongtype:1,cut:0.5";
    assert_eq!(all.parse::<Faults>().unwrap().to_string(), all);
}

#[test]
fn a_wrong_fault_is_named_with_the_kinds_there_are() {
    for (text, named) in
        [("teapot:0.1", "teapot"), ("429:1.5", "1.5"), ("500:often", "often"), ("500", "500"), ("slow:NaN", "NaN")]
    {
        let error = text.parse::<Faults>().unwrap_err().to_string();
        assert!(error.contains(named) && error.contains("429empty") && error.contains("wrongtype"), "{error}");
    }
}

#[test]
fn faults_strike_as_often_as_asked_and_the_same_way_each_time() {
    let faults: Faults = "429:0.1,500:0.3".parse().unwrap();
    let run = || (0..10_000).map(|request| faults.strike(7, request)).collect::<Vec<_>>();
    let struck = run().iter().filter(|fault| fault.is_some()).count();
    assert!((3_400..4_000).contains(&struck), "{struck}");
    assert_eq!(run(), run());
    assert!((0..100).all(|request| "cut:1".parse::<Faults>().unwrap().strike(7, request).is_some()));
}

#[test]
fn a_session_mode_says_what_is_allowed() {
    assert_eq!("clock".parse(), Ok(SessionMode::Clock));
    let error = "closed".parse::<SessionMode>().unwrap_err().to_string();
    assert!(error.contains("open") && error.contains("clock"), "{error}");
}
