//! An OpenID Connect provider over HTTP: it signs a scripted person in at once, checks the client as a strict one does, and does
//! on wish what a hostile or broken one does.

use std::collections::{BTreeMap, HashMap};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::dev::ServerHandle;
use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::web::{Data, Form, Query, get, post};
use actix_web::{App, HttpResponse, HttpServer};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Our name and secret there; the secret has what form encoding changes.
pub(crate) const CLIENT: (&str, &str) = ("tickgate-tests", "a+secret/of=the&tests");
/// Longer than anybody waits.
const LATE: Duration = Duration::from_secs(60);

/// Private keys, which are worth nothing outside these tests, and their public halves, by name.
const KEYS: [(&str, &[u8], &str); 2] = [
    ("one", include_bytes!("oidc_keys/one.der"), include_str!("oidc_keys/one.modulus")),
    ("two", include_bytes!("oidc_keys/two.der"), include_str!("oidc_keys/two.modulus")),
];

/// How an ID token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// With this key and its name.
    With(usize),
    /// With the first key under another name.
    Named(&'static str),
    /// With the second key under the first one's name.
    Forged,
    /// Not at all.
    None,
    /// With the public modulus as a shared secret.
    PublicAsSecret,
    /// With the client secret as a shared secret.
    ClientSecret,
    /// With a key of the sender's own, which stands in the head.
    OwnKeyInHead,
    /// With an extension that has to be understood.
    Critical,
}

/// How an endpoint answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Good,
    Late,
    Html,
    Huge,
    /// To the same path of this address.
    Redirect(SocketAddr),
    Fails,
    NotJson,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Endpoint {
    Discovery,
    Authorize,
    Token,
    Keys,
}

/// What it does and what it was asked.
pub(crate) struct Script {
    /// Claims of the person who signs in.
    pub(crate) person: Value,
    /// Claims on top of good ones; `null` leaves one out.
    pub(crate) claims: Value,
    /// The discovery document on top of a good one.
    pub(crate) metadata: Value,
    /// The callback's `iss`, if another.
    pub(crate) issuer: Option<String>,
    /// Whether the person says no.
    pub(crate) denies: bool,
    pub(crate) sign: Sign,
    /// Keys that it shows.
    pub(crate) shown: Vec<usize>,
    pub(crate) manners: BTreeMap<Endpoint, Manner>,
    pub(crate) asked: BTreeMap<Endpoint, usize>,
    /// The queries of the authorization endpoint and the forms of the token endpoint.
    pub(crate) seen: Vec<HashMap<String, String>>,
    codes: HashMap<String, HashMap<String, String>>,
    given: usize,
}

type Shared = Data<(SocketAddr, Arc<Mutex<Script>>)>;

