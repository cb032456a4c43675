//! The promises of API keys.

use proptest::prelude::*;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};

use super::*;
use crate::access::{Caller, Principal, Scope};
use crate::field::FieldCode;
use crate::identity::hash::{HashKey, HashKeys};
use crate::identity::{Once, OnceRandom, OnceRecord, PresentedOnce};
use crate::time::Millis;

const NOW: Millis = Millis(1_773_167_467_294);
const HOUR: u64 = 3_600_000;

fn keys() -> HashKeys {
    HashKeys::new(HashKey::new([1; 32]), vec![HashKey::new([2; 32])])
}

fn ada() -> Principal {
    Principal::new("user", "ada")
}

fn new_key(ttl_ms: Option<u64>) -> (ApiKey, PresentedKey, String) {
    let new = NewKey { owner: ada(), name: "laptop".into(), scope: Scope::Write, ttl_ms, limit_per_minute: Some(60) };
    let (key, text) = ApiKey::create(new, 0x1234_5678_9abc_def0_1234, &[7; 32], &keys(), NOW);
    let text = text.expose_secret().to_owned();
    (key, PresentedKey::read(&text).unwrap(), text)
}

#[test]
fn a_key_is_written_in_three_parts_of_known_length() {
    let (key, presented, text) = new_key(None);
    let parts: Vec<&str> = text.split('_').collect();
    assert_eq!((parts[0], parts[1].to_owned(), parts[2].len(), text.len()), ("tg", key.id.to_string(), 49, KEY_CHARS));
    assert_eq!(presented.id, key.id);
    assert_eq!(key.id.to_string().parse(), Ok(key.id));
    assert_eq!("short".parse::<KeyId>(), Err(KeyIdError));
}

#[test]
fn attack_30_what_only_looks_like_a_key_is_none() {
    let (_, _, text) = new_key(None);
    let look_alikes = [
        String::new(),
        "tg__".into(),
        format!(" {text}"),
        format!("{text} "),
        format!("{text}\n"),
        text.replacen("tg_", "TG_", 1),
        text.replacen("tg_", "tg-", 1),
        text.replacen("tg_", "tgr_", 1),
        text[..text.len() - 1].to_owned(),
        format!("{text}0"),
        text.to_lowercase(),
        text.replacen('0', "O", 1),
        text.replacen('0', "о", 1),
        format!("{}é", &text[..text.len() - 2]),
        format!("{}\0", &text[..text.len() - 1]),
    ];
    for bad in look_alikes.iter().filter(|bad| **bad != text) {
        assert!(PresentedKey::read(bad).is_none(), "{bad:?}");
    }
}

#[test]
fn attack_30_a_key_opens_until_it_expires() {
    let (key, presented, _) = new_key(Some(HOUR));
    let expires = NOW.plus(HOUR);
    let good = GoodKey { until: Some(expires), is_old: false };
    assert_eq!(ApiKey::check(Some(&key), &presented, &keys(), expires.minus(1)), Ok(good));
    assert_eq!(ApiKey::check(Some(&key), &presented, &keys(), expires), Err(KeyRefusal::Expired));
    assert_eq!(ApiKey::check(None, &presented, &keys(), NOW), Err(KeyRefusal::Unknown));
}

#[test]
fn attack_30_another_secret_another_key_and_a_lost_hash_key_do_not_open() {
    let (key, presented, _) = new_key(None);
    let wrong = super::text::write(key.id, &[8; 32]);
    let wrong = PresentedKey::read(wrong.expose_secret()).unwrap();
    assert_eq!(ApiKey::check(Some(&key), &wrong, &keys(), NOW), Err(KeyRefusal::WrongSecret));
    let other = ApiKey { id: KeyId::new(5), ..key.clone() };
    assert_eq!(ApiKey::check(Some(&other), &presented, &keys(), NOW), Err(KeyRefusal::Unknown));
    let lost = HashKeys::new(HashKey::new([3; 32]), vec![]);
    assert_eq!(ApiKey::check(Some(&key), &presented, &lost, NOW), Err(KeyRefusal::WrongSecret));
    let turned = HashKeys::new(HashKey::new([3; 32]), vec![HashKey::new([1; 32])]);
    assert!(ApiKey::check(Some(&key), &presented, &turned, NOW).is_ok(), "the data key was rotated");
}

