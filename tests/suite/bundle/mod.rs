//! From folders to releases, through the public interface and the tools that readers have.

mod init;
mod memory;
mod release;
mod rotation;
mod sign;
mod stage;
mod tools;
mod trees;

use std::fs;
use std::ops::ControlFlow;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use spartacus::base::BundleName;
use spartacus::bundle::{
    BundleError, Collected, InitSpec, KeyName, People, Project, Published, Showcase, Signed, Stage, StageSpec, Staged, stage,
};
use spartacus::trust::{PublicKey, SigningKey};

/// A project in a temporary folder, with its maintainers' keys in memory: locking keys with passwords is slow on purpose.
struct Workshop {
    folder: tempfile::TempDir,
    project: Project,
    people: Vec<SigningKey>,
}

const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];

impl Workshop {
    /// A project of one person, or of three with two needed.
    fn of(people: usize) -> Self {
        let keys: Vec<SigningKey> = PEOPLE[..people].iter().map(|who| SigningKey::generate(who).expect("a key")).collect();
        Self::with(keys)
    }

    fn with(people: Vec<SigningKey>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let place = utf8(folder.path()).join("project");
        let maintainers = named(&people);
        let threshold = if people.len() > 1 { 2 } else { 1 };
        let team = People::Team { maintainers, threshold, everyone: false, signers: &people };
        let made = Project::init(InitSpec { folder: &place, name: "demo", people: team, now: moment(0) }).expect("a project");
        Self { folder, project: made.project, people }
    }

    fn place(&self, name: &str) -> Utf8PathBuf {
        utf8(self.folder.path()).join(name)
    }

    /// A small tree under `name`, whose content depends on `seed`.
    fn tree(&self, name: &str, seed: u8) -> Utf8PathBuf {
        let root = self.place(name);
        write(&root.join("README"), &[seed; 20]);
        write(&root.join("docs/guide é.txt"), b"guide");
        write(&root.join("docs/deep/er/empty"), b"");
        write(&root.join("bin/tool with space"), &vec![seed; 5 << 20]);
        root
    }

    async fn published(&self) -> Option<Published> {
        Published::load(&self.project, moment(0)).await.expect("the published state is accepted")
    }

    async fn stage(&self, tree: &Utf8Path, name: &str) -> Result<Stage, BundleError> {
        let published = self.published().await;
        let held = self.project.lock()?;
        let collected = Collected::from_folder(tree)?;
        stage(&self.project, &held, &collected, &spec(name), published.as_ref(), &|_| ControlFlow::Continue(()))
    }

    /// Stages `tree` as `name` and lets the first maintainers sign it, as many as are needed.
    async fn signed(&self, tree: &Utf8Path, name: &str) -> Signed {
        let staged = staged(self.stage(tree, name).await.expect("it is staged"));
        let held = self.project.lock().expect("the lock");
        for key in &self.people[..self.people.len().min(2)] {
            staged.sign(&self.project, &held, key).expect("signed");
        }
        staged.signed(&self.project).expect("enough signatures")
    }

    fn online(&self) -> SigningKey {
        SigningKey::load(&self.project.online_key(), None).expect("the online key")
    }

    async fn publish(&self, tree: &Utf8Path, name: &str) -> spartacus::bundle::Release {
        let signed = self.signed(tree, name).await;
        let held = self.project.lock().expect("the lock");
        spartacus::bundle::publish(&self.project, &held, &signed, &self.online(), &Showcase::default(), moment(0))
            .await
            .expect("it is published")
    }
}

fn named(people: &[SigningKey]) -> Vec<(KeyName, PublicKey)> {
    people.iter().map(|key| (key.comment().parse().expect("a name"), key.public().clone())).collect()
}

fn spec(name: &str) -> StageSpec {
    StageSpec { name: bundle_name(name), created: moment(0) }
}

fn bundle_name(name: &str) -> BundleName {
    BundleName::new(name).expect("a good name")
}

fn staged(stage: Stage) -> Staged {
    match stage {
        Stage::Staged(staged) => *staged,
        Stage::Published => panic!("it is published already"),
    }
}

/// A fixed moment, `days` later.
fn moment(days: i64) -> Timestamp {
    let start: Timestamp = "2026-03-01T12:00:00Z".parse().expect("a moment");
    start + jiff::SignedDuration::from_hours(24 * days)
}

fn utf8(path: &std::path::Path) -> &Utf8Path {
    Utf8Path::from_path(path).expect("temporary folders have UTF-8 names")
}

fn write(path: &Utf8Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, bytes).expect("a file");
}
