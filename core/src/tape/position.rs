//! Positions: `<epoch>-<seq>`, opaque to clients, one total order over all topics within an epoch.

use std::fmt;
use std::str::FromStr;

/// Longest cursor looked at, in bytes; a longer one is refused before it is parsed.
pub const MAX_CURSOR_BYTES: usize = 128;

/// A place in the order of one epoch. 0 is the place before the first event.
pub type Seq = u64;

/// The life of one tape: random, so that a cursor of another life is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

/// A place on the tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// Which life of the tape.
    pub epoch: Epoch,
    /// Where in it.
    pub seq: Seq,
}

/// Why a text is no position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PositionError {
    /// Over [`MAX_CURSOR_BYTES`].
    #[error("a cursor has at most {MAX_CURSOR_BYTES} bytes: send the last event id as you received it")]
    TooLong,
    /// Not of the form that the gateway writes.
    #[error("malformed cursor: send the last event id as you received it, or none to start at the newest event")]
    Malformed,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.seq)
    }
}

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        if text.len() > MAX_CURSOR_BYTES {
            return Err(PositionError::TooLong);
        }
        let (epoch, seq) = text.split_once('-').ok_or(PositionError::Malformed)?;
        let canonical = |digits: &str, radix: u32| {
            let value = u64::from_str_radix(digits, radix).ok()?;
            // One spelling per position: no sign, no leading zero, no upper case.
            let spelled = if radix == 16 { format!("{value:x}") } else { value.to_string() };
            (spelled == digits).then_some(value)
        };
        match (canonical(epoch, 16), canonical(seq, 10)) {
            (Some(epoch), Some(seq)) => Ok(Self { epoch: Epoch(epoch), seq }),
            _ => Err(PositionError::Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hostile_cursors_are_refused() {
        for text in [
            "",
            "-",
            "1",
            "1-",
            "-1",
            "+1-2",
            "1-+2",
            "01-2",
            "1-02",
            "A-1",
            "1-2-3",
            "1-99999999999999999999",
            " 1-2",
            "1-2\n",
            "_GET_stream:1",
        ] {
            assert_eq!(text.parse::<Position>(), Err(PositionError::Malformed), "{text:?}");
        }
        assert_eq!("1".repeat(10_000).parse::<Position>(), Err(PositionError::TooLong));
    }

    proptest! {
        #[test]
        fn a_position_reads_back_as_it_is_written(epoch: u64, seq: u64) {
            let position = Position { epoch: Epoch(epoch), seq };
            prop_assert_eq!(position.to_string().parse(), Ok(position));
        }

        #[test]
        fn nothing_else_reads_as_a_position(text in "\\PC{0,40}") {
            if let Ok(position) = text.parse::<Position>() {
                prop_assert_eq!(position.to_string(), text);
            }
        }
    }
}