#[test]
fn attack_30_after_a_rotation_the_old_secret_is_good_for_its_grace_and_the_one_before_is_not() {
    let (mut key, first, _) = new_key(None);
    let second = key.rotate(&[9; 32], HOUR, &keys(), NOW).unwrap();
    let second = PresentedKey::read(second.expose_secret()).unwrap();
    let end = NOW.plus(HOUR);
    assert_eq!(ApiKey::check(Some(&key), &first, &keys(), end.minus(1)), Ok(GoodKey { until: Some(end), is_old: true }));
    assert_eq!(ApiKey::check(Some(&key), &first, &keys(), end), Err(KeyRefusal::Replaced));
    assert_eq!(ApiKey::check(Some(&key), &second, &keys(), end), Ok(GoodKey { until: None, is_old: false }));
    let third = key.rotate(&[10; 32], 0, &keys(), NOW.plus(1)).unwrap();
    let third = PresentedKey::read(third.expose_secret()).unwrap();
    for gone in [first, second] {
        assert_eq!(ApiKey::check(Some(&key), &gone, &keys(), NOW.plus(1)), Err(KeyRefusal::WrongSecret));
    }
    assert!(ApiKey::check(Some(&key), &third, &keys(), NOW.plus(1)).is_ok());
}

#[test]
fn attack_30_a_revoked_key_opens_with_neither_secret_and_is_not_rotated_back_to_life() {
    let (mut key, first, _) = new_key(None);
    let second = PresentedKey::read(key.rotate(&[9; 32], HOUR, &keys(), NOW).unwrap().expose_secret()).unwrap();
    assert!(key.revoke(NOW.plus(5)));
    assert!(!key.revoke(NOW.plus(6)), "once");
    assert_eq!(key.revoked, Some(NOW.plus(5)));
    assert_eq!(ApiKey::check(Some(&key), &second, &keys(), NOW.plus(5)), Err(KeyRefusal::Revoked));
    assert_eq!(ApiKey::check(Some(&key), &first, &keys(), NOW.plus(5)), Err(KeyRefusal::Revoked));
    assert!(matches!(key.rotate(&[1; 32], 0, &keys(), NOW.plus(7)), Err(KeyRefusal::Revoked)));
}

#[test]
fn attack_29_a_key_never_does_more_than_its_owner_may_now() {
    let (key, ..) = new_key(None);
    let admin = ApiKey { scope: Scope::Admin, ..key.clone() };
    assert_eq!(admin.scope_under(Scope::Write), Scope::Write);
    assert_eq!(key.scope_under(Scope::Admin), Scope::Write);
}

#[test]
fn uses_are_noted_once_a_minute_and_never_backwards() {
    let (mut key, ..) = new_key(None);
    assert!(key.used(NOW));
    assert!(!key.used(NOW.plus(59_999)) && !key.used(NOW.minus(120_000)));
    assert!(key.used(NOW.plus(60_000)));
    assert_eq!(key.last_used, Some(NOW.plus(60_000)));
}

#[test]
fn attack_30_a_record_holds_no_secret_and_survives_new_fields() {
    let (key, _, text) = new_key(Some(HOUR));
    let mut written = serde_json::to_value(&key).unwrap();
    let shown = format!("{written} {key:?}");
    assert!(!shown.contains(&text[16..]) && !shown.contains(&text[16..59]));
    written["from_the_future"] = json!(1);
    assert_eq!(serde_json::from_value::<ApiKey>(written).unwrap(), key);
}

