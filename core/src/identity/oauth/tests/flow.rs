//! From the request of a client to its tokens.

use secrecy::ExposeSecret as _;

use super::*;
use crate::access::{Principal, Scope};
use crate::identity::FamilyId;

fn ada() -> Principal {
    Principal::new("user", "ada")
}

#[test]
fn a_good_request_is_read_and_unknown_scopes_are_dropped() {
    let (client, _) = client(&["https://a/cb", "http://127.0.0.1/"], "none");
    let request =
        asked(&client, &[("scope", Some("openid offline_access write read Admin")), ("prompt", Some("consent"))]).unwrap();
    assert_eq!((request.scopes.to_string().as_str(), request.state.as_deref()), ("read write", Some("s & t")));
    assert!(request.prompt.consent && !request.prompt.none);
    assert_eq!(serde_json::from_str::<AuthorizationRequest>(&serde_json::to_string(&request).unwrap()).unwrap(), request);
    let request = asked(&client, &[("redirect_uri", Some("http://127.0.0.1:51004/")), ("state", None)]).unwrap();
    assert_eq!((request.redirect_uri.as_str(), request.state), ("http://127.0.0.1:51004/", None));
}

#[test]
fn who_asks_for_nothing_that_there_is_asks_for_the_least() {
    let (client, _) = client(&["https://a/cb"], "none");
    for scope in [None, Some(""), Some("openid email")] {
        assert_eq!(asked(&client, &[("scope", scope)]).unwrap().scopes, ScopeSet::of(Scope::Read), "{scope:?}");
    }
    let request = asked(&client, &[("scope", Some("admin write"))]).unwrap();
    assert_eq!(request.scopes_for(Scope::Write), Some(ScopeSet::of(Scope::Write)));
    assert_eq!(asked(&client, &[("scope", Some("admin"))]).unwrap().scopes_for(Scope::Write), None);
}

#[test]
fn a_resource_is_the_published_one_or_a_bare_origin_with_a_slash() {
    let (client, _) = client(&["https://a/cb"], "none");
    for fine in [None, Some("https://host/mcp")] {
        assert_eq!(asked(&client, &[("resource", fine)]).unwrap().resource, "https://host/mcp");
    }
    for bad in ["https://host/mcp/", "https://host", "https://host/", "https://evil.example/mcp", "HTTPS://host/mcp", "x"] {
        assert_eq!(error_of(asked(&client, &[("resource", Some(bad))]).unwrap_err()), "invalid_target", "{bad}");
    }
    let bare = Resource::new("https://host");
    assert!(bare.is_meant_by(Some("https://host/")) && bare.is_meant_by(Some("https://host")) && bare.is_meant_by(None));
    assert!(!bare.is_meant_by(Some("https://host//")) && !bare.is_meant_by(Some("https://host/mcp")));
}

#[test]
fn faults_of_client_and_address_show_a_page_and_all_others_go_back_with_state_and_issuer() {
    let (client, _) = client(&["https://a/cb"], "none");
    let pages = [
        ("client_id", None),
        ("client_id", Some("client-other")),
        ("redirect_uri", None),
        ("redirect_uri", Some("https://a/cb/")),
        ("redirect_uri", Some("https://evil.example/")),
    ];
    for change in pages {
        assert!(matches!(asked(&client, &[change]), Err(AuthorizeFault::Page(_))), "{change:?}");
    }
    let long = "s".repeat(MAX_STATE_BYTES + 1);
    let redirects = [
        ("response_type", None, "invalid_request"),
        ("response_type", Some("token"), "unsupported_response_type"),
        ("response_type", Some("code token"), "unsupported_response_type"),
        ("response_mode", Some("fragment"), "invalid_request"),
        ("response_mode", Some("form_post"), "invalid_request"),
        ("code_challenge", None, "invalid_request"),
        ("code_challenge", Some("short"), "invalid_request"),
        ("code_challenge_method", None, "invalid_request"),
        ("code_challenge_method", Some("plain"), "invalid_request"),
        ("code_challenge_method", Some("s256"), "invalid_request"),
        ("resource", Some("https://other/mcp"), "invalid_target"),
        ("prompt", Some("none consent"), "invalid_request"),
    ];
    for (name, value, code) in redirects {
        let said = back(asked(&client, &[(name, value)]).unwrap_err());
        let has = |name: &str, value: &str| said.iter().filter(|(n, v)| n == name && v == value).count() == 1;
        assert!(has("error", code) && has("state", "s & t") && has("iss", ISSUER), "{name} {value:?}: {said:?}");
    }
    let said = back(asked(&client, &[("state", Some(&long))]).unwrap_err());
    assert!(said.iter().all(|(name, _)| name != "state") && said[0].1 == "invalid_request");
}

