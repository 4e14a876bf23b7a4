//! `spartacus init`: a project, its keys and its root of trust.

use std::fmt::Write as _;

use camino::Utf8Path;

use super::args::Init;
use super::ask;
use super::cancel::Cancel;
use super::exit::{self, Ended, Failure};
use super::session::{bundle_failure, file_failure, hinted, key_failure};
use super::surface::{Surface, answer};
use crate::base::{Clock, sanitise};
use crate::bundle::{self, BundleError, InitSpec, Initialised, KeyName, People, Project};
use crate::trust::{PublicKey, SigningKey, TrustError};

/// The file that names the targets.
const CONFIG: &str = "targets.yaml";

/// Makes a project and says what to do next.
pub fn init(surface: &Surface, order: &Init) -> Ended {
    check_words(order)?;
    let config = order.folder.join(CONFIG);
    if config.exists() {
        return Err(Failure::told(exit::USAGE, format!("{config} exists already; nothing was changed")));
    }
    // Whoever is asked for a password must get the terminal's echo back after Ctrl-C.
    let _listening = Cancel::on_signals(surface)?;
    let made = if order.maintainer_keys.is_empty() { one_person(surface, order)? } else { team(surface, order)? };
    std::fs::write(&config, first_config(&order.name, &made)).map_err(|error| file_failure("write", &config, error))?;
    let copy = order.folder.join("1.root.json");
    std::fs::copy(made.project.metadata().join("1.root.json"), &copy).map_err(|error| file_failure("write", &copy, error))?;
    answer(surface, "spartacus.init/1", &fields(order, &made, &config, &copy), &next_steps(order, &made));
    Ok(exit::OK)
}

