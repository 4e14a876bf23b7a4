//! Public addresses that show something else than what was written, each told by name.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use camino::Utf8PathBuf;
use spartacus::base::{Clock, Timeouts};
use spartacus::net::{Clients, HttpPolicy};
use spartacus::registration::{Check, Examination, Login, Outcome, Place};
use tempfile::TempDir;

use super::{ALWAYS, assert_all, assert_told, examined, leftovers, place};
use crate::scripted::{Act, Scripted, Seen, answer};
use crate::support::face::Face;
use crate::support::secure_face::SecureFace;
use crate::support::tls::{Authority, Identity};

/// What a server makes of a request for a file with these bytes, or for none.
type Manner = fn(&Seen, Option<&str>) -> Vec<u8>;

fn honest(seen: &Seen, file: Option<&str>) -> Vec<u8> {
    let Some(text) = file else { return answer("404 Not Found", &[], "") };
    match seen.header("range") {
        "" => answer("200 OK", &["Content-Type: text/plain"], text),
        _ => answer("206 Partial Content", &[&format!("Content-Range: bytes 1000-1999/{}", text.len())], &text[1000..2000]),
    }
}

fn folder_of(seen: &Seen, root: &std::path::Path) -> Option<String> {
    let path: PathBuf = root.join(seen.path.trim_start_matches("/dav/"));
    std::fs::read_to_string(path).ok()
}

/// Examines a folder whose readers are served in this manner; nothing may be left in it.
async fn served(manner: Manner, patience: Duration) -> Examination {
    let folder = TempDir::new().expect("a folder");
    let root = folder.path().to_owned();
    let server = Scripted::start(move |seen| Act::Send(manner(seen, folder_of(seen, &root).as_deref()))).await;
    let login = Login::Folder(Utf8PathBuf::try_from(folder.path().to_owned()).expect("a UTF-8 path"));
    let found = examined(&Place { patience, ..place(login, server.base.as_str()) }).await;
    assert!(leftovers(folder.path()).is_empty(), "{:?}", leftovers(folder.path()));
    for seen in server.seen() {
        assert_eq!((seen.method.as_str(), seen.header("authorization")), ("GET", ""), "nobody but a reader asks: {seen:?}");
    }
    found
}

/// What never changes needs no waiting.
async fn shown(manner: Manner) -> Examination {
    served(manner, Duration::ZERO).await
}

#[tokio::test]
async fn what_is_served_as_it_is_passes() {
    let found = shown(honest).await;
    assert_all(&found, &ALWAYS, Outcome::Passed);
    assert!(found.is_good());
}

#[tokio::test]
async fn another_folder_fails_the_challenge() {
    let found = shown(|_, _| answer("404 Not Found", &[], "")).await;
    assert_told(&found, Check::PublicRead, Outcome::Failed, "do not find", "the folder which we write to");
    assert!(!found.is_good());
    assert!(found.of(Check::PublicReplace).is_none(), "who never saw it learns nothing more: {found:#?}");
    assert_all(&found, &[Check::Write, Check::ReadBack, Check::Replace, Check::Delete], Outcome::Passed);
    let found = shown(|_, _| answer("200 OK", &[], "something else")).await;
    assert_told(&found, Check::PublicRead, Outcome::Failed, "other bytes", "the folder which we write to");
}