#[test]
fn a_parameter_that_comes_twice_is_refused() {
    let (client, _) = client(&["https://a/cb"], "none");
    let challenge = challenge_of(VERIFIER);
    let good = format!(
        "response_type=code&client_id={}&redirect_uri=https%3A%2F%2Fa%2Fcb&code_challenge={challenge}&code_challenge_method=S256",
        client.id
    );
    let ask = |more: &str| {
        let params = Params::read(&format!("{good}{more}")).unwrap();
        let asked = Asked::read(&params).map_err(AuthorizeFault::Page)?;
        asked.check(Some(&client), &resource(), ISSUER)
    };
    assert!(ask("").is_ok() && ask("&unknown=1&empty").is_ok());
    for page in ["&client_id=x", "&redirect_uri=https%3A%2F%2Fa%2Fcb"] {
        assert!(matches!(ask(page), Err(AuthorizeFault::Page(_))), "{page}");
    }
    for (more, code) in [
        ("&scope=read&scope=admin", "invalid_request"),
        ("&code_challenge_method=plain", "invalid_request"),
        ("&state=a&state=b", "invalid_request"),
        ("&resource=https%3A%2F%2Fhost%2Fmcp&resource=https%3A%2F%2Fevil", "invalid_target"),
    ] {
        let said = back(ask(more).unwrap_err());
        assert!(said[0].1 == code && said.iter().all(|(name, _)| name != "state"), "{more}: {said:?}");
    }
    assert_eq!(Params::read(&"a".repeat(MAX_PARAMS_BYTES + 1)), Err(ParamsFault::TooLong));
    assert_eq!(Params::read(&"a=1&".repeat(MAX_PARAMS + 1)), Err(ParamsFault::TooLong));
}

fn claim(client: &Client) -> CodeClaim<'_> {
    CodeClaim { client_id: &client.id, redirect_uri: "https://a/cb", verifier: VERIFIER, resource: Some("https://host/mcp") }
}

#[test]
fn a_code_is_good_once_for_ten_minutes_for_what_it_was_made_for() {
    use CodeRefusal::{Expired, ForeignClient, OtherRedirect, OtherResource, WrongVerifier};
    let (client, _) = client(&["https://a/cb"], "none");
    let (code, presented) = code(&asked(&client, &[]).unwrap());
    let claim = claim(&client);
    let redeem = |claim: &CodeClaim<'_>, later: u64| code.redeem(&presented, claim, &keys(), NOW.plus(later));
    assert!(matches!(redeem(&claim, 599_999), Redeemed::Good(_)));
    assert!(matches!(redeem(&CodeClaim { resource: None, ..claim }, 0), Redeemed::Good(_)));
    let table = [
        (claim, 600_000, Expired),
        (CodeClaim { client_id: "client-other", ..claim }, 0, ForeignClient),
        (CodeClaim { redirect_uri: "https://a/cb/", ..claim }, 0, OtherRedirect),
        (CodeClaim { redirect_uri: "", ..claim }, 0, OtherRedirect),
        (CodeClaim { verifier: "", ..claim }, 0, WrongVerifier),
        (CodeClaim { resource: Some("https://evil.example"), ..claim }, 0, OtherResource),
    ];
    for (claim, later, why) in table {
        assert_eq!(redeem(&claim, later), Redeemed::Refused(why));
        let told = if why == OtherResource { OAuthCode::InvalidTarget } else { OAuthCode::InvalidGrant };
        assert_eq!(why.told().code, told);
    }
    let written = serde_json::to_string(&code).unwrap();
    assert_eq!(serde_json::from_str::<AuthorizationCode>(&written).unwrap(), code);
    assert!(code.forget_at() > NOW.plus(600_000));
}

