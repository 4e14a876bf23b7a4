//! Numbers of vantages only grow, whoever asks and how often the file is opened.

use super::*;
use crate::base::{MinisignLine, Sha256};
use crate::health::{Depth, Testimony};
use crate::history::Taken;

fn line(seed: u8) -> MinisignLine {
    use base64::Engine as _;
    let bytes = [&b"Ed"[..], &[seed; 40]].concat();
    base64::engine::general_purpose::STANDARD.encode(bytes).parse().unwrap()
}

fn said(vantage: &str, sequence: u64) -> Testimony {
    Testimony {
        project: Sha256::of(b"root"),
        vantage: vantage.parse().unwrap(),
        sequence,
        at: "2026-03-01T12:00:00Z".parse().unwrap(),
        expires: "2026-03-01T12:30:00Z".parse().unwrap(),
        depth: Depth::Metadata,
        online: None,
        mirrors: Vec::new(),
    }
}

#[test]
fn an_old_word_is_never_taken_for_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = camino::Utf8PathBuf::from_path_buf(folder.path().join("state.db")).unwrap();
    let take = |key: u8, vantage: &str, number, text: &str| {
        // Opened anew each time: as in runs of their own.
        let history = History::open(&path).unwrap();
        history.take_testimony(&line(key), Sha256::of(text.as_bytes()), &said(vantage, number)).unwrap()
    };
    assert_eq!(take(1, "de", 7, "a"), Taken::New);
    assert_eq!(take(1, "de", 7, "a"), Taken::Again);
    assert_eq!(take(1, "de", 7, "b"), Taken::TooOld { known: 7 }, "two words under one number");
    assert_eq!(take(1, "de", 6, "c"), Taken::TooOld { known: 7 });
    assert_eq!(take(1, "de", 9, "d"), Taken::New);
    assert_eq!(take(1, "de", 7, "a"), Taken::TooOld { known: 9 });
    assert_eq!(take(1, "br", 1, "e"), Taken::New, "each vantage counts for itself");
    assert_eq!(take(2, "de", 1, "f"), Taken::New, "another key begins its own numbers");

    let history = History::open(&path).unwrap();
    let known: Vec<(String, u64, bool)> = history
        .testimonies()
        .unwrap()
        .into_iter()
        .map(|last| (last.testimony.vantage.to_string(), last.testimony.sequence, last.looked))
        .collect();
    assert_eq!(known, [("br".to_owned(), 1, false), ("de".to_owned(), 1, false)]);
    history.looked_into(&[("de".parse().unwrap(), 1), ("br".parse().unwrap(), 5)]).unwrap();
    let looked: Vec<bool> = history.testimonies().unwrap().into_iter().map(|last| last.looked).collect();
    assert_eq!(looked, [false, true], "what was replaced meanwhile is not meant");
}
