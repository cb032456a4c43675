//! What does the server answer to a client that has nothing but the address?

use awc::http::Method;
use serde_json::{Value, json};
use url::Url;

use super::challenge::Challenge;
use super::finding::{Finding, Report};
use super::reach::unix_secs;
use super::spelling::at;
use super::visit::{Ask, Fault, Seen, Visitor};

/// The newest revision with sessions, as most clients begin.
pub(super) const REVISION: &str = "2025-11-25";
/// Most addresses that we are sent on to: one for the scheme, one for the host, one for the path.
const MAX_MOVES: usize = 3;
/// Clocks may differ by so many seconds: what tokens are given for clients' and servers' clocks.
const MAX_SKEW_SECS: u64 = 60;
/// Where the MCP Inspector, the client that lives in a browser, runs.
const INSPECTOR: &str = "http://localhost:6274";
/// Request headers that a client in a browser sends.
const BROWSER_HEADERS: &str = "authorization,content-type,mcp-protocol-version,mcp-session-id,last-event-id,mcp-method,mcp-name";
const STEP: &str = "first request";

/// What stands behind the address.
#[derive(Debug)]
pub(super) enum Door {
    /// Anybody may come in.
    Open,
    /// A credential is wanted.
    Locked(Option<Challenge>),
}

/// What one answer means.
#[derive(Debug)]
enum Verdict {
    Is(Door, Finding),
    /// Where it sends us, or where it may be meant.
    Elsewhere(Url, Finding),
    Not(Finding),
}

/// Knocks, and goes where it is sent; the address where MCP is, and what stands there.
pub(super) async fn knock(visitor: &Visitor, url: &Url, report: &mut Report) -> Option<(Url, Door)> {
    let (mut url, mut moves, mut clock_is_known) = (url.clone(), 0, false);
    loop {
        let answer = visitor.call(initialize(&url)).await;
        if let (Ok((seen, _)), false) = (&answer, clock_is_known) {
            clock_is_known = true;
            report.add_all(&clock(seen, unix_secs()).into_iter().collect::<Vec<_>>());
        }
        match judge(&url, &answer) {
            Verdict::Is(door, finding) => {
                report.add(&finding);
                if let Ok((seen, _)) = &answer {
                    visitor.discard(&url, seen).await;
                }
                return Some((url, door));
            }
            Verdict::Not(finding) => {
                report.add(&finding);
                return None;
            }
            Verdict::Elsewhere(other, finding) => {
                report.add(&finding);
                moves += 1;
                if moves > MAX_MOVES {
                    return None;
                }
                url = other;
            }
        }
    }
}

/// The first message of a client.
pub(super) fn initialize(url: &Url) -> Ask {
    let client = json!({"name": "tickgate-doctor", "version": env!("CARGO_PKG_VERSION")});
    let params = json!({"protocolVersion": REVISION, "capabilities": {}, "clientInfo": client});
    Ask::post_json(url, &json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}))
}

fn judge(url: &Url, answer: &Result<(Seen, Option<Value>), Fault>) -> Verdict {
    let (seen, message) = match answer {
        Ok(answer) => answer,
        Err(fault) => return Verdict::Not(no_answer(fault)),
    };
    if let Some(cut) = seen.cut {
        let todo = "an MCP server answers shortly and ends its answer: look at what runs there, and at the proxy before it";
        return Verdict::Not(Finding::fail(STEP, cut.to_string(), todo));
    }
    if let 300..=399 = seen.status {
        return redirected(url, seen);
    }
    let status = seen.status;
    match (status, message) {
        (401, _) => locked(seen),
        (200, Some(message)) if message["result"]["protocolVersion"].is_string() => {
            let said = message["result"]["protocolVersion"].as_str().unwrap_or_default();
            let name = message["result"]["serverInfo"]["name"].as_str().unwrap_or("a server without a name");
            Verdict::Is(Door::Open, Finding::ok(STEP, format!("{name} lets in without a credential, and speaks {said}")))
        }
        (_, Some(message)) if matches!(message["error"]["code"].as_i64(), Some(-32_601 | -32_022 | -32_020)) => {
            let seen = format!("the server knows no sessions: {}", seen.words());
            let todo = "clients older than 2026-07-28 cannot use it";
            Verdict::Is(Door::Open, Finding::warn(STEP, seen, todo))
        }
        _ => refused(url, seen),
    }
}

fn no_answer(fault: &Fault) -> Finding {
    let todo = match fault {
        Fault::Late(_) => "look at the server and the proxy before it: a POST of `initialize` must be answered at once",
        Fault::NoConnection(_) => "the connection opens but nobody serves it: look at the server's log and the proxy's",
        Fault::NoHttp(_) => "look at what runs on this port; if it speaks TLS, type https://",
    };
    Finding::fail(STEP, fault.to_string(), todo)
}

