//! Documents that two readers could understand in two ways (threat T16), as timestamp and as next root: both are
//! read before anything pins their bytes.

use super::mirror::{Mirror, Project, word};

/// Each trick makes a bad document of a good one.
fn tricks(good: &str, other: &str) -> Vec<(String, Vec<u8>)> {
    // White space at the end is how a timestamp is filled up; it is not what this is about.
    let (good, other) = (good.trim_end(), other.trim_end());
    let inner = good.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).expect("an object");
    let signed = good.split_once("\"signed\":").expect("a signed part").1.strip_suffix('}').expect("an object");
    let evil = other.split_once("\"signed\":").expect("a signed part").1.strip_suffix('}').expect("an object");
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let replaced = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replacen(from, to, 1)
    };
    let mut found: Vec<(String, Vec<u8>)> = [
        // The signature of the last one holds; a reader that keeps the first sees other content.
        ("signed twice, evil first", format!("{{\"signed\":{evil},{inner}}}")),
        ("signed twice, evil last", format!("{{{inner},\"signed\":{evil}}}")),
        ("signed twice, the same", format!("{{\"signed\":{signed},{inner}}}")),
        ("signed twice, once escaped", format!("{{\"sign\\u0065d\":{evil},{inner}}}")),
        ("signatures twice", format!("{{\"signatures\":[],{inner}}}")),
        ("version twice, evil first", replaced("\"signed\":{", "\"signed\":{\"version\":9,")),
        ("version twice, escaped", replaced("\"signed\":{", "\"signed\":{\"versio\\u006e\":9,")),
        ("type twice", replaced("\"_type\":", "\"_type\":\"targets\",\"_type\":")),
        ("expires twice", replaced("\"expires\":", "\"expires\":\"2099-01-01T00:00:00Z\",\"expires\":")),
        ("key id twice in one signature", replaced("\"keyid\":", "\"keyid\":\"00\",\"keyid\":")),
        ("an unknown member twice", format!("{{\"x\":1,\"x\":1,{inner}}}")),
        ("twice deep inside a member nobody reads", format!("{{\"x\":[{{\"y\":{{\"z\":1,\"z\":2}}}}],{inner}}}")),
        ("a fraction", format!("{{\"x\":1.5,{inner}}}")),
        ("a fraction that is whole", format!("{{\"x\":1.0,{inner}}}")),
        ("an exponent", format!("{{\"x\":1e3,{inner}}}")),
        ("an exponent without bounds", format!("{{\"x\":1e999999,{inner}}}")),
        ("minus zero", format!("{{\"x\":-0,{inner}}}")),
        ("a leading zero", format!("{{\"x\":01,{inner}}}")),
        ("a plus", format!("{{\"x\":+1,{inner}}}")),
        ("hexadecimal", format!("{{\"x\":0x10,{inner}}}")),
        ("more than 64 bits", format!("{{\"x\":18446744073709551616,{inner}}}")),
        ("less than 64 bits", format!("{{\"x\":-9223372036854775809,{inner}}}")),
        ("a number of 10,000 digits", format!("{{\"x\":{},{inner}}}", "9".repeat(10_000))),
        ("NaN", format!("{{\"x\":NaN,{inner}}}")),
        ("infinity", format!("{{\"x\":-Infinity,{inner}}}")),
        ("nested 40 deep", format!("{{\"x\":{},{inner}}}", deep(40))),
        ("nested 7,000 deep", format!("{{\"x\":{},{inner}}}", deep(7_000))),
        ("nested and never closed", "[".repeat(16_000)),
        ("objects never closed", "{\"a\":".repeat(3_000)),
        ("a lone high surrogate", format!("{{\"x\":\"\\ud800\",{inner}}}")),
        ("a lone low surrogate", format!("{{\"x\":\"\\udc00\",{inner}}}")),
        ("surrogates in the wrong order", format!("{{\"x\":\"\\udc00\\ud800\",{inner}}}")),
        ("a lone surrogate as a name", format!("{{\"\\ud800\":1,{inner}}}")),
        ("a byte-order mark", format!("\u{feff}{good}")),
        ("bytes after the end", format!("{good}x")),
        ("a second document", format!("{good}{good}")),
        ("a zero byte after the end", format!("{good}\0")),
        ("a zero byte before", format!("\0{good}")),
        ("a comment", format!("/* */{good}")),
        ("a comma too many", format!("{{{inner},}}")),
        ("a comma at the front", format!("{{,{inner}}}")),
        ("no comma", good.replacen(",\"signed\"", "\"signed\"", 1)),
        ("single quotes", good.replace('"', "'")),
        ("a raw line break in text", format!("{{\"x\":\"\n\",{inner}}}")),
        ("an unknown escape", format!("{{\"x\":\"\\x41\",{inner}}}")),
        ("half an escape", format!("{{\"x\":\"\\u00\",{inner}}}")),
        ("a list of documents", format!("[{good}]")),
        ("text", format!("{good:?}")),
        ("null", "null".to_owned()),
        ("nothing", String::new()),
        ("white space", " \n".to_owned()),
        ("no signed part", "{\"signatures\":[]}".to_owned()),
        ("no signatures", format!("{{\"signed\":{signed}}}")),
        ("signatures in an object", format!("{{\"signatures\":{{}},\"signed\":{signed}}}")),
        ("signed part as text", format!("{{\"signatures\":[],\"signed\":{signed:?}}}")),
        ("signed part null", "{\"signatures\":[],\"signed\":null}".to_owned()),
        ("the version as text", replaced("\"version\":2", "\"version\":\"2\"")),
        ("the version negative", replaced("\"version\":2", "\"version\":-2")),
        ("another type", replaced("\"_type\":\"", "\"_type\":\"x")),
        ("another specification", replaced("\"spec_version\":\"1", "\"spec_version\":\"2")),
        ("a date that is none", replaced("\"expires\":\"20", "\"expires\":\"xx")),
        ("UTF-16", String::new()),
    ]
    .into_iter()
    .map(|(name, text)| (name.to_owned(), text.into_bytes()))
    .collect();
    if let Some(last) = found.last_mut() {
        last.1 = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    }
    for (name, byte) in [("broken UTF-8 in text", 0xff), ("an overlong slash", 0xc0), ("a surrogate in UTF-8", 0xed)] {
        let mut bytes = format!("{{\"x\":\"@@\",{inner}}}").into_bytes();
        let at = bytes.iter().position(|&found| found == b'@').expect("the mark");
        bytes[at] = byte;
        found.push((name.to_owned(), bytes));
    }
    for part in 1..12 {
        found.push((format!("cut at {part}/12"), good.as_bytes()[..good.len() * part / 12].to_vec()));
    }
    found
}

