//! Apache and nginx: an account whose collection is all it has, and one that can reach the collection above.

use std::os::unix::fs::{MetadataExt as _, chown};

use spartacus::registration::{Check, Login, Outcome};
use spartacus::store::webdav::WebdavSettings;

use super::{ALWAYS, assert_all, assert_told, examined, leftovers, place};
use crate::webdav_servers::{ALL, Server, settings};

const ATTEMPTS: [Check; 2] = [Check::ListingOutside, Check::WritingOutside];

fn login(settings: WebdavSettings) -> Login {
    Login::Webdav(Box::new(settings))
}

/// A collection of the server, which belongs to the server's own user, and the address under which readers see it.
fn collection(server: &Server, name: &str) -> (Login, String) {
    let folder = server.data().join(name);
    std::fs::create_dir(&folder).expect("a new folder");
    let owner = std::fs::metadata(server.data()).expect("a folder");
    chown(&folder, Some(owner.uid()), Some(owner.gid())).expect("it can be handed over");
    let base = server.base.join(&format!("{name}/")).expect("a URL");
    (login(settings(base)), server.base.join(&format!("/mirror/{name}/")).expect("a URL").into())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_for_one_collection_passes_everything() {
    for kind in ALL {
        let server = Server::start(kind);
        let public = server.base.join("/mirror/").expect("a URL");
        let found = examined(&place(login(server.settings()), public.as_str())).await;
        assert_all(&found, &ALWAYS, Outcome::Passed);
        assert_all(&found, &ATTEMPTS, Outcome::Passed);
        assert_all(&found, &[Check::Encryption, Check::Swap], Outcome::Passed);
        assert!(found.is_good(), "{kind:?}");
        assert!(leftovers(&server.data()).is_empty(), "{kind:?}: {:?}", leftovers(&server.data()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_reaches_others_files_fails_by_name() {
    for kind in ALL {
        let server = Server::start(kind);
        std::fs::write(server.data().join("diary.txt"), "private").expect("a file of the volunteer's");
        let (login, public) = collection(&server, "place");
        let found = examined(&place(login, &public)).await;
        assert_all(&found, &ALWAYS, Outcome::Passed);
        assert_told(
            &found,
            Check::ListingOutside,
            Outcome::Failed,
            "1 name that is not ours: diary.txt",
            "an account that opens",
        );
        assert_told(&found, Check::WritingOutside, Outcome::Failed, "could be made", "an account that opens");
        assert!(!found.is_good(), "{kind:?}");
        assert_eq!(found.of(Check::CleanUp), None, "{kind:?}: everything could be removed");
        for folder in [server.data(), server.data().join("place")] {
            assert!(leftovers(&folder).is_empty(), "{kind:?}: {:?}", leftovers(&folder));
        }
    }
}

/// One password opens a whole account on many hosters: if nothing else is in it, nothing can be harmed.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_for_us_alone_is_only_warned_about() {
    for kind in ALL {
        let server = Server::start(kind);
        let (login, public) = collection(&server, "place");
        let found = examined(&place(login, &public)).await;
        assert_all(&found, &[Check::ListingOutside], Outcome::Passed);
        assert_told(&found, Check::WritingOutside, Outcome::Warning, "could be made", "for the mirror alone");
        assert!(found.is_good(), "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_a_password_in_clear_fail() {
    let server = Server::start(ALL[0]);
    let wrong = spartacus::base::Secret::new("wrong-canary-password".to_owned());
    let found =
        examined(&place(login(WebdavSettings { password: Some(wrong), ..server.settings() }), "http://127.0.0.1:9/")).await;
    assert_told(&found, Check::Login, Outcome::Failed, "user or password is wrong", "");
    assert!(!serde_json::to_string(&found).expect("JSON").contains("canary"), "{found:?}");

    // A name that is not this machine's by its looks, and leads nowhere.
    let base = "http://dav.invalid/mirror/".parse().expect("a URL");
    let found = examined(&place(login(settings(base)), "http://mirror.invalid/")).await;
    assert_told(&found, Check::Encryption, Outcome::Failed, "the password", "https://");
    assert_told(&found, Check::PublicEncryption, Outcome::Warning, "plain http", "https://");
    assert_all(&found, &[Check::Login], Outcome::Failed);
}