pub(crate) struct OidcProvider {
    pub(crate) address: SocketAddr,
    script: Arc<Mutex<Script>>,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl OidcProvider {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::new(Mutex::new(Script {
            person: json!({"sub": "1089", "email": "ada@example.com", "email_verified": true, "name": "Ada"}),
            claims: json!({}),
            metadata: json!({}),
            issuer: None,
            denies: false,
            sign: Sign::With(0),
            shown: vec![0],
            manners: BTreeMap::new(),
            asked: BTreeMap::new(),
            seen: Vec::new(),
            codes: HashMap::new(),
            given: 0,
        }));
        let shared: Shared = Data::new((address, Arc::clone(&script)));
        let (started, running) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            actix::System::new().block_on(async move {
                let app = move || {
                    App::new()
                        .app_data(shared.clone())
                        .route("/.well-known/openid-configuration", get().to(discovery))
                        .route("/authorize", get().to(authorize))
                        .route("/token", post().to(token))
                        .route("/keys", get().to(keys))
                };
                let server =
                    HttpServer::new(app).workers(1).disable_signals().shutdown_timeout(1).listen(listener).unwrap().run();
                started.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        Self { address, script, handle: running.recv().unwrap(), thread: Some(thread) }
    }

    pub(crate) fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it does next.
    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    pub(crate) fn asked(&self, endpoint: Endpoint) -> usize {
        self.script().asked.get(&endpoint).copied().unwrap_or(0)
    }

    /// An ID token of this person, good for us, as it would come from the token endpoint.
    pub(crate) fn id_token(&self, nonce: &str) -> String {
        signed(&claims(&self.issuer(), nonce, &self.script()), Sign::With(0))
    }
}

impl Drop for OidcProvider {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Counts a question, and answers it if the manner is not good.
async fn mannered(shared: &Shared, endpoint: Endpoint, path: &str) -> Option<HttpResponse> {
    let manner = {
        let mut script = shared.1.lock().unwrap();
        *script.asked.entry(endpoint).or_default() += 1;
        script.manners.get(&endpoint).copied().unwrap_or(Manner::Good)
    };
    Some(match manner {
        Manner::Good => return None,
        Manner::Late => {
            tokio::time::sleep(LATE).await;
            HttpResponse::Ok().json(json!({}))
        }
        Manner::Html => HttpResponse::Ok().content_type("text/html").body("<h1>Welcome to the hotel</h1>"),
        Manner::NotJson => HttpResponse::Ok().content_type("application/json").body("<h1>Welcome</h1>"),
        Manner::Huge => HttpResponse::Ok().content_type("application/json").body("[".repeat(1 << 20)),
        Manner::Redirect(to) => {
            HttpResponse::TemporaryRedirect().insert_header((LOCATION, format!("http://{to}{path}"))).finish()
        }
        Manner::Fails => HttpResponse::InternalServerError().json(json!({"error": "server_error"})),
    })
}

fn on_top(good: &mut Value, change: &Value) {
    for (name, value) in change.as_object().unwrap() {
        if value.is_null() {
            good.as_object_mut().unwrap().remove(name);
        } else {
            good[name] = value.clone();
        }
    }
}

async fn discovery(shared: Shared) -> HttpResponse {
    if let Some(answer) = mannered(&shared, Endpoint::Discovery, "/.well-known/openid-configuration").await {
        return answer;
    }
    let issuer = format!("http://{}", shared.0);
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    });
    on_top(&mut document, &shared.1.lock().unwrap().metadata);
    HttpResponse::Ok().json(document)
}

async fn authorize(shared: Shared, query: Query<HashMap<String, String>>) -> HttpResponse {
    if let Some(answer) = mannered(&shared, Endpoint::Authorize, "/authorize").await {
        return answer;
    }
    let query = query.into_inner();
    let mut script = shared.1.lock().unwrap();
    script.seen.push(query.clone());
    let is = |name: &str, wanted: &str| query.get(name).is_some_and(|value| value == wanted);
    if !is("client_id", CLIENT.0) || !is("response_type", "code") || !is("code_challenge_method", "S256") {
        return HttpResponse::BadRequest().body("not a request of a client that is registered here");
    }
    if !query["scope"].split(' ').any(|scope| scope == "openid") || query["code_challenge"].len() != 43 {
        return HttpResponse::BadRequest().body("no OpenID Connect, or no PKCE");
    }
    let issuer = script.issuer.clone().unwrap_or_else(|| format!("http://{}", shared.0));
    let mut back = url::Url::parse(&query["redirect_uri"]).unwrap();
    if script.denies {
        back.query_pairs_mut().append_pair("error", "access_denied");
    } else {
        script.given += 1;
        let code = format!("code/{}+{:x}", script.given, tickgate_actors::clock::random_u128());
        back.query_pairs_mut().append_pair("code", &code);
        script.codes.insert(code, query.clone());
    }
    back.query_pairs_mut().append_pair("state", &query["state"]).append_pair("iss", &issuer);
    HttpResponse::Found().insert_header((LOCATION, back.as_str())).finish()
}

async fn token(shared: Shared, form: Form<HashMap<String, String>>, request: actix_web::HttpRequest) -> HttpResponse {
    if let Some(answer) = mannered(&shared, Endpoint::Token, "/token").await {
        return answer;
    }
    let form = form.into_inner();
    let mut script = shared.1.lock().unwrap();
    script.seen.push(form.clone());
    let refused = |status: u16, error: &str| {
        HttpResponse::build(status.try_into().unwrap())
            .json(json!({"error": error, "error_description": "canary-of-the-provider"}))
    };
    if !is_our_client(&request, &form) {
        return refused(401, "invalid_client");
    }
    // A code is good once, whatever comes of it.
    let asked = script.codes.remove(form.get("code").map_or("", String::as_str));
    let verifier = form.get("code_verifier").map_or("", String::as_str);
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    let Some(asked) =
        asked.filter(|asked| asked["code_challenge"] == challenge && form.get("redirect_uri") == asked.get("redirect_uri"))
    else {
        return refused(400, "invalid_grant");
    };
    let token = signed(&claims(&format!("http://{}", shared.0), &asked["nonce"], &script), script.sign);
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(json!({"access_token": "canary-access-token", "token_type": "Bearer", "expires_in": 3600, "id_token": token}))
}

fn is_our_client(request: &actix_web::HttpRequest, form: &HashMap<String, String>) -> bool {
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", encoded(CLIENT.0), encoded(CLIENT.1)));
    let basic = request.headers().get("authorization").is_some_and(|value| value == format!("Basic {pair}").as_str());
    let said = |name: &str| form.get(name).map(String::as_str);
    basic || (said("client_id") == Some(CLIENT.0) && said("client_secret") == Some(CLIENT.1))
}

async fn keys(shared: Shared) -> HttpResponse {
    if let Some(answer) = mannered(&shared, Endpoint::Keys, "/keys").await {
        return answer;
    }
    let shown: Vec<Value> = shared.1.lock().unwrap().shown.iter().map(|key| public_key(*key)).collect();
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "public, max-age=3600")).json(json!({ "keys": shown }))
}

