//! The counters that actors raise. The registry is handed in; label values come from enums only.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use crate::quota::BudgetMetrics;

/// Handles of every metric of this crate.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Events put on the tape, by kind.
    pub tape_events: IntCounterVec,
    /// Bytes that the tape retains.
    pub tape_bytes: IntGauge,
    /// Polls of the upstream, by kind and outcome.
    pub polls: IntCounterVec,
    /// Events of the feeds, by market and what became of them.
    pub feed_events: IntCounterVec,
    /// What happened to the feeds' connections, by market.
    pub feed_connections: IntCounterVec,
    /// Whether a feed is connected, by market.
    pub feed_live: IntGaugeVec,
    /// The upstream budget.
    pub budget: BudgetMetrics,
    /// Topics that are watched.
    pub topics_watched: IntGauge,
    /// The same by kind: with `prices`, how many symbols have readers of their price.
    pub topics_by_kind: IntGaugeVec,
    /// Actors rebuilt after a panic, by actor.
    pub actor_restarts: IntCounterVec,
    /// MCP sessions that are open.
    pub sessions_open: IntGauge,
    /// MCP sessions opened.
    pub sessions_opened: IntCounter,
    /// MCP sessions ended, by reason.
    pub sessions_ended: IntCounterVec,
    /// Tasks whose handler runs.
    pub tasks_running: IntGauge,
    /// Tasks that are over, by status.
    pub tasks_ended: IntCounterVec,
    /// Messages dropped because a mailbox was full, by actor.
    pub mailbox_full: IntCounterVec,
    /// Connections closed because their reader was too slow, by stream.
    pub slow_readers: IntCounterVec,
    /// Price alerts that there are.
    pub alerts: IntGauge,
    /// Price alerts that fired.
    pub alerts_fired: IntCounter,
    /// Times that the store did not keep, load or delete a price alert.
    pub alert_store_failures: IntCounter,
}

impl Metrics {
    /// Makes the metrics and adds them to the registry.
    ///
    /// # Errors
    /// When a metric of the same name is registered already.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str, labels: &[&str]| -> prometheus::Result<IntCounterVec> {
            let metric = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(metric.clone()))?;
            Ok(metric)
        };
        let gauge = |name: &str, help: &str| -> prometheus::Result<IntGauge> {
            let metric = IntGauge::new(name, help)?;
            registry.register(Box::new(metric.clone()))?;
            Ok(metric)
        };
        let plain = |name: &str, help: &str| -> prometheus::Result<IntCounter> {
            let metric = IntCounter::new(name, help)?;
            registry.register(Box::new(metric.clone()))?;
            Ok(metric)
        };
        let feed_live =
            IntGaugeVec::new(Opts::new("tickgate_feed_live", "Whether the upstream's feed is connected."), &["market"])?;
        registry.register(Box::new(feed_live.clone()))?;
        let topics_by_kind =
            Opts::new("tickgate_topics_by_kind", "Topics that somebody watches, by kind: of prices, one a symbol.");
        let topics_by_kind = IntGaugeVec::new(topics_by_kind, &["kind"])?;
        registry.register(Box::new(topics_by_kind.clone()))?;
        Ok(Self {
            tape_events: counter("tickgate_tape_events_total", "Events put on the tape.", &["kind"])?,
            tape_bytes: gauge("tickgate_tape_bytes", "Bytes of the events that the tape retains.")?,
            polls: counter("tickgate_polls_total", "Polls of the upstream.", &["kind", "outcome"])?,
            feed_events: counter(
                "tickgate_feed_events_total",
                "Events of the upstream's feed: read, ignored, malformed, conflated.",
                &["market", "outcome"],
            )?,
            feed_connections: counter(
                "tickgate_feed_connections_total",
                "What happened to connections to the upstream's feed.",
                &["market", "event"],
            )?,
            feed_live,
            budget: BudgetMetrics::register(registry)?,
            topics_watched: gauge("tickgate_topics_watched", "Topics that somebody watches.")?,
            topics_by_kind,
            actor_restarts: counter("tickgate_actor_restarts_total", "Actors rebuilt after a panic.", &["actor"])?,
            sessions_open: gauge("tickgate_sessions_open", "MCP sessions that are open.")?,
            sessions_opened: plain("tickgate_sessions_opened_total", "MCP sessions opened.")?,
            sessions_ended: counter("tickgate_sessions_ended_total", "MCP sessions ended.", &["reason"])?,
            tasks_running: gauge("tickgate_tasks_running", "Tasks whose handler runs.")?,
            tasks_ended: counter("tickgate_tasks_ended_total", "Tasks that are over.", &["status"])?,
            mailbox_full: counter("tickgate_mailbox_full_total", "Messages dropped because a mailbox was full.", &["actor"])?,
            slow_readers: counter(
                "tickgate_slow_readers_total",
                "Connections closed because their reader was too slow.",
                &["stream"],
            )?,
            alerts: gauge("tickgate_alerts", "Price alerts that there are.")?,
            alerts_fired: plain("tickgate_alerts_fired_total", "Price alerts that fired.")?,
            alert_store_failures: plain(
                "tickgate_alert_store_failures_total",
                "Times that the store did not keep, load or delete a price alert.",
            )?,
        })
    }
}