/// What the next command would refuse is refused before a key is made and a password asked for.
fn check_words(order: &Init) -> Result<(), Failure> {
    if order.name.trim().is_empty() || sanitise(&order.name) != order.name {
        return Err(Failure::told(exit::USAGE, "the project's name must be a line of printable text")
            .hint("spartacus init --name 'Blue Book Archive' --recovery-out ../recovery.key"));
    }
    // Names of other keys in keys/, and of the recovery key in lists.
    let reserved = ["online", "recovery", "deploy_ed25519", "deploy_ed25519.next", "age_identity", "age_recipient"];
    if let Some(name) = reserved.iter().find(|name| **name == order.maintainer) {
        return Err(Failure::told(exit::USAGE, format!("{name} is the name of another key of the project"))
            .hint("choose your own name: --maintainer alice"));
    }
    let Some(path) = &order.recovery_out else { return Ok(()) };
    if path.exists() {
        return Err(key_failure(TrustError::KeyExists { path: path.clone() }));
    }
    let folder = path.parent().filter(|folder| !folder.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
    // A place inside the project is refused for another reason.
    if folder.is_dir() || bundle::is_inside(path, &order.folder).unwrap_or(true) {
        return Ok(());
    }
    Err(Failure::told(exit::USAGE, format!("the folder {folder} for the recovery key is not there"))
        .hint("insert the medium, or name another file with --recovery-out"))
}

fn fields(order: &Init, made: &Initialised, config: &Utf8Path, root: &Utf8Path) -> serde_json::Value {
    let recovery = order.recovery_out.as_ref().filter(|_| order.maintainer_keys.is_empty());
    serde_json::json!({
        "project": order.name,
        "folder": order.folder.as_str(),
        "pin": made.pin,
        "root": root.as_str(),
        "config": config.as_str(),
        "secrets": made.secrets.iter().map(|path| path.as_str()).collect::<Vec<_>>(),
        "recovery": recovery.map(|path| path.as_str()),
    })
}

fn one_person(surface: &Surface, order: &Init) -> Result<Initialised, Failure> {
    let Some(recovery_out) = &order.recovery_out else {
        return Err(Failure::told(exit::USAGE, "where shall the recovery key go? Without it a lost password ends the project")
            .hint("add --recovery-out with a path outside the project, best on another medium")
            .hint(format!(
                "spartacus init {} --name {} --recovery-out ../recovery.key",
                quoted(order.folder.as_str()),
                quoted(&order.name)
            )));
    };
    let who: KeyName = order.maintainer.parse().map_err(|error| Failure::new(exit::USAGE, error))?;
    let password = ask::new_password(surface, &format!("{who}'s key"))?;
    let recovery_password = ask::new_password(surface, "the recovery key")?;
    create(order, People::One { who, password: &password, recovery_out, recovery_password: &recovery_password })
}

fn team(surface: &Surface, order: &Init) -> Result<Initialised, Failure> {
    let mut maintainers = Vec::new();
    let mut signers = Vec::new();
    for path in &order.maintainer_keys {
        let who: KeyName = path.file_stem().unwrap_or_default().parse().map_err(|error| Failure::new(exit::USAGE, error))?;
        let public = path.with_extension("pub");
        let text = std::fs::read_to_string(&public).map_err(|error| {
            Failure::new(exit::USAGE, error)
                .hint(format!("{public} must be the maintainer's public key, as `spartacus key new` writes it"))
        })?;
        maintainers.push((who.clone(), PublicKey::from_minisign(&text).map_err(|error| hinted(exit::USAGE, error))?));
        let secret = path.with_extension("key");
        if secret.exists() {
            signers.push(open_key(surface, &secret)?);
        }
    }
    let count = u32::try_from(maintainers.len()).unwrap_or(u32::MAX);
    let threshold = order.threshold.unwrap_or(count / 2 + 1);
    create(order, People::Team { maintainers, threshold, everyone: order.force, signers: &signers })
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", sanitise(word).replace('\'', "'\\''"))
}

fn create(order: &Init, people: People<'_>) -> Result<Initialised, Failure> {
    let spec = InitSpec { folder: &order.folder, name: &order.name, people, now: Clock::System.now() };
    Project::init(spec).map_err(|error| match (&error, Project::open(&order.folder).and_then(|project| project.pin())) {
        // A run that was ended before its last step left all but the configuration.
        (BundleError::Exists { .. }, Ok(pin)) => {
            let text =
                format!("project:\\n  name: {}\\n  root: sha256:{pin}\\ntargets: []\\n", serde_json::Value::from(&*order.name));
            let path = quoted(order.folder.join(CONFIG).as_str());
            let mut failure = bundle_failure(error);
            failure.hints =
                vec![format!("there is a project with its keys; what it lacks is {path}: printf %b {} > {path}", quoted(&text))];
            failure
        }
        // Who may sign, and how many must, was said on the command line.
        (BundleError::Trust(TrustError::Role { .. }), _) => Failure { code: exit::USAGE, ..bundle_failure(error) },
        (BundleError::Keys(_), _) if order.threshold.is_some() => bundle_failure(error).hint("add --force if you mean it"),
        _ => bundle_failure(error),
    })
}

/// Opens a maintainer's secret key, asking for its password.
pub fn open_key(surface: &Surface, path: &Utf8Path) -> Result<SigningKey, Failure> {
    let password = ask::password(surface, path.as_str())?;
    SigningKey::load(path, Some(&password)).map_err(key_failure)
}

fn first_config(name: &str, made: &Initialised) -> String {
    // JSON strings are YAML strings, so any name is safe.
    let name = serde_json::Value::from(name);
    format!(
        "# What is published where. Every key is explained in targets.example.yaml.\n\
         project:\n  name: {name}\n  root: sha256:{}   # the pin: publish it in as many places as you can\n\n\
         policy:\n  replicas: all          # copies wanted: all, a number, or 80%\n\n\
         # `spartacus target add NAME URL` writes entries here.\ntargets: []\n",
        made.pin
    )
}

fn next_steps(order: &Init, made: &Initialised) -> String {
    let folder = &order.folder;
    let mut text = format!("project '{}' in {folder}\n\n", sanitise(&order.name));
    let _ = writeln!(text, "pin      sha256:{}", made.pin);
    let _ = writeln!(text, "         the digest of 1.root.json: publish both where readers already trust you\n");
    for secret in &made.secrets {
        let _ = writeln!(text, "secret   {secret}");
    }
    if let Some(recovery) = order.recovery_out.as_ref().filter(|_| order.maintainer_keys.is_empty()) {
        let _ = writeln!(text, "\nkeep {recovery} and its password apart from this machine: it can replace a lost or stolen key");
    }
    let enter = if folder == "." { String::new() } else { format!("  cd {folder}\n") };
    let _ = write!(text, "\nnext:\n{enter}  spartacus target add NAME URL      sftp://, webdavs://, s3+https:// or folder:\n");
    text += if order.maintainer_keys.is_empty() {
        "  spartacus push FOLDER --as v1      stage, sign and push\n"
    } else {
        "  spartacus bundle FOLDER --as v1    stage\n  \
         spartacus sign v1 --key FILE       each maintainer, until there are enough\n  \
         spartacus push v1\n"
    };
    text
}