fn redirected(url: &Url, seen: &Seen) -> Verdict {
    let to = seen.header("location").and_then(|to| url.join(to).ok()).filter(|to| matches!(to.scheme(), "http" | "https"));
    let status = seen.status;
    let Some(to) = to else {
        let todo = "an MCP server answers itself at the address that people type";
        return Verdict::Not(Finding::fail(STEP, format!("a redirect ({status}) that leads nowhere"), todo));
    };
    let told = format!("a redirect ({status}) to {to}");
    if to.host_str() != url.host_str() {
        let todo = "this may be a login page before the server: let MCP clients through to it, they sign in by OAuth";
        return Verdict::Not(Finding::fail(STEP, told, todo));
    }
    let todo = format!("type {to}: clients send no key along, or turn the POST into a GET");
    Verdict::Elsewhere(to, Finding::fail(STEP, told, todo))
}

fn locked(seen: &Seen) -> Verdict {
    let challenges: Vec<&str> = seen.headers.get_all("www-authenticate").filter_map(|value| value.to_str().ok()).collect();
    let challenge = challenges.iter().find_map(|challenge| Challenge::read(challenge));
    let finding = match &challenge {
        None if challenges.is_empty() => Finding::warn(
            STEP,
            "401 without WWW-Authenticate",
            "send `WWW-Authenticate: Bearer resource_metadata=\"…\"`: without it some clients do not look where to sign in",
        ),
        None => Finding::fail(
            STEP,
            format!("401 that asks for {}", challenges.join(", ")),
            "a proxy asks for its own password: let MCP clients through to the server, they know Bearer only",
        ),
        Some(challenge) => match (challenge.get("resource_metadata"), challenge.get("scope")) {
            (Some(metadata), scope) => {
                let scope = scope.map_or_else(String::new, |scope| format!(", scope {scope}"));
                Finding::ok(STEP, format!("401, as it should be; it points to {metadata}{scope}"))
            }
            (None, _) => Finding::warn(
                STEP,
                "401 whose WWW-Authenticate names no resource_metadata",
                "fine where clients bring an API key; for sign-in it must name it (tickgate: set GOOGLE_CLIENT_ID)",
            ),
        },
    };
    Verdict::Is(Door::Locked(challenge), finding)
}

fn refused(url: &Url, seen: &Seen) -> Verdict {
    let (status, words) = (seen.status, seen.words());
    let lower = words.to_ascii_lowercase();
    let told = if words.is_empty() { format!("status {status}, no words") } else { format!("status {status}: {words}") };
    let fail = |told: &str, todo: &str| Finding::fail(STEP, told, todo);
    let not_here = matches!(status, 404 | 405) || (status < 400 && !seen.is_json());
    if let Some(other) = meant(url).filter(|_| not_here) {
        let told = if seen.is_html() { format!("status {status}, a web page") } else { told };
        let todo = format!("MCP is not at {}: trying {other}; if that works, type that", url.path());
        return Verdict::Elsewhere(other, fail(&told, &todo));
    }
    let finding = match status {
        _ if seen.is_html() && status < 500 => fail(
            &format!("status {status}, a web page instead of MCP"),
            "a login page or a proxy stands before the server, or the path is another: let MCP clients through to it",
        ),
        403 | 421 if lower.contains("host") || status == 421 => {
            fail(&told, "the server does not know itself under this name: set PUBLIC_URL, or add the host to ALLOWED_HOSTS")
        }
        403 if lower.contains("forwarded") => {
            fail(&told, "a proxy stands before a server that asks nobody for a credential: set AUTH=required, or TRUSTED_PROXIES")
        }
        403 => {
            fail(&told, "clients without a credential must get 401: look at firewall rules and bot protection before the server")
        }
        404 | 405 => fail(&told, "there is no MCP at this path: look for the right one (tickgate: /mcp)"),
        429 => fail(&told, "too many requests from this address: wait, or raise the limit (tickgate: RATE_LIMIT_MCP)"),
        502..=504 => fail(&told, "the proxy is there but the server behind it is not: start it, or look at the proxy's upstream"),
        500.. => fail(&told, "look at the server's log"),
        _ => fail(&told, "this is no answer of MCP to `initialize`: look at what runs there"),
    };
    Verdict::Not(finding)
}

/// Where people who typed this may have meant.
fn meant(url: &Url) -> Option<Url> {
    match url.path() {
        "/" => Some(at(url, "/mcp")),
        path => path.strip_suffix('/').map(|path| at(url, path)),
    }
}

