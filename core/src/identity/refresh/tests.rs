//! The promises of refresh tokens, by example. `core/tests/refresh_simulation.rs` has them under races.

use secrecy::ExposeSecret as _;

use super::*;
use crate::access::{Principal, Scope};
use crate::identity::oauth::ScopeSet;
use crate::identity::{FamilyId, HashKey, HashKeys};
use crate::time::Millis;

const NOW: Millis = Millis(1_773_167_467_294);
const DAY: u64 = 86_400_000;

fn keys() -> HashKeys {
    HashKeys::new(HashKey::new([1; 32]), vec![])
}

fn begin() -> (RefreshFamily, Issue) {
    let terms = FamilyTerms {
        principal: Principal::new("user", "ada"),
        client: "app".into(),
        resource: "https://host/mcp".into(),
        scopes: ScopeSet::of(Scope::Write),
        absolute_ms: 30 * DAY,
        idle_ms: 7 * DAY,
    };
    RefreshFamily::begin(terms, &RefreshRandom { family: 0xfa, token: [5; 16] }, &keys(), NOW)
}

fn read(issue: &Issue) -> PresentedRefresh {
    PresentedRefresh::read(issue.refresh_token.expose_secret()).unwrap()
}

fn present(family: &RefreshFamily, issue: &Issue, now: Millis) -> Presented {
    family.present(&read(issue), "app", &keys(), u128::from(now.0), now)
}

fn rotated(family: &RefreshFamily, issue: &Issue, now: Millis) -> (RefreshFamily, Issue) {
    match present(family, issue, now) {
        Presented::Rotated(family, issue) => (*family, issue),
        other => panic!("{other:?}"),
    }
}

fn refusal(presented: &Presented) -> Option<RefreshRefusal> {
    match presented {
        Presented::Refused(why) => Some(*why),
        _ => None,
    }
}

#[test]
fn the_live_token_is_replaced_by_another_one() {
    let (family, first) = begin();
    let (family, second) = rotated(&family, &first, NOW.plus(5));
    assert_ne!(first.refresh_token.expose_secret(), second.refresh_token.expose_secret());
    assert_ne!(first.jti, second.jti);
    assert_eq!((family.generation, second.issued, second.family), (1, NOW.plus(5), FamilyId(0xfa)));
}

#[test]
fn the_last_token_sent_again_within_ten_seconds_gets_the_same_answer() {
    let (family, first) = begin();
    let (family, second) = rotated(&family, &first, NOW);
    for later in [0, 1, REPEAT_GRACE_MS - 1] {
        let Presented::Again(again) = present(&family, &first, NOW.plus(later)) else { panic!("after {later} ms") };
        assert_eq!(again.refresh_token.expose_secret(), second.refresh_token.expose_secret());
        assert_eq!((again.jti, again.issued), (second.jti, second.issued));
    }
    assert!(matches!(present(&family, &first, NOW.plus(REPEAT_GRACE_MS)), Presented::Reused(_)));
}

#[test]
fn attack_27_once_the_answer_was_used_its_predecessor_is_reuse_even_within_ten_seconds() {
    let (family, first) = begin();
    let (family, second) = rotated(&family, &first, NOW);
    let (family, third) = rotated(&family, &second, NOW.plus(1));
    let Presented::Reused(dead) = present(&family, &first, NOW.plus(2)) else { panic!("the family lives") };
    assert_eq!(dead.ended, Some((NOW.plus(2), FamilyEnd::Reuse)));
    for token in [&first, &second, &third] {
        assert_eq!(refusal(&present(&dead, token, NOW.plus(3))), Some(RefreshRefusal::Ended));
    }
    assert!(!dead.is_alive());
}

