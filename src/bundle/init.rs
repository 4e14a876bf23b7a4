//! A new project: its folders, its keys and its first root.
//!
//! Rules K4 and K6 of docs/bundle-format.md.

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::disk::{self, PRIVATE, PUBLIC};
use super::error::BundleError;
use super::keyring::KeyName;
use super::lifetime;
use super::project::Project;
use crate::base::{Secret, Sha256};
use crate::trust::role::{self, RootSpec};
use crate::trust::{LoginKey, PublicKey, RoleKeys, SignatureLine, SigningKey, Unsigned};

/// What a new project shall be.
#[derive(Debug)]
pub struct InitSpec<'a> {
    /// Its folder; made if it is not there.
    pub folder: &'a Utf8Path,
    /// Its name, for the deploy key's comment.
    pub name: &'a str,
    /// Who signs.
    pub people: People<'a>,
    /// The moment from which the root's expiry counts.
    pub now: Timestamp,
}

/// Who signs for a new project.
#[derive(Debug)]
pub enum People<'a> {
    /// One person: a daily key and a recovery key are made; either of them may change the root.
    One {
        /// What the daily key is called.
        who: KeyName,
        /// Locks the daily key.
        password: &'a Secret,
        /// Where the recovery key is written; outside the project's folder, better on another medium.
        recovery_out: &'a Utf8Path,
        /// Locks the recovery key.
        recovery_password: &'a Secret,
    },
    /// Several people, each with a key of their own.
    Team {
        /// The maintainers' public keys.
        maintainers: Vec<(KeyName, PublicKey)>,
        /// How many of them must sign.
        threshold: u32,
        /// Allow that all of several keys must sign, although losing one then ends the project.
        everyone: bool,
        /// Secret keys at hand; enough of them to meet the threshold, because a root counts only when signed.
        signers: &'a [SigningKey],
    },
}

/// What `init` made.
#[derive(Debug)]
pub struct Initialised {
    /// The project.
    pub project: Project,
    /// The digest of its first root.
    pub pin: Sha256,
    /// Secret keys that were written, for the person to look after.
    pub secrets: Vec<Utf8PathBuf>,
}

impl Project {
    /// Makes a new project: folders, online key, deploy key, age identity, maintainers' keys, and last of all the signed root.
    ///
    /// No bundle list, snapshot or timestamp yet: an empty one would have to be pushed, renewed and superseded, and
    /// tells a reader nothing that a missing `timestamp.json` does not. The first publish makes all three.
    ///
    /// Nothing is ever overwritten. A run that was killed leaves keys but no root: move them away and run again.
    pub fn init(spec: InitSpec<'_>) -> Result<Initialised, BundleError> {
        let project = Self::at(spec.folder);
        let root_path = project.metadata().join("1.root.json");
        if root_path.exists() {
            return Err(BundleError::Exists { path: root_path });
        }
        let people = Founders::gather(&project, spec.people)?;
        let online = SigningKey::generate("online")?;
        let root = role::root(&RootSpec {
            version: 1,
            expires: lifetime::after(spec.now, lifetime::ROLES),
            root: people.root.clone(),
            targets: people.targets.clone(),
            online: vec![online.public().clone()],
        })?;
        let signatures = people.sign(&root)?;

        for folder in ["objects", "staged", "metadata", "sums"] {
            disk::make_folder(&project.state().join(folder))?;
        }
        disk::make_folder(&project.keys())?;
        let mut secrets = people.save(&project)?;
        online.save(&project.online_key(), None)?;
        write_ssh_key(&project.deploy_key(), &format!("spartacus deploy {}", spec.name))?;
        write_age_identity(&project, spec.now)?;
        secrets.extend([project.online_key(), project.deploy_key(), project.age_identity()]);
        let stored = root.signed(&signatures);
        disk::create(&root_path, &stored, PUBLIC)?;
        Ok(Initialised { project, pin: Sha256::of(&stored), secrets })
    }
}

/// The first maintainers, with the secret keys that are at hand.
struct Founders<'a> {
    root: RoleKeys,
    targets: RoleKeys,
    public: Vec<(KeyName, PublicKey)>,
    made: Vec<(SigningKey, Utf8PathBuf, &'a Secret)>,
    lent: &'a [SigningKey],
}

