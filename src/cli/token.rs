//! `tickgate token create`: a JWT for a user and scope.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::ArgMatches;
use tickgate_core::access::Scope;

use crate::application::{jwt_authority, public_url};
use crate::settings::Settings;

pub(super) fn run(settings: &Settings, matches: &ArgMatches) -> ExitCode {
    let Some((_, matches)) = matches.subcommand() else { return super::fail(&"say what to do: token create") };
    match create(settings, matches) {
        Ok(token) => super::print(&token),
        Err(error) => super::fail(&error),
    }
}

fn create(settings: &Settings, matches: &ArgMatches) -> anyhow::Result<String> {
    let user = matches.get_one::<String>("user").map_or("", String::as_str);
    anyhow::ensure!(
        (1..=64).contains(&user.len()) && user.bytes().all(|c| c.is_ascii_graphic()),
        "--user: 1 to 64 visible characters"
    );
    let scope: Scope = matches.get_one::<String>("scope").map_or("read", String::as_str).parse()?;
    let address = SocketAddr::from((settings.listen.host, settings.listen.port));
    let authority = jwt_authority(&settings.access, &settings.listen, &public_url(&settings.listen, address))?;
    let now = tickgate_actors::Clock::start().now();
    eprintln!("a token of user:{user}, scope {scope}, good for {} s:", settings.access.access_token_secs);
    Ok(authority.issue(user, scope, settings.access.access_token_secs, now)?)
}
