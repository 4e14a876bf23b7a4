//! What most commands begin with: the configuration, the project, its state.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

use super::accounts::Accounts;
use super::args::Global;
use super::exit::{self, Failure};
use super::surface::{Surface, complain};
use super::target::place::place_digest;
use crate::base::{ByteCount, Clock, Hinted, Lifecycle, TargetName, sanitise};
use crate::bundle::{BundleError, Project, Trouble};
use crate::config::{Config, ConfigError, Loaded, Target, TargetState};
use crate::history::{History, OfferRecord, OfferState};
use crate::net::Clients;
use crate::trust::TrustError;

/// An open project.
pub struct Session {
    /// The checked configuration.
    pub config: Config,
    /// The project's folder.
    pub project: Project,
    /// Its state file.
    pub history: Arc<History>,
    /// HTTP clients, shared by all targets.
    pub clients: Arc<Clients>,
    /// Accounts that several targets share.
    pub accounts: Arc<Accounts>,
    /// What time it is.
    pub clock: Clock,
    /// Where mirrors stand that volunteers offered.
    lives: BTreeMap<TargetName, Offered>,
    /// Targets that are left out because of that, and not because the file says so.
    left_out: BTreeSet<TargetName>,
}

/// Where a mirror stands that a volunteer offered.
#[derive(Debug, Clone, Copy)]
struct Offered {
    life: Lifecycle,
    state: OfferState,
}

impl Session {
    /// Reads the configuration, opens the project beside it and its state.
    pub fn open(surface: &Surface, global: &Global) -> Result<Self, Failure> {
        let config = configuration(surface, global)?;
        let project = project(global)?;
        agree_on_the_root(&config, &project)?;
        let history = History::open(&project.state().join("state.db")).map_err(|error| hinted(exit::UNEXPECTED, error))?;
        let accounts = Arc::new(Accounts::among(&config.targets));
        let (history, clients) = (Arc::new(history), Arc::new(Clients::for_targets(config.targets.len())));
        let (lives, left_out) = (BTreeMap::new(), BTreeSet::new());
        let mut session = Self { config, project, history, clients, accounts, clock: Clock::System, lives, left_out };
        session.follow_offers()?;
        Ok(session)
    }

    /// What volunteers said of their mirrors takes effect: whoever wants to be left alone is.
    pub fn follow_offers(&mut self) -> Result<(), Failure> {
        let (records, now) = (self.history.offers().map_err(|error| hinted(exit::UNEXPECTED, error))?, self.clock.now());
        self.lives = records
            .into_iter()
            .filter(|record| entry_of(&self.config, record).is_some())
            .filter_map(|record| Some((record.target.clone()?, Offered { life: record.lifecycle(now)?, state: record.state })))
            .collect();
        for target in &mut self.config.targets {
            if self.left_out.remove(&target.name) {
                target.state = TargetState::Active;
            }
            let takes_part = self.lives.get(&target.name).is_none_or(|offered| offered.life.is_watched());
            if !takes_part && target.state == TargetState::Active {
                target.state = TargetState::Paused;
                self.left_out.insert(target.name.clone());
            }
        }
        Ok(())
    }

    /// Whether readers may be told of a target at all: whoever never was whole, or is gone, is no place to send them to.
    #[must_use]
    pub fn is_shown(&self, target: &Target) -> bool {
        let life = self.lifecycle(target);
        let was_active = self.lives.get(&target.name).is_none_or(|offered| offered.state == OfferState::Active);
        life.is_listed() || (life == Lifecycle::Paused && was_active)
    }

    /// Where a target stands between its offer and its end.
    #[must_use]
    pub fn lifecycle(&self, target: &Target) -> Lifecycle {
        match (self.lives.get(&target.name), target.state) {
            (Some(offered), TargetState::Active) => offered.life,
            (Some(offered), TargetState::Paused) if self.left_out.contains(&target.name) => offered.life,
            (_, TargetState::Active) => Lifecycle::Active,
            (_, TargetState::Paused) => Lifecycle::Paused,
        }
    }

