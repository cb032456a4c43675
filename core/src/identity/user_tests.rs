//! The promises of people's records.

use super::*;
use crate::access::Scope;
use crate::time::Millis;

const NOW: Millis = Millis(1_773_167_467_294);

fn identity(email: &str, email_verified: bool) -> Identity {
    Identity {
        issuer: "https://accounts.google.com".into(),
        subject: "1089".into(),
        email: Some(email.into()),
        email_verified,
        name: Some("Ada\u{202E} L".into()),
    }
}

fn admins() -> AdminEmails {
    AdminEmails::new([" Boss@Example.com ", "", "  "])
}

fn user(email: &str) -> User {
    User::first_seen(UserId(7), &identity(email, true), &admins(), NOW)
}

#[test]
fn an_account_is_named_by_issuer_and_subject() {
    let key = AccountKey::of("https://a", "bc");
    assert_eq!(key, AccountKey::of("https://a", "bc"));
    assert_ne!(key, AccountKey::of("https://ab", "c"), "where one ends matters");
    assert_ne!(key, AccountKey::of("https://b", "bc"));
    assert_eq!(user("x@example.com").account_key(), AccountKey::of("https://accounts.google.com", "1089"));
}

#[test]
fn attack_23_the_list_makes_admins_only_of_verified_addresses() {
    let table = [
        ("boss@example.com", true, Role::Admin),
        ("BOSS@EXAMPLE.COM", true, Role::Admin),
        ("boss@example.com", false, Role::User),
        ("b\u{43e}ss@example.com", true, Role::User),
        ("boss@example.com.evil.example", true, Role::User),
        ("", true, Role::User),
    ];
    for (email, verified, role) in table {
        assert_eq!(admins().role_of(&identity(email, verified)), role, "{email} {verified}");
    }
}

#[test]
fn a_role_from_the_list_goes_with_the_list_and_one_that_was_set_stays() {
    let boss = user("boss@example.com");
    assert_eq!(boss.role, Role::Admin);
    let later = boss.clone().seen_again(&identity("boss@example.com", true), &AdminEmails::default(), NOW.plus(5)).unwrap();
    assert_eq!((later.role, later.last_seen), (Role::User, NOW.plus(5)));
    let mut set = boss;
    set.set_role(Role::User, 1).unwrap();
    let later = set.seen_again(&identity("boss@example.com", true), &admins(), NOW).unwrap();
    assert_eq!(later.role, Role::User, "what somebody said outlasts the list");
}

#[test]
fn attack_23_a_changed_address_changes_nothing_but_the_address() {
    let before = user("x@example.com");
    let after = before.clone().seen_again(&identity("y@example.com", true), &admins(), NOW).unwrap();
    assert_eq!((after.id, after.account_key()), (before.id, before.account_key()));
    assert_eq!(after.email.as_deref(), Some("y@example.com"));
    assert_eq!(after.name.as_deref(), Some("Ada L"), "cleaned");
}

#[test]
fn attack_23_another_subject_with_the_same_address_is_somebody_else() {
    let stranger = Identity { subject: "9999".into(), ..identity("x@example.com", true) };
    assert_eq!(user("x@example.com").seen_again(&stranger, &admins(), NOW), Err(UserRefusal::Foreign));
}

#[test]
fn a_disabled_person_may_nothing_and_does_not_come_in() {
    let mut user = user("x@example.com");
    assert_eq!(user.scope(), Some(Scope::Write));
    user.disable(0, NOW).unwrap();
    user.disable(0, NOW.plus(9)).unwrap();
    assert_eq!((user.scope(), user.disabled), (None, Some(NOW)));
    assert_eq!(user.clone().seen_again(&identity("x@example.com", true), &admins(), NOW), Err(UserRefusal::Disabled));
    user.enable();
    assert_eq!(user.scope(), Some(Scope::Write));
}

#[test]
fn the_last_acting_admin_is_neither_demoted_nor_disabled() {
    let mut boss = user("boss@example.com");
    assert_eq!(boss.set_role(Role::User, 0), Err(UserRefusal::LastAdmin));
    assert_eq!(boss.disable(0, NOW), Err(UserRefusal::LastAdmin));
    assert_eq!(boss.set_role(Role::Admin, 0), Ok(()), "no change");
    assert!(boss.is_acting_admin());
    assert_eq!(boss.disable(1, NOW), Ok(()));
    assert_eq!(boss.set_role(Role::User, 0), Ok(()), "a disabled admin is not the last acting one");
}

#[test]
fn a_change_is_made_whole_or_not_at_all_and_never_takes_the_last_acting_admin() {
    let change = |role, disabled| UserChange { role, disabled };
    let table = [
        (Role::Admin, false, change(Some(Role::User), None), Err(UserRefusal::LastAdmin)),
        (Role::Admin, false, change(Some(Role::User), Some(false)), Err(UserRefusal::LastAdmin)),
        (Role::Admin, false, change(Some(Role::Admin), Some(true)), Err(UserRefusal::LastAdmin)),
        (Role::Admin, false, change(Some(Role::Admin), Some(false)), Ok(Some(Scope::Admin))),
        (Role::Admin, true, change(Some(Role::User), Some(false)), Ok(Some(Scope::Write))),
        (Role::User, false, change(Some(Role::Admin), Some(true)), Ok(None)),
        (Role::User, true, change(Some(Role::Admin), Some(false)), Ok(Some(Scope::Admin))),
    ];
    for (role, disabled, asked, outcome) in table {
        let mut before = user("x@example.com");
        (before.role, before.disabled) = (role, disabled.then_some(NOW));
        let mut after = before.clone();
        let done = after.change(asked, Some(0), NOW).map(|()| after.scope());
        assert_eq!(done, outcome, "{role:?} {disabled} {asked:?}");
        assert!(outcome.is_ok() || after == before, "nothing half done: {asked:?}");
        assert!(before.change(asked, Some(1), NOW).is_ok(), "another admin is there: {asked:?}");
    }
    let mut last = user("boss@example.com");
    assert_eq!(last.change(change(Some(Role::User), None), None, NOW), Ok(()), "the operator is not asked");
}

#[test]
fn who_is_being_erased_may_nothing_for_ever() {
    let mut boss = user("boss@example.com");
    assert_eq!(boss.begin_to_erase(Some(0), NOW), Err(UserRefusal::LastAdmin), "another admin may not");
    assert_eq!(boss.begin_to_erase(None, NOW), Ok(()), "they themselves may");
    assert_eq!(boss.begin_to_erase(None, NOW.plus(5)), Ok(()));
    assert_eq!((boss.scope(), boss.erasing), (None, Some(NOW)));
    let enable = UserChange { role: None, disabled: Some(false) };
    assert_eq!(boss.change(enable, None, NOW), Err(UserRefusal::Erasing));
    assert_eq!(boss.seen_again(&identity("boss@example.com", true), &admins(), NOW), Err(UserRefusal::Erasing));
}

#[test]
fn a_record_of_an_older_version_is_read() {
    let old = serde_json::json!({"id": UserId(7), "issuer": "i", "subject": "s", "created": 1, "last_seen": 2, "new": {}});
    let user: User = serde_json::from_value(old).unwrap();
    assert_eq!((user.role, user.disabled, user.email.clone()), (Role::User, None, None));
    assert_eq!(serde_json::from_value::<User>(serde_json::to_value(&user).unwrap()).unwrap(), user);
    assert_eq!("admin".parse(), Ok(Role::Admin));
    assert!("Admin".parse::<Role>().is_err());
}
