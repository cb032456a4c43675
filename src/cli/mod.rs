//! The command line: `serve`, `simulate`, `record`, `replay`, `check`, `doctor`, `healthcheck`, `backup`, `restore`, `keys`, `users`, `token create`, `audit`, `secrets`, `openapi`. Its flags come from the list of settings.

mod audit;
mod backup;
mod check;
mod desk;
mod doctor;
mod healthcheck;
mod keys;
mod record;
mod secrets;
mod serve;
mod simulate;
mod token;
mod users;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::settings::{SPECS, SettingError, Settings, Sources, key_of};

/// Shorter flags of settings.
const FLAG_ALIASES: [(&str, &str); 3] =
    [("MCP_TRANSPORT", "transport"), ("MASSIVE_API_BASE_URL", "upstream"), ("REPLAY_SPEED", "speed")];
/// The argument of `replay`.
const RECORDING: &str = "recording";
/// Exit code of a configuration that cannot be used.
const EXIT_CONFIGURATION: u8 = 2;

/// Runs what was typed.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> ExitCode {
    let matches = match command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(EXIT_CONFIGURATION) } else { ExitCode::SUCCESS };
        }
    };
    let (name, matches) = matches.subcommand().unwrap_or(("serve", &matches));
    match name {
        "doctor" => return doctor::run(matches),
        "openapi" => return openapi(),
        "secrets" => return secrets::run(),
        _ => {}
    }
    let settings = match settings(matches) {
        Ok(settings) => settings,
        Err(errors) => {
            for error in errors {
                eprintln!("error: {error}");
            }
            return ExitCode::from(EXIT_CONFIGURATION);
        }
    };
    match name {
        "audit" => audit::run(&settings, matches),
        "backup" => backup::back_up(&settings, matches),
        "check" => check::run(&settings),
        "healthcheck" => healthcheck::run(&settings),
        "keys" => keys::run(&settings, matches),
        "record" => record::run(settings, matches),
        "restore" => backup::restore(&settings, matches),
        "simulate" => simulate::run(settings),
        "token" => token::run(&settings, matches),
        "users" => users::run(&settings, matches),
        _ => {
            let matches = matches.clone();
            serve::run(settings, Arc::new(move || self::settings(&matches)))
        }
    }
}

fn command() -> Command {
    let serve = with_settings(Command::new("serve").about("Run the gateway (the default)"));
    let token = Command::new("create")
        .about("Make an access token for a user")
        .arg(Arg::new("user").long("user").value_name("NAME").required(true).help("Whose token it is"))
        .arg(Arg::new("scope").long("scope").value_name("SCOPE").default_value("read").help("read, write or admin"));
    let replay = Command::new("replay")
        .about("Run the gateway on a recording; the same as serve with `--upstream replay:FILE`")
        .arg(Arg::new(RECORDING).value_name("FILE").required(true).help("What `tickgate record` wrote"));
    with_settings(Command::new("tickgate"))
        .about("A streaming gateway for market data: one upstream connection, any number of AI agents, browsers and programs")
        .version(env!("CARGO_PKG_VERSION"))
        .args_conflicts_with_subcommands(true)
        .subcommand(serve)
        .subcommand(with_settings(Command::new("simulate").about("Run the simulated upstream alone, on HOST and PORT")))
        .subcommand(with_settings(record::command()))
        .subcommand(with_settings(replay))
        .subcommand(with_settings(Command::new("check").about("Check the configuration and print it, secrets redacted")))
        .subcommand(with_settings(Command::new("healthcheck").about("Exit 0 if the gateway on HOST and PORT is ready, else 1")))
        .subcommand(doctor::command())
        .subcommand(with_settings(backup::backup_command()))
        .subcommand(with_settings(backup::restore_command()))
        .subcommand(keys::command(with_settings))
        .subcommand(users::command(with_settings))
        .subcommand(audit::command(with_settings))
        .subcommand(Command::new("token").about("Access tokens").subcommand_required(true).subcommand(with_settings(token)))
        .subcommand(Command::new("secrets").about("Print good random values for the secret settings, as NAME=value"))
        .subcommand(Command::new("openapi").about("Print the OpenAPI document"))
}

fn with_settings(command: Command) -> Command {
    let config =
        Arg::new("config").long("config").value_name("FILE").help("Configuration file; tickgate.toml is read if it is there");
    SPECS.iter().fold(command.arg(config), |command, spec| {
        let flag = key_of(spec.name).replace('_', "-");
        let default = spec.default.map_or_else(String::new, |default| format!(" [default: {default}]"));
        let help = format!("{} Allowed: {}.{default} [env: {}]", spec.help, spec.allowed, spec.name);
        let aliases = FLAG_ALIASES.into_iter().filter(|(name, _)| *name == spec.name).map(|(_, alias)| alias);
        let arg = Arg::new(spec.name).long(flag).aliases(aliases.collect::<Vec<_>>()).value_name("VALUE");
        command.arg(arg.action(ArgAction::Set).help(help).hide_short_help(true))
    })
}

fn settings(matches: &ArgMatches) -> Result<Settings, Vec<SettingError>> {
    // `token create` has its flags one level deeper.
    let matches = matches.subcommand().map_or(matches, |(_, inner)| inner);
    let mut sources = Sources::from_environment(std::env::vars());
    for spec in SPECS {
        if let Some(value) = matches.get_one::<String>(spec.name) {
            sources.set_flag(spec.name, value.clone());
        }
    }
    if let Ok(Some(file)) = matches.try_get_one::<String>(RECORDING) {
        sources.set_flag("MASSIVE_API_BASE_URL", format!("replay:{file}"));
    }
    let named = matches.get_one::<String>("config").map(PathBuf::from);
    let file = named.or_else(|| Some(PathBuf::from("tickgate.toml")).filter(|file| file.exists()));
    if let Some(file) = file {
        sources.read_file(&file).map_err(|error| vec![error])?;
    }
    Settings::gather(&sources)
}

fn openapi() -> ExitCode {
    let document = crate::http::openapi_document("http://127.0.0.1:8080", &crate::registry::Registry::standard());
    print(&String::from_utf8_lossy(&document))
}

/// Prints a result; a closed pipe is the reader's choice, not an error.
fn print(text: &str) -> ExitCode {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{text}");
    ExitCode::SUCCESS
}

fn fail(problem: &impl std::fmt::Display) -> ExitCode {
    eprintln!("error: {problem:#}");
    ExitCode::FAILURE
}
