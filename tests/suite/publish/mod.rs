//! The whole program against real servers, judged by programs that nobody here wrote.
//!
//! Comes in: a running server of each kind and a project that pushes to all of them. Goes out: what a maintainer sees
//! (exit codes, headlines, evidence) and what readers get.
//! Must not know: how the program works inside.

mod broken_lines;
mod canaries;
mod damage;
mod day;
mod everywhere;
mod failures;
mod interrupted;
mod judged;
mod plain_dav;
mod readers;
mod real_tree;
mod running;
mod trees;
mod vantages;

use crate::support::mirror::{Kind, Mirror};

/// One of each protocol, all with an atomic swap.
const ATOMIC: [Kind; 4] = [Kind::Sshd, Kind::ApacheBasic, Kind::Seaweed, Kind::Folder];

/// One mirror of each kind.
fn one_of_each() -> Vec<Mirror> {
    start(&[&Kind::ALL[..], &[Kind::Folder]].concat())
}

/// Mirrors of these kinds, started side by side: the slowest takes some seconds.
fn start(kinds: &[Kind]) -> Vec<Mirror> {
    std::thread::scope(|scope| {
        let starting: Vec<_> = kinds.iter().map(|kind| scope.spawn(|| kind.start())).collect();
        starting.into_iter().map(|mirror| mirror.join().expect("the server starts")).collect()
    })
}

/// The headline of a release that is on all of `count` mirrors.
fn headline(release: &str, level: &str, count: usize) -> String {
    format!("{release} {level} on {count} of {count} mirrors")
}