    /// The targets that `--only` names, or all of them. A word that names nothing is an error, and so is a project that
    /// has no targets yet: whoever asks for them can do nothing without.
    pub fn selected(&self, only: &[String]) -> Result<Vec<&Target>, Failure> {
        if self.config.targets.is_empty() {
            return Err(Failure::told(exit::USAGE, format!("there are no targets yet in {}", self.config.path))
                .hint("spartacus target add NAME URL"));
        }
        let named = |target: &Target, word: &String| target.name.as_str() == word || target.tags.contains(word);
        if let Some(word) = only.iter().find(|word| !self.config.targets.iter().any(|target| named(target, word))) {
            let known: Vec<&str> = self.config.targets.iter().map(|target| target.name.as_str()).collect();
            return Err(Failure::told(exit::USAGE, format!("--only {}: no target has that name or tag", sanitise(word)))
                .hint(format!("targets are: {}", known.join(", "))));
        }
        let wanted = |target: &&Target| only.is_empty() || only.iter().any(|word| named(target, word));
        Ok(self.config.targets.iter().filter(wanted).collect())
    }
}

/// The entry that an offer became; `None` when there is none, or when one of that name leads elsewhere: then it is another's, and no
/// volunteer has a say in it.
#[must_use]
pub fn entry_of<'a>(config: &'a Config, record: &OfferRecord) -> Option<&'a Target> {
    let name = record.target.as_ref()?;
    config.targets.iter().find(|target| target.name == *name && record.entry == Some(place_digest(&target.kind)))
}

/// Reads the configuration; warnings go to stderr, all problems at once into the failure.
pub fn configuration(surface: &Surface, global: &Global) -> Result<Config, Failure> {
    configuration_at(surface, &global.config)
}

/// The same of another file than the one of `--config`.
pub fn configuration_at(surface: &Surface, path: &Utf8Path) -> Result<Config, Failure> {
    let loaded: Loaded = Config::load(path).map_err(|error| refuse(surface, error))?;
    if !loaded.warnings.is_empty() {
        surface.remark(&loaded.render_warnings(surface.colour_on_stderr));
    }
    Ok(loaded.config)
}

fn refuse(surface: &Surface, error: ConfigError) -> Failure {
    if !error.problems().is_empty() {
        // The report is the message: each problem with its place, line and hint.
        complain(&error.render(surface.colour_on_stderr));
    }
    match &error {
        ConfigError::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            no_project(Failure::new(exit::USAGE, error))
        }
        _ => hinted(exit::USAGE, error),
    }
}

/// Opens the project that the configuration file lies in; the file itself need not be right yet.
pub fn project(global: &Global) -> Result<Project, Failure> {
    Project::open(&folder(global)).map_err(|error| match error {
        BundleError::NoProject { .. } => no_project(Failure::new(exit::USAGE, error)),
        error => bundle_failure(error),
    })
}

/// Whoever has no project is in the wrong folder, or at the very beginning.
fn no_project(failure: Failure) -> Failure {
    failure
        .hint("if there is a project: cd into its folder, or name its file with --config DIR/targets.yaml")
        .hint("if there is none yet: spartacus init DIR --name NAME --recovery-out FILE")
}

/// The folder of the configuration file.
#[must_use]
pub fn folder(global: &Global) -> Utf8PathBuf {
    match global.config.parent() {
        Some(parent) if parent.as_str().is_empty() => Utf8PathBuf::from("."),
        Some(parent) => parent.to_owned(),
        None => Utf8Path::new(".").to_owned(),
    }
}

fn agree_on_the_root(config: &Config, project: &Project) -> Result<(), Failure> {
    let pin = project.pin().map_err(bundle_failure)?;
    match config.project.root {
        Some(pinned) if pinned != pin => Err(Failure::told(
            exit::FORGED,
            format!("{}: project.root pins {pinned}, but this project's 1.root.json has {pin}", config.path),
        )
        .hint("one of the two was exchanged: compare with the pin as you published it elsewhere")),
        _ => Ok(()),
    }
}

