//! A real gateway on a free port, in a thread of its own.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread::JoinHandle;

use tickgate::application::{Application, Stopper};
use tickgate::registry::Registry;
use tickgate::settings::{Settings, Sources};
use tickgate::upstream::simulated::Simulator;

use super::{RawUpstream, canary, get};

/// A running gateway; dropping it stops it.
pub(crate) struct TestGateway {
    pub(crate) address: SocketAddr,
    simulator: Option<Simulator>,
    stopper: Stopper,
    runtime: tokio::sync::mpsc::UnboundedSender<()>,
    thread: Option<JoinHandle<()>>,
    data: tempfile::TempDir,
}

impl TestGateway {
    /// With the settings of a newcomer, but no limits that tests would run into.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// With these settings on top.
    pub(crate) fn with(settings: &[(&str, &str)]) -> Self {
        Self::try_with(settings).unwrap()
    }

    /// With other tools, prompts and resources than the product's.
    pub(crate) fn with_registry(settings: &[(&str, &str)], registry: fn() -> Registry) -> Self {
        Self::build(settings, registry).unwrap()
    }

    pub(crate) fn try_with(settings: &[(&str, &str)]) -> Result<Self, String> {
        Self::build(settings, Registry::standard)
    }

    fn build(settings: &[(&str, &str)], registry: fn() -> Registry) -> Result<Self, String> {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().to_str().unwrap().to_owned();
        let mut all = vec![
            ("PORT", "0"),
            ("DATA_DIR", folder.as_str()),
            ("WORKERS", "2"),
            ("RATE_LIMIT_MCP", "0"),
            ("RATE_LIMIT_STREAM", "0"),
            ("MAX_STREAMS_PER_CALLER", "100000"),
            ("SIM_SYMBOLS", "120"),
            ("LOG_LEVEL", "WARNING"),
            ("DRAIN_SECS", "2"),
        ];
        all.extend_from_slice(settings);
        canary::watch(&all);
        // The last of one name wins.
        let sources = Sources::from_environment(all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let settings =
            Settings::gather(&sources).map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
        let (started, running) = mpsc::channel();
        let (runtime, mut stop) = tokio::sync::mpsc::unbounded_channel::<()>();
        let thread = std::thread::spawn(move || {
            actix::System::new().block_on(async move {
                let application = match Application::build(settings, registry()).await {
                    Ok(application) => application,
                    Err(error) => return started.send(Err(format!("{error:#}"))).unwrap(),
                };
                let stopper = application.stopper();
                started.send(Ok((application.address(), application.simulator(), stopper.clone()))).unwrap();
                actix::spawn(async move {
                    stop.recv().await;
                    stopper.stop().await;
                });
                application.run_until_stopped().await.unwrap();
            });
        });
        let (address, simulator, stopper) = running.recv().unwrap()?;
        Ok(Self { address, simulator, stopper, runtime, thread: Some(thread), data })
    }

    /// The upstream that it talks to.
    pub(crate) fn simulator(&self) -> &Simulator {
        self.simulator.as_ref().expect("the market is simulated")
    }

    /// Its `DATA_DIR`, unless a test has set another.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.data.path()
    }

    /// One that asks this upstream with this key, as if it were the vendor's.
    pub(crate) fn asking(upstream: &RawUpstream, key: &str, settings: &[(&str, &str)]) -> Self {
        let base = upstream.base();
        let own = [
            ("MASSIVE_API_KEY", key),
            ("MASSIVE_API_BASE_URL", base.as_str()),
            ("UPSTREAM_PLAN", "advanced"),
            ("MASSIVE_WS_URL", "off"),
        ];
        Self::with(&[&own[..], settings].concat())
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A whole-number value of `/metrics`, by its name and labels; 0 as long as nothing was counted.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let metrics = get("/metrics").send(self.address).text();
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0, |value| value.parse::<f64>().unwrap() as u64)
    }

    /// Where they are public.
    fn metrics_must_be_clean(&self) {
        let Ok(mut socket) = TcpStream::connect(self.address) else { return };
        let request = format!("GET /metrics HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address);
        let mut answer = String::new();
        let _ = socket.set_read_timeout(Some(std::time::Duration::from_secs(5)));
        if socket.write_all(request.as_bytes()).and_then(|()| socket.read_to_string(&mut answer)).is_ok() {
            canary::must_be_clean("the metrics", &answer);
        }
    }

    /// As SIGTERM does; returns at once.
    pub(crate) fn begin_to_stop(&self) {
        let _ = &self.stopper;
        let _ = self.runtime.send(());
    }

    pub(crate) fn wait_until_stopped(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for TestGateway {
    fn drop(&mut self) {
        let failed = std::thread::panicking();
        if !failed && self.thread.is_some() {
            self.metrics_must_be_clean();
        }
        self.begin_to_stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        if !failed {
            canary::folder_and_logs_must_be_clean(self.data.path());
        }
    }
}
