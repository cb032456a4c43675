//! `tickgate simulate`: the simulated upstream alone.

use std::net::SocketAddr;
use std::process::ExitCode;

use crate::settings::Settings;
use crate::telemetry::start_logs;
use crate::upstream::simulated::Simulator;

pub(super) fn run(settings: Settings) -> ExitCode {
    start_logs(&settings.telemetry);
    let served: anyhow::Result<()> = actix::System::new().block_on(async {
        let address = SocketAddr::from((settings.listen.host, settings.listen.port));
        let (simulator, server) = Simulator::start(settings.upstream.simulator, address)?;
        tracing::info!(
            url = simulator.base_url(),
            "the simulated upstream serves {}; point MASSIVE_API_BASE_URL at it, with any MASSIVE_API_KEY",
            simulator.base_url()
        );
        let handle = server.handle();
        actix_rt::spawn(async move {
            let _ = tokio::signal::ctrl_c().await;
            handle.stop(false).await;
        });
        Ok(server.await?)
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => super::fail(&error),
    }
}
