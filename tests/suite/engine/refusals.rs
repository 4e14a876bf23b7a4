//! Accounts that may do little: write and not list, write and not look.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use spartacus::base::{ObjectPath, Timeouts};
use spartacus::bundle::Release;
use spartacus::net::{Clients, HttpPolicy};
use spartacus::store::Store;
use spartacus::store::webdav::{WebdavSettings, WebdavStore};
use spartacus::transfer::{Ending, Look, Outcome, run};

use super::actor::{job_on, orders};
use super::world::{Objects, holds_all_of, path, published, release};
use crate::s3_inprocess::Server;
use crate::scripted::{Act, Scripted, Seen, answer};

async fn work(store: impl Store + 'static, release: &Arc<Release>, look: Look) -> Outcome {
    let mut job = job_on(store);
    job.look = look;
    run(orders(release, vec![job])).await.outcomes.remove(0)
}

fn sizes() -> Look {
    Look::Sizes { suspects: BTreeSet::new() }
}

/// Two releases, then a repair; each must end well and leave everything there.
async fn publish_twice_and_repair<S: Store + 'static>(
    store: impl Fn() -> S,
    held: impl Fn(&Release) -> Objects,
    lose: impl Fn(&ObjectPath),
) {
    for number in [1, 2] {
        let outcome = work(store(), &release(number), Look::Pointer).await;
        assert_eq!(outcome.ending, Ending::Done, "release {number}: {outcome:?}");
        holds_all_of(&held(&release(number)), &release(number)).expect("everything arrived");
    }
    lose(&path("releases/v1/README"));
    let outcome = work(store(), &release(2), sizes()).await;
    assert_eq!(outcome.ending, Ending::Done, "repair: {outcome:?}");
    holds_all_of(&held(&release(2)), &release(2)).expect("the repair brought back what was lost");
}

fn held_by(server: &Server, release: &Release) -> Objects {
    let read = |path: ObjectPath| std::fs::read(server.file(&path)).ok().map(|bytes| (path, Bytes::from(bytes)));
    published(release).into_keys().filter_map(read).collect()
}

#[tokio::test]
async fn a_key_that_may_not_list_is_enough() {
    let server = Server::start_refusing(|operation| operation.starts_with("List")).await;
    let lose = |path: &ObjectPath| std::fs::remove_file(server.file(path)).expect("it was there");
    publish_twice_and_repair(|| server.store(), |release| held_by(&server, release), lose).await;
}

#[tokio::test]
async fn a_key_that_may_only_write_is_enough() {
    let server = Server::start_refusing(|operation| operation != "PutObject").await;
    let lose = |path: &ObjectPath| std::fs::remove_file(server.file(path)).expect("it was there");
    publish_twice_and_repair(|| server.store(), |release| held_by(&server, release), lose).await;
}

#[tokio::test]
async fn a_login_that_may_only_write_is_enough() {
    let objects: Arc<Mutex<BTreeMap<String, Vec<u8>>>> = Arc::default();
    let kept = Arc::clone(&objects);
    let server = Scripted::start(move |seen: &Seen| {
        let mut objects = kept.lock().expect("no test panicked with it");
        Act::Send(match seen.method.as_str() {
            "PUT" => {
                objects.insert(seen.path.trim_start_matches("/dav/").to_owned(), seen.body.clone());
                answer("201 Created", &[], "")
            }
            "MKCOL" if objects.insert(seen.path.clone(), Vec::new()).is_none() => answer("201 Created", &[], ""),
            "MKCOL" => answer("405 Method Not Allowed", &[], ""),
            _ => answer("403 Forbidden", &[], ""),
        })
    })
    .await;
    let client = Clients::default().get(&HttpPolicy::new(&Timeouts::default()).for_uploads()).expect("a client");
    let store =
        || WebdavStore::new("drop-box".parse().expect("a name"), WebdavSettings::new(server.base.clone(), client.clone()));
    let held = |release: &Release| {
        let objects = objects.lock().expect("no test panicked with it");
        let found = |path: ObjectPath| objects.get(path.as_str()).map(|bytes| (path.clone(), Bytes::from(bytes.clone())));
        published(release).into_keys().filter_map(found).collect()
    };
    let lose = |path: &ObjectPath| {
        objects.lock().expect("no test panicked with it").remove(path.as_str()).expect("it was there");
    };
    publish_twice_and_repair(store, held, lose).await;
}
