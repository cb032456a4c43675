//! What happens on one connection: greeting, key, subscriptions, events, until somebody ends it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use actix_web::rt::time::{interval, timeout};
use actix_web::web;
use actix_ws::{AggregatedMessage, CloseCode, CloseReason, Item, MessageStream, Session};
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tickgate_core::feed::Channel;
use tickgate_core::market::Market;
use tokio::sync::broadcast::error::RecvError;

use super::super::state::State;
use super::controls::Order;
use super::told::{self, Seen};

/// How often the market is looked at; a symbol trades once a second.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Longest wait for the client to take a message; then it is a slow consumer.
const WRITE_DEADLINE: Duration = Duration::from_secs(5);
/// Largest message of a client.
const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// Most channels of a connection.
const MAX_CHANNELS: usize = 100_000;
/// A key that is refused, as over REST.
const BAD_KEY: &str = "bad-key";

#[derive(Deserialize)]
struct Request {
    action: String,
    params: String,
}

/// Why a connection ends.
enum End {
    /// Without a goodbye.
    Gone,
    /// With one, and this close code.
    Closed(CloseCode),
}

struct Connection {
    state: web::Data<State>,
    market: Market,
    number: u64,
    session: Session,
    known: bool,
    channels: BTreeSet<Channel>,
    seen: BTreeMap<String, Seen>,
}

/// Serves a connection to its end.
pub(super) async fn run(state: web::Data<State>, market: Market, session: Session, messages: MessageStream) {
    let number = state.feed.number();
    let connection = Connection {
        state: state.clone(),
        market,
        number,
        session: session.clone(),
        known: false,
        channels: BTreeSet::new(),
        seen: BTreeMap::new(),
    };
    let end = Box::pin(connection.serve(messages)).await;
    state.feed.forget(number);
    if let End::Closed(code) = end {
        // Whether the client still hears it changes nothing.
        let _ = timeout(WRITE_DEADLINE, session.close(Some(CloseReason::from(code)))).await;
    }
}

impl Connection {
    async fn serve(mut self, messages: MessageStream) -> End {
        let mut messages = messages.max_frame_size(MAX_MESSAGE_BYTES).aggregate_continuations();
        let mut orders = self.state.feed.orders();
        let mut look = interval(LOOK_EVERY);
        if let Err(end) = self.status("connected", "Connected Successfully").await {
            return end;
        }
        loop {
            let done = tokio::select! {
                message = messages.next() => match message {
                    Some(Ok(message)) => self.message(message).await,
                    _ => Err(End::Gone),
                },
                order = orders.recv() => self.order(order).await,
                _ = look.tick() => self.look().await,
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    async fn message(&mut self, message: AggregatedMessage) -> Result<(), End> {
        match message {
            AggregatedMessage::Text(text) => match serde_json::from_str::<Request>(&text) {
                Ok(request) => self.request(&request).await,
                Err(_) => self.status("error", "invalid message").await,
            },
            AggregatedMessage::Ping(payload) => self.session.pong(&payload).await.map_err(|_| End::Gone),
            AggregatedMessage::Close(_) => Err(End::Closed(CloseCode::Normal)),
            AggregatedMessage::Binary(_) | AggregatedMessage::Pong(_) => Ok(()),
        }
    }

    async fn request(&mut self, Request { action, params }: &Request) -> Result<(), End> {
        match action.as_str() {
            "auth" if params.is_empty() || params == BAD_KEY || self.state.feed.refuses_keys() => {
                self.status("auth_failed", "authentication failed").await?;
                Err(End::Closed(CloseCode::Policy))
            }
            "auth" => {
                self.known = true;
                self.state.feed.set_subscribed(self.number, self.market, &self.channels);
                self.state.feed.order(Order::Evict(self.market, self.number));
                self.status("auth_success", "authenticated").await
            }
            "subscribe" | "unsubscribe" if !self.known => self.status("auth_required", "authenticate first").await,
            "subscribe" => self.subscribe(params).await,
            "unsubscribe" => self.unsubscribe(params).await,
            _ => self.status("error", "unknown action").await,
        }
    }

    async fn subscribe(&mut self, params: &str) -> Result<(), End> {
        let mut answers = Vec::new();
        for name in params.split(',').map(str::trim) {
            match Channel::read(self.market, name).filter(|_| self.channels.len() < MAX_CHANNELS) {
                Some(_) if self.state.feed.denies(name) => {
                    answers.push(status("error", &format!("not authorized to subscribe to: {name}")));
                }
                // As upstream: one that is held already is not acknowledged again.
                Some(channel) => {
                    if self.channels.insert(channel) {
                        answers.push(status("success", &format!("subscribed to: {name}")));
                    }
                }
                None => answers.push(status("error", &format!("invalid channel: {name}"))),
            }
        }
        self.state.feed.set_subscribed(self.number, self.market, &self.channels);
        self.send(&answers).await
    }

    async fn unsubscribe(&mut self, params: &str) -> Result<(), End> {
        let mut answers = Vec::new();
        for name in params.split(',').map(str::trim) {
            if Channel::read(self.market, name).is_some_and(|channel| self.channels.remove(&channel)) {
                answers.push(status("success", &format!("unsubscribed to: {name}")));
            }
        }
        self.state.feed.set_subscribed(self.number, self.market, &self.channels);
        self.send(&answers).await
    }

    async fn order(&mut self, order: Result<Order, RecvError>) -> Result<(), End> {
        match order {
            Ok(Order::Cut) => Err(End::Closed(CloseCode::Away)),
            Ok(Order::Send(text)) => self.write(text).await,
            Ok(Order::SendBinary(bytes)) => match timeout(WRITE_DEADLINE, self.session.binary(bytes)).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) | Err(_) => Err(End::Gone),
            },
            Ok(Order::SendParts(parts)) => self.write_parts(parts).await,
            Ok(Order::Evict(market, number)) if market == self.market && self.known && self.number < number => {
                self.status("max_connections", "Maximum number of websocket connections exceeded.").await?;
                Err(End::Closed(CloseCode::Policy))
            }
            Ok(Order::Evict(..)) | Err(RecvError::Lagged(_)) => Ok(()),
            Err(RecvError::Closed) => Err(End::Gone),
        }
    }

    async fn look(&mut self) -> Result<(), End> {
        if self.channels.is_empty() || self.state.feed.is_stalled() {
            return Ok(());
        }
        let events = told::news(&self.state.view(), self.market, &self.channels, &mut self.seen);
        self.send(&events).await
    }

    async fn status(&mut self, word: &str, message: &str) -> Result<(), End> {
        self.send(&[status(word, message)]).await
    }

    async fn send(&mut self, events: &[Value]) -> Result<(), End> {
        if events.is_empty() {
            return Ok(());
        }
        self.write(Value::from(events.to_vec()).to_string()).await
    }

    async fn write_parts(&mut self, parts: Vec<String>) -> Result<(), End> {
        let last = parts.len().saturating_sub(1);
        for (place, part) in parts.into_iter().enumerate() {
            let part = part.into_bytes().into();
            let item = match place {
                0 => Item::FirstText(part),
                place if place == last => Item::Last(part),
                _ => Item::Continue(part),
            };
            let sending = timeout(WRITE_DEADLINE, self.session.continuation(item));
            sending.await.ok().and_then(Result::ok).ok_or(End::Gone)?;
        }
        Ok(())
    }

    async fn write(&mut self, text: String) -> Result<(), End> {
        match timeout(WRITE_DEADLINE, self.session.text(text)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Gone),
        }
    }
}

fn status(word: &str, message: &str) -> Value {
    json!({"ev": "status", "status": word, "message": message})
}