/// What is wrong with the clocks; nothing when the server does not tell its.
fn clock(seen: &Seen, now_secs: u64) -> Option<Finding> {
    let date = jiff::fmt::rfc2822::parse(seen.header("date")?).ok()?;
    let skew = now_secs.abs_diff(u64::try_from(date.timestamp().as_second()).ok()?);
    Some(if skew > MAX_SKEW_SECS {
        let seen = format!("the server's clock and this machine's differ by {skew} s");
        Finding::warn("clock", seen, "set both by NTP: tokens are good from and to a moment")
    } else {
        Finding::ok("clock", format!("the server's clock and this machine's agree within {MAX_SKEW_SECS} s"))
    })
}

/// Whether clients that live in a browser get through; `origin` is one that must.
pub(super) async fn browsers(visitor: &Visitor, url: &Url, origin: Option<&str>, report: &mut Report) {
    let step = "browser clients";
    let asked = origin.unwrap_or(INSPECTOR);
    let preflight = Ask::get(url)
        .with_method(Method::OPTIONS)
        .header("origin", asked)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", BROWSER_HEADERS);
    let (preflight, actual) =
        (visitor.ask(preflight).await, visitor.call(initialize(url).header("origin", asked)).await.map(|(seen, _)| seen));
    if let Ok(actual) = &actual {
        visitor.discard(url, actual).await;
    }
    let missing = match (&preflight, &actual) {
        (Ok(preflight), Ok(actual)) => missing_for_browsers(asked, preflight, actual),
        (Err(fault), _) | (_, Err(fault)) => vec![fault.to_string()],
    };
    report.add(&if missing.is_empty() {
        Finding::ok(step, format!("pages of {asked} may use it"))
    } else {
        let seen = format!("pages of {asked} may not use it: {}", missing.join("; "));
        let todo = "allow the origin (tickgate: ALLOWED_ORIGINS); clients outside of browsers are not concerned";
        if origin.is_some() { Finding::fail(step, seen, todo) } else { Finding::warn(step, seen, todo) }
    });
}

fn missing_for_browsers(origin: &str, preflight: &Seen, actual: &Seen) -> Vec<String> {
    let mut missing = Vec::new();
    let allows =
        |seen: &Seen| seen.header("access-control-allow-origin").is_some_and(|allowed| allowed == "*" || allowed == origin);
    if !(200..300).contains(&preflight.status) || !allows(preflight) {
        missing.push(format!("the preflight is answered with {} {}", preflight.status, preflight.words()).trim_end().to_owned());
        return missing;
    }
    let list = |name: &str| preflight.header(name).unwrap_or_default().to_ascii_lowercase();
    let headers = list("access-control-allow-headers");
    let allowed: Vec<&str> = headers.split(',').map(str::trim).collect();
    // By the standard a star does not cover Authorization.
    for name in
        BROWSER_HEADERS.split(',').filter(|name| !allowed.contains(name) && (*name == "authorization" || !allowed.contains(&"*")))
    {
        missing.push(format!("the header {name} is not allowed"));
    }
    if !allows(actual) {
        missing.push(format!("the answer itself ({}) has no Access-Control-Allow-Origin", actual.status));
        return missing;
    }
    let exposed = actual.header("access-control-expose-headers").unwrap_or_default().to_ascii_lowercase();
    for name in ["mcp-session-id", "www-authenticate"] {
        if exposed != "*" && !exposed.split(',').any(|exposed| exposed.trim() == name) {
            missing.push(format!("the header {name} is not exposed"));
        }
    }
    missing
}

/// What the server says of its own health, if it does.
pub(super) async fn health(visitor: &Visitor, url: &Url, report: &mut Report) {
    let step = "health";
    let seen = match visitor.ask(Ask::get(&at(url, "/health"))).await {
        Ok(seen) => seen,
        Err(fault) => {
            report.add(&Finding::warn(step, format!("/health: {fault}"), "look at the server's log"));
            return;
        }
    };
    let told = seen.json().and_then(|body| body["status"].as_str().map(str::to_owned));
    report.add(&match (seen.status, told.as_deref()) {
        (200, Some(told @ ("healthy" | "ok" | "up" | "UP" | "pass"))) => Finding::ok(step, format!("/health says {told}")),
        (200 | 503, Some(told)) => Finding::warn(
            step,
            format!("/health says {told} ({})", seen.status),
            "its `checks` say what: look at them and at the log",
        ),
        _ => Finding::skip(step, format!("nothing is known: /health answers {}", seen.status)),
    });
}