#[test]
fn a_token_request_is_read_or_refused_with_the_exact_code() {
    let good = [
        ("grant_type", "authorization_code"),
        ("client_id", "c"),
        ("code", "k"),
        ("redirect_uri", "https://a/cb"),
        ("code_verifier", VERIFIER),
    ];
    let read = |pairs: &[(&str, &str)]| TokenRequest::read(&query(pairs), None);
    let request = read(&good).unwrap();
    assert!(
        matches!(request.grant, TokenGrant::AuthorizationCode { ref redirect_uri, resource: None, .. } if redirect_uri == "https://a/cb")
    );
    assert!(!format!("{request:?}").contains(VERIFIER), "secrets are not shown");
    for missing in ["grant_type", "client_id", "code", "redirect_uri", "code_verifier"] {
        let pairs: Vec<_> = good.iter().copied().filter(|(name, _)| *name != missing).collect();
        assert_eq!(read(&pairs).unwrap_err().code, OAuthCode::InvalidRequest, "{missing}");
    }
    let doubled: Vec<_> = good.iter().copied().chain([("code", "l")]).collect();
    assert_eq!(read(&doubled).unwrap_err().code, OAuthCode::InvalidRequest);
    let twice: Vec<_> = good.iter().copied().chain([("resource", "a"), ("resource", "b")]).collect();
    assert_eq!(read(&twice).unwrap_err().code, OAuthCode::InvalidTarget);
    for grant in ["password", "client_credentials", "implicit", "AUTHORIZATION_CODE"] {
        let error = read(&[("grant_type", grant), ("client_id", "c")]).unwrap_err();
        assert_eq!((error.code, error.code.status()), (OAuthCode::UnsupportedGrantType, 400));
    }
    let refresh =
        read(&[("grant_type", "refresh_token"), ("client_id", "c"), ("refresh_token", "t"), ("scope", "read")]).unwrap();
    assert!(matches!(refresh.grant, TokenGrant::RefreshToken { scope: Some(ref scope), .. } if scope == "read"));
    assert_eq!(read(&[("grant_type", "refresh_token"), ("client_id", "c")]).unwrap_err().code, OAuthCode::InvalidRequest);
    let revoke = RevocationRequest::read(&query(&[("client_id", "c"), ("token", "t"), ("token_type_hint", "x")]), None).unwrap();
    assert_eq!(revoke.token.expose_secret(), "t");
    assert!(RevocationRequest::read(&query(&[("client_id", "c")]), None).is_err());
}

#[test]
fn a_refresh_may_ask_for_less_and_not_for_more() {
    let granted = ScopeSet::read("read write");
    assert_eq!(TokenRequest::narrowed(granted, None), Ok(granted));
    assert_eq!(TokenRequest::narrowed(granted, Some("read offline_access")), Ok(ScopeSet::of(Scope::Read)));
    assert_eq!(TokenRequest::narrowed(granted, Some("offline_access")), Ok(granted));
    assert_eq!(TokenRequest::narrowed(granted, Some("admin")).unwrap_err().code, OAuthCode::InvalidScope);
    assert_eq!(TokenRequest::narrowed(ScopeSet::of(Scope::Write), Some("read")), Ok(ScopeSet::of(Scope::Read)), "write has read");
}

#[test]
fn a_consent_covers_the_same_client_place_and_no_more_scopes() {
    let (client, _) = client(&["https://a/cb", "http://127.0.0.1/", "app.example:/cb"], "none");
    let request = asked(&client, &[]).unwrap();
    let consent = Consent::given(&ada(), &request, request.scopes, NOW);
    let covers = |changes: &[(&str, Option<&str>)]| {
        let request = asked(&client, changes).unwrap();
        consent.covers(&ada(), &request, request.scopes)
    };
    assert!(covers(&[]) && covers(&[("scope", Some("read"))]));
    assert!(!covers(&[("scope", Some("admin"))]));
    assert!(!covers(&[("prompt", Some("consent"))]));
    for anybodys in ["http://127.0.0.1:9/", "app.example:/cb"] {
        let request = asked(&client, &[("redirect_uri", Some(anybodys))]).unwrap();
        let given = Consent::given(&ada(), &request, request.scopes, NOW);
        assert!(!given.covers(&ada(), &request, request.scopes), "anybody may listen at {anybodys}");
    }
    assert!(!consent.covers(&Principal::new("user", "eve"), &request, request.scopes));
    let moved = AuthorizationRequest { redirect_uri: RedirectUri::read("https://b/cb").unwrap(), ..request.clone() };
    assert!(!consent.covers(&ada(), &moved, moved.scopes));
    assert_ne!(Consent::record_name(&ada(), "c"), Consent::record_name(&ada(), "d"));
    let page = ConsentPage::new(&client, &request, request.scopes);
    assert_eq!((page.client_name.as_str(), page.place.as_str(), page.is_local_only), ("App", "a", false));
}

#[test]
fn the_family_of_a_code_is_known_before_its_first_use() {
    let (client, _) = client(&["https://a/cb"], "none");
    let (code, _) = code(&asked(&client, &[]).unwrap());
    assert_eq!(code.family, FamilyId(0xfa));
}
