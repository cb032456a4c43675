//! Standard input and output for the one client that started us. Nothing listens, and nobody shows a credential: whoever starts the
//! process owns it.

use std::io::{Read, Write};
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context as _;
use tempfile::TempDir;
use tickgate_actors::session::Answer;
use tickgate_core::access::{Caller, Principal, Scope};
use tickgate_core::session::{Framing, Session, SessionLimits};

use super::parts::{Kept, Parts, close, server_info, session_limits, sweep, tell};
use crate::process::{outlive_file_size_limit, wait_for_signal};
use crate::registry::Registry;
use crate::settings::Settings;
use crate::stdio::{Bounds, Conversation, Ended, Speakers};

/// A gateway that is ready to be spoken with.
pub struct StdioApplication {
    parts: Parts,
    limits: SessionLimits,
    bounds: Bounds,
    /// The folder of a process that keeps nothing; gone with it.
    _scratch: Option<TempDir>,
}

impl StdioApplication {
    /// Wires everything. `registry`: what models can call. Must be called on an actix system.
    ///
    /// # Errors
    /// When a folder cannot be written, or what was kept cannot be read.
    pub async fn build(mut settings: Settings, registry: Registry) -> anyhow::Result<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        outlive_file_size_limit();
        // Desktop clients start programs anywhere, and several at once: none may depend on a folder that nobody chose.
        let is_kept = settings.listen.data_dir_is_said || settings.storage.database_url.is_some();
        let scratch = if is_kept { None } else { Some(tempfile::tempdir()?) };
        if let Some(scratch) = &scratch {
            settings.listen.data_dir = scratch.path().to_owned();
            tracing::info!("DATA_DIR is not set: alerts and tasks end with this process");
        }
        let kept = Kept::open(&settings)?;
        let public_url = settings.listen.public_url.as_ref().map(|url| url.as_str().trim_end_matches('/'));
        let mut server_info = server_info(settings.sessions.streaming, public_url.unwrap_or(env!("CARGO_PKG_REPOSITORY")));
        if public_url.is_none() {
            // They would be served by the HTTP server that there is not.
            server_info.icons.clear();
        }
        let bounds = Bounds {
            line_bytes: settings.limits.max_body_bytes,
            calls: settings.sessions.max_calls_per_session,
            drain: Duration::from_secs(settings.listen.drain_secs),
        };
        let parts = Parts::start(&settings, registry, server_info, kept, &prometheus::Registry::new()).await?;
        // The end of the input says that the client is gone: it is not pinged, and no silence is too long.
        let limits =
            SessionLimits { idle_ms: u64::MAX, max_ms: u64::MAX, ping_ms: u64::MAX, ..session_limits(&settings.sessions) };
        Ok(Self { parts, limits, bounds, _scratch: scratch })
    }

    /// Serves the client until it closes a pipe, or until SIGTERM or SIGINT.
    ///
    /// # Errors
    /// When the conversation cannot begin, or its session ends before the client does.
    pub async fn run_until_ended(
        self,
        input: impl Read + Send + 'static,
        output: impl Write + Send + 'static,
    ) -> anyhow::Result<()> {
        let Self { parts: Parts { simulator, sessions, worker, kept, .. }, limits, bounds, _scratch } = self;
        let served = worker.build(None);
        let cache = worker.cache.clone();
        let sweep = actix_rt::spawn(sweep(worker.tasks.clone(), kept.store, worker.clock, move || cache.tidy()));
        let tell = actix_rt::spawn(tell(sessions.clone(), worker.registry.clone()));
        let simulator = simulator.map(|(_, server)| {
            let handle = server.handle();
            actix_rt::spawn(server);
            handle
        });
        let caller = Caller::trusted(Principal::new("stdio", "local"), Scope::Write);
        let session = Session::on_a_pipe(Framing::Lines, limits, worker.clock.now());
        let id = sessions.open(session, caller.clone(), Rc::clone(&served.catalog))?;
        let session = sessions.find(&id.to_string(), &caller.principal).context("the session ended at once")?;
        let Answer::Stream(stream) = session.open_stream(None).await? else { anyhow::bail!("the session has no stream") };
        let speakers = Speakers { session, stream, stateless: served.stateless.clone(), caller };
        let conversation = Conversation::open(speakers, bounds, input, output)?;
        tracing::info!("tickgate serves standard input and output");
        let drain = |haste| {
            worker.draining.send_replace(true);
            sessions.drain();
            if haste {
                worker.market.link.drain();
            }
        };
        let ended = conversation.hold(wait_for_signal(), drain).await;
        for task in [sweep, tell] {
            task.abort();
        }
        if let Some(simulator) = simulator {
            simulator.stop(false).await;
        }
        close(&kept.database).await;
        anyhow::ensure!(
            ended != Ended::Session,
            "the session ended: a call crashed, or the client did not read what it was told"
        );
        Ok(())
    }
}
