//! `tickgate doctor URL`: walks a client's steps at any MCP server and says what is wrong. Needs no settings of a gateway. Exit code 0:
//! a client gets in; 1: it does not; 2: typed wrongly.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::SecretString;

use super::EXIT_CONFIGURATION;
use crate::doctor::{Errand, Report, Secrets, examine, read_address};

/// The environment's key, and the file that it can be in: an argument could be read in the list of processes.
const KEY: (&str, &str) = ("MCP_API_KEY", "MCP_API_KEY_FILE");
/// Largest key file read, in bytes: a token with many claims has 8 KiB.
const MAX_KEY_BYTES: u64 = 16 * 1024;
/// Bounds of `--timeout`, in seconds: a cold start takes some, and nobody waits for minutes at each step.
const TIMEOUT_BOUNDS: std::ops::RangeInclusive<u64> = 1..=120;

pub(super) fn command() -> Command {
    let option =
        |name: &'static str, value: &'static str, help: &'static str| Arg::new(name).long(name).value_name(value).help(help);
    let flag = |name: &'static str, help: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    Command::new("doctor")
        .about("Walk what an MCP client does at an address, and say what is wrong and what to do")
        .arg(Arg::new("url").value_name("URL").required(true).help("The address, as people type it into their clients"))
        .arg(option(
            "api-key-file",
            "FILE",
            "A file with an API key or token to get in with [env: MCP_API_KEY, MCP_API_KEY_FILE]",
        ))
        .arg(flag("sign-in", "Sign in as a client's person does: prints a link for a browser of this machine"))
        .arg(option("origin", "ORIGIN", "An origin whose pages must get through, such as https://app.example"))
        .arg(option("ca", "FILE", "Certificates (PEM) of an authority to believe beside the public ones"))
        .arg(option("timeout", "SECONDS", "How long one answer may take").default_value("10"))
        .arg(flag("json", "Print each step as a line of JSON"))
}

pub(super) fn run(matches: &ArgMatches) -> ExitCode {
    let errand = match errand(matches) {
        Ok(errand) => errand,
        Err(problem) => {
            eprintln!("error: {problem}");
            return ExitCode::from(EXIT_CONFIGURATION);
        }
    };
    let secrets = Secrets::default();
    let mut report = Report::new(Box::new(std::io::stdout()), matches.get_flag("json"), secrets.clone());
    actix::System::new().block_on(examine(errand, secrets, &mut report));
    if report.end() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn errand(matches: &ArgMatches) -> Result<Errand, String> {
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    let typed = text("url").unwrap_or_default();
    let url = read_address(&typed)?;
    let wrong_timeout = || format!("--timeout: {} to {} whole seconds", TIMEOUT_BOUNDS.start(), TIMEOUT_BOUNDS.end());
    let secs: u64 = text("timeout").unwrap_or_default().parse().map_err(|_| wrong_timeout())?;
    if !TIMEOUT_BOUNDS.contains(&secs) {
        return Err(wrong_timeout());
    }
    Ok(Errand {
        url,
        credential: credential(text("api-key-file"))?,
        sign_in: matches.get_flag("sign-in"),
        origin: text("origin").map(|origin| checked_origin(&origin)).transpose()?,
        deadline: Duration::from_secs(secs),
        authorities: text("ca").map_or(Ok(Vec::new()), |file| authorities(&file))?,
        typed,
    })
}

/// An origin as browsers write it.
fn checked_origin(origin: &str) -> Result<String, String> {
    let read = read_address(origin).ok().map(|url| url.origin().ascii_serialization());
    read.filter(|read| read == origin)
        .ok_or_else(|| format!("--origin: {origin:?} is no origin; one is https://app.example, without a path"))
}

fn credential(file: Option<String>) -> Result<Option<SecretString>, String> {
    let from_environment = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    if let (None, Some(key)) = (&file, from_environment(KEY.0)) {
        return checked_key(KEY.0, &key).map(Some);
    }
    let Some(file) = file.or_else(|| from_environment(KEY.1)) else { return Ok(None) };
    let length = Path::new(&file).metadata().map_err(|error| format!("{file}: {error}"))?.len();
    if length > MAX_KEY_BYTES {
        return Err(format!("{file}: a key has at most {MAX_KEY_BYTES} bytes, this has {length}"));
    }
    let key = std::fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
    checked_key(&file, &key).map(Some)
}

fn checked_key(place: &str, text: &str) -> Result<SecretString, String> {
    let key = text.trim();
    if key.is_empty() || !key.bytes().all(|c| c.is_ascii_graphic()) {
        return Err(format!("{place}: one key of visible characters without blanks is wanted, and nothing else"));
    }
    Ok(key.into())
}

fn authorities(file: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let wrong = |problem: &dyn std::fmt::Display| format!("--ca: {file}: {problem}; a file with certificates in PEM is wanted");
    let certificates = CertificateDer::pem_file_iter(file).map_err(|error| wrong(&error))?;
    let certificates: Vec<_> = certificates.collect::<Result<_, _>>().map_err(|error| wrong(&error))?;
    if certificates.is_empty() { Err(wrong(&"no certificate is in it")) } else { Ok(certificates) }
}
