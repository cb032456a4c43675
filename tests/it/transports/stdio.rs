//! `tickgate serve --transport stdio`: the real program over pipes.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Wire;
use crate::support::until;

/// No answer takes longer in a test.
const DEADLINE: Duration = Duration::from_secs(20);

/// The program, its pipes, and the folder that it runs in.
pub(super) struct Program {
    child: Child,
    input: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
    log: mpsc::Receiver<String>,
    _folder: tempfile::TempDir,
}

fn lines(pipe: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || BufReader::new(pipe).lines().map_while(Result::ok).all(|line| sender.send(line).is_ok()));
    lines
}

fn spawn(settings: &[(&str, &str)]) -> (Child, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_tickgate"))
        .args(["serve", "--transport", "stdio"])
        .env_clear()
        .envs([("SIM_SYMBOLS", "120"), ("DRAIN_SECS", "10")])
        .envs(settings.iter().copied())
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    (child, folder)
}

impl Program {
    pub(super) fn start(settings: &[(&str, &str)]) -> Self {
        let (mut child, folder) = spawn(settings);
        let (input, output, errors) = (child.stdin.take(), child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Self { child, input, lines: lines(output), log: lines(errors), _folder: folder }
    }

    fn close_input(&mut self) {
        self.input = None;
    }

    fn signal(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// What it still says; every line is JSON.
    fn rest(&mut self) -> Vec<Value> {
        self.lines.iter().map(|line| parsed(&line)).collect()
    }

    fn exit_code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    fn hears_nothing_more_of(&mut self, id: &Value) {
        self.close_input();
        for message in self.rest() {
            assert_ne!(message["id"], *id, "{message}");
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn parsed(line: &str) -> Value {
    let message: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: stdout has {line}"));
    assert_eq!(message["jsonrpc"], "2.0", "{line}");
    message
}

impl Wire for Program {
    fn say(&mut self, text: &str) {
        let mut input = self.input.as_ref().expect("an open input");
        input.write_all(text.as_bytes()).and_then(|()| input.write_all(b"\n")).unwrap();
    }

    fn hear(&mut self) -> Value {
        parsed(&self.lines.recv_timeout(DEADLINE).expect("a message on stdout"))
    }
}

/// A request of 2026-07-28.
fn modern(id: impl Into<Value>, method: &str, mut params: Value) -> String {
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params}).to_string()
}

fn prices(duration: u64, token: &str) -> Value {
    let arguments = json!({"stream": true, "symbols": ["AAPL"], "interval": 1000, "duration": duration});
    json!({"name": "stream_stock_prices", "arguments": arguments, "_meta": {"progressToken": token}})
}

fn stateful(id: impl Into<Value>, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": id.into(), "method": "tools/call", "params": params}).to_string()
}

fn cancel(id: &str) -> String {
    json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id, "reason": "enough"}}).to_string()
}

#[test]
fn stdout_carries_messages_alone_and_logs_go_to_stderr_at_every_level_and_in_both_formats() {
    for format in ["json", "text"] {
        let mut program = Program::start(&[("LOG_LEVEL", "DEBUG"), ("LOG_FORMAT", format)]);
        program.greet("2025-11-25");
        program.say(&stateful(1, &json!({"name": "get_last_trade", "arguments": {"ticker": "AAPL"}})));
        assert_eq!(program.hear()["id"], 1);
        program.close_input();
        assert_eq!(program.rest(), Vec::<Value>::new());
        assert_eq!(program.exit_code(), Some(0));
        let log: Vec<String> = program.log.iter().collect();
        assert!(
            log.iter().any(|line| line.contains("DEBUG")) && log.iter().any(|line| line.contains("standard input")),
            "{log:?}"
        );
        assert_eq!(log.iter().all(|line| serde_json::from_str::<Value>(line).is_ok()), format == "json", "{log:?}");
    }
}

#[test]
fn the_settings_of_the_http_server_do_not_matter_and_its_port_is_not_bound() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut program = Program::start(&[("PORT", &port), ("HOST", "0.0.0.0"), ("AUTH", "required")]);
    program.greet("2025-06-18");
    assert_eq!(program.ask(1, "ping", json!({})), json!({}));
}

#[test]
fn who_started_us_is_told_so_and_there_are_no_accounts() {
    let mut program = Program::start(&[("TOOLSETS", "all")]);
    program.greet("2025-11-25");
    let mut call =
        |id: u64, tool: &str, arguments: Value| program.ask(id, "tools/call", json!({"name": tool, "arguments": arguments}));
    let told = call(1, "get_user_info", json!({}))["structuredContent"].clone();
    assert_eq!((&told["principal"], &told["scope"], &told["user"]), (&json!("stdio:local"), &json!("write"), &json!(null)));
    for (tool, arguments) in [("get_user_info", json!({"token": "x"})), ("refresh_token", json!({"refresh_token": "x"}))] {
        let refused = call(2, tool, arguments);
        assert_eq!(refused["_meta"]["tickgate/error"]["class"], "not_found", "{tool}: {refused}");
    }
}

