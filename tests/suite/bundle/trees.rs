//! Folders with one defect each, and one with many.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixListener;

use camino::Utf8Path;
use spartacus::bundle::{BundleError, Collected, Trouble};

use super::{utf8, write};

/// The lines that tell what is wrong with the tree that `make` builds.
fn problems(make: impl FnOnce(&Utf8Path)) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let root = utf8(folder.path());
    make(root);
    match Collected::from_folder(root) {
        Ok(_) => Vec::new(),
        Err(error) => {
            assert!(matches!(error, BundleError::BadTree { .. }), "{error}");
            assert_eq!(error.trouble(), Trouble::Usage);
            error.details()
        }
    }
}

fn fifo(path: &Utf8Path) {
    rustix::fs::mknodat(
        rustix::fs::CWD,
        path.as_std_path(),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .expect("a FIFO");
}

/// A tree's name in messages, how it is made, and what is said of it.
type Case = (&'static str, fn(&Utf8Path), &'static str);

#[test]
fn every_defect_is_refused_by_name() {
    let cases: [Case; 14] = [
        ("empty", |_| {}, "there is no file in it"),
        ("only folders", |root| fs::create_dir(root.join("a")).expect("a folder"), "there is no file in it"),
        (
            "link",
            |root| std::os::unix::fs::symlink("/etc/passwd", root.join("link")).expect("a link"),
            "link: is a symbolic link",
        ),
        (
            "linked folder",
            |root| std::os::unix::fs::symlink("/etc", root.join("etc")).expect("a link"),
            "etc: is a symbolic link",
        ),
        ("fifo", |root| fifo(&root.join("pipe")), "pipe: is a FIFO"),
        ("socket", |root| drop(UnixListener::bind(root.join("s")).expect("a socket")), "s: is a socket"),
        ("question", |root| write(&root.join("a?b"), b"x"), "a?b: the name has the character '?'"),
        ("backslash", |root| write(&root.join("d/a\\b"), b"x"), "d/a\\b: the name has the character '\\\\'"),
        ("line break", |root| write(&root.join("a\nb"), b"x"), "a\\u{a}b: the name has the character '\\n'"),
        ("nfd", |root| write(&root.join("e\u{301}"), b"x"), "normal form C"),
        (
            "not utf-8",
            |root| fs::write(root.as_std_path().join(OsStr::from_bytes(b"a\xff")), b"x").expect("a file"),
            "the name is not UTF-8",
        ),
        ("sums", |root| write(&root.join("SHA256SUMS.alice.minisig"), b"x"), "spartacus itself writes"),
        ("partial", |root| write(&root.join("d/.spartacus-1.part"), b"x"), "spartacus itself writes"),
        ("project", |root| write(&root.join("d/.spartacus/lock"), b"x"), "d/.spartacus: a spartacus project"),
    ];
    for (case, make, expected) in cases {
        let found = problems(make);
        assert!(found.len() == 1 && found[0].contains(expected), "{case}: {found:?}");
    }
}

#[test]
fn names_that_differ_in_case_are_refused_at_every_depth() {
    let found = problems(|root| {
        for name in ["d/Makefile", "d/makefile", "E/x", "e/y"] {
            write(&root.join(name), b"x");
        }
    });
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|line| line.contains("only in case")), "{found:?}");
}

#[test]
fn all_problems_come_at_once_and_the_list_is_cut() {
    let found = problems(|root| (0..30).for_each(|number| write(&root.join(format!("bad{number:02}#")), b"x")));
    assert_eq!(found.len(), 21);
    assert!(found[0].starts_with("bad00#: "));
    assert_eq!(found[20], "and 10 more");
}

#[test]
fn names_that_trouble_windows_are_only_warned_about() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = utf8(folder.path());
    for name in ["aux.h", "a:b", "fine", "sub/SHA256SUMS"] {
        write(&root.join(name), b"x");
    }
    let collected = Collected::from_folder(root).expect("a good tree");
    let warned: Vec<&str> = collected.warnings().iter().map(|warning| warning.path.as_str()).collect();
    assert_eq!(warned, ["a:b", "aux.h"]);
    let paths: Vec<&str> = collected.files().iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["a:b", "aux.h", "fine", "sub/SHA256SUMS"]);
}

#[test]
fn a_missing_folder_is_named() {
    let error = Collected::from_folder(Utf8Path::new("/nonexistent/tree")).expect_err("nothing there");
    assert!(error.details()[0].contains("cannot be read"), "{error}");
}
