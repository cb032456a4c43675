//! The `tickgate` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    tickgate::cli::run(std::env::args_os())
}
