//! Signing in at an OpenID Connect provider: what comes back, and may it be believed?
//!
//! | file | the question it answers |
//! |---|---|
//! | `id_token` | do the claims of an ID token say who signed in here, now, for this request |
//! | `sign_in` | does a callback belong to a sign-in that this browser began |

mod id_token;
mod sign_in;
#[cfg(test)]
mod tests;

pub use id_token::{Audience, CLOCK_SKEW_SECS, Expected, IdClaims, IdTokenFault, MAX_AGE_SECS, Provider, check_claims};
pub use sign_in::{Callback, CallbackFault, PendingSignIn, SignInSecrets, local_path};
