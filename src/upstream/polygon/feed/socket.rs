//! The two halves of an open socket.

use std::io::ErrorKind;
use std::rc::Rc;
use std::time::Duration;

use actix_codec::Framed;
use actix_rt::time::timeout;
use actix_ws::Item;
use awc::BoxedSocket;
use awc::error::WsProtocolError;
use awc::ws::{Codec, Frame, Message};

use bytes::{Bytes, BytesMut};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use secrecy::{ExposeSecret, SecretString};
use tickgate_core::ports::{FeedRead, FeedReader, FeedWriter, PortFuture, UpstreamError, UpstreamErrorKind};
use tokio::sync::Mutex;

use super::MAX_MESSAGE_BYTES;
use super::metered::{Meter, Metered};

/// Why a connection ends whose server sends more than is read.
const TOO_LARGE: &str = "a message is larger than 8 MiB";

/// Longest wait for a pong to get out: behind it nothing is read.
const PONG_DEADLINE: Duration = Duration::from_secs(10);

type Socket = Framed<Metered<BoxedSocket>, Codec>;

/// Shared, because the reading half answers pings.
type Sink = Rc<Mutex<SplitSink<Socket, Message>>>;

/// What comes.
pub(super) struct Reader {
    stream: SplitStream<Socket>,
    sink: Sink,
    fragments: Option<BytesMut>,
    meter: Meter,
}

impl Reader {
    pub(super) fn new(stream: SplitStream<Socket>, sink: Sink, meter: Meter) -> Self {
        Self { stream, sink, fragments: None, meter }
    }

    /// Takes a frame; `None` when it was a part of a message.
    async fn take(&mut self, frame: Frame) -> Option<FeedRead> {
        Some(match frame {
            Frame::Text(text) | Frame::Binary(text) => FeedRead::Text(text),
            Frame::Continuation(item) => return self.join(item),
            Frame::Ping(payload) => {
                let pong = async { self.sink.lock().await.send(Message::Pong(payload)).await };
                match timeout(PONG_DEADLINE, pong).await {
                    Ok(Ok(())) => FeedRead::Beat,
                    _ => FeedRead::Closed("a pong does not get out"),
                }
            }
            Frame::Pong(_) => FeedRead::Beat,
            Frame::Close(_) => FeedRead::Closed("the server closed it"),
        })
    }

    fn join(&mut self, item: Item) -> Option<FeedRead> {
        let (part, last) = match item {
            Item::FirstText(part) | Item::FirstBinary(part) => {
                self.fragments = Some(BytesMut::new());
                (part, false)
            }
            Item::Continue(part) => (part, false),
            Item::Last(part) => (part, true),
        };
        let Some(joined) = self.fragments.as_mut() else {
            return Some(FeedRead::Closed("a fragment without a beginning"));
        };
        if joined.len() + part.len() > MAX_MESSAGE_BYTES {
            return Some(FeedRead::Closed(TOO_LARGE));
        }
        joined.extend_from_slice(&part);
        if !last {
            return None;
        }
        self.fragments.take().map(|joined| FeedRead::Text(joined.freeze()))
    }
}

impl FeedReader for Reader {
    fn next(&mut self) -> PortFuture<'_, FeedRead> {
        Box::pin(async move {
            loop {
                let frame = match self.stream.next().await {
                    Some(Ok(frame)) => frame,
                    Some(Err(WsProtocolError::Overflow)) => return FeedRead::Closed(TOO_LARGE),
                    Some(Err(WsProtocolError::Io(error))) if error.kind() == ErrorKind::FileTooLarge => {
                        return FeedRead::Closed(TOO_LARGE);
                    }
                    Some(Err(_)) => return FeedRead::Closed("it does not speak WebSocket any more"),
                    None => return FeedRead::Closed("the connection is gone"),
                };
                self.meter.reset();
                if let Some(read) = self.take(frame).await {
                    return read;
                }
            }
        })
    }
}

/// What goes.
pub(super) struct Writer {
    sink: Sink,
    key: SecretString,
}

impl Writer {
    pub(super) fn new(sink: SplitSink<Socket, Message>, key: SecretString) -> Self {
        Self { sink: Rc::new(Mutex::new(sink)), key }
    }

    pub(super) fn sink(&self) -> Sink {
        Rc::clone(&self.sink)
    }

    fn write(&self, message: Message) -> PortFuture<'_, Result<(), UpstreamError>> {
        Box::pin(async move {
            let gone = |_| UpstreamError::new(UpstreamErrorKind::Unavailable, "the connection to the feed is gone");
            self.sink.lock().await.send(message).await.map_err(gone)
        })
    }
}

impl FeedWriter for Writer {
    fn authenticate(&mut self) -> PortFuture<'_, Result<(), UpstreamError>> {
        let message = serde_json::json!({"action": "auth", "params": self.key.expose_secret()});
        self.write(Message::Text(message.to_string().into()))
    }

    fn send(&mut self, text: String) -> PortFuture<'_, Result<(), UpstreamError>> {
        self.write(Message::Text(text.into()))
    }

    fn ping(&mut self) -> PortFuture<'_, Result<(), UpstreamError>> {
        self.write(Message::Ping(Bytes::new()))
    }

    fn close(&mut self) -> PortFuture<'_, ()> {
        Box::pin(async move {
            let mut sink = self.sink.lock().await;
            // Whether it hears the goodbye changes nothing.
            let _ = sink.send(Message::Close(None)).await;
            let _ = sink.close().await;
        })
    }
}
