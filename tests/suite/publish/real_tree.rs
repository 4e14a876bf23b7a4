//! Real content in real amounts: thousands of files that nobody made for a test, and one of more than 1 GiB.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use spartacus::store::contract::noise;

use super::readers::Watch;
use super::running::Running;
use super::{ATOMIC, headline, start, trees};
use crate::support::mirror::Kind;
use crate::support::project::Project;
use crate::support::tree::files_below;
use crate::support::{process, rclone, tools};

/// Files that the tree has at least.
const ENOUGH: usize = 5_000;
/// No more than these are taken: five mirrors and the project keep a copy each.
const PLENTY: usize = 5_500;
/// What a machine that can run these tests has installed, documentation first.
const SOURCES: [&str; 6] =
    ["/usr/share/doc", "/usr/share/perl", "/usr/lib/python3", "/usr/include", "/usr/share/mime", "/usr/share/zoneinfo"];
/// Longer than this are not taken: the one big file is big enough.
const LONGEST: u64 = 1 << 20;
/// More than 1 GiB, and no multiple of any chunk.
const BIG: u64 = (1 << 30) + (5 << 20) + 7;

/// SIGKILL after so many of its objects went out to any of the targets: early, among the thousands of small ones, and late.
const KILLED_AFTER: [usize; 3] = [100, 6_000, 18_000];

#[test]
fn a_real_tree_arrives_whole_on_every_kind_of_server_although_its_push_is_killed() {
    let mirrors = start(&[&ATOMIC[..], &[Kind::RcloneS3]].concat());
    let project = Project::with_mirrors(&mirrors);
    let (before, tree) = (project.beside("before"), project.beside("tree"));
    trees::many(&before, 20, "before");
    project.push(&before, "before").ends_with(0);
    let taken = copy_installed(&tree);
    assert!(taken >= ENOUGH, "{taken} files in {SOURCES:?} are too few for this test");
    big_file(&tree.join("big.img"));

    // Readers of the first four; the fifth server makes no promise about its swap.
    let (atomic, _) = mirrors.split_at(ATOMIC.len());
    Watch::over(&project, atomic, ["before", "real"], || {
        for moment in KILLED_AFTER {
            let mut push = Running::push(&project, &tree, "real");
            push.until_sent(moment);
            assert!(push.kill(), "it ended before it was killed after {moment} objects");
        }
        // A mirror that was finished before the last kill is unchanged: its pointer alone is looked at until the check below.
        let last = project.push(&tree, "real").ends_with(0).says("went on after an interrupted run");
        last.says(&format!(" on {0} of {0} mirrors", mirrors.len()));
    });
    project.run(&["check", "--files"]).ends_with(0).concludes(&headline("real", "complete", mirrors.len()));
    let digest = sha256(&tree.join("big.img"));
    for mirror in &mirrors {
        rclone::check_folder(&tree, mirror, "releases/real");
        if let Some(root) = &mirror.root {
            assert_eq!(sha256(&root.join("releases/real/big.img")), digest, "{}", mirror.kind.name());
        }
    }
    project.run(&["check", "--full"]).ends_with(0).concludes(&headline("real", "verified", mirrors.len()));
    project.run(&["push", "real"]).ends_with(0).concludes(&headline("real", "current", mirrors.len()));
}

/// Copies installed files until there are plenty; those with names that no bundle may have are left out.
fn copy_installed(tree: &Path) -> usize {
    let mut spellings = BTreeMap::new();
    let mut taken = 0;
    for source in SOURCES.iter().map(Path::new).filter(|source| source.is_dir()) {
        for path in regular_files(source) {
            let Some(name) = path.strip_prefix("/usr").ok().and_then(Path::to_str) else { continue };
            if taken == PLENTY
                || name.contains(['?', '#', '%', '\\'])
                || !name.is_ascii()
                || !is_the_only_spelling(&mut spellings, name)
            {
                continue;
            }
            let target = tree.join(name);
            fs::create_dir_all(target.parent().expect("it is below the tree")).expect("a folder of the test's own");
            fs::copy(&path, target).expect("installed files are readable");
            taken += 1;
        }
    }
    files_below(tree).len().min(taken)
}

/// Whether no part of this path was met before with other letters in capitals.
fn is_the_only_spelling(spellings: &mut BTreeMap<String, String>, name: &str) -> bool {
    let parts = Path::new(name).ancestors().filter_map(Path::to_str);
    parts.into_iter().all(|part| spellings.entry(part.to_lowercase()).or_insert_with(|| part.to_owned()) == part)
}

/// Every regular file below a folder that is not too long, links not followed, in the order of their names.
fn regular_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(next).expect("installed folders are readable").map(|entry| entry.expect("it is there")) {
            let kind = entry.metadata().expect("it is there");
            if kind.is_dir() {
                waiting.push(entry.path());
            } else if kind.is_file() && kind.len() <= LONGEST {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

/// A file of holes with noise in each chunk, so that no two chunks are the same and little of our own disk is used.
fn big_file(path: &Path) {
    let mut file = File::create_new(path).expect("a folder of the test's own");
    file.set_len(BIG).expect("the disk has room");
    for (seed, offset) in (0..BIG).step_by(1 << 20).enumerate() {
        file.seek(SeekFrom::Start(offset)).expect("a regular file");
        let length = usize::try_from((BIG - offset).min(4096)).expect("at most 4096");
        file.write_all(&noise(length, seed as u64)).expect("the disk has room");
    }
}

/// The digest by Debian's own program.
fn sha256(path: &Path) -> String {
    let told = process::run(Command::new(tools::program("sha256sum")).arg(path));
    told.split_whitespace().next().expect("a digest and a name").to_owned()
}
