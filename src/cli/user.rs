//! `cameo user`: the users of the API, and the keys that sign their tokens.

use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use cameo_service::secrets::{password, signing_keys};
use cameo_store::{User, canonical_user_name, now};
use unicode_security::skeleton;

use super::args::data_folder;
use super::data::DataFolder;
use super::error::{CliError, Result};

#[derive(Debug, clap::Args)]
pub struct UserArgs {
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Debug, clap::Subcommand)]
enum UserCommand {
    /// Add a user; asks for the password, or reads it from standard input
    Add(UserName),
    /// Set a new password; tokens issued before become invalid
    Passwd(UserName),
    /// List the users
    List(DataArgs),
    /// Lock a user out and invalidate the user's tokens for good
    Disable(UserName),
    /// Let a disabled user log in again
    Enable(UserName),
    /// Create a new key for signing tokens; the old key verifies tokens until they have expired
    RotateKey(RotateArgs),
}

#[derive(Debug, clap::Args)]
struct DataArgs {
    /// Folder of tasks, users and images [default: as for cameo serve]
    #[arg(long, value_name = "DIR", env = "CAMEO_DATA")]
    data: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct UserName {
    name: String,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, clap::Args)]
struct RotateArgs {
    /// Seconds that a token is valid, as for cameo serve
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, env = "CAMEO_TOKEN_TTL")]
    token_ttl: u32,
    #[command(flatten)]
    data: DataArgs,
}

impl DataArgs {
    /// Opens the folder of a service whose first user may be about to be added.
    fn open(self) -> Result<DataFolder> {
        DataFolder::open(&data_folder(self.data))
    }

    /// Opens a folder that must exist: one that was mistyped is not created.
    fn open_existing(self) -> Result<DataFolder> {
        let path = data_folder(self.data);
        match path.is_dir() {
            true => DataFolder::open(&path),
            false => Err(CliError::Usage(format!("there is no data folder {}: check --data", path.display()))),
        }
    }
}

pub fn run(args: UserArgs) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::Runtime)?;
    runtime.block_on(execute(args.command))?;
    Ok(ExitCode::SUCCESS)
}

async fn execute(command: UserCommand) -> Result<()> {
    match command {
        UserCommand::Add(UserName { name, data }) => {
            check_name(&name)?;
            let folder = data.open()?;
            if let Some(other) = folder.store.users().await?.iter().find(|user| look_alike(&user.name, &name)) {
                let other = &other.name;
                return Err(CliError::Usage(format!(
                    "{name} looks like {other}, who exists: choose a name that people can tell apart"
                )));
            }
            let hash = password::hash(&read_password(&name)?)?;
            let user = folder.store.add_user(&name, &hash, false, now()).await?;
            println!("{} may log in now", user.name);
        }
        UserCommand::Passwd(UserName { name, data }) => {
            let folder = data.open_existing()?;
            let hash = password::hash(&read_password(&name)?)?;
            check_exists(folder.store.set_password(&name, &hash, now()).await?, &name)?;
            println!("{name} has a new password, and all older tokens are invalid");
        }
        UserCommand::List(data) => {
            for user in data.open_existing()?.store.users().await? {
                println!("{}\t{}", user.name, state(&user));
            }
        }
        UserCommand::Disable(UserName { name, data }) => {
            check_exists(data.open_existing()?.store.disable_user(&name, now()).await?, &name)?;
            println!("{name} is locked out");
        }
        UserCommand::Enable(UserName { name, data }) => {
            check_exists(data.open_existing()?.store.enable_user(&name).await?, &name)?;
            println!("{name} may log in again");
        }
        UserCommand::RotateKey(RotateArgs { token_ttl, data }) => {
            let tokens_expired_before = now() - i64::from(token_ttl) * 1000;
            let id = signing_keys::rotate(&data.open_existing()?.signing_keys(), now(), tokens_expired_before)?;
            println!("key {id} signs new tokens from now on");
        }
    }
    Ok(())
}

fn state(user: &User) -> &'static str {
    match (user.demo, user.disabled) {
        (true, _) => "demo only",
        (false, true) => "disabled",
        (false, false) => "enabled",
    }
}

fn check_exists(found: bool, name: &str) -> Result<()> {
    match found {
        true => Ok(()),
        false => Err(CliError::Usage(format!("there is no user {name}: see cameo user list"))),
    }
}

fn check_name(name: &str) -> Result<()> {
    let allowed = |c: char| c.is_alphanumeric() || "._-@+".contains(c);
    match (1..=64).contains(&name.chars().count()) && name.chars().all(allowed) {
        true => Ok(()),
        false => Err(CliError::Usage("a user name has 1 to 64 letters, digits and . _ - @ +".into())),
    }
}

/// Returns whether two different names look the same (Unicode Technical Standard 39), as with Cyrillic letters that are
/// drawn as Latin ones.
fn look_alike(name: &str, other: &str) -> bool {
    let [name, other] = [name, other].map(canonical_user_name);
    name != other && skeleton(&name).eq(skeleton(&other))
}

/// Reads a password: typed twice at a terminal, else the first line of standard input.
fn read_password(name: &str) -> Result<String> {
    let failed = |error: std::io::Error| CliError::Usage(format!("the password cannot be read: {error}"));
    if std::io::stdin().is_terminal() {
        let first = rpassword::prompt_password(format!("Password for {name}: ")).map_err(failed)?;
        let second = rpassword::prompt_password("Again: ").map_err(failed)?;
        return match first == second {
            true => Ok(first),
            false => Err(CliError::Usage("the two passwords differ: try again".into())),
        };
    }
    let mut text = String::new();
    std::io::stdin().take(4096).read_to_string(&mut text).map_err(failed)?;
    Ok(text.lines().next().unwrap_or_default().to_string())
}
