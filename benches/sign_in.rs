//! How long does a sign-in take, from the gateway's side and the provider's together: to the provider, back with a code, the code
//! for a token, the person into the store, the session's cookie. Over real sockets, at a provider that answers at once.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark that cannot go on panics, and prints its figures")]

// The tests' words: a gateway, a browser, a provider. Not all of them are needed here.
#[expect(dead_code, unused_imports, reason = "shared with the tests")]
#[path = "../tests/it/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use support::browser::signing_in;
use support::{Browser, OidcProvider, TestGateway};

/// Sign-ins of each measurement.
const SIGN_INS: usize = 640;

fn main() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    sign_in(&gateway, &provider);
    for at_once in [1, 16] {
        let mut took: Vec<Duration> = std::thread::scope(|scope| {
            let workers = (0..at_once).map(|_| {
                let (gateway, provider) = (&gateway, &provider);
                scope.spawn(move || (0..SIGN_INS / at_once).map(|_| sign_in(gateway, provider)).collect::<Vec<_>>())
            });
            let workers: Vec<_> = workers.collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
        });
        took.sort_unstable();
        let at = |part: usize| took[(took.len() - 1) * part / 100];
        println!("{at_once} at once, {} sign-ins: p50 {:?}, p95 {:?}, p99 {:?}", took.len(), at(50), at(95), at(99));
    }
}

fn sign_in(gateway: &TestGateway, provider: &OidcProvider) -> Duration {
    let mut browser = Browser::of(gateway);
    let begun = Instant::now();
    assert_eq!(browser.sign_in(provider).status, 303);
    begun.elapsed()
}
