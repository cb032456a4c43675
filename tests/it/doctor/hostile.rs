//! Servers that would hang us, fill our memory, steer the terminal or get at the key.

use std::time::{Duration, Instant};

use super::site::*;
use super::{doctor, run};

#[test]
fn a_server_that_says_nothing_or_never_ends_holds_nobody_up() {
    let table: [(Change, &str); 6] = [
        (|_| Some(Reply::Unfinished(String::new())), "nothing came within 1 s"),
        (|_| Some(Reply::Endless("HTTP/1.1 200 OK\r\nX: ".to_owned(), "endless ")), "no HTTP"),
        (|_| Some(Reply::Endless("HTTP/1.1 200 OK\r\n".to_owned(), "X-Line: endless\r\n")), "no HTTP"),
        (|_| Some(Reply::Endless(in_parts(&["Content-Type: application/json"]), "8\r\n[[[[[[[[\r\n")), "its body"),
        (|_| Some(Reply::Endless(in_parts(&["Content-Type: text/event-stream"]), "7\r\n: hm.\n\n\r\n")), "its body"),
        (|_| Some(Reply::Whole("SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned())), "no HTTP"),
    ];
    for (change, word) in table {
        let (site, begun) = (Site::start(change), Instant::now());
        let told = doctor(&[&site.url(), "--timeout", "1"], &[]);
        told.must_say("fail", "first request", word);
        assert!(begun.elapsed() < Duration::from_secs(15), "{word}: {:?}", begun.elapsed());
    }
}

#[test]
fn documents_that_never_end_are_given_up_and_the_walk_goes_on() {
    let site = Site::start(|heard| {
        let endless = || Reply::Endless(in_parts(&["Content-Type: application/json"]), "4\r\n{\"a\"\r\n");
        heard.what.contains("protected-resource").then(endless)
    });
    let told = doctor(&[&site.url(), "--timeout", "2"], &[("MCP_API_KEY", KEY)]);
    told.must_say("fail", "resource metadata", "its body");
    told.must_say("ok", "tool call", "look answers");
}

#[test]
fn a_key_is_never_shown_also_not_by_the_servers_own_words() {
    let site = Site::start(|heard| {
        let key = heard.head.lines().find_map(|line| line.split_once("Bearer ").map(|(_, key)| key.to_owned()))?;
        let body = format!("{}{key} \u{1b}[31m is unknown {key}", "x".repeat(150));
        Some(Reply::Whole(answer("401 Unauthorized", &["Content-Type: text/plain"], &body)))
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, format!("{KEY}\n")).unwrap();
    let told = doctor(&[&site.url(), "--api-key-file", file.to_str().unwrap()], &[]);
    told.must_say("fail", "session", "***");
    told.must_say("fail", "session", "mistyped, revoked, expired");
    let plain = run(&[&site.url()], &[("MCP_API_KEY", KEY)]);
    let printed = told.printed + &String::from_utf8(plain.stdout).unwrap() + &String::from_utf8(plain.stderr).unwrap();
    assert!(!printed.contains("canary") && !printed.contains('\u{1b}'), "{printed}");
}

#[test]
fn a_key_does_not_follow_a_redirect_to_another_origin() {
    let other = Site::start(|_| None);
    // A function cannot capture: the other address comes over the path.
    let site = Site::start(|heard| {
        let port = heard.what.strip_prefix("POST /to/")?;
        Some(Reply::Whole(answer("307 Temporary Redirect", &[&format!("Location: http://127.0.0.1:{port}/mcp")], "")))
    });
    let typed = format!("http://{}/to/{}", site.address, other.address.port());
    let told = doctor(&[&typed], &[("MCP_API_KEY", KEY)]);
    told.must_say("fail", "first request", "a redirect (307)");
    told.must_say("warn", "session", "not sent to another origin");
    assert!(!other.heard().is_empty() && other.heard().iter().all(|heard| !heard.head.contains(KEY)));
    assert!(site.heard().iter().all(|heard| !heard.head.contains(KEY)), "nor is it shown to who redirects");
}

#[test]
fn what_is_typed_wrongly_is_told_and_nobody_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (empty, two) = (file("empty", "\n"), file("two", "canary-one canary-two"));
    let url = "http://127.0.0.1:9/mcp";
    let table: [(&[&str], &str); 10] = [
        (&[], "URL"),
        (&["gate.example/mcp"], "https://gate.example/mcp"),
        (&["ftp://gate.example"], "http:// or https://"),
        (&["https://me:canary@gate.example/mcp"], "--api-key-file"),
        (&[url, "--timeout", "0"], "--timeout"),
        (&[url, "--origin", "https://app.example/path"], "--origin"),
        (&[url, "--api-key-file", "/nosuch"], "/nosuch"),
        (&[url, "--api-key-file", &empty], "one key"),
        (&[url, "--api-key-file", &two], "one key"),
        (&[url, "--ca", &empty], "PEM"),
    ];
    for (arguments, word) in table {
        let output = run(arguments, &[]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(word) && !said.contains("canary"), "{arguments:?}: {said}");
    }
    let told = doctor(&[url], &[]);
    told.must_say("fail", "connection", "nobody answers");
    let told = doctor(&["https://nosuch.invalid/mcp"], &[]);
    told.must_say("fail", "name", "has no address");
}

#[test]
fn nobody_is_asked_to_sign_in_for_a_token_that_another_server_would_take() {
    let site = Site::start(|heard| {
        let what = heard.what.contains("protected-resource");
        what.then(|| {
            let mut document = resource(&heard.base);
            document["resource"] = "https://bank.invalid/mcp".into();
            Reply::Whole(json_answer("200 OK", &document))
        })
    });
    let told = doctor(&[&site.url(), "--sign-in"], &[]);
    told.must_say("fail", "resource metadata", "bank.invalid");
    told.must_say("skip", "sign-in", "for another resource");
    assert!(!told.printed.contains("Open this in a browser"), "{}", told.printed);
}
