//! The pages themselves.

use std::time::Instant;

use spartacus::report::{index_page, public_files};

use super::example;

/// What a file is, by the end of its name.
fn ending(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or_default()
}

#[test]
fn two_thousand_mirrors_are_under_a_megabyte_within_a_second() {
    let board = example::many(2000);
    let begun = Instant::now();
    let page = index_page(&board);
    let (took, bytes) = (begun.elapsed(), page.len());
    eprintln!("index of 2000 mirrors: {bytes} bytes in {took:?}");
    assert!(bytes < 1_000_000, "{bytes} bytes");
    assert!(took.as_secs_f64() < 1.0, "{took:?}");
    assert_eq!(page.matches("<tr>").count(), 2001 + 9 + 1 + 4, "a row for every mirror, and the tables of rules and parties");
}

#[test]
fn no_page_holds_a_script_a_load_or_a_strangers_markup() {
    let set = public_files(&example::hostile());
    for (path, text) in set.files() {
        let markup = ["html", "svg", "atom", "meta4"].contains(&ending(path));
        if markup {
            for forbidden in ["<script", "onload=\"x", " src=", " style=", "url(http"] {
                assert!(!text.contains(forbidden), "{path} has {forbidden}: {text}");
            }
        }
        let bad = text.chars().find(|character| {
            (character.is_control() && *character != '\n')
                || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        });
        assert_eq!(bad, None, "{path}");
        if ending(path) == "html" {
            assert!(text.contains("content=\"default-src 'none'; style-src 'sha256-"), "{path} has no policy");
        }
    }
}

#[test]
fn every_link_within_the_folder_leads_to_a_file_and_none_is_absolute() {
    let set = public_files(&example::fleet());
    let mut followed = 0;
    for (path, text) in set.files().filter(|(path, _)| ["html", "atom"].contains(&ending(path))) {
        for link in text.split(" href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            if link.starts_with("https://") {
                assert!(link.contains(".example/atlas/"), "{path}: {link}");
                continue;
            }
            assert!(!link.starts_with('/') && !link.contains(':'), "{path}: {link}");
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let place = match link.strip_prefix("../") {
                Some(rest) => rest.to_owned(),
                None if folder.is_empty() => link.to_owned(),
                None => format!("{folder}/{link}"),
            };
            assert!(set.get(&place).is_some(), "{path}: {link} leads to {place}, which is not there");
            followed += 1;
        }
    }
    assert!(followed > 100, "{followed} links");
    assert_eq!(set.files().last().map(|(path, _)| path), Some("index.html"), "what links to others is written last");
}

#[test]
fn words_about_a_store_stay_with_us() {
    let mut board = example::fleet();
    for (path, text) in public_files(&board).files() {
        assert!(!text.contains("secret-host.internal"), "{path}: {text}");
    }
    // Without a public address, all that is known of a mirror came through its store.
    for mirror in &mut board.fleet.mirrors {
        mirror.public_url = None;
    }
    let set = public_files(&board);
    assert!(set.files().all(|(_, text)| !text.contains("203.0.113.9")), "an address of ours is public");
    let page = set.get("mirrors/lima.html").expect("a page for every mirror");
    assert!(page.contains("<b>altered</b>") && page.contains("releases/4.2.0/atlas.iso"), "{page}");
}

#[test]
fn the_worst_is_on_top_and_the_banner_says_what_is_the_matter() {
    let page = index_page(&example::fleet());
    let sentence = "10 of 13 mirrors serve release 4.2.0: 1 quarantined, 1 unreachable, 1 stale, 1 full, 1 degraded.";
    assert!(page.contains(sentence), "{page}");
    let place = |name: &str| page.find(&format!("<td><a href=\"mirrors/{name}.html\"")).expect("a row for every mirror");
    let order = ["lima", "danube", "harbour", "northern-lights-university", "fortaleza", "alpine-hut", "kyoto-lab", "maputo"];
    assert!(order.windows(2).all(|pair| place(pair[0]) < place(pair[1])), "{order:?}");
}
