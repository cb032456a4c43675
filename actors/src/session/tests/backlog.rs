//! What waits for a reader is bounded in bytes too: few large frames cost as much as many small ones.

use tickgate_core::session::Framing;

use super::*;
use crate::test_support::{Scripted as Catalogue, says};

const FRAME_BYTES: usize = 64 << 10;

/// Offers a tool that says so many large frames as fast as the session takes them.
fn floods(catalogue: &Catalogue, frames: usize) {
    catalogue.tool("floods", move |call| async move {
        let data = Bytes::from(json!("x".repeat(FRAME_BYTES)).to_string());
        for _ in 0..frames {
            call.log(LogLevel::Error, "flood", data.clone()).await;
        }
        result()
    });
}

fn cut(desk: &Desk) -> u64 {
    desk.metrics.slow_readers.with_label_values(&["mcp"]).get()
}

/// A greeted client of HTTP+SSE, and its only stream.
async fn on_a_pipe(desk: &Desk, catalogue: &Catalogue) -> (Client, SessionStream) {
    let limits = SessionLimits { idle_ms: 1_800_000, max_ms: 86_400_000, max_calls: 200, ping_ms: u64::MAX };
    let session = Session::on_a_pipe(Framing::BareEvents, limits, desk.clock.now());
    let id = desk.directory.open(session, caller("ada"), Rc::new(catalogue.clone())).unwrap();
    let client = Client { id, handle: desk.find(id, "ada").unwrap() };
    let stream = client.get().await;
    let params = json!({"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    let initialize = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
    assert!(matches!(client.post(message(&initialize)).await, Ok(Answer::Accepted)));
    (client, stream)
}

async fn bytes_of(stream: SessionStream) -> usize {
    stream.map(|frame| frame.len()).collect::<Vec<_>>().await.into_iter().sum()
}

#[test]
fn a_stream_that_nobody_reads_keeps_two_mebibytes_and_is_cut() {
    on_paused_time(|| async {
        let (desk, catalogue) = (Desk::new(), Catalogue::new());
        floods(&catalogue, 100);
        let client = desk.open_with("ada", &json!({"protocolVersion": "2025-11-25"}), Rc::new(catalogue)).unwrap();
        let stream = client.stream(1, "floods").await;
        pass(1.0).await;
        assert_eq!(cut(&desk), 1);
        let kept = bytes_of(stream).await;
        assert!(((2 << 20) - 2 * FRAME_BYTES..=(2 << 20) + 1_024).contains(&kept), "{kept} bytes");
    });
}

#[test]
fn a_pipe_whose_client_posts_and_does_not_read_keeps_eight_mebibytes_and_ends() {
    on_paused_time(|| async {
        let (desk, catalogue) = (Desk::new(), Catalogue::new());
        floods(&catalogue, 10);
        let (client, stream) = on_a_pipe(&desk, &catalogue).await;
        for id in 1..=50 {
            // The session ends while its client still posts.
            let _ = client.post(call(id, "floods")).await;
        }
        pass(1.0).await;
        assert_eq!((cut(&desk), desk.directory.len()), (1, 0));
        let kept = bytes_of(stream).await;
        assert!(((8 << 20) - 2 * FRAME_BYTES..=8 << 20).contains(&kept), "{kept} bytes");
    });
}

#[test]
fn what_was_read_makes_room_and_a_frame_above_the_bound_goes_alone() {
    on_paused_time(|| async {
        let (desk, catalogue) = (Desk::new(), Catalogue::new());
        catalogue.done("large", || says("x".repeat(12 << 20)));
        let (client, mut stream) = on_a_pipe(&desk, &catalogue).await;
        stream.next().await.unwrap();
        for id in 1..=3 {
            assert!(matches!(client.post(call(id, "large")).await, Ok(Answer::Accepted)));
            assert!(stream.next().await.unwrap().len() > 12 << 20);
        }
        assert_eq!((cut(&desk), desk.directory.len()), (0, 1));
    });
}