fn fields(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

#[test]
fn a_request_has_defaults_and_reads_every_field() {
    let plain = KeyRequest::read(&Map::new()).unwrap();
    assert_eq!((plain.user_id, plain.scope, plain.ttl_hours), (None, Scope::Read, None));
    let full = json!({"user_id": "ada", "scope": "admin", "ttl_hours": 24, "name": " ci ", "limit_per_minute": 5});
    let full = KeyRequest::read(&fields(full)).unwrap();
    assert_eq!((full.user_id.as_deref(), full.scope, full.ttl_ms()), (Some("ada"), Scope::Admin, Some(24 * HOUR)));
    assert_eq!((full.name.as_str(), full.limit_per_minute), ("ci", Some(5)));
    assert!(KeyRequest::read(&fields(json!({"ttl_hours": null, "scope": null}))).is_ok());
}

#[test]
fn a_bad_request_is_told_every_mistake_at_once() {
    let bad = json!({"user_id": "a b", "scope": "root", "ttl_hours": 0, "name": "x\u{202E}y", "limit_per_minute": "5", "x": 1});
    let errors = KeyRequest::read(&fields(bad)).unwrap_err();
    let told: Vec<(&str, FieldCode)> = errors.iter().map(|error| (error.field(), error.code())).collect();
    let expected = [
        ("user_id", FieldCode::Pattern),
        ("scope", FieldCode::Enum),
        ("ttl_hours", FieldCode::OutOfBounds),
        ("name", FieldCode::Characters),
        ("limit_per_minute", FieldCode::Type),
        ("x", FieldCode::Unknown),
    ];
    assert_eq!(told, expected);
}

#[test]
fn each_field_has_its_bounds() {
    let table = [
        (json!({"user_id": ""}), FieldCode::TooShort),
        (json!({"user_id": "a".repeat(65)}), FieldCode::TooLong),
        (json!({"user_id": "user:ada"}), FieldCode::Pattern),
        (json!({"user_id": 5}), FieldCode::Type),
        (json!({"scope": "Read"}), FieldCode::Enum),
        (json!({"scope": ["read"]}), FieldCode::Type),
        (json!({"ttl_hours": 87_601}), FieldCode::OutOfBounds),
        (json!({"ttl_hours": -1}), FieldCode::OutOfBounds),
        (json!({"ttl_hours": 1.5}), FieldCode::OutOfBounds),
        (json!({"ttl_hours": "24"}), FieldCode::Type),
        (json!({"name": "  "}), FieldCode::TooShort),
        (json!({"name": "a".repeat(65)}), FieldCode::TooLong),
        (json!({"limit_per_minute": 1_000_001}), FieldCode::OutOfBounds),
    ];
    for (request, code) in table {
        let errors = KeyRequest::read(&fields(request.clone())).unwrap_err();
        assert_eq!(errors.iter().map(|error| error.code()).collect::<Vec<_>>(), [code], "{request}");
    }
}

fn caller(name: &str, scope: Scope) -> Caller {
    Caller::trusted(Principal::new("user", name), scope)
}

#[test]
fn attack_29_who_may_make_whose_keys() {
    use KeyForbidden::{AboveMaker, NeedsScope};
    let table = [
        ("ada", Scope::Read, Scope::Read, Err(NeedsScope(Scope::Write))),
        ("ada", Scope::Write, Scope::Read, Ok(())),
        ("ada", Scope::Write, Scope::Write, Ok(())),
        ("ada", Scope::Write, Scope::Admin, Err(AboveMaker(Scope::Admin))),
        ("ada", Scope::Admin, Scope::Admin, Ok(())),
        ("eve", Scope::Write, Scope::Read, Err(NeedsScope(Scope::Admin))),
        ("eve", Scope::Admin, Scope::Admin, Ok(())),
    ];
    for (name, has, wants, expected) in table {
        assert_eq!(may_create(&caller(name, has), &ada(), wants), expected, "{name} with {has} for {wants}");
    }
    let nobody = Caller { authenticated: false, ..caller("ada", Scope::Admin) };
    assert_eq!(may_create(&nobody, &ada(), Scope::Read), Err(KeyForbidden::Anonymous));
}

#[test]
fn attack_29_who_may_manage_whose_keys() {
    use KeyForbidden::{AboveMaker, Anonymous, NeedsScope, NotFound};
    let (key, ..) = new_key(None);
    let strong = ApiKey { scope: Scope::Admin, ..key.clone() };
    assert_eq!(may_manage(&caller("ada", Scope::Write), &key, true), Ok(()));
    assert_eq!(may_manage(&caller("ada", Scope::Read), &key, false), Err(NeedsScope(Scope::Write)));
    assert_eq!(may_manage(&caller("eve", Scope::Write), &key, false), Err(NotFound));
    assert_eq!(may_manage(&caller("eve", Scope::Read), &key, false), Err(NotFound), "no word about it");
    assert_eq!(may_manage(&caller("eve", Scope::Admin), &key, true), Ok(()));
    assert_eq!(may_manage(&caller("ada", Scope::Write), &strong, false), Ok(()), "revoking more is safe");
    assert_eq!(may_manage(&caller("ada", Scope::Write), &strong, true), Err(AboveMaker(Scope::Admin)));
    let nobody = Caller { authenticated: false, ..caller("ada", Scope::Admin) };
    assert_eq!(may_manage(&nobody, &key, false), Err(Anonymous));
}

proptest! {
    #[test]
    fn attack_30_only_the_secret_that_was_given_opens(secret in any::<[u8; 32]>(), other in any::<[u8; 32]>(), random in any::<u128>()) {
        let new = NewKey { owner: ada(), name: "x".into(), scope: Scope::Read, ttl_ms: None, limit_per_minute: None };
        let (key, text) = ApiKey::create(new, random, &secret, &keys(), NOW);
        let presented = PresentedKey::read(text.expose_secret()).unwrap();
        prop_assert!(ApiKey::check(Some(&key), &presented, &keys(), NOW).is_ok());
        let wrong = super::text::write(key.id, &other);
        let wrong = PresentedKey::read(wrong.expose_secret()).unwrap();
        prop_assert_eq!(ApiKey::check(Some(&key), &wrong, &keys(), NOW).is_ok(), secret == other);
    }
}

fn link(key: LinkedKey) -> (KeyLink, PresentedOnce) {
    let maker = caller("root", Scope::Admin);
    let (link, text) = KeyLink::create(key, &maker, &OnceRandom { name: 1, secret: [2; 32] }, &keys(), NOW);
    // As the store keeps it.
    let link: KeyLink = serde_json::from_str(&serde_json::to_string(&link).unwrap()).unwrap();
    (link, PresentedOnce::read(Once::Link, text.expose_secret()).unwrap())
}

#[test]
fn a_link_opens_once_within_a_quarter_of_an_hour_and_tells_whoever_comes_second() {
    let (link, presented) = link(LinkedKey::Rotated(KeyId::new(77), HOUR));
    let late = link.expires();
    assert_eq!(late, NOW.plus(900_000));
    assert!(link.is_waiting(late.minus(1)) && !link.is_waiting(late));
    let opened = link.open(&presented, &keys(), late.minus(1)).unwrap();
    assert!(!opened.is_waiting(late.minus(1)));
    for later in [late.minus(1), late, link.forget_at()] {
        assert_eq!(opened.open(&presented, &keys(), later), Err(LinkRefusal::Opened(late.minus(1))));
    }
    assert_eq!(link.open(&presented, &keys(), late), Err(LinkRefusal::Expired));
}

#[test]
fn attack_30_a_link_opens_with_its_own_secret_only_and_tells_nothing_to_another() {
    let (link, presented) = link(LinkedKey::Rotated(KeyId::new(77), HOUR));
    let opened = link.open(&presented, &keys(), NOW).unwrap();
    let (_, guessed) = OnceRecord::create(Once::Link, &OnceRandom { name: 1, secret: [9; 32] }, 1, &keys(), NOW);
    let guessed = PresentedOnce::read(Once::Link, guessed.expose_secret()).unwrap();
    for link in [&link, &opened] {
        assert_eq!(link.open(&guessed, &keys(), NOW), Err(LinkRefusal::Unknown));
    }
}

#[test]
fn attack_29_a_link_makes_what_its_maker_may_make_when_it_is_opened() {
    let new = NewKey { owner: ada(), name: "ci".into(), scope: Scope::Write, ttl_ms: None, limit_per_minute: None };
    let (link, _) = link(LinkedKey::New(KeyId::new(77), new));
    let maker = link.maker().unwrap();
    assert_eq!((maker.principal.as_str(), maker.scope, maker.authenticated), ("user:root", Scope::Admin, true));
    assert_eq!(link.may_make(&maker), Ok(()));
    let demoted = Caller { scope: Scope::Write, ..maker };
    assert_eq!(link.may_make(&demoted), Err(KeyForbidden::NeedsScope(Scope::Admin)));
}
