//! Ids of MCP stream events: `<random 128-bit stream id>.<seq>`, looked up inside the caller's own session only.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A stream's name: 128 random bits, so that it can be neither guessed nor met in another session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StreamId(pub u128);

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// One event of one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventId {
    /// Which stream.
    pub stream: StreamId,
    /// Which event of it, from 0.
    pub seq: u64,
}

/// The text is no event id of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed Last-Event-ID: send the last event id as you received it")]
pub struct EventIdError;

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.stream, self.seq)
    }
}

impl FromStr for EventId {
    type Err = EventIdError;

    fn from_str(text: &str) -> Result<Self, EventIdError> {
        let (stream, seq) = text.split_at_checked(32).ok_or(EventIdError)?;
        let digits = seq.strip_prefix('.').filter(|digits| digits.len() <= 20).ok_or(EventIdError)?;
        let parsed = u128::from_str_radix(stream, 16).ok().zip(digits.parse().ok());
        let id = parsed.map(|(stream, seq)| Self { stream: StreamId(stream), seq }).ok_or(EventIdError)?;
        // One spelling per id: no sign, no upper case, no leading zero.
        if id.to_string() == text { Ok(id) } else { Err(EventIdError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hostile_event_ids_are_refused() {
        let long = "1".repeat(10_000);
        let stream = "0".repeat(32);
        for text in [
            "",
            "1",
            "_GET_stream.1",
            &long,
            &stream,
            &format!("{stream}."),
            &format!("{stream}.01"),
            &format!("{stream}.-1"),
            &format!("{stream}.1\n"),
        ] {
            assert_eq!(text.parse::<EventId>(), Err(EventIdError), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn an_event_id_reads_back_as_it_is_written(stream: u128, seq: u64) {
            let id = EventId { stream: StreamId(stream), seq };
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,60}") {
            if let Ok(id) = text.parse::<EventId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
