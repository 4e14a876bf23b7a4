//! Probes on every kind of server: pieces are sampled, and a canary is written, read as readers do, and removed.

use serde_json::Value;

use super::{one_of_each, trees};
use crate::support::mirror::Kind;
use crate::support::project::Project;
use crate::support::{schema, tamper};

#[test]
fn every_kind_of_mirror_takes_a_canary_and_gives_its_pieces() {
    let mirrors = one_of_each();
    let project = Project::with_mirrors(&mirrors);
    let tree = project.beside("tree");
    trees::unusual(&tree);
    project.push(&tree, "v1").ends_with(0);

    let round = project.run(&["check", "--write", "--throughput", "--sample", "6", "--json"]).ends_with(0);
    schema::expect_check(&round.stdout());
    let report = round.json();
    for mirror in &mirrors {
        let name = mirror.kind.name();
        let probes = &of(&report, name)["probes"];
        assert_eq!((&probes["write"]["failed"], &probes["write"]["trouble"]), (&Value::Null, &Value::Null), "{name}: {round}");
        assert!(probes["write"]["propagation_ms"].is_u64(), "{name}: {round}");
        let sample = &probes["sample"];
        assert_eq!(
            (&sample["chunks"], &sample["bad"], &sample["unread"]),
            (&6.into(), &Value::Array(vec![]), &Value::Array(vec![])),
            "{name}: {round}"
        );
        // Parts were sent, not whole files: 6 pieces of at most 4 MiB.
        assert!(sample["bytes"].as_u64().is_some_and(|bytes| bytes <= 6 * (4 << 20)), "{name}: {round}");
        assert!(probes["throughput"]["bytes"].as_u64() >= Some(256 << 10), "{name}: {round}");
        if let Some(root) = &mirror.root {
            let left = std::fs::read_dir(root).expect("the mirror's folder").map(|entry| entry.expect("an entry").file_name());
            let scratch: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with(".spartacus-")).collect();
            assert!(scratch.is_empty(), "{name}: {scratch:?}");
        }
    }
    // Where a server tells of its room, that is told: over SFTP it does.
    assert!(of(&report, Kind::Sshd.name())["probes"]["write"]["free"].as_u64() > Some(0), "{round}");
}

#[test]
fn one_changed_byte_is_found_by_its_piece_on_every_kind_of_mirror() {
    let mirrors = one_of_each();
    let project = Project::with_mirrors(&mirrors);
    let tree = project.beside("tree");
    trees::write(&tree, "large.bin", &spartacus::store::contract::noise(9 << 20, 3));
    project.push(&tree, "v1").ends_with(0);
    for mirror in &mirrors {
        tamper::flip(mirror, "releases/v1/large.bin");
    }
    // Three pieces are all but a few bytes: none of them is missed in 3,200 draws.
    let round = project.run(&["check", "--sample", "50", "--json"]).ends_with(6);
    let report = round.json();
    for mirror in &mirrors {
        let found = of(&report, mirror.kind.name());
        let evidence = &found["evidence"][0];
        assert_eq!((&found["verdict"], &evidence["path"]), (&"forged".into(), &"releases/v1/large.bin".into()), "{round}");
        let what = evidence["what"].as_str().expect("words");
        assert!(what.starts_with("altered: bytes 4194304 to 8388607 have sha256 "), "{what}");
    }
}

fn of<'a>(report: &'a Value, mirror: &str) -> &'a Value {
    let mirrors = report["mirrors"].as_array().expect("a list");
    mirrors.iter().find(|check| check["target"] == mirror).expect("it was looked at")
}
