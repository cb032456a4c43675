//! `tickgate healthcheck`: for containers without curl.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use crate::settings::Settings;

const DEADLINE: Duration = Duration::from_secs(2);

pub(super) fn run(settings: &Settings) -> ExitCode {
    let host = match settings.listen.host {
        IpAddr::V4(host) if host.is_unspecified() => IpAddr::from(Ipv4Addr::LOCALHOST),
        IpAddr::V6(host) if host.is_unspecified() => IpAddr::from(Ipv6Addr::LOCALHOST),
        host => host,
    };
    match status(SocketAddr::from((host, settings.listen.port))) {
        Ok(200) => ExitCode::SUCCESS,
        Ok(status) => super::fail(&format!("not ready: /readyz answers {status}")),
        Err(error) => super::fail(&format!("not ready: {error}")),
    }
}

fn status(address: SocketAddr) -> std::io::Result<u16> {
    let mut socket = TcpStream::connect_timeout(&address, DEADLINE)?;
    socket.set_read_timeout(Some(DEADLINE))?;
    socket.set_write_timeout(Some(DEADLINE))?;
    write!(socket, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut head = [0; 16];
    socket.read_exact(&mut head[..12])?;
    let head = String::from_utf8_lossy(&head);
    head.get(9..12).and_then(|status| status.parse().ok()).ok_or_else(|| std::io::Error::other("this is no HTTP answer"))
}
