use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn one(inside: &str) -> Result<Vec<Item>, MultistatusError> {
    parse(format!(r#"<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">{inside}</D:multistatus>"#).as_bytes())
}

/// As Apache 2.4 writes it.
const APACHE: &str = r#"<D:response xmlns:lp1="DAV:"><D:href>/dav/a%20b/</D:href><D:propstat><D:prop>
<lp1:resourcetype><D:collection/></lp1:resourcetype></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat><D:propstat>
<D:prop><g0:getcontentlength/></D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat></D:response>
<D:response xmlns:lp1="DAV:"><D:href>/dav/a%20b/x&amp;y&#x21;</D:href><D:propstat><D:prop><lp1:getcontentlength>12</lp1:getcontentlength>
<lp1:resourcetype/></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"#;

#[test]
fn a_listing_is_read() {
    let items = one(APACHE).expect("a good document");
    assert_eq!(
        items,
        [
            Item { href: "/dav/a%20b/".into(), collection: true, ..Item::default() },
            Item { href: "/dav/a%20b/x&y!".into(), length: Some(12), ..Item::default() },
        ]
    );
}

#[test]
fn prefixes_cdata_and_quota_are_read() {
    let document = r#"<multistatus xmlns="DAV:"><response><href><![CDATA[/d/]]></href><propstat><status>HTTP/1.1 200 OK</status>
        <prop><quota-available-bytes> 77 </quota-available-bytes><resourcetype><collection></collection></resourcetype></prop>
        </propstat></response><response><href>/gone</href><status>HTTP/1.1 404 Not Found</status></response></multistatus>"#;
    let items = parse(document.as_bytes()).expect("a good document");
    assert_eq!(items[0], Item { href: "/d/".into(), collection: true, free: Some(77), ..Item::default() });
    assert!(items[1].failed);
}

#[test]
fn properties_that_the_server_could_not_give_do_not_count() {
    let items = one("<response><href>/a</href><propstat><prop><getcontentlength>5</getcontentlength></prop>\
         <status>HTTP/1.1 403 Forbidden</status></propstat></response>")
    .expect("a good document");
    assert_eq!(items[0].length, None);
}

#[test]
fn nonsense_is_refused() {
    use MultistatusError as E;
    assert!(matches!(parse(b"<html><body>Hello</body></html>"), Err(E::NotMultistatus)));
    assert!(matches!(parse(b""), Err(E::NotMultistatus)));
    assert!(matches!(parse(b"<multistatus>"), Err(E::Incomplete)));
    assert!(matches!(parse(b"<multistatus></other>"), Err(E::Xml(_))));
    assert!(matches!(parse(b"<multistatus/><multistatus/>"), Err(E::NotMultistatus)));
    assert!(matches!(parse(b"<!DOCTYPE x [<!ENTITY a \"b\">]><multistatus/>"), Err(E::DocumentType)));
    assert!(matches!(one("<response><href>&bomb;</href></response>"), Err(E::Entity)));
    assert!(matches!(parse(b"<multistatus>\xff</multistatus>"), Err(E::Encoding(_))));
}

/// Documents that are cheap to send and dear to read carelessly, each within a second.
#[test]
fn bombs_are_bounded() {
    let million = |name: &str| (0..1_000_000).fold(String::new(), |text, number| text + &format!(" {name}{number}='x'"));
    let (attributes, namespaces) = (million("a"), million("xmlns:n"));
    let bombs = [
        format!("<response{attributes}/>"),
        format!("<response{namespaces}/>"),
        "<a>".repeat(100_000),
        "<response/>".repeat(MAX_ITEMS + 1),
        format!("<response><href>{}</href></response>", "x".repeat(8 << 20)),
        "<response><href>&lt;</href></response>".repeat(200_000),
        "&amp;".repeat(2_000_000),
    ];
    for bomb in bombs {
        let begin = Instant::now();
        let found = one(&bomb);
        let name: String = bomb.chars().take(40).collect();
        assert!(begin.elapsed() < Duration::from_secs(10), "{name} took {:?}", begin.elapsed());
        assert!(found.map_or(0, |items| items.len()) <= MAX_ITEMS, "{name}");
    }
    assert!(matches!(one(&"<a>".repeat(33)), Err(MultistatusError::Depth)));
    assert!(matches!(one(&"<response/>".repeat(MAX_ITEMS + 1)), Err(MultistatusError::Items)));
    let long = format!("<response><href>{}</href></response>", "x".repeat(MAX_TEXT + 1));
    assert!(matches!(one(&long), Err(MultistatusError::Text)));
}

proptest! {
    #[test]
    fn bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(parse(&bytes).map_or(0, |items| items.len()) <= bytes.len());
    }

    #[test]
    fn tag_soup_never_panics(pieces in proptest::collection::vec(
        prop::sample::select(vec![
            "<D:multistatus>", "</D:multistatus>", "<D:response>", "</D:response>", "<D:href>", "</D:href>", "<D:propstat>",
            "</D:propstat>", "<D:prop>", "</D:prop>", "<D:collection/>", "<D:resourcetype>", "</D:resourcetype>",
            "<D:getcontentlength>", "</D:getcontentlength>", "<D:status>", "</D:status>", "&lt;", "&#0;", "&#xffffffff;", "&", ";",
            "<![CDATA[", "]]>", "<!--", "-->", "<?x", "?>", "HTTP/1.1 200 OK", "HTTP/1.1", "-1", "99999999999999999999", "\u{0}", "<", ">",
        ]), 0..60)) {
        let document = pieces.concat();
        prop_assert!(parse(document.as_bytes()).map_or(0, |items| items.len()) <= pieces.len());
    }

    #[test]
    fn what_a_server_names_is_what_we_read(names in proptest::collection::vec("[a-z&<>\"' %]{1,20}", 1..8)) {
        let inside = names.iter().fold(String::new(), |text, name| {
            text + "<response><href>/" + &quick_xml::escape::escape(name.as_str()) + "</href></response>"
        });
        let items = one(&inside).expect("a good document");
        let found: Vec<String> = items.into_iter().map(|item| item.href).collect();
        let wanted: Vec<String> = names.iter().map(|name| format!("/{name}").trim().to_owned()).collect();
        prop_assert_eq!(found, wanted);
    }
}
