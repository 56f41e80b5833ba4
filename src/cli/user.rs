//! `cameo user`: who may use the API; and the keys of their tokens.

use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use cameo_tasks::now;

use super::data::Folder;
use crate::accounts::{keys, password};
use crate::config::serve::WorkArgs;
use crate::error::{Error, Result};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Add a user; asks for the password, or reads it from standard input
    Add(Named),
    /// Set a new password; tokens given out before are void
    Passwd(Named),
    /// List the users
    List(Data),
    /// Lock a user out, tokens and all
    Disable(Named),
    /// Let a user in again
    Enable(Named),
    /// Make a new key for tokens; the old one verifies until its tokens have expired
    RotateKey(Rotate),
}

#[derive(Debug, clap::Args)]
struct Data {
    /// Folder of tasks, users and images [default: as for cameo serve]
    #[arg(long, value_name = "DIR", env = "CAMEO_DATA")]
    data: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Named {
    name: String,
    #[command(flatten)]
    data: Data,
}

#[derive(Debug, clap::Args)]
struct Rotate {
    /// Seconds a token is valid, as for cameo serve
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, env = "CAMEO_TOKEN_TTL")]
    token_ttl: u32,
    #[command(flatten)]
    data: Data,
}

impl Data {
    fn open(self) -> Result<Folder> {
        Folder::open(&WorkArgs::folder(self.data))
    }
}

pub fn run(args: Args) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::Engine { engine: "runtime", reason: error.to_string() })?;
    runtime.block_on(obey(args.command))?;
    Ok(ExitCode::SUCCESS)
}

async fn obey(command: Command) -> Result<()> {
    let unstored = |error: cameo_tasks::Error| Error::BadRecipe(error.to_string());
    let known = |done: bool, name: &str| match done {
        true => Ok(()),
        false => Err(Error::BadRecipe(format!("no user is named {name}: see cameo user list"))),
    };
    match command {
        Command::Add(Named { name, data }) => {
            check(&name)?;
            let folder = data.open()?;
            let hash = password::hash(&asked(&name)?)?;
            folder.store.add_user(&name, &hash, false, now()).await.map_err(unstored)?;
            println!("{name} may log in now");
        }
        Command::Passwd(Named { name, data }) => {
            let folder = data.open()?;
            let hash = password::hash(&asked(&name)?)?;
            known(folder.store.set_password(&name, &hash, now()).await.map_err(unstored)?, &name)?;
            println!("{name} has a new password, and all older tokens are void");
        }
        Command::List(data) => {
            for user in data.open()?.store.users().await.map_err(unstored)? {
                let state = if user.demo {
                    "demo only"
                } else if user.disabled {
                    "disabled"
                } else {
                    "enabled"
                };
                println!("{}\t{state}", user.name);
            }
        }
        Command::Disable(Named { name, data }) => {
            known(data.open()?.store.set_disabled(&name, true).await.map_err(unstored)?, &name)?;
            println!("{name} is locked out");
        }
        Command::Enable(Named { name, data }) => {
            known(data.open()?.store.set_disabled(&name, false).await.map_err(unstored)?, &name)?;
            println!("{name} may log in again");
        }
        Command::RotateKey(Rotate { token_ttl, data }) => {
            let expired = now() - i64::from(token_ttl) * 1000;
            let id = keys::rotate(&data.open()?.keys(), now(), expired)?;
            println!("key {id} signs from now on");
        }
    }
    Ok(())
}

fn check(name: &str) -> Result<()> {
    let plain = |c: char| c.is_alphanumeric() || "._-@+".contains(c);
    match (1..=64).contains(&name.chars().count()) && name.chars().all(plain) {
        true => Ok(()),
        false => Err(Error::BadRecipe("a user's name has 1 to 64 letters, digits and . _ - @ +".into())),
    }
}

/// The password: typed twice at a terminal, else the first line of standard input.
fn asked(name: &str) -> Result<String> {
    let failed = |error: std::io::Error| Error::BadRecipe(format!("no password was given: {error}"));
    if std::io::stdin().is_terminal() {
        let first = rpassword::prompt_password(format!("Password for {name}: ")).map_err(failed)?;
        let second = rpassword::prompt_password("Again: ").map_err(failed)?;
        return if first == second { Ok(first) } else { Err(Error::BadRecipe("the two differ: try again".into())) };
    }
    let mut text = String::new();
    std::io::stdin().take(4096).read_to_string(&mut text).map_err(failed)?;
    Ok(text.lines().next().unwrap_or_default().to_string())
}
