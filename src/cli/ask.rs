//! Questions and passwords.

use std::io::{BufRead as _, Write as _};

use camino::Utf8PathBuf;

use super::exit::{self, Failure};
use super::surface::Surface;
use crate::base::Secret;
use crate::config::SecretRef;

/// Where machines put the password of the maintainer's key.
pub const PASSWORD_FILE: &str = "SPARTACUS_KEY_PASSWORD_FILE";

/// Asks for a yes. Without a terminal that is an error that names the option that answers it.
pub fn confirm(surface: &Surface, question: &str, option: &str) -> Result<(), Failure> {
    if !surface.may_ask {
        return Err(Failure::told(exit::USAGE, format!("this needs an answer: {question}"))
            .hint(format!("say it beforehand with {option}")));
    }
    eprint!("{question} [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(Failure::told(exit::USAGE, "not confirmed; nothing was changed"))
    }
}

/// Asks for a line; an empty answer is `usual`. Only where questions may be asked.
pub fn line(question: &str, usual: &str) -> Result<String, Failure> {
    let usual_shown = if usual.is_empty() { String::new() } else { format!(" [{usual}]") };
    eprint!("{question}{usual_shown}: ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    if std::io::stdin().lock().read_line(&mut answer)? == 0 {
        return Err(Failure::told(exit::USAGE, "the questions were not answered; nothing was changed"));
    }
    let answer = answer.trim();
    Ok(if answer.is_empty() { usual } else { answer }.to_owned())
}

/// Asks for a secret, without echo; nothing where the answer is empty.
pub fn secret(question: &str) -> Result<Option<Secret>, Failure> {
    let answer = typed(&format!("{question}: "))?;
    Ok(Some(answer.trim()).filter(|answer| !answer.is_empty()).map(|answer| Secret::new(answer.to_owned())))
}

/// The password of an existing key.
pub fn password(surface: &Surface, what: &str) -> Result<Secret, Failure> {
    if let Some(secret) = from_file()? {
        return Ok(secret);
    }
    if !surface.may_ask {
        return Err(no_password(what));
    }
    Ok(Secret::new(typed(&format!("password of {what}: "))?))
}

/// A password for a new key, asked twice.
pub fn new_password(surface: &Surface, what: &str) -> Result<Secret, Failure> {
    if let Some(secret) = from_file()? {
        return Ok(secret);
    }
    if !surface.may_ask {
        return Err(no_password(what));
    }
    let first = typed(&format!("new password for {what}: "))?;
    if first.is_empty() {
        return Err(Failure::told(exit::USAGE, "an empty password protects nothing"));
    }
    let second = typed("the same again: ")?;
    if first == second { Ok(Secret::new(first)) } else { Err(Failure::told(exit::USAGE, "the two passwords differ")) }
}

/// A line typed without echo. Ctrl-C becomes a signal there and then an error; whoever does not listen for signals is ended
/// by it before the echo is back, so every command that asks listens ([`super::cancel::Cancel::on_signals`]).
fn typed(prompt: &str) -> Result<String, Failure> {
    rpassword::prompt_password(prompt).map_err(|error| match error.kind() {
        std::io::ErrorKind::Interrupted => Failure::told(exit::INTERRUPTED, "cancelled; nothing was changed"),
        _ => error.into(),
    })
}

fn from_file() -> Result<Option<Secret>, Failure> {
    let Some(path) = std::env::var_os(PASSWORD_FILE).filter(|path| !path.is_empty()) else { return Ok(None) };
    let path = Utf8PathBuf::try_from(std::path::PathBuf::from(path))?;
    SecretRef::File(path).resolve().map(Some).map_err(|error| {
        let hint = crate::base::Hinted::hint(&error);
        let failure = Failure::new(exit::USAGE, error);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })
}

fn no_password(what: &str) -> Failure {
    Failure::told(exit::USAGE, format!("the password of {what} is needed and cannot be asked for here"))
        .hint(format!("put it into a file with mode 600 and set {PASSWORD_FILE} to its path"))
}
