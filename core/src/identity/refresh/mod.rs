//! Refresh tokens: families that rotate, forgive a lost reply, and die of reuse (RFC 9700 §4.14.2, OAuth 2.1 §4.3.1, DESIGN §8).
//!
//! | file | the question it answers |
//! |---|---|
//! | `token` | how is a refresh token written, is it one of ours, and which one follows it |
//! | `family` | is this token the live one, one sent again, or a reused one, and what is to be stored |
//!
//! The *same answer* for a token that is sent again is not stored: the successor is an HMAC of the presented token and a salt of
//! the rotation, so whoever shows the predecessor again gets the successor again, byte for byte, and the store holds nothing that
//! could be used. Each token also proves that it once came from here, so that one of long ago (reuse: the family dies) is told
//! from one that was made up (nothing happens: nobody can end a stranger's sign-in by guessing).

mod family;
#[cfg(test)]
mod tests;
mod token;

pub use family::{FamilyEnd, FamilyTerms, Issue, Presented, REPEAT_GRACE_MS, RefreshFamily, RefreshRandom, RefreshRefusal};
pub use token::PresentedRefresh;
