//! Nothing is left behind by connections that come and go. In a process of its own, whose files and memory are its alone.

use serde_json::json;

use crate::reports::Program;
use crate::support::{McpClient, TestGateway, get, until, until_within};

const CYCLES: usize = 1_000;

fn open_files(program: &Program) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", program.id())).map_or(0, Iterator::count)
}

fn resident_kib(program: &Program) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn cycle(program: &Program) {
    let mut stream = get("/events?topics=prices:AAPL,news:TSLA").send(program.address);
    stream.event();
    stream.cut();
    let client = McpClient::connect(program.address);
    let mut standalone = client.open_stream(None);
    standalone.event();
    standalone.cut();
    assert_eq!(client.post(&json!({"jsonrpc": "2.0", "id": 1, "method": "ping"})).status, 200);
    assert_eq!(client.delete().status, 204);
}

#[test]
fn a_thousand_streams_and_sessions_leave_no_file_no_session_and_no_memory_behind() {
    let limits =
        [("RATE_LIMIT_MCP", "0"), ("RATE_LIMIT_STREAM", "0"), ("MAX_STREAMS_PER_CALLER", "100000"), ("LOG_LEVEL", "ERROR")];
    let program = Program::start_quietly(&limits);
    (0..CYCLES / 4).for_each(|_| cycle(&program));
    let settled = |program: &Program| {
        let text = get("/metrics").send(program.address).text();
        text.contains("tickgate_sessions_open 0") && text.contains("tickgate_streams_open{kind=\"events\"} 0")
    };
    until("everything to be closed", || settled(&program));
    let (files, memory) = (open_files(&program), resident_kib(&program));
    (0..CYCLES).for_each(|_| cycle(&program));
    until("everything to be closed", || settled(&program));
    until("the files to be closed", || open_files(&program) <= files + 4);
    let grown = resident_kib(&program).saturating_sub(memory);
    println!("{CYCLES} cycles: {files} files before and {} after, {grown} KiB more memory", open_files(&program));
    // What one stream or session needs would be 14 MiB a thousand; the tape itself grows by its events.
    assert!(grown < 8 * 1_024, "{grown} KiB more after {CYCLES} cycles");
}

#[test]
fn a_reader_that_has_stopped_reading_loses_its_place_and_delays_nobody() {
    let gateway = TestGateway::with(&[("SSE_KEEPALIVE_SECS", "1")]);
    let stuck = get("/events?topics=news:F&mode=all&interval=250").send(gateway.address);
    let mut reader = get("/events?topics=news:F&mode=all&interval=250").send(gateway.address);
    assert!(reader.event().is_some() && reader.event().is_some());
    // More than the kernel buffers of both sides hold.
    for n in 0..4_000 {
        let text = "x".repeat(3_900);
        gateway
            .simulator()
            .publish_article(json!({"id": format!("long-{n}"), "title": text, "description": text, "tickers": ["F"]}));
    }
    for _ in 0..500 {
        reader.data().expect("the other reader is served");
    }
    drop(reader);
    until_within("the stuck reader to lose its place", 40, || {
        get("/metrics").send(gateway.address).text().contains("tickgate_streams_open{kind=\"events\"} 0")
    });
    drop(stuck);
}