#[test]
fn attack_27_a_made_up_token_ends_nothing() {
    let (family, first) = begin();
    let mut forged = read(&first);
    forged.secret.0[3] ^= 1;
    let refused = family.present(&forged, "app", &keys(), 1, NOW);
    assert_eq!(refusal(&refused), Some(RefreshRefusal::Forged));
    let mut moved = read(&first);
    moved.family = FamilyId(0xfb);
    assert_eq!(refusal(&family.present(&moved, "app", &keys(), 1, NOW)), Some(RefreshRefusal::Forged));
    assert!(!family.may_be_given_back(&forged, "app", &keys()));
    assert!(family.may_be_given_back(&read(&first), "app", &keys()));
    assert!(!family.may_be_given_back(&read(&first), "other", &keys()));
}

#[test]
fn another_client_gets_nothing() {
    let (family, first) = begin();
    let refused = family.present(&read(&first), "other", &keys(), 1, NOW);
    assert_eq!(refusal(&refused), Some(RefreshRefusal::ForeignClient));
}

#[test]
fn a_family_dies_of_disuse_and_of_age() {
    let (family, first) = begin();
    let idle = NOW.plus(7 * DAY);
    assert!(matches!(present(&family, &first, idle.minus(1)), Presented::Rotated(..)));
    assert_eq!(refusal(&present(&family, &first, idle)), Some(RefreshRefusal::Expired));
    let (mut family, mut token, mut now) = (family, first, NOW);
    for _ in 0..5 {
        now = now.plus(6 * DAY - 1);
        (family, token) = rotated(&family, &token, now);
    }
    assert_eq!(refusal(&present(&family, &token, NOW.plus(30 * DAY))), Some(RefreshRefusal::Expired));
    assert_eq!(family.expires(), family.absolute_end());
}

#[test]
fn the_first_end_of_a_family_stays() {
    let (family, _) = begin();
    let dead = family.end(FamilyEnd::GivenBack, NOW).end(FamilyEnd::Reuse, NOW.plus(9));
    assert_eq!(dead.ended, Some((NOW, FamilyEnd::GivenBack)));
}

#[test]
fn a_change_of_the_hash_key_between_a_reply_and_its_repetition_does_no_harm() {
    let (family, first) = begin();
    let changed = HashKeys::new(HashKey::new([2; 32]), vec![HashKey::new([1; 32])]);
    let Presented::Rotated(family, second) = family.present(&read(&first), "app", &changed, 77, NOW) else { panic!() };
    let again_changed = HashKeys::new(HashKey::new([3; 32]), vec![HashKey::new([2; 32]), HashKey::new([1; 32])]);
    let Presented::Again(again) = family.present(&read(&first), "app", &again_changed, 78, NOW.plus(1)) else { panic!() };
    assert_eq!(again.refresh_token.expose_secret(), second.refresh_token.expose_secret());
    assert_eq!(again.jti, second.jti);
    let retired = HashKeys::new(HashKey::new([3; 32]), vec![]);
    let refused = family.present(&read(&second), "app", &retired, 79, NOW.plus(2));
    assert_eq!(refusal(&refused), Some(RefreshRefusal::Forged));
}

#[test]
fn a_record_holds_no_token_and_is_read_back() {
    let (family, first) = begin();
    let (family, second) = rotated(&family, &first, NOW);
    let written = serde_json::to_string(&family).unwrap();
    for issue in [&first, &second] {
        let text = issue.refresh_token.expose_secret();
        assert!(!written.contains(&text[27..]) && !format!("{family:?}{issue:?}").contains(&text[27..]));
    }
    assert_eq!(serde_json::from_str::<RefreshFamily>(&written).unwrap(), family);
}

#[test]
fn a_refresh_is_for_the_same_resource_and_no_more_scopes() {
    use crate::identity::oauth::OAuthCode;
    let (family, _) = begin();
    assert_eq!(family.scopes_for(None, None), Ok(ScopeSet::of(Scope::Write)));
    assert_eq!(family.scopes_for(Some("https://host/mcp"), Some("read")), Ok(ScopeSet::of(Scope::Read)));
    assert_eq!(family.scopes_for(Some("https://other/mcp"), None).unwrap_err().code, OAuthCode::InvalidTarget);
    assert_eq!(family.scopes_for(None, Some("admin")).unwrap_err().code, OAuthCode::InvalidScope);
}