#[test]
fn calls_of_both_eras_stream_side_by_side_and_each_is_answered_once() {
    let mut program = Program::start(&[]);
    program.greet("2025-11-25");
    program.say(&stateful("old", &prices(1_500, "of-old")));
    program.say(&modern("new", "tools/call", prices(1_500, "of-new")));
    let (mut progress, mut answers) = ([0, 0], Vec::new());
    while answers.len() < 2 {
        let message = program.hear();
        match message["params"]["progressToken"].as_str() {
            Some("of-old") => progress[0] += 1,
            Some("of-new") => progress[1] += 1,
            _ => answers.push(message),
        }
    }
    assert!(progress.iter().all(|count| *count >= 2), "{progress:?}");
    answers.sort_by_key(|answer| answer["id"].to_string());
    assert_eq!((&answers[0]["id"], &answers[0]["result"]["resultType"]), (&json!("new"), &json!("complete")));
    assert_eq!((&answers[1]["id"], &answers[1]["result"]["resultType"]), (&json!("old"), &Value::Null));
}

#[test]
fn a_cancelled_call_of_either_era_is_never_answered_and_an_unknown_id_is_ignored() {
    let mut program = Program::start(&[]);
    program.greet("2025-11-25");
    for (id, call) in [("old", stateful("old", &prices(60_000, "p"))), ("new", modern("new", "tools/call", prices(60_000, "p")))]
    {
        program.say(&call);
        assert_eq!(program.hear()["method"], "notifications/progress");
        program.say(&cancel("nosuch"));
        program.say(&cancel(id));
        // Its id is free again.
        program.say(&modern(id, "tools/list", json!({})));
        while program.hear()["method"] == "notifications/progress" {}
    }
    program.say(&modern("listen", "subscriptions/listen", json!({"notifications": {"toolsListChanged": true}})));
    assert_eq!(program.hear()["method"], "notifications/subscriptions/acknowledged");
    program.say(&cancel("listen"));
    program.hears_nothing_more_of(&json!("listen"));
}

#[test]
fn an_id_in_use_and_one_call_too_many_are_refused() {
    let mut program = Program::start(&[("MAX_CALLS_PER_SESSION", "1")]);
    let listen = |id: u64| modern(id, "subscriptions/listen", json!({"notifications": {"toolsListChanged": true}}));
    program.say(&listen(1));
    assert_eq!(program.hear()["method"], "notifications/subscriptions/acknowledged");
    program.say(&listen(1));
    let refused = program.hear();
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(1), &json!(-32600)));
    program.say(&listen(2));
    let refused = program.hear();
    assert_eq!((&refused["id"], &refused["error"]["data"]["reason"]), (&json!(2), &json!("too_many_calls")));
}

#[test]
fn a_listener_hears_of_a_resource_and_is_told_when_it_is_over() {
    let mut program = Program::start(&[]);
    program.say(&modern(5, "subscriptions/listen", json!({"notifications": {"resourceSubscriptions": ["market://quote/AAPL"]}})));
    let acknowledged = program.hear();
    assert_eq!(acknowledged["params"]["notifications"]["resourceSubscriptions"], json!(["market://quote/AAPL"]));
    let updated = program.hear();
    assert_eq!(
        (&updated["method"], &updated["params"]["uri"]),
        (&json!("notifications/resources/updated"), &json!("market://quote/AAPL"))
    );
    assert_eq!(updated["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 5);
    program.close_input();
    let last = program.rest().pop().unwrap();
    assert_eq!((&last["id"], &last["result"]["resultType"]), (&json!(5), &json!("complete")));
    assert_eq!(program.exit_code(), Some(0));
}

#[test]
fn a_batch_of_2025_03_26_is_answered_message_by_message_and_of_other_revisions_refused() {
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/initialized"},{"jsonrpc":"2.0","id":2,"method":"nosuch"}]"#;
    let mut program = Program::start(&[]);
    program.greet("2025-03-26");
    program.say(batch);
    assert_eq!(program.hear(), json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
    assert_eq!(program.hear()["error"]["code"], -32601);
    let mut program = Program::start(&[]);
    program.greet("2025-11-25");
    program.say(batch);
    let refused = program.hear();
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&Value::Null, &json!(-32600)));
}

#[test]
fn garbage_blank_lines_and_a_huge_line_are_survived() {
    let mut program = Program::start(&[("MAX_BODY_BYTES", "4096")]);
    let huge = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"x":"{}"}}}}"#, "x".repeat(8 << 20));
    for (line, code) in [("nonsense", -32700), ("{\"jsonrpc\":", -32700), ("{}", -32600), (&huge, 413), ("\u{feff}{}", -32700)] {
        program.say(line);
        let refused = program.hear();
        assert_eq!((&refused["id"], &refused["error"]["code"]), (&Value::Null, &json!(code)));
    }
    program.input.as_ref().unwrap().write_all(b"\xff\xfe\n").unwrap();
    assert_eq!(program.hear()["error"]["code"], -32700);
    program.say("");
    program.say(" \r");
    program.say("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}\r");
    assert_eq!(program.hear(), json!({"jsonrpc": "2.0", "id": 2, "result": {}}));
}

