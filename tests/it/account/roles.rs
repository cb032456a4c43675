//! Who is shown which account tool, and who may call it (requirements B16, C1 to C3).

use serde_json::json;

use super::*;
use crate::api_keys::ADMIN;

const READ: &str = "canary-of-the-reader-0123456789";
const WRITE: &str = "canary-of-the-writer-0123456789";

fn with_everybody(mode: &str) -> TestGateway {
    let keys = format!("{ADMIN}:admin:root,{READ}:read:ada,{WRITE}:write:bob");
    accounts("", &[("AUTH", mode), ("MCP_API_KEYS", &keys)])
}

#[test]
fn attack_29_each_role_is_shown_and_may_call_what_is_its_own_and_admin_tools_do_not_exist_for_others() {
    let gateway = with_everybody("optional");
    for (who, key, is_admin) in [
        ("nobody", None, false),
        ("a reader", Some(READ), false),
        ("a writer", Some(WRITE), false),
        ("an admin", Some(ADMIN), true),
    ] {
        let names = listed(&gateway, key);
        for (tool, shown) in [("get_user_info", true), ("refresh_token", true), ("manage_api_keys", is_admin)] {
            assert_eq!(names.iter().any(|name| name == tool), shown, "{tool} is shown to {who}");
        }
        for way in Way::ALL {
            assert!(matches!(call(&gateway, way, key, "get_user_info", &json!({})).ended, Ended::Good(_)), "{who} {way:?}");
            // It is let in; there are no refresh tokens at this gateway.
            let refreshed = call(&gateway, way, key, "refresh_token", &json!({"refresh_token": "tgr_x_y"})).class();
            assert_eq!(refreshed, "not_found", "{who} {way:?}");
            for action in [json!({"action": "list"}), json!({"action": "create"}), json!({"action": "none"})] {
                let managed = call(&gateway, way, key, "manage_api_keys", &action);
                let refused = if matches!(way, Way::Rest) { 404 } else { -32602 };
                if is_admin {
                    assert!(!matches!(managed.ended, Ended::Refused(_)), "{way:?}: {}", managed.raw);
                } else {
                    assert_eq!(managed.ended, Ended::Refused(refused), "{who} {way:?}: {}", managed.raw);
                    assert!(managed.raw.contains("Unknown tool: manage_api_keys"), "{}", managed.raw);
                }
            }
            let nosuch = call(&gateway, way, key, "manage_api_key", &json!({}));
            assert!(matches!(nosuch.ended, Ended::Refused(-32602 | 404)), "the same as for what is none: {}", nosuch.raw);
        }
    }
}

#[test]
fn attack_29_an_admin_key_of_a_person_who_is_no_admin_manages_nothing() {
    let gateway = with_everybody("required");
    let wanted = json!({"action": "create", "scope": "admin", "user_id": "0f3b9c0a5d2e4f61a7c8b9d0e1f20314"});
    for way in Way::ALL {
        assert_eq!(
            call(&gateway, way, Some(ADMIN), "manage_api_keys", &wanted).class(),
            "invalid_argument",
            "nobody has this id"
        );
    }
    for tool in ["get_user_info", "manage_api_keys"] {
        let refused = call(&gateway, Way::Rest, None, tool, &json!({})).ended;
        assert_eq!(refused, Ended::Refused(401), "{tool}");
    }
}

#[test]
fn what_is_not_in_toolsets_is_not_there_for_admins_either_but_everybody_may_ask_who_they_are() {
    let gateway = crate::api_keys::gateway("", &[]);
    let names = listed(&gateway, Some(ADMIN));
    assert!(names.iter().any(|name| name == "get_user_info"));
    for tool in ["refresh_token", "manage_api_keys"] {
        assert!(names.iter().all(|name| name != tool), "{tool}");
        assert_eq!(call(&gateway, Way::Stateless, Some(ADMIN), tool, &json!({})).ended, Ended::Refused(-32602));
        let through = json!({"name": tool, "arguments": {"action": "list"}});
        let called = call(&gateway, Way::Stateless, Some(ADMIN), "call_endpoint", &through);
        assert!(!matches!(called.ended, Ended::Good(_)), "not through call_endpoint: {}", called.raw);
    }
}

#[test]
fn the_tools_say_what_they_do_and_their_answers_fit_their_schemas() {
    let gateway = with_everybody("required");
    let tools = Stateless::new(gateway.address).with_key(ADMIN).result("tools/list", json!({}))["tools"].clone();
    let find = |name: &str| tools.as_array().unwrap().iter().find(|tool| tool["name"] == name).unwrap().clone();
    for (name, reads, destroys) in
        [("get_user_info", true, false), ("refresh_token", false, true), ("manage_api_keys", false, true)]
    {
        let hints = find(name)["annotations"].clone();
        assert_eq!((&hints["readOnlyHint"], &hints["destructiveHint"]), (&json!(reads), &json!(destroys)), "{name}");
        assert_eq!(hints["openWorldHint"], false, "{name}");
    }
    let (_, id) = crate::api_keys::key_of(&gateway, "ada", "read");
    for (tool, arguments) in [
        ("get_user_info", json!({})),
        ("manage_api_keys", json!({"action": "create", "name": "ci"})),
        ("manage_api_keys", json!({"action": "rotate", "key_id": id, "grace_hours": 1})),
        ("manage_api_keys", json!({"action": "list", "limit": 1})),
        ("manage_api_keys", json!({"action": "revoke", "key_id": id})),
    ] {
        let described = find(tool);
        assert!(jsonschema::validator_for(&described["inputSchema"]).unwrap().is_valid(&arguments), "{tool} {arguments}");
        let answer = call(&gateway, Way::Session, Some(ADMIN), tool, &arguments).good();
        let schema = jsonschema::validator_for(&described["outputSchema"]).unwrap();
        let errors: Vec<String> = schema.iter_errors(&answer).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{tool} {arguments}: {errors:?} in {answer}");
    }
}
