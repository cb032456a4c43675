//! How the gateway is watched: logs, error reports, metrics of the process.

mod logs;
mod report;

pub use logs::{start as start_logs, start_to as start_logs_to};
pub use report::{Guard as ReportGuard, start as start_reports};