impl<'a> Founders<'a> {
    fn gather(project: &Project, people: People<'a>) -> Result<Self, BundleError> {
        match people {
            People::One { who, password, recovery_out, recovery_password } => {
                if is_inside(recovery_out, project.folder())? {
                    return Err(BundleError::Keys("the recovery key must be written outside the project's folder"));
                }
                let daily = SigningKey::generate(who.as_str())?;
                let recovery = SigningKey::generate("recovery")?;
                let keys = vec![daily.public().clone(), recovery.public().clone()];
                Ok(Self {
                    root: RoleKeys { keys, threshold: 1 },
                    targets: RoleKeys { keys: vec![daily.public().clone()], threshold: 1 },
                    public: vec![(who.clone(), daily.public().clone())],
                    made: vec![
                        (recovery, recovery_out.to_owned(), recovery_password),
                        (daily, project.maintainer_key(&who), password),
                    ],
                    lent: &[],
                })
            }
            People::Team { maintainers, threshold, everyone, signers } => {
                let keys = RoleKeys { keys: maintainers.iter().map(|(_, key)| key.clone()).collect(), threshold };
                if keys.needs_everyone() && !everyone {
                    return Err(BundleError::Keys("if all keys must sign, losing one of them ends the project"));
                }
                Ok(Self { root: keys.clone(), targets: keys, public: maintainers, made: Vec::new(), lent: signers })
            }
        }
    }

    /// Signs the root with every key at hand.
    fn sign(&self, root: &Unsigned) -> Result<Vec<SignatureLine>, BundleError> {
        let keys = self.made.iter().map(|(key, ..)| key).chain(self.lent);
        let lines: Vec<SignatureLine> = keys.map(|key| root.sign(key)).collect();
        match root.is_signed_by(&lines, &self.root) {
            (_, true) => Ok(lines),
            (has, false) => Err(BundleError::Unsigned { role: "root".into(), has, needs: self.root.threshold as usize }),
        }
    }

    /// Writes the keys; the recovery key first, so that no project exists without it.
    fn save(&self, project: &Project) -> Result<Vec<Utf8PathBuf>, BundleError> {
        for (key, path, password) in &self.made {
            key.save(path, Some(password))?;
        }
        for (who, key) in &self.public {
            let text = format!("untrusted comment: {who}\n{}\n", key.to_minisign());
            disk::create(&project.keys().join(format!("{who}.pub")), text.as_bytes(), PUBLIC)?;
        }
        Ok(self.made.iter().map(|(_, path, _)| path.clone()).collect())
    }
}

/// Whether `path` lies below `folder`, once both exist.
pub fn is_inside(path: &Utf8Path, folder: &Utf8Path) -> Result<bool, BundleError> {
    Ok(whole(path)?.starts_with(whole(folder)?))
}

/// The absolute path without links: of what exists already by asking the system, of the rest by its names.
fn whole(path: &Utf8Path) -> Result<Utf8PathBuf, BundleError> {
    let failed = |error| BundleError::reading(path, error);
    let mut real = Utf8Path::new(".").canonicalize_utf8().map_err(failed)?;
    for part in path.components() {
        match part {
            Utf8Component::ParentDir => {
                real.pop();
            }
            Utf8Component::CurDir => {}
            // A root takes the place of all that was before it.
            other => real.push(other),
        }
        // A link is followed where it stands: what `..` means after it depends on where it leads.
        if let Ok(found) = real.canonicalize_utf8() {
            real = found;
        }
    }
    Ok(real)
}

/// Makes an SSH key: the secret half at `path`, and then the public one beside it as `.pub`. Nothing is overwritten.
pub(super) fn write_ssh_key(path: &Utf8Path, comment: &str) -> Result<(), BundleError> {
    let key = LoginKey::generate(comment)?;
    disk::create(path, key.secret.as_bytes(), PRIVATE)?;
    disk::create(&Utf8PathBuf::from(format!("{path}.pub")), format!("{}\n", key.public).as_bytes(), PUBLIC)
}

/// In the form of `age-keygen`, so that the `age` program opens what was sealed to it; its public half lies beside it.
fn write_age_identity(project: &Project, now: Timestamp) -> Result<(), BundleError> {
    let identity = age::x25519::Identity::generate();
    let recipient = identity.to_public();
    let secret = identity.to_string();
    let text = Zeroizing::new(format!(
        "# created: {}\n# public key: {recipient}\n{}\n",
        now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        age::secrecy::ExposeSecret::expose_secret(&secret)
    ));
    disk::create(&project.age_identity(), text.as_bytes(), PRIVATE)?;
    disk::create(&project.keys().join("age_recipient.txt"), format!("{recipient}\n").as_bytes(), PUBLIC)
}