#[tokio::test]
async fn ambiguous_documents_are_forged() {
    let project = Project::new();
    let mut good: Mirror = project.mirror(2);
    good.role(&project.root(2), &[&project.alice, &project.bob]);
    assert_eq!(word(&project.verify(&good).await), "accepted");
    let evil = project.mirror(4).text("metadata/timestamp.json");

    let mut tried = 0;
    for path in ["metadata/timestamp.json", "metadata/2.root.json"] {
        for (name, bytes) in tricks(&good.text(path), &evil) {
            let mut mirror = good.clone();
            mirror.put(path, bytes);
            let found = project.verify(&mirror).await;
            assert_eq!(word(&found), "forged", "{name} in {path}: {:?}", found.err());
            tried += 1;
        }
    }
    assert!(tried >= 120, "{tried}");
}

/// A reader's stack is not the attacker's: the same on a small one.
#[test]
fn nesting_does_not_exhaust_a_small_stack() {
    let judge = || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let project = Project::new();
            let mut mirror = project.mirror(1);
            mirror.put("metadata/timestamp.json", "[".repeat(16_000));
            word(&project.verify(&mirror).await)
        })
    };
    let thread = std::thread::Builder::new().stack_size(512 * 1024).spawn(judge).expect("a thread");
    assert_eq!(thread.join().expect("no overflow"), "forged");
}
