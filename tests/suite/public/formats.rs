//! Feeds, badges, Metalinks and lists, read by programs that are not ours.

use std::process::Command;

use serde_json::Value;
use spartacus::history::Event;
use spartacus::report::{PageSet, mirrors_json, public_files};

use super::example;
use crate::support::{process, schema, tools};

/// What `xmllint` finds at a place in a document.
fn xpath(text: &str, expression: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("it.xml");
    std::fs::write(&file, text).expect("a new file");
    process::run(Command::new(tools::program("xmllint")).args(["--nonet", "--xpath", expression]).arg(&file)).trim().to_owned()
}

#[test]
fn every_feed_picture_and_metalink_is_well_formed_even_with_hostile_words() {
    for board in [example::fleet(), example::hostile()] {
        let set = public_files(&board);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let files: Vec<_> = set
            .files()
            .filter(|(path, _)| [".atom", ".svg", ".meta4"].iter().any(|ending| path.ends_with(ending)))
            .map(|(path, text)| {
                let file = folder.path().join(path.replace('/', "-"));
                std::fs::write(&file, text).expect("a new file");
                file
            })
            .collect();
        assert!(files.len() > 40, "{} files", files.len());
        process::run(Command::new(tools::program("xmllint")).args(["--nonet", "--noout"]).args(files));
    }
}

#[test]
fn a_feed_has_what_atom_asks_for_and_keeps_its_ids() {
    let board = example::fleet();
    let set = public_files(&board);
    let feed = set.get("feed.atom").expect("a feed of the fleet");
    let count = |what: &str| xpath(feed, &format!("count({what})"));
    let of = |name: &str| format!("/*[local-name()='feed']/*[local-name()='{name}']");
    for name in ["id", "title", "updated", "author"] {
        assert_eq!(count(&of(name)), "1", "{name}");
    }
    // One entry for each change; that a good mirror was verified is no news.
    assert_eq!(count(&of("entry")), "5");
    for name in ["id", "title", "updated", "content", "link"] {
        assert_eq!(count(&format!("{}[not(*[local-name()='{name}'])]", of("entry"))), "0", "an entry without {name}");
    }
    let ids = |set: &PageSet| -> Vec<String> {
        let feed = set.get("feed.atom").expect("a feed");
        feed.split("<id>").skip(1).filter_map(|rest| Some(rest.split('<').next()?.to_owned())).collect()
    };
    assert!(ids(&set).iter().all(|id| id.starts_with("tag:") && id.contains(",2026:")), "{:?}", ids(&set));
    // The next round finds more and changes nothing of what was told.
    let mut later = board.clone();
    later.fleet.at = "2026-03-02T00:00:00Z".parse().expect("a moment");
    let newest = Event { id: 5000, ..later.pasts[3].events[0].clone() };
    later.pasts[3].events.insert(0, newest);
    let (before, after) = (ids(&set), ids(&public_files(&later)));
    assert_eq!((&after[0], &after[2..]), (&before[0], &before[1..]));
    assert!(after[1].ends_with(":event/5000"), "{after:?}");
    // A volunteer hears of one mirror only.
    let lima = set.get("feeds/lima.atom").expect("a feed for each mirror");
    assert_eq!(xpath(lima, "count(//*[local-name()='entry'])"), "1");
    assert!(!lima.contains("danube"), "{lima}");
}

#[test]
fn badges_say_the_same_as_picture_and_for_shields() {
    let set = public_files(&example::fleet());
    for (path, message, color) in [
        ("badges/mirrors", "10/13", "red"),
        ("badges/release", "4.2.0 on 10", "red"),
        ("badges/mirror/evora", "healthy", "brightgreen"),
        ("badges/mirror/lima", "quarantined", "red"),
        ("badges/uptime/harbour", "97.10 %", "yellow"),
    ] {
        let shields: Value = serde_json::from_str(set.get(&format!("{path}.json")).expect(path)).expect("JSON");
        assert_eq!(
            (&shields["schemaVersion"], &shields["message"], &shields["color"]),
            (&1.into(), &message.into(), &color.into())
        );
        let picture = set.get(&format!("{path}.svg")).expect(path);
        assert_eq!(xpath(picture, "string(//*[local-name()='text'][2])"), message);
    }
}

#[test]
fn lists_name_good_mirrors_and_nothing_private() {
    let board = example::fleet();
    let listed = schema::expect_command("mirrors", &mirrors_json(&board));
    assert_eq!((&listed["good"], &listed["wanted"]), (&10.into(), &8.into()));
    assert_eq!(listed["mirrors"].as_array().map(Vec::len), Some(14));
    let set = public_files(&board);
    let list = set.get("mirrorlist.txt").expect("a list");
    assert_eq!(list.lines().count(), 10);
    for bad in ["lima", "danube", "harbour", "maputo"] {
        assert!(!list.contains(bad), "{list}");
    }
}

#[test]
fn a_metalink_names_verified_mirrors_and_pieces_of_large_files() {
    let set = public_files(&example::fleet());
    let text = set.get("metalink/4.2.0/4.2.0.meta4").expect("a Metalink for each bundle");
    let file = |name: &str| format!("//*[local-name()='file'][@name='{name}']");
    let pieces = format!("{}/*[local-name()='pieces']", file("atlas.iso"));
    assert_eq!(xpath(text, &format!("string({pieces}/@length)")), "4194304");
    assert_eq!(xpath(text, &format!("count({pieces}/*)")), "3");
    assert_eq!(xpath(text, &format!("count({}/*[local-name()='pieces'])", file("read me & more.txt"))), "0");
    assert_eq!(xpath(text, &format!("count({}/*[local-name()='url'])", file("atlas.iso"))), "10");
    assert_eq!(xpath(text, &format!("string({}/*[local-name()='url'][1]/@location)", file("atlas.iso"))), "at");
    assert!(text.contains("https://evora.example/atlas/releases/4.2.0/read%20me%20&amp;%20more.txt"), "{text}");
    assert!(!text.contains("lima") && !text.contains("maputo"), "{text}");
}
