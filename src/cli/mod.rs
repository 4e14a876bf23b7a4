//! The command line.
//!
//! Purpose: arguments -> one command -> exit code. Each command's file reads as a table of contents.
//! Comes in: arguments, environment, files. Goes out: data on stdout, everything else on stderr, an exit code.
//! Must not know: nothing; it connects the rooms.

mod accounts;
mod alert;
mod alone;
mod args;
mod ask;
mod board;
mod bundle;
mod cancel;
mod check;
mod connect;
mod deliver;
mod deploy_key;
mod elsewhere;
mod evidence;
mod exit;
mod fleet;
mod front;
mod init;
mod invite;
mod journal;
mod judge;
mod key;
mod manual;
mod mend;
mod merge;
mod mirror;
mod name_servers;
mod newest;
mod offer;
mod offers;
mod outputs;
mod parties;
mod probing;
mod public;
mod push;
mod renew;
mod repair;
mod resilience;
mod rotate;
mod schedule;
mod serve;
mod session;
mod sign;
mod status;
mod surface;
mod target;
mod terminal;
mod vantage;
mod verify;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Arguments, Command, Rotate, Target};
use exit::{Ended, Failure};
use surface::{Surface, fail};

/// Files and connections that may be open at the same time, where the system lets us.
const FILES: u64 = 8192;

/// Runs the program and tells how it ended (docs/exit-codes.md).
#[must_use]
pub fn run() -> ExitCode {
    forbid_core_dumps();
    allow_many_files();
    let arguments = Arguments::parse();
    let surface = Surface::new(&arguments.global);
    surface.begin_log();
    let ended = match runtime() {
        Ok(runtime) => {
            let ended = runtime.block_on(dispatch(&surface, &arguments));
            // A blocking read that hangs (a dead network file system) must not keep the program from ending.
            runtime.shutdown_timeout(std::time::Duration::from_millis(200));
            ended
        }
        Err(error) => Err(Failure::from(error)),
    };
    match ended {
        Ok(exit::OK) if surface::lost_output() => exit::code(exit::UNEXPECTED),
        Ok(number) => exit::code(number),
        Err(failure) => {
            fail(&failure);
            exit::code(failure.code)
        }
    }
}

/// Two threads carry all connections (measured: one is the cheapest, more than two only cost); files are read and
/// hashed on threads of their own.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

async fn dispatch(surface: &Surface, arguments: &Arguments) -> Ended {
    let global = &arguments.global;
    refuse_unused(global, &arguments.command)?;
    match &arguments.command {
        Command::Init(order) => init::init(surface, order),
        Command::Key(order) => key::key(surface, global, order),
        Command::Bundle(order) => bundle::bundle(surface, global, order).await,
        Command::Sign(order) => sign::sign(surface, global, order).await,
        Command::Push(order) => push::push(surface, global, order).await,
        Command::Repair(order) if order.auto => mend::mend_and_tell(surface, global).await,
        Command::Repair(order) => repair::repair(surface, global, order).await,
        Command::Renew(order) => renew::renew(surface, global, order).await,
        Command::Check(order) => check::check(surface, global, order).await,
        Command::Alert(order) => alert::alert(surface, global, order).await,
        Command::Resilience => resilience::resilience(surface, global),
        Command::Schedule(order) => schedule::schedule(surface, global, order).await,
        Command::Status(order) => status::status(surface, global, order).await,
        Command::Verify(order) => verify::verify(surface, order).await,
        Command::Target(Target::Add(order)) => target::add::add(surface, global, order).await,
        Command::Target(Target::List) => target::list::list(surface, global),
        Command::Target(Target::Probe { names }) => target::probe::probe(surface, global, names).await,
        Command::Invite(order) => invite::invite(surface, global, order).await,
        Command::Offer(order) => offer::offer(surface, global, order).await,
        Command::Offers(order) => offers::offers(surface, global, order).await,
        Command::Rotate(order) => rotate::rotate(surface, global, order).await,
        Command::Serve(order) => serve::serve(surface, global, order).await,
        Command::Completions { shell } => {
            manual::completions(*shell);
            Ok(exit::OK)
        }
        Command::Man { dir } => manual::man(surface, dir.as_deref()),
    }
}

/// An option that would do nothing is a misunderstanding.
fn refuse_unused(global: &args::Global, command: &Command) -> Result<(), Failure> {
    let about_targets = matches!(
        command,
        Command::Push(_)
            | Command::Repair(_)
            | Command::Renew(_)
            | Command::Check(_)
            | Command::Status(_)
            | Command::Resilience
            | Command::Target(_)
            | Command::Offer(_)
            | Command::Rotate(Rotate::Status)
    );
    if !global.only.is_empty() && !about_targets {
        return Err(
            Failure::told(exit::USAGE, "--only names targets, and this command is not about targets").hint("leave --only out")
        );
    }
    match (&global.events, command) {
        (None, _) | (_, Command::Push(_) | Command::Repair(_) | Command::Renew(_)) => Ok(()),
        (Some(path), _) => {
            Err(Failure::told(exit::USAGE, format!("--events {path}: only a push, a repair and a renewal have events to write"))
                .hint("leave --events out; --json prints what this command found"))
        }
    }
}

/// A core dump would hold passwords and keys in the clear.
fn forbid_core_dumps() {
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    // Lowering one's own limit is always allowed; should a sandbox forbid it, there is nothing else to be done.
    let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);
}

/// Hundreds of mirrors at once are more connections than the 1,024 files that many systems allow a process at first.
fn allow_many_files() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let wanted = limit.maximum.map_or(FILES, |most| most.min(FILES));
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = rustix::process::Rlimit { current: Some(wanted), ..limit };
        // Within the upper limit it is always allowed; should a sandbox forbid it, fewer mirrors can be asked at once.
        let _ = rustix::process::setrlimit(rustix::process::Resource::Nofile, raised);
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_words_of_the_command_line_fit_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_help_of_every_command_has_an_example() {
        fn visit(command: &clap::Command) {
            let shown = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(shown.contains("Example"), "`{}` has no example", command.get_name());
            command.get_subcommands().filter(|command| command.get_name() != "help").for_each(visit);
        }
        visit(&Arguments::command());
    }
}
