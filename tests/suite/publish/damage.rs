//! Mirrors that lose or change what they were given.

use serde_json::Value;

use super::{headline, one_of_each, start, trees};
use crate::support::mirror::Kind;
use crate::support::project::{Finished, Project};
use crate::support::tamper;

#[test]
fn a_changed_byte_on_any_mirror_is_found_named_and_repaired() {
    let mirrors = one_of_each();
    let count = mirrors.len();
    let project = Project::with_mirrors(&mirrors);
    let tree = project.beside("tree");
    trees::many(&tree, 20, "first");
    trees::write(&tree, trees::ORDINARY, b"how to begin: read this to its end, then begin\n");
    project.push(&tree, "v1").ends_with(0);
    let victim = format!("releases/v1/{}", trees::ORDINARY);

    for mirror in &mirrors {
        let name = mirror.kind.name();
        tamper::flip(mirror, &victim);
        // Its size is right, so only reading finds it.
        project.run(&["check", "--files"]).ends_with(0);
        let found = project.run(&["check", "--full", "--json"]).ends_with(6);
        assert_eq!(unhealthy(&found), [(name.to_owned(), "forged".to_owned(), vec![victim.clone()])], "{found}");
        project.run(&["verify", &mirror.public_url, "--root", "1.root.json", "--full"]).ends_with(6).says(&victim);

        project.run(&["repair", "--json"]).ends_with(0);
        project.run(&["verify", &mirror.public_url, "--root", "1.root.json", "--full"]).ends_with(0);
    }
    project.run(&["check", "--full"]).ends_with(0).concludes(&headline("v1", "verified", count));
}

#[test]
fn a_missing_file_on_any_mirror_is_found_named_and_repaired() {
    let mirrors = one_of_each();
    let count = mirrors.len();
    let project = Project::with_mirrors(&mirrors);
    let tree = project.beside("tree");
    trees::many(&tree, 20, "first");
    project.push(&tree, "v1").ends_with(0);
    let victim = "releases/v1/part-7/file-7.txt";

    for (number, mirror) in mirrors.iter().enumerate() {
        tamper::remove(mirror, victim);
        // Whether one copy less matters is for the policy to say.
        let (wanted, code) = if number % 2 == 0 { ("all", 4) } else { ("3", 7) };
        project.want_replicas(wanted);
        let found = project.run(&["check", "--files", "--json"]).ends_with(code);
        assert_eq!(
            unhealthy(&found),
            [(mirror.kind.name().to_owned(), "incomplete".to_owned(), vec![victim.to_owned()])],
            "{found}"
        );
        project.run(&["verify", &mirror.public_url, "--root", "1.root.json", "--files"]).ends_with(7).says(victim);

        let repaired = project.run(&["repair", "--json"]).ends_with(0);
        let sent: u64 = outcomes(&repaired).iter().filter_map(|outcome| outcome["objects_sent"].as_u64()).sum();
        assert!((1..=4).contains(&sent), "only what is missing is sent (and the unsigned conveniences): {repaired}");
        project.run(&["check", "--files"]).ends_with(0).concludes(&headline("v1", "complete", count));
    }
}

#[test]
fn a_repair_that_reads_everything_needs_no_check_before() {
    let mirrors = start(&[Kind::Sshd, Kind::Nginx, Kind::RcloneS3]);
    let project = Project::with_mirrors(&mirrors);
    let tree = project.beside("tree");
    trees::many(&tree, 20, "first");
    project.push(&tree, "v1").ends_with(0);
    for mirror in &mirrors {
        tamper::flip(mirror, "releases/v1/part-3/file-3.txt");
    }
    project.run(&["repair", "--full"]).ends_with(0);
    project.run(&["check", "--full"]).ends_with(0).concludes(&headline("v1", "verified", mirrors.len()));
}

fn outcomes(run: &Finished) -> Vec<Value> {
    run.json()["outcomes"].as_array().expect("one for each target").clone()
}

/// Every mirror that is not well: its name, the verdict, and the paths that the evidence names.
fn unhealthy(check: &Finished) -> Vec<(String, String, Vec<String>)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let report = check.json();
    let mirrors = report["mirrors"].as_array().expect("one for each mirror");
    let bad = mirrors.iter().filter(|mirror| mirror["verdict"] != "current");
    bad.map(|mirror| {
        let evidence = mirror["evidence"].as_array().expect("a list");
        (
            text(&mirror["target"]).expect("a name"),
            text(&mirror["verdict"]).expect("a word"),
            evidence.iter().filter_map(|fact| text(&fact["path"])).collect(),
        )
    })
    .collect()
}