#[tokio::test]
async fn a_page_a_login_and_a_bar_are_told_apart() {
    let found = shown(|_, _| answer("200 OK", &["Content-Type: text/html; charset=utf-8"], "<h1>Welcome</h1>")).await;
    assert_told(&found, Check::PublicRead, Outcome::Failed, "an HTML page", "404 for what is not there");
    let found = shown(|_, _| answer("401 Unauthorized", &["WWW-Authenticate: Basic realm=x"], "")).await;
    assert_told(&found, Check::PublicRead, Outcome::Failed, "asked for a login", "without a login");
    let found = shown(|_, _| answer("403 Forbidden", &[], "")).await;
    assert_told(&found, Check::PublicRead, Outcome::Failed, "forbidden", "umask 0022");
    let found = shown(|_, _| answer("500 Internal Server Error", &[], "")).await;
    assert_told(&found, Check::PublicRead, Outcome::Failed, "500", "log of the web server");
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_its_end_is_what_to_offer() {
    let found = shown(|seen, _| {
        let name = seen.path.trim_start_matches("/dav/");
        answer("301 Moved Permanently", &[&format!("Location: https://files.example.org/m/{name}")], "")
    })
    .await;
    assert_told(
        &found,
        Check::PublicRead,
        Outcome::Failed,
        "redirected to https://files.example.org/m/.spartacus-probe-",
        "offer https://files.example.org/m/",
    );
    let found = shown(|_, _| answer("302 Found", &["Location: /login?\u{202e}"], "")).await;
    assert_told(&found, Check::PublicRead, Outcome::Failed, "/login", "sends files by itself");
    assert!(!found.of(Check::PublicRead).expect("it is there").what.contains('\u{202e}'));
}

#[tokio::test]
async fn compression_that_nobody_asked_for_is_told() {
    let found = shown(|_, text| answer("200 OK", &["Content-Encoding: gzip"], text.unwrap_or_default())).await;
    assert_told(&found, Check::PublicRead, Outcome::Failed, "compressed (gzip)", "gzip off");
}

#[tokio::test]
async fn parts_are_right_ignored_or_wrong() {
    let found = shown(|seen, text| match text {
        Some(text) => answer("200 OK", &[], text),
        None => honest(seen, None),
    })
    .await;
    assert_told(&found, Check::Ranges, Outcome::Warning, "the whole file", "Range");
    assert!(found.is_good());
    let found = shown(|seen, text| match (text, seen.header("range")) {
        (Some(text), "bytes=1000-1999") => answer("206 Partial Content", &["Content-Range: bytes 0-999/4096"], &text[..1000]),
        _ => honest(seen, text),
    })
    .await;
    assert_told(&found, Check::Ranges, Outcome::Failed, "bytes 0-999/4096", "a cache or a proxy");
    let found = shown(|seen, text| match seen.header("range") {
        "" => honest(seen, text),
        _ => answer("416 Range Not Satisfiable", &[], ""),
    })
    .await;
    assert_told(&found, Check::Ranges, Outcome::Failed, "416", "ignore that header");
}

#[tokio::test]
async fn a_file_that_is_called_a_page_is_warned_about() {
    let found = shown(|seen, text| match (text, seen.header("range")) {
        (Some(text), "") => answer("200 OK", &["Content-Type: Text/HTML"], text),
        _ => honest(seen, text),
    })
    .await;
    assert_told(&found, Check::ContentType, Outcome::Warning, "text/html", "default_type");
    assert!(found.is_good());
}

/// A cache that asks nobody again: readers would see an old pointer, and files that were withdrawn.
#[tokio::test]
async fn old_copies_are_warned_about() {
    let folder = TempDir::new().expect("a folder");
    let (root, kept) = (folder.path().to_owned(), Mutex::<Option<String>>::default());
    let server = Scripted::start(move |seen| {
        let mut kept = kept.lock().expect("no panic before");
        let text = kept.get_or_insert_with(|| folder_of(seen, &root).unwrap_or_default()).clone();
        Act::Send(honest(seen, Some(&text)))
    })
    .await;
    let login = Login::Folder(Utf8PathBuf::try_from(folder.path().to_owned()).expect("a UTF-8 path"));
    let found = examined(&Place { patience: Duration::ZERO, ..place(login, server.base.as_str()) }).await;
    assert_told(&found, Check::PublicReplace, Outcome::Warning, "not within", "metadata/timestamp.json");
    assert_told(&found, Check::PublicDelete, Outcome::Warning, "200 OK for a file that is gone", "404");
    assert!(found.is_good());
    assert!(leftovers(folder.path()).is_empty());
}

/// What shows only at the third look was waited for.
#[tokio::test]
async fn what_comes_late_is_waited_for() {
    let folder = TempDir::new().expect("a folder");
    let (root, looks) = (folder.path().to_owned(), Mutex::new(0));
    let server = Scripted::start(move |seen| {
        let mut looks = looks.lock().expect("no panic before");
        *looks += 1;
        let text = if *looks < 3 { None } else { folder_of(seen, &root) };
        Act::Send(honest(seen, text.as_deref()))
    })
    .await;
    let login = Login::Folder(Utf8PathBuf::try_from(folder.path().to_owned()).expect("a UTF-8 path"));
    let found = examined(&place(login, server.base.as_str())).await;
    assert_all(&found, &ALWAYS, Outcome::Passed);
}

/// A folder served over TLS as `identity`, its authority trusted.
async fn over_tls(identity: &Identity, authority: &Authority, clock: Clock) -> Examination {
    let folder = TempDir::new().expect("a folder");
    let secrets = TempDir::new().expect("a folder");
    let ca = Utf8PathBuf::try_from(secrets.path().join("ca.pem")).expect("a UTF-8 path");
    std::fs::write(&ca, authority.pem()).expect("a file");
    let face = SecureFace::over(folder.path(), "127.0.0.1", identity);
    let login = Login::Folder(Utf8PathBuf::try_from(folder.path().to_owned()).expect("a UTF-8 path"));
    let mut place = Place { patience: Duration::ZERO, clock, ..place(login, &format!("https://127.0.0.1:{}/", face.port)) };
    let policy = HttpPolicy { ca: Some(ca.clone()), ..HttpPolicy::new(&Timeouts::default()) };
    let public = place.face.as_mut().expect("it has one");
    public.client = Clients::default().get(&policy).expect("a client");
    public.ca = Some(ca);
    examined(&place).await
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_looked_at() {
    let authority = Authority::new();
    let good = authority.issue(["localhost", "127.0.0.1"]);
    let found = over_tls(&good, &authority, Clock::System).await;
    assert_all(&found, &[Check::PublicEncryption, Check::PublicRead, Check::Certificate, Check::Families], Outcome::Passed);
    let late = Clock::Fixed("2098-12-25T00:00:00Z".parse().expect("a moment"));
    let found = over_tls(&good, &authority, late).await;
    assert_told(&found, Check::Certificate, Outcome::Warning, "7 days left", "renew");
    assert!(found.is_good());

    for (identity, why) in [
        (authority.issue_expired(), "expired"),
        (authority.issue_wrong_host(), "not for the name"),
        (Authority::of(Some("Nobody")).issue(["127.0.0.1"]), "no authority that is trusted here"),
    ] {
        let found = over_tls(&identity, &authority, Clock::System).await;
        assert_told(&found, Check::Certificate, Outcome::Failed, why, "browsers accept");
        assert_told(&found, Check::PublicRead, Outcome::Failed, "TLS failed", "");
    }
}

/// A proxy would be gone round by whoever looks at the certificate by itself.
#[tokio::test]
async fn behind_a_proxy_the_certificate_is_left_alone() {
    let folder = TempDir::new().expect("a folder");
    let face = Face::over(folder.path());
    let login = || Login::Folder(Utf8PathBuf::try_from(folder.path().to_owned()).expect("a UTF-8 path"));
    let mut behind = place(login(), face.url());
    behind.face.as_mut().expect("it has one").contacts = None;
    let found = examined(&behind).await;
    assert_all(&found, &ALWAYS, Outcome::Passed);
    assert!(found.of(Check::Certificate).is_none() && found.of(Check::Families).is_none(), "{found:#?}");

    let mut behind = Place { patience: Duration::ZERO, ..place(login(), "https://127.0.0.1:9/") };
    behind.face.as_mut().expect("it has one").contacts = None;
    assert_all(&examined(&behind).await, &[Check::Certificate], Outcome::NotTried);
}

#[tokio::test]
async fn a_place_without_readers_or_room_is_examined_all_the_same() {
    let folder = TempDir::new().expect("a folder");
    let login = Login::Folder(Utf8PathBuf::try_from(folder.path().to_owned()).expect("a UTF-8 path"));
    let needed = Some(spartacus::base::ByteCount(u64::MAX));
    let found = examined(&Place { face: None, needed, ..place(login, "http://127.0.0.1:9/") }).await;
    assert_all(&found, &[Check::Write, Check::ReadBack, Check::Replace, Check::Delete, Check::Swap], Outcome::Passed);
    assert_told(&found, Check::Space, Outcome::Failed, "are needed", "make room");
    assert_all(&found, &[Check::PublicRead], Outcome::NotTried);
    assert!(leftovers(folder.path()).is_empty());
}

/// Whatever a server says is safe for a terminal.
#[tokio::test]
async fn words_of_strangers_are_made_safe() {
    let folder = TempDir::new().expect("a folder");
    let root = folder.path().to_owned();
    let server = Scripted::start(move |seen| {
        let text = folder_of(seen, &root).unwrap_or_default();
        Act::Send(answer("200 OK", &["Content-Type: a\u{202e}b", "Content-Encoding: identity"], &text))
    })
    .await;
    let login = Login::Folder(Utf8PathBuf::try_from(folder.path().to_owned()).expect("a UTF-8 path"));
    let found = examined(&Place { patience: Duration::ZERO, ..place(login, server.base.as_str()) }).await;
    let said = &found.of(Check::ContentType).expect("it was read").what;
    assert!(said.contains("\\u{202e}") && !said.contains('\u{202e}'), "{said}");
}