fn public_key(key: usize) -> Value {
    let (name, _, modulus) = KEYS[key];
    json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": name, "n": modulus.trim(), "e": "AQAB"})
}

fn claims(issuer: &str, nonce: &str, script: &Script) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut claims = json!({"iss": issuer, "aud": CLIENT.0, "azp": CLIENT.0, "iat": now, "exp": now + 3600, "nonce": nonce});
    on_top(&mut claims, &script.person);
    on_top(&mut claims, &script.claims);
    claims
}

fn signed(claims: &Value, sign: Sign) -> String {
    let with = |head: Header, key: usize| encode(&head, claims, &EncodingKey::from_rsa_der(KEYS[key].1)).unwrap();
    let named = |name: &str| Header { kid: Some(name.to_owned()), ..Header::new(Algorithm::RS256) };
    let shared = |secret: &[u8]| {
        let head = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::HS256) };
        encode(&head, claims, &EncodingKey::from_secret(secret)).unwrap()
    };
    match sign {
        Sign::With(key) => with(named(KEYS[key].0), key),
        Sign::Named(name) => with(named(name), 0),
        Sign::Forged => with(named("one"), 1),
        Sign::None => {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            format!("{}.{}.", part(&json!({"alg": "none", "kid": "one"})), part(claims))
        }
        Sign::PublicAsSecret => shared(KEYS[0].2.trim().as_bytes()),
        Sign::ClientSecret => shared(CLIENT.1.as_bytes()),
        Sign::OwnKeyInHead => {
            let jwk = serde_json::from_value(public_key(1)).unwrap();
            with(Header { jwk: Some(jwk), jku: Some("http://127.0.0.1:9/keys".to_owned()), ..named("two") }, 1)
        }
        Sign::Critical => with(Header { crit: Some(vec!["exp".to_owned()]), ..named("one") }, 0),
    }
}
