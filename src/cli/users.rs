//! `tickgate users list|set-role|disable|enable|delete`: people at the command line, also beside a running gateway, which sees it within a
//! second. What is to be read by people goes to stderr, so that stdout is a list alone.

use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command};
use serde_json::json;
use tickgate_core::identity::{Role, User, UserChange, UserId};
use tickgate_core::time::Millis;

use super::desk::Desk;
use crate::identity::{By, PeopleService, PeopleWanted};
use crate::settings::Settings;

/// People that are read at once.
const AT_ONCE: usize = 1_000;

pub(super) fn command(with_settings: impl Fn(Command) -> Command) -> Command {
    let whom = |command: Command| {
        let id = Arg::new("id").value_name("ID").help("The person's id, as `tickgate users list` shows it");
        let email = Arg::new("email").long("email").value_name("ADDRESS");
        command.arg(id).arg(email.help("Instead of ID; refused when several people have the address"))
    };
    let role = Arg::new("role").long("role").value_name("ROLE").help("Only people of this role: user or admin");
    let email = Arg::new("email").long("email").value_name("ADDRESS").help("Only people with this address; it may be several");
    let list = Command::new("list").about("Print every person as a line of JSON, the newest first").args([role, email]);
    let new_role = Arg::new("new-role").value_name("ROLE").help("user or admin; stays, whatever ADMIN_EMAILS says");
    // Both have a place, and ID can be left out, so the last one is the role.
    let set_role = whom(Command::new("set-role").about("Give somebody a role")).arg(new_role);
    let disable = whom(Command::new("disable").about("Shut somebody out: nothing of theirs is good any more"));
    let enable = whom(Command::new("enable").about("Let somebody in again"));
    let delete = whom(Command::new("delete").about("Erase somebody and all that is theirs, for good"));
    Command::new("users")
        .about("People who have signed in")
        .subcommand_required(true)
        .subcommands([list, set_role, disable, enable, delete].map(with_settings))
}

pub(super) fn run(settings: &Settings, matches: &ArgMatches) -> ExitCode {
    let Some((what, matches)) = matches.subcommand() else { return super::fail(&"say what to do: users list") };
    match actix::System::new().block_on(carry_out(settings, what, matches)) {
        Ok(printed) if printed.is_empty() => ExitCode::SUCCESS,
        Ok(printed) => super::print(&printed),
        Err(error) => super::fail(&error),
    }
}

/// Whom a command is about.
enum Whom {
    Id(UserId),
    Email(String),
}

/// What a command does.
enum Deed {
    List(Option<Role>, Option<String>),
    Change(Whom, UserChange),
    Erase(Whom),
}

async fn carry_out(settings: &Settings, what: &str, matches: &ArgMatches) -> anyhow::Result<String> {
    // Before the store is opened: what is typed wrongly needs none.
    let deed = deed(what, matches)?;
    let desk = Desk::open(settings)?;
    let done = match desk.people().await {
        Ok(people) => perform(&people, deed).await,
        Err(error) => Err(error),
    };
    desk.database.close().await?;
    done
}

fn deed(what: &str, matches: &ArgMatches) -> anyhow::Result<Deed> {
    let text = |name: &str| matches.try_get_one::<String>(name).ok().flatten().cloned();
    let role = |text: String| text.parse::<Role>().map_err(|error| anyhow::anyhow!("ROLE {text:?} is {error}"));
    let email = text("email");
    if what == "list" {
        return Ok(Deed::List(text("role").map(role).transpose()?, email));
    }
    let (mut id, mut new_role) = (text("id"), text("new-role"));
    if what == "set-role" && new_role.is_none() {
        // With --email the one word is the role.
        new_role = if email.is_some() { id.take() } else { None };
    }
    let whom = match (id, email) {
        (Some(_), Some(_)) => anyhow::bail!("say whom by an ID or by --email, not by both"),
        (Some(id), None) => {
            Whom::Id(id.parse().map_err(|error| anyhow::anyhow!("ID: {error}; `tickgate users list` shows them"))?)
        }
        (None, Some(email)) => Whom::Email(email),
        (None, None) => anyhow::bail!("say whom: an ID, as `tickgate users list` shows it, or --email ADDRESS"),
    };
    let change = |role, disabled| Ok(UserChange { role, disabled });
    let change = match what {
        "delete" => return Ok(Deed::Erase(whom)),
        "disable" => change(None, Some(true)),
        "enable" => change(None, Some(false)),
        _ => match new_role {
            Some(text) => change(Some(role(text)?), None),
            None => Err(anyhow::anyhow!("say which role: user or admin")),
        },
    };
    Ok(Deed::Change(whom, change?))
}

async fn perform(people: &PeopleService, deed: Deed) -> anyhow::Result<String> {
    match deed {
        Deed::List(role, email) => list(people, role, email.as_deref()).await,
        Deed::Change(whom, change) => {
            let user = people.change(By::operator(), one(people, whom).await?, change).await?;
            let state = user.scope().map_or("may do nothing", |scope| scope.as_str());
            eprintln!("{} is {} now, scope {state}", user.id, user.role.as_str());
            Ok(String::new())
        }
        Deed::Erase(whom) => {
            let id = one(people, whom).await?;
            people.erase(By::operator(), id).await?;
            eprintln!("{id} is erased, with all that was theirs");
            Ok(String::new())
        }
    }
}

/// Who is meant. An address is no identity: several may have it, and one may have another's of before.
async fn one(people: &PeopleService, whom: Whom) -> anyhow::Result<UserId> {
    let email = match whom {
        Whom::Id(id) => return Ok(id),
        Whom::Email(email) => email,
    };
    let users = people.with_email(&email).await?;
    match users.as_slice() {
        [] => anyhow::bail!("nobody has the address {email}"),
        [user] => Ok(user.id),
        several => {
            let told: Vec<String> = several.iter().map(|user| format!("{} (of {})", user.id, user.issuer)).collect();
            anyhow::bail!("{} people have the address {email}, so say which: {}", several.len(), told.join(", "))
        }
    }
}

async fn list(people: &PeopleService, role: Option<Role>, email: Option<&str>) -> anyhow::Result<String> {
    let mut lines = Vec::new();
    let mut wanted = PeopleWanted { role, after: None, limit: AT_ONCE };
    loop {
        let page = people.list(&wanted).await?;
        let has_address =
            |user: &&User| email.is_none_or(|email| user.email.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(email)));
        lines.extend(page.users.iter().filter(has_address).map(line));
        wanted.after = page.next;
        if page.next.is_none() {
            return Ok(lines.join("\n"));
        }
    }
}

fn line(user: &User) -> String {
    let time = |time: Option<Millis>| time.map(|time| time.to_string());
    json!({
        "id": user.id, "name": user.name, "email": user.email, "email_verified": user.email_verified, "issuer": user.issuer,
        "role": user.role, "role_source": user.role_source, "created": user.created.to_string(),
        "last_seen": user.last_seen.to_string(), "disabled": time(user.disabled), "erasing": time(user.erasing),
    })
    .to_string()
}
