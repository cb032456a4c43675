//! How many credentials can one core check in a second: API keys that are known, API keys that are not, and our own tokens.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on panics")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use secrecy::{ExposeSecret, SecretString};
use tickgate::auth::{Authenticator, JwtAuthority};
use tickgate::identity::Directory;
use tickgate::settings::{Settings, Sources};
use tickgate_actors::Clock;
use tickgate_core::access::{Principal, Scope};
use tickgate_core::identity::api_key::{ApiKey, NewKey};
use tickgate_core::identity::{HashKey, HashKeys};

/// Keys that the directory holds.
const HELD: u128 = 10_000;
/// More than are remembered at once, so that each is checked anew.
const TOO_MANY_TO_REMEMBER: u128 = 60_000;

fn authenticator(keys: u128) -> (Authenticator, Vec<SecretString>) {
    let clock = Clock::start();
    let hashing = HashKeys::new(HashKey::new([7; 32]), Vec::new());
    let directory = Directory::default();
    let new = |n: u128| NewKey {
        owner: Principal::new("user", &format!("user{}", n % 100)),
        name: "bench".to_owned(),
        scope: Scope::Read,
        ttl_ms: None,
        limit_per_minute: None,
    };
    let texts = (0..keys).map(|n| {
        let mut secret = [0; 32];
        secret[..16].copy_from_slice(&n.to_be_bytes());
        let (key, text) = ApiKey::create(new(n), n, &secret, &hashing, clock.now());
        directory.put_key(key);
        text
    });
    let texts = texts.collect();
    let sources = Sources::from_environment([("AUTH".to_owned(), "required".to_owned())]);
    let settings = Settings::gather(&sources).unwrap();
    let tokens = JwtAuthority::new(&[SecretString::from("07".repeat(32))], "http://bench").unwrap();
    (Authenticator::new(&settings.access, tokens, directory, hashing, clock), texts)
}

fn auth(c: &mut Criterion) {
    let mut group = c.benchmark_group("auth");
    group.throughput(Throughput::Elements(1));
    let (known, texts) = authenticator(HELD);
    let mut next = texts.iter().cycle();
    texts.iter().for_each(|text| assert!(known.check(text.expose_secret()).is_ok()));
    group.bench_function("stored key, known a moment ago", |b| {
        b.iter(|| black_box(known.check(next.next().unwrap().expose_secret()).unwrap()));
    });
    let (forgets, texts) = authenticator(TOO_MANY_TO_REMEMBER);
    texts.iter().for_each(|text| assert!(forgets.check(text.expose_secret()).is_ok()));
    // Until one comes again it has been forgotten.
    let mut next = texts.iter().cycle();
    group.bench_function("stored key, checked anew", |b| {
        b.iter(|| black_box(forgets.check(next.next().unwrap().expose_secret()).unwrap()));
    });
    let tokens = JwtAuthority::new(&[SecretString::from("07".repeat(32))], "http://bench").unwrap();
    let token = tokens.issue("ada", Scope::Read, 3_600, Clock::start().now()).unwrap();
    group.bench_function("own token, checked anew", |b| b.iter(|| black_box(tokens.verify(&token).unwrap())));
    group.finish();
}

criterion_group!(benches, auth);
criterion_main!(benches);
