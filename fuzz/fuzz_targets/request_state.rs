//! `requestState`: no text opens that we did not seal, whatever was sealed never panics, and a round that begins can be carried on
//! until the call has gone on for too long.
#![no_main]

mod own;

use libfuzzer_sys::fuzz_target;
use own::{sealer, sealing::Purpose};
use tickgate_core::mcp::{Answers, MAX_ROUNDS, Question, Round};
use tickgate_core::time::Millis;

/// What the sealing takes from the product's settings.
mod settings {
    pub(crate) use crate::own::secret_bytes;
}

fuzz_target!(|input: &[u8]| {
    let text = String::from_utf8_lossy(input);
    assert!(sealer().open(Purpose::RequestState, &[b"user:ada"], &text).is_err());
    let now = Millis(1_000);
    let mut carried = input.to_vec();
    for round in 0.. {
        assert!(round <= MAX_ROUNDS, "it goes on for ever");
        let Ok(mut begun) = Round::begin(Answers::default(), Some(&carried), now) else {
            return;
        };
        let answer = begun.answer("key", &Question::Roots);
        assert_eq!(begun.has_asked(), answer.is_none());
        let Ok(next) = begun.carry(now) else { return };
        carried = next;
    }
});
