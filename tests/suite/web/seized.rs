//! Somebody takes the machine of the front: what is there does not let anybody in anywhere.

use std::path::Path;
use std::process::Command;

use spartacus::trust::SigningKey;

use super::site::{CANARY, Site};
use crate::support::{process, tools};

/// How one goes somewhere. `TcpSocket` and `TcpStream` alone are no such words: whoever listens has them, too.
const GOING: [&str; 14] = [
    ".connect(",
    "::connect(",
    "connect_timeout",
    "client::",
    "reqwest",
    "hickory",
    "lettre",
    "examine",
    "Destinations",
    "UdpSocket",
    "UnixStream",
    "lookup_host",
    "ToSocketAddrs",
    "Command::new",
];

/// How often the canary is in a file, or in all files below a folder.
fn hits(place: &Path) -> usize {
    if place.is_dir() {
        return std::fs::read_dir(place).expect("a folder of ours").map(|entry| hits(&entry.expect("an entry").path())).sum();
    }
    let bytes = std::fs::read(place).expect("a file of ours");
    let canary = CANARY.as_bytes();
    bytes.windows(canary.len()).filter(|window| *window == canary).count()
}

#[test]
fn rooms_that_go_somewhere_use_such_words() {
    for path in ["src/net/own.rs", "src/net/contact/mod.rs", "src/registration/examination/place.rs"] {
        let text = std::fs::read_to_string(tools::repository().join(path)).expect("our own source");
        assert!(GOING.iter().any(|word| text.contains(word)), "{path} has none of them");
    }
}

#[test]
fn what_was_sealed_is_nowhere_in_files_logs_or_memory_of_the_front() {
    let site = Site::new();
    for _ in 0..5 {
        let sent = site.post(&site.offer(&SigningKey::generate("volunteer").expect("a key"), 0));
        assert_eq!(sent.status, 202, "{}", sent.text());
    }
    // The test can tell: what everybody may know of an offer is found in all three.
    let public = |bytes: &[u8]| bytes.windows(18).any(|window| window == b"mirror.example.org");
    assert_eq!(site.front.waiting().expect("the database is ours").len(), 5);

    let image = site.folder.path().join("image");
    let dumped = Command::new(tools::program("gcore"))
        .arg("-o")
        .arg(&image)
        .arg(site.server.id().to_string())
        .output()
        .expect("gcore starts");
    let image = image.with_file_name(format!("image.{}", site.server.id()));
    assert!(image.exists(), "{}", process::text(&dumped));
    assert!(public(&std::fs::read(&image).expect("our own file")), "the image is one of a process that took offers");
    assert_eq!(hits(site.folder.path()), 0, "in the image, the database, its log, or the log of the process");
    assert!(site.server.log().contains("a message came"), "{}", site.server.log());
}

#[test]
fn the_room_has_no_words_for_going_anywhere() {
    let room = tools::repository().join("src/web");
    let mut scripts = 0;
    for entry in [room.join("form"), room].into_iter().flat_map(|folder| std::fs::read_dir(folder).expect("our own sources")) {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("text");
        for word in GOING {
            assert!(!text.contains(word), "{} has {word}", path.display());
        }
        // What seals in the browser goes nowhere either.
        if path.extension().is_some_and(|extension| extension == "js") {
            scripts += 1;
            for word in ["fetch(", "XMLHttpRequest", "WebSocket", "sendBeacon", "EventSource", "import(", "eval(", "innerHTML"] {
                assert!(!text.contains(word), "{} has {word}", path.display());
            }
        }
    }
    assert!(scripts > 4, "the form has scripts");
}