/// A room's error with its hint and this exit code.
pub fn hinted<E: Hinted + Send + Sync + 'static>(code: u8, error: E) -> Failure {
    let hint = error.hint();
    let failure = Failure::new(code, error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// An error of staging, signing or publishing, with the exit code that fits it.
pub fn bundle_failure(error: BundleError) -> Failure {
    let code = match (&error, error.trouble()) {
        (BundleError::Trust(error), _) => key_trouble(error),
        (_, Trouble::Usage) => exit::USAGE,
        (_, Trouble::Conflict) => exit::CONFLICT,
        (_, Trouble::Signature) => exit::FORGED,
        (_, Trouble::Cancelled) => exit::INTERRUPTED,
        (_, Trouble::System) => exit::UNEXPECTED,
    };
    let details = error.details();
    // A hint that can be pasted: both commands in one line.
    let again = match &error {
        BundleError::Overtaken { bundle, .. } => Some(format!("spartacus bundle --restage {bundle} && spartacus sign {bundle}")),
        _ => None,
    };
    let mut failure = hinted(code, error);
    failure.details = details;
    if let Some(again) = again {
        failure.hints = vec![again];
    }
    failure
}

/// An error of a key file, with the exit code that fits it.
pub fn key_failure(error: TrustError) -> Failure {
    hinted(key_trouble(&error), error)
}

/// A key that cannot be opened is a matter of usage; only a signature that does not verify is a 6.
fn key_trouble(error: &TrustError) -> u8 {
    match error {
        TrustError::Crypto(_) | TrustError::Role { .. } => exit::UNEXPECTED,
        _ => exit::USAGE,
    }
}

/// The bytes of a file that a person named. What is longer than `longest` is not what was meant (`/dev/zero` never ends).
pub fn read_at_most(path: &Utf8Path, longest: u64) -> Result<Vec<u8>, Failure> {
    let fail = |error| file_failure("read", path, error);
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(fail)?;
    file.take(longest + 1).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > longest {
        return Err(Failure::told(
            exit::USAGE,
            format!("{path} is longer than the {} that such a file may have", ByteCount(longest)),
        ));
    }
    Ok(bytes)
}

/// Refuses to write a report over what keeps the project alive: its configuration, its keys, its state.
pub fn refuse_own_files(global: &Global, option: &str, path: &Utf8Path) -> Result<(), Failure> {
    let whole = |path: &Utf8Path| path.canonicalize_utf8().ok();
    let folder_of = path.parent().filter(|folder| !folder.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
    let (Some(parent), Some(file)) = (whole(folder_of), path.file_name()) else { return Ok(()) };
    // A link is written through, so what it leads to counts too.
    let places = [Some(parent.join(file)), whole(path)];
    let own = [whole(&folder(global).join("keys")), whole(&folder(global).join(".spartacus")), whole(&global.config)];
    let hit = places.iter().flatten().any(|place| own.iter().flatten().any(|own| place.starts_with(own)));
    if hit {
        return Err(Failure::told(exit::USAGE, format!("{option} {path}: that would overwrite what belongs to the project"))
            .hint(format!("{option} takes a place outside of keys/ and .spartacus/, and not targets.yaml")));
    }
    Ok(())
}

/// Refuses to replace a file that holds something else than `begins` tells of what is written there: a key, a pin or a
/// configuration whose name was given by mistake. What is empty, new, or no regular file may be written.
pub fn refuse_other_content(option: &str, path: &Utf8Path, begins: &str, what: &str) -> Result<(), Failure> {
    let Some(about) = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file) else { return Ok(()) };
    let mut found = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(begins.len() as u64).read_to_end(&mut found));
    if about.len() == 0 || read.is_ok() && found == begins.as_bytes() {
        return Ok(());
    }
    Err(Failure::told(exit::USAGE, format!("{option} {path}: there is a file already, and it is no {what}"))
        .hint(format!("give {option} another name")))
}

/// A local file that could not be read or written, with what was tried.
pub fn file_failure(tried: &str, path: &Utf8Path, error: std::io::Error) -> Failure {
    Failure::new(exit::USAGE, anyhow::Error::new(error).context(format!("cannot {tried} {path}")))
}

/// How many of these take no part.
#[must_use]
pub fn paused(targets: &[&Target]) -> usize {
    targets.iter().filter(|target| target.state == TargetState::Paused).count()
}
