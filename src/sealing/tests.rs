//! What is sealed can be opened by us, in its place, and by nobody else.

use proptest::prelude::*;

use super::*;

fn purposes() -> Vec<Purpose> {
    let alone = [
        Purpose::RequestState,
        Purpose::Cursor,
        Purpose::KeyPage,
        Purpose::AuditRow,
        Purpose::AuditMark,
        Purpose::BrowserCookie,
        Purpose::StreamPass,
    ];
    alone.into_iter().chain(Shelf::ALL.map(Purpose::Record)).collect()
}

fn key(seed: u8) -> SecretString {
    SecretString::from(hex::encode((0..32).map(|i| i ^ seed).collect::<Vec<u8>>()))
}

fn sealer(seeds: &[u8]) -> Sealer {
    Sealer::new(&seeds.iter().map(|seed| key(*seed)).collect::<Vec<_>>()).unwrap()
}

fn parts(context: &[Vec<u8>]) -> Vec<&[u8]> {
    context.iter().map(Vec::as_slice).collect()
}

fn contexts() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..6), 0..4)
}

fn plains() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..200)
}

#[test]
fn a_sealed_text_has_the_form_that_is_documented() {
    let text = sealer(&[1]).seal(Purpose::Cursor, &[b"user:ada"], b"canary");
    let parts: Vec<&str> = text.split('.').collect();
    assert_eq!((parts.len(), parts[0], parts[1].len()), (3, "v1", 8));
    assert!(text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_')), "{text}");
    assert_eq!(sealer(&[1]).seal_bytes(Purpose::Cursor, &[], b"canary").len(), 6 + 45);
    assert_ne!(text, sealer(&[1]).seal(Purpose::Cursor, &[b"user:ada"], b"canary"), "each has a nonce of its own");
}

#[test]
fn what_an_earlier_release_sealed_can_be_opened() {
    let text = "v1.bf1269e2.Snv6GC9LWO2EuzbNzPHZjT9faP9cSU_udNfkcjEp7SDnU97zH1f-rfuPT6lkPyqxng";
    assert_eq!(sealer(&[1]).open(Purpose::Record(Shelf::Tasks), &[b"user:ada"], text).as_deref(), Ok(&b"yesterday"[..]));
}

#[test]
fn a_purpose_has_a_key_of_its_own() {
    let sealer = sealer(&[1]);
    for purpose in purposes() {
        let text = sealer.seal(purpose, &[], b"x");
        let opened: Vec<Purpose> = purposes().into_iter().filter(|other| sealer.open(*other, &[], &text).is_ok()).collect();
        assert_eq!(opened, [purpose]);
    }
}

#[test]
fn a_text_has_one_spelling() {
    let sealer = sealer(&[1]);
    let text = (0..).map(|n| sealer.seal(Purpose::Cursor, &[], &vec![0; n])).find(|text| (text.len() - 12) % 4 == 2).unwrap();
    assert!(sealer.open(Purpose::Cursor, &[], &text).is_ok());
    // The last character has four bits that say nothing: they must be zero.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = alphabet.find(text.chars().last().unwrap()).unwrap();
    let (start, next) = (&text[..text.len() - 1], &alphabet[last + 1..last + 2]);
    let upper = text.split('.').nth(1).unwrap().to_ascii_uppercase();
    let shouted = format!("v1.{upper}.{}", text.rsplit('.').next().unwrap());
    assert!(shouted != text);
    for other in
        [format!("{start}{next}"), format!("{text}="), format!("{text}=="), format!(" {text}"), format!("{text}\n"), shouted]
    {
        assert_eq!(sealer.open(Purpose::Cursor, &[], &other), Err(SealError), "{other}");
    }
}

#[test]
fn the_first_key_seals_and_all_open() {
    let old = sealer(&[1]);
    let both = sealer(&[2, 1]);
    let text = old.seal(Purpose::RequestState, &[], b"x");
    assert!(both.open(Purpose::RequestState, &[], &text).is_ok());
    assert!(sealer(&[2]).open(Purpose::RequestState, &[], &both.seal(Purpose::RequestState, &[], b"x")).is_ok());
    assert!(old.open(Purpose::RequestState, &[], &both.seal(Purpose::RequestState, &[], b"x")).is_err());
    assert!(sealer(&[2]).open(Purpose::RequestState, &[], &text).is_err());
}

#[test]
fn no_key_and_a_weak_key_are_refused_and_no_key_is_shown() {
    assert_eq!(Sealer::new(&[]).err(), Some(SealerError::NoKey));
    for weak in ["", "changeme", "c2hvcnQ="] {
        assert_eq!(Sealer::new(&[key(1), SecretString::from(weak)]).err(), Some(SealerError::WeakKey));
    }
    let shown = format!("{:?}", sealer(&[0]));
    assert!(shown.len() < 16 && !shown.contains("00010203"), "{shown}");
}

proptest! {
    #[test]
    fn what_was_sealed_comes_back(plain in plains(), context in contexts()) {
        let sealer = sealer(&[1]);
        let text = sealer.seal(Purpose::Cursor, &parts(&context), &plain);
        prop_assert_eq!(sealer.open(Purpose::Cursor, &parts(&context), &text), Ok(plain.clone()));
        let bytes = sealer.seal_bytes(Purpose::Cursor, &parts(&context), &plain);
        prop_assert_eq!(sealer.open_bytes(Purpose::Cursor, &parts(&context), &bytes), Ok(plain));
    }

    #[test]
    fn a_flipped_bit_is_noticed(plain in plains(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        // Two keys, so that a changed id can name the other one.
        let sealer = sealer(&[1, 2]);
        let mut bytes = sealer.seal_bytes(Purpose::Cursor, &[b"a"], &plain);
        let changed = at.index(bytes.len());
        bytes[changed] ^= 1_u8 << bit;
        prop_assert_eq!(sealer.open_bytes(Purpose::Cursor, &[b"a"], &bytes), Err(SealError));
        let mut text = sealer.seal(Purpose::Cursor, &[b"a"], &plain).into_bytes();
        let changed = at.index(text.len());
        text[changed] ^= 1_u8 << bit;
        if let Ok(text) = String::from_utf8(text) {
            prop_assert_eq!(sealer.open(Purpose::Cursor, &[b"a"], &text), Err(SealError));
        }
    }

    #[test]
    fn another_context_is_noticed(plain in plains(), context in contexts(), other in contexts()) {
        prop_assume!(context != other);
        let sealer = sealer(&[1]);
        let text = sealer.seal(Purpose::Cursor, &parts(&context), &plain);
        prop_assert_eq!(sealer.open(Purpose::Cursor, &parts(&other), &text), Err(SealError));
    }

    #[test]
    fn parts_that_are_cut_elsewhere_are_another_context(text in prop::collection::vec(any::<u8>(), 1..20), cut in 1_usize..20) {
        let cut = cut.min(text.len());
        let sealer = sealer(&[1]);
        let sealed = sealer.seal(Purpose::Cursor, &[&text[..cut], &text[cut..]], b"x");
        prop_assert_eq!(sealer.open(Purpose::Cursor, &[&text[..cut - 1], &text[cut - 1..]], &sealed), Err(SealError));
        prop_assert_eq!(sealer.open(Purpose::Cursor, &[&text], &sealed), Err(SealError));
    }

    #[test]
    fn another_key_does_not_open(plain in plains(), seed in 2_u8..32) {
        let text = sealer(&[1]).seal(Purpose::Cursor, &[], &plain);
        prop_assert_eq!(sealer(&[seed]).open(Purpose::Cursor, &[], &text), Err(SealError));
    }

    #[test]
    fn nothing_that_arrives_makes_it_panic(text in any::<String>(), bytes in plains(), tail in "[A-Za-z0-9_.=-]{0,80}") {
        let sealer = sealer(&[1]);
        let id = sealer.sealing.id_text();
        for text in [text, tail.clone(), format!("v1.{tail}"), format!("v1.{id}.{tail}")] {
            prop_assert_eq!(sealer.open(Purpose::Cursor, &[], &text), Err(SealError));
        }
        prop_assert_eq!(sealer.open_bytes(Purpose::Cursor, &[], &bytes), Err(SealError));
    }
}
