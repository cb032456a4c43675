//! Is the address one that clients can use, and does anything answer there?

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::finding::{Finding, Report};
use super::spelling::is_safe;
use super::tls;

/// Most addresses of a name that are tried.
const MAX_TRIED: usize = 4;
/// A certificate that ends within so many days is warned of: authorities renew theirs 30 days before.
const SOON_DAYS: u64 = 14;
const DAY_SECS: u64 = 86_400;

/// Reads the address that was typed.
///
/// # Errors
/// What is wrong with it, and how to write it.
pub fn read(typed: &str) -> Result<Url, String> {
    let form = "write the whole address, for example https://gate.example/mcp";
    let url = Url::parse(typed).map_err(|error| format!("{typed:?} is no address ({error}): {form}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(format!("an MCP server has an address with http:// or https://: {form}"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!(
            "an address with a name or a password in it is not sent: {form}, and give the key with --api-key-file"
        ));
    }
    Ok(url)
}

/// What can be said of the address alone.
pub(super) fn judge(typed: &str, url: &Url) -> Finding {
    let step = "address";
    if url.fragment().is_some() {
        return Finding::warn(step, format!("{typed} has a part behind #"), "leave it out: it is never sent");
    }
    if !is_safe(url) {
        let seen = format!("{typed} is plain http over a network: everybody on the way can read keys and tokens");
        return Finding::warn(
            step,
            seen,
            "put TLS before the server and type https://; most clients refuse to sign in otherwise",
        );
    }
    Finding::ok(step, typed)
}

/// Resolves, connects, and shakes hands; whether there is something to talk to.
pub(super) async fn reach(url: &Url, config: &rustls::ClientConfig, deadline: Duration, report: &mut Report) -> bool {
    let until = Instant::now() + deadline;
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(443));
    let Some(addresses) = resolve(host, port, until, report).await else { return false };
    let Some(socket) = connect(&addresses, deadline, report).await else { return false };
    if url.scheme() != "https" {
        return true;
    }
    let step = "certificate";
    match timeout_at(Instant::now() + deadline, tls::shake(socket, host, config)).await {
        Ok(Ok(shaken)) => {
            report.add(&judge_certificate(host, &shaken, unix_secs()));
            true
        }
        Ok(Err((seen, todo))) => {
            report.add(&Finding::fail(step, seen, todo));
            false
        }
        Err(_) => {
            let seen = format!("no TLS handshake within {} s", deadline.as_secs());
            report.add(&Finding::fail(step, seen, "look at what answers on this port: it may speak no TLS"));
            false
        }
    }
}

async fn resolve(host: &str, port: u16, until: Instant, report: &mut Report) -> Option<Vec<SocketAddr>> {
    let step = "name";
    let bare = host.trim_matches(['[', ']']);
    let found = match timeout_at(until, tokio::net::lookup_host((bare, port))).await {
        Ok(Ok(found)) => found.collect::<Vec<_>>(),
        Ok(Err(_)) | Err(_) => Vec::new(),
    };
    if found.is_empty() {
        report.add(&Finding::fail(
            step,
            format!("{host} has no address"),
            "look for a typing error, and at the DNS of the domain",
        ));
        return None;
    }
    if bare.parse::<std::net::IpAddr>().is_ok() {
        return Some(found);
    }
    let shown: Vec<String> = found.iter().take(MAX_TRIED).map(|address| address.ip().to_string()).collect();
    report.add(&Finding::ok(step, format!("{host} is {}", shown.join(", "))));
    Some(found)
}

/// The first connection; that another address of the name does not answer is told too, because clients may try that one.
async fn connect(addresses: &[SocketAddr], deadline: Duration, report: &mut Report) -> Option<TcpStream> {
    let step = "connection";
    let (mut socket, mut silent) = (None, Vec::new());
    for address in addresses.iter().take(MAX_TRIED) {
        match timeout_at(Instant::now() + deadline, TcpStream::connect(address)).await {
            Ok(Ok(connected)) => socket = socket.or(Some((connected, *address))),
            Ok(Err(error)) => silent.push(format!("{address} ({})", error.kind())),
            Err(_) => silent.push(format!("{address} (silence)")),
        }
    }
    let Some((socket, address)) = socket else {
        let seen = format!("nobody answers at {}", silent.join(", "));
        report.add(&Finding::fail(
            step,
            seen,
            "start the server, or look at its HOST and PORT, the firewall and the port of the address",
        ));
        return None;
    };
    report.add(&match silent.as_slice() {
        [] => Finding::ok(step, format!("{address} answers")),
        silent => Finding::warn(
            step,
            format!("{address} answers, {} does not", silent.join(", ")),
            "take addresses that lead nowhere out of the DNS: some clients wait for them; of localhost this is harmless",
        ),
    });
    Some(socket)
}

fn judge_certificate(host: &str, shaken: &tls::Shaken, now_secs: u64) -> Finding {
    let step = "certificate";
    let protocol = match shaken.protocol.as_deref() {
        Some("h2") => "HTTP/2",
        _ => "HTTP/1.1",
    };
    let said = format!("{}, {protocol}", shaken.version);
    let Some(end) = shaken.not_after else { return Finding::ok(step, format!("good for {host}; {said}")) };
    let days = end.saturating_sub(now_secs) / DAY_SECS;
    let seen = format!("good for {host} for {days} more days; {said}");
    if days < SOON_DAYS {
        return Finding::warn(step, seen, "renew it now, and look at why that did not happen by itself");
    }
    Finding::ok(step, seen)
}

/// Now, by this machine's clock, in Unix seconds.
pub(super) fn unix_secs() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::super::finding::Mark;
    use super::*;

    #[test]
    fn an_address_that_cannot_be_one_is_told_with_the_right_form() {
        for typed in
            ["gate.example/mcp", "localhost:8080/mcp", "ftp://gate.example/mcp", "https://", "https://me:canary@gate.example/mcp"]
        {
            let told = read(typed).unwrap_err();
            assert!(told.contains("https://gate.example/mcp"), "{told}");
        }
        assert!(!read("https://me:canary@gate.example/mcp").unwrap_err().contains("canary"));
        assert!(read("https://gate.example/mcp").is_ok());
    }

    #[test]
    fn a_certificate_that_ends_soon_is_warned_of() {
        let shaken =
            |days: u64| tls::Shaken { version: "TLSv1_3".into(), protocol: Some("h2".into()), not_after: Some(days * DAY_SECS) };
        assert_eq!(judge_certificate("x", &shaken(113), 100 * DAY_SECS).mark, Mark::Warn);
        let good = judge_certificate("x", &shaken(114), 100 * DAY_SECS);
        assert!(good.mark == Mark::Ok && good.seen.contains("14 more days; TLSv1_3, HTTP/2"), "{good:?}");
    }
}