#[test]
fn a_session_initializes_once() {
    let mut program = Program::start(&[]);
    program.greet("2025-11-25");
    program.say(r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#);
    let refused = program.hear();
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(1), &json!(-32600)));
}

#[test]
fn at_the_end_of_the_input_what_runs_is_finished() {
    let mut program = Program::start(&[]);
    program.greet("2025-11-25");
    program.say(&stateful("old", &prices(1_500, "p")));
    program.say(&modern("new", "tools/call", prices(1_500, "q")));
    program.close_input();
    let counts: Vec<u64> =
        program.rest().iter().filter_map(|message| message["result"]["structuredContent"]["count"].as_u64()).collect();
    assert!(counts.len() == 2 && counts.iter().all(|count| *count >= 1), "{counts:?}");
    assert_eq!(program.exit_code(), Some(0));
}

#[test]
fn what_takes_too_long_at_the_end_is_given_up() {
    let mut program = Program::start(&[("DRAIN_SECS", "1")]);
    program.greet("2025-11-25");
    program.say(&stateful(1, &prices(60_000, "p")));
    assert_eq!(program.hear()["method"], "notifications/progress");
    program.close_input();
    assert_eq!(program.exit_code(), Some(0));
}

#[test]
fn sigterm_ends_streams_with_their_answers_also_after_the_end_of_the_input() {
    for closes_first in [false, true] {
        let mut program = Program::start(&[]);
        program.greet("2025-11-25");
        program.say(&stateful(1, &prices(60_000, "p")));
        assert_eq!(program.hear()["method"], "notifications/progress");
        let started = Instant::now();
        if closes_first {
            program.close_input();
        }
        program.signal();
        let last = program.rest().pop().unwrap();
        assert_eq!((&last["id"], last["result"]["isError"].as_bool()), (&json!(1), Some(false)), "{last}");
        assert_eq!(program.exit_code(), Some(0));
        assert!(started.elapsed() < Duration::from_secs(9), "it was waited for, not hastened");
    }
}

#[test]
fn a_client_that_closes_our_output_ends_the_process() {
    let (mut child, _folder) = spawn(&[]);
    drop(child.stdout.take());
    let mut input = child.stdin.take().unwrap();
    until("the program to notice", || {
        let _ = input.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n");
        child.try_wait().unwrap().is_some()
    });
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// Resident memory, in kB.
fn memory(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_client_that_asks_and_does_not_read_is_not_listened_to_and_gets_everything_later() {
    const REQUESTS: usize = 2_000;
    let (mut child, _folder) = spawn(&[]);
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let greeting = json!({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": {"protocolVersion": "2025-11-25"}});
    writeln!(input, "{greeting}").unwrap();
    assert_eq!(parsed(&output.next().unwrap())["id"], "hello");
    let before = memory(child.id());
    let writer = std::thread::spawn(move || {
        for id in 0..REQUESTS {
            let request = json!({"jsonrpc": "2.0", "id": id, "method": "tools/list"});
            writeln!(input, "{}", if id % 2 == 0 { modern(id, "tools/list", json!({})) } else { request.to_string() }).unwrap();
        }
        input
    });
    // The answers would be 60 MB; the writer is held up long before.
    let mut steady = Instant::now();
    let mut last = 0;
    until("the program to stop taking", || {
        let now = memory(child.id());
        if now != last {
            (last, steady) = (now, Instant::now());
        }
        steady.elapsed() > Duration::from_secs(1)
    });
    assert!(!writer.is_finished(), "it takes everything");
    assert!(last < before + 48_000, "it grew from {before} to {last} kB");
    let mut ids: Vec<u64> = output.by_ref().take(REQUESTS).map(|line| parsed(&line)["id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    assert!(ids.into_iter().eq(0..REQUESTS as u64));
    drop(writer.join().unwrap());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
