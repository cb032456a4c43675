//! What the process shares with its surroundings: the socket that it listens on, the limits of its connections, its signals.

use std::any::Any;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::Context as _;

use crate::settings::ListenSettings;

/// Connections that may wait to be accepted: a reconnect storm.
const BACKLOG: u32 = 4_096;

pub(crate) fn bind(listen: &ListenSettings) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::from((listen.host, listen.port));
    let socket = if address.is_ipv4() { tokio::net::TcpSocket::new_v4() } else { tokio::net::TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address).with_context(|| format!("cannot listen on {address}: choose another PORT, or stop what uses it"))?;
    let listener = socket.listen(BACKLOG)?.into_std()?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// A connection whose other side takes nothing any more is ended by the kernel: actix itself would wait for ever, and a reader
/// that has stopped reading would keep its place.
pub(crate) fn bound_writes(connection: &dyn Any, deadline: Duration) {
    #[cfg(target_os = "linux")]
    if let Some(socket) = connection.downcast_ref::<tokio::net::TcpStream>()
        && let Err(error) = socket2::SockRef::from(socket).set_tcp_user_timeout(Some(deadline))
    {
        tracing::debug!("a connection has no write deadline: {error}");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (connection, deadline);
}

/// Has a write beyond the file size limit of this process fail like one to a full disk. Unhandled, the signal would end the process.
pub(crate) fn outlive_file_size_limit() {
    const SIGXFSZ: i32 = 25;
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    if let Err(error) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(SIGXFSZ)) {
        tracing::debug!("a file size limit would end this process: {error}");
    }
}

/// Waits for SIGTERM or SIGINT.
pub(crate) async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        // Without signals the process can still be ended from elsewhere.
        _ => std::future::pending().await,
    }
}

/// SIGHUPs, as they come.
pub(crate) struct Hangups(Option<tokio::signal::unix::Signal>);

impl Hangups {
    /// Listens from now on.
    pub(crate) fn listen() -> Self {
        Self(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok())
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        match &mut self.0 {
            Some(signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
    }
}
