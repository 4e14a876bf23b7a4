//! What every store and every wrapper must do, as plain async functions over any [`Store`].
//!
//! Call [`run_all`] with a store over an empty base. A function panics, with the promise that was broken, when the
//! store does not keep it: this module is for tests, but it lives here because a backend of one's own needs it too.
#![allow(
    clippy::missing_panics_doc,
    clippy::expect_used,
    reason = "a contract check ends in a panic that names the broken promise"
)]

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, future};

use super::{Body, ErrorKind, Store, StoreExt as _, Tap, Write};
use crate::base::{ObjectPath, Sha256};

/// Everything below, in order.
pub async fn run_all(store: &dyn Store) {
    an_empty_base_is_empty(store).await;
    a_put_is_read_back_whole(store).await;
    an_empty_object_exists(store).await;
    unusual_names_come_back(store).await;
    a_replacement_is_complete(store).await;
    a_new_put_replaces_leftovers(store).await;
    a_part_can_be_read(store).await;
    what_is_missing_is_told(store).await;
    collections_may_exist_already(store).await;
    listings_show_one_level(store).await;
    deletes_take_one_object(store).await;
    many_puts_at_once(store).await;
    equal_bytes_under_two_names_at_once(store).await;
    a_large_object(store).await;
    a_body_that_fails_leaves_the_old_bytes(store).await;
    a_rename_replaces(store).await;
    space_is_told_or_not(store).await;
}

/// A path of the contract's own.
///
/// # Panics
/// When the text is no path.
#[must_use]
pub fn path(text: &str) -> ObjectPath {
    ObjectPath::new(text).expect("the contract's own paths are good")
}

/// `length` bytes that no compression and no off-by-one survives.
#[must_use]
pub fn noise(length: usize, seed: u64) -> Bytes {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut bytes = vec![0; length];
    random.fill(&mut bytes);
    bytes.into()
}

async fn folder(store: &dyn Store, name: &str) -> ObjectPath {
    let folder = path(name);
    store.make_collections(std::slice::from_ref(&folder)).await.expect("collections can be made");
    folder
}

async fn read(store: &dyn Store, at: &ObjectPath) -> Option<Bytes> {
    store.get_small(at, 1 << 30).await.expect("an object can be read, or is told to be missing")
}

/// Nothing is there before anything was put.
pub async fn an_empty_base_is_empty(store: &dyn Store) {
    assert_eq!(read(store, &path("nothing.txt")).await, None, "a name that was never written must be missing");
    assert!(store.list(Some(&path("no-such-folder"))).await.expect("a missing collection can be listed").is_empty());
}

/// What was put is what is read, with its size.
pub async fn a_put_is_read_back_whole(store: &dyn Store) {
    let folder = folder(store, "whole").await;
    for (name, length) in [("one", 1), ("page", 4096), ("odd", 300_001)] {
        let at = folder.join(name).expect("a good path");
        let bytes = noise(length, 1);
        store.put(&at, &Body::bytes(bytes.clone()), Write::New).await.expect("a put succeeds");
        assert_eq!(store.stat(&at).await.expect("a stat succeeds").map(|stat| stat.size), Some(length as u64), "size of {at}");
        assert_eq!(read(store, &at).await, Some(bytes), "bytes of {at}");
        let (seen, digest) = store.digest(&at, 1 << 20).await.expect("an object can be hashed");
        assert_eq!((seen, digest), (length as u64, Sha256::of(&noise(length, 1))));
    }
}

/// An object of no bytes is an object.
pub async fn an_empty_object_exists(store: &dyn Store) {
    let at = folder(store, "empty").await.join("empty.txt").expect("a good path");
    store.put(&at, &Body::bytes(Bytes::new()), Write::New).await.expect("an empty put succeeds");
    assert_eq!(store.stat(&at).await.expect("a stat succeeds").map(|stat| stat.size), Some(0), "an empty object exists");
    assert_eq!(read(store, &at).await, Some(Bytes::new()));
}

/// Every name that the format allows survives the trip (docs/bundle-format.md, rule B3).
pub async fn unusual_names_come_back(store: &dyn Store) {
    let folder = folder(store, "names").await;
    let deep = folder.join("a b/c+d").expect("a good path");
    store.make_collections(&[folder.join("a b").expect("a good path"), deep.clone()]).await.expect("collections can be made");
    for name in
        ["space here.txt", "plus+colon:.txt", "quote\"'.txt", "[brackets]{}*.txt", ".hidden", "é ü 😀.txt", "a&b=c;d,e@f$g!h.txt"]
    {
        let at = deep.join(name).expect("a good path");
        store.put(&at, &Body::bytes(name.as_bytes().to_vec()), Write::New).await.expect("an unusual name can be written");
        assert_eq!(read(store, &at).await, Some(Bytes::copy_from_slice(name.as_bytes())), "{name:?}");
        // nginx leaves names with a leading dot out of its listings, which are hints anyway.
        if store.capabilities().list && !name.starts_with('.') {
            let listed = store.list(Some(&deep)).await.expect("a collection can be listed");
            assert!(listed.iter().any(|entry| entry.name == name), "{name:?} is listed under its own name: {listed:?}");
        }
    }
}

/// A replacement leaves nothing of longer old bytes.
pub async fn a_replacement_is_complete(store: &dyn Store) {
    let at = folder(store, "swap").await.join("pointer.json").expect("a good path");
    for (seed, length) in [(1, 900), (2, 10), (3, 470)] {
        let bytes = noise(length, seed);
        store.put(&at, &Body::bytes(bytes.clone()), Write::Replace).await.expect("a replacement succeeds");
        assert_eq!(read(store, &at).await, Some(bytes));
    }
}

/// What an interrupted run left under a new name does not stop the next one.
pub async fn a_new_put_replaces_leftovers(store: &dyn Store) {
    let at = folder(store, "leftover").await.join("file").expect("a good path");
    store.put(&at, &Body::bytes(noise(500, 1)), Write::New).await.expect("a put succeeds");
    store.put(&at, &Body::bytes(noise(20, 2)), Write::New).await.expect("a second put succeeds");
    assert_eq!(read(store, &at).await, Some(noise(20, 2)));
}

/// Ranges, where the server has them; a range past the end gives what is there.
pub async fn a_part_can_be_read(store: &dyn Store) {
    if !store.capabilities().ranges {
        return;
    }
    let at = folder(store, "ranges").await.join("file").expect("a good path");
    let bytes = noise(100_000, 1);
    store.put(&at, &Body::bytes(bytes.clone()), Write::New).await.expect("a put succeeds");
    for range in [0..1, 10..4096, 99_000..100_000, 99_999..200_000] {
        let wanted =
            bytes.slice(usize::try_from(range.start).expect("small")..usize::try_from(range.end.min(100_000)).expect("small"));
        let mut stream = store.get(&at, Some(range.clone())).await.expect("a part can be read");
        let mut found = Vec::new();
        while let Some(piece) = stream.next().await {
            found.extend_from_slice(&piece.expect("the part comes whole"));
        }
        assert_eq!(Bytes::from(found), wanted, "{range:?}");
    }
}

/// Missing is an answer for stat, an error of its kind for get, and fine for delete.
pub async fn what_is_missing_is_told(store: &dyn Store) {
    let at = folder(store, "missing").await.join("file").expect("a good path");
    assert_eq!(store.stat(&at).await.expect("a stat of nothing succeeds"), None);
    store.delete(&at).await.expect("deleting nothing is fine");
    match store.get(&at, None).await {
        Err(error) => assert_eq!(error.kind, ErrorKind::NotFound, "{error}"),
        Ok(mut stream) => {
            let first = stream.next().await.expect("a stream over nothing says so");
            assert_eq!(first.expect_err("nothing cannot be read").kind, ErrorKind::NotFound);
        }
    }
}

/// Making collections twice, deeply and next to objects works; a collection is no object.
pub async fn collections_may_exist_already(store: &dyn Store) {
    let levels = [path("levels"), path("levels/one"), path("levels/one/two")];
    for _ in 0..2 {
        store.make_collections(&levels).await.expect("collections can be made again");
    }
    assert_eq!(store.stat(&levels[1]).await.expect("a stat succeeds"), None, "a collection is no object");
    store.put(&path("levels/one/two/file"), &Body::bytes(noise(10, 1)), Write::New).await.expect("a put succeeds");
    store.make_collections(&levels).await.expect("collections that hold something can be made again");
}

/// A listing shows objects with sizes and collections without, one level deep.
pub async fn listings_show_one_level(store: &dyn Store) {
    if !store.capabilities().list {
        return;
    }
    let folder = folder(store, "listing").await;
    store.make_collections(&[folder.join("below").expect("a good path")]).await.expect("collections can be made");
    for (name, length) in [("a.txt", 3), ("b.txt", 5), ("below/c.txt", 7)] {
        store
            .put(&folder.join(name).expect("a good path"), &Body::bytes(noise(length, 1)), Write::New)
            .await
            .expect("a put succeeds");
    }
    let mut found = store.list(Some(&folder)).await.expect("a collection can be listed");
    found.sort();
    let shape: Vec<(&str, Option<u64>)> = found.iter().map(|entry| (entry.name.as_str(), entry.size)).collect();
    assert_eq!(shape, [("a.txt", Some(3)), ("b.txt", Some(5)), ("below", None)]);
    assert!(store.list(None).await.expect("the base can be listed").iter().any(|entry| entry.name == "listing"));
}

/// A delete takes the object named, nothing beside it and nothing that is not empty.
pub async fn deletes_take_one_object(store: &dyn Store) {
    let folder = folder(store, "deletes").await;
    let (one, two) = (folder.join("one").expect("a good path"), folder.join("two").expect("a good path"));
    for at in [&one, &two] {
        store.put(at, &Body::bytes(noise(10, 1)), Write::New).await.expect("a put succeeds");
    }
    store.delete(&one).await.expect("a delete succeeds");
    store.delete_empty_collection(&folder).await.expect("a full collection is left alone");
    assert_eq!(read(store, &one).await, None);
    assert_eq!(read(store, &two).await, Some(noise(10, 1)), "a neighbour stays");
    store.delete(&two).await.expect("a delete succeeds");
    store.delete_empty_collection(&folder).await.expect("an empty collection can go");
    store.delete_empty_collection(&folder).await.expect("a missing collection is fine");
}

/// As many puts at once as the store asks for, and twice that.
pub async fn many_puts_at_once(store: &dyn Store) {
    let folder = folder(store, "many").await;
    let count = (store.capabilities().parallel_puts * 2).clamp(8, 200);
    let paths: Vec<ObjectPath> = (0..count).map(|number| folder.join(&format!("file-{number}")).expect("a good path")).collect();
    let puts = paths
        .iter()
        .enumerate()
        .map(|(number, at)| async move { store.put(at, &Body::bytes(noise(1000 + number, number as u64)), Write::New).await });
    for result in future::join_all(puts).await {
        result.expect("a put beside others succeeds");
    }
    for (number, at) in paths.iter().enumerate() {
        assert_eq!(read(store, at).await, Some(noise(1000 + number, number as u64)), "{at}");
    }
}

/// Equal content in one collection at the same time: temporary names must not meet.
pub async fn equal_bytes_under_two_names_at_once(store: &dyn Store) {
    let folder = folder(store, "equal").await;
    let paths: Vec<ObjectPath> = (0..8).map(|number| folder.join(&format!("copy-{number}")).expect("a good path")).collect();
    let body = Body::bytes(noise(70_000, 1));
    for result in future::join_all(paths.iter().map(|at| store.put(at, &body, Write::New))).await {
        result.expect("a put of equal bytes succeeds");
    }
    for at in &paths {
        assert_eq!(read(store, at).await, Some(noise(70_000, 1)), "{at}");
    }
}

/// More than any buffer, part or window.
pub async fn a_large_object(store: &dyn Store) {
    let at = folder(store, "large").await.join("large.bin").expect("a good path");
    let bytes = noise(21 << 20, 7);
    store.put(&at, &Body::bytes(bytes.clone()), Write::New).await.expect("a large put succeeds");
    let (length, digest) = store.digest(&at, 1 << 30).await.expect("a large object can be read");
    assert_eq!((length, digest), (bytes.len() as u64, Sha256::of(&bytes)));
    store.delete(&at).await.expect("a delete succeeds");
}

/// A body that breaks off is an error, never a short object in place of a good one where the swap is atomic.
pub async fn a_body_that_fails_leaves_the_old_bytes(store: &dyn Store) {
    let at = folder(store, "broken").await.join("file").expect("a good path");
    store.put(&at, &Body::bytes(noise(1000, 1)), Write::New).await.expect("a put succeeds");
    let broken = Body::bytes(noise(600_000, 2)).tapped(Arc::new(Breaks));
    store.put(&at, &broken, Write::Replace).await.expect_err("a body that breaks off is an error");
    if store.capabilities().swap == super::SwapClass::Atomic {
        assert_eq!(read(store, &at).await, Some(noise(1000, 1)), "the old bytes stay whole");
        store.put(&at, &Body::bytes(noise(50, 3)), Write::Replace).await.expect("the store works on after it");
        assert_eq!(read(store, &at).await, Some(noise(50, 3)));
        return;
    }
    // A server that writes in place may not have noticed yet, and still write what it got of the broken body under that name.
    let other = folder(store, "after").await.join("file").expect("a good path");
    store.put(&other, &Body::bytes(noise(50, 3)), Write::New).await.expect("the store works on after it");
    assert_eq!(read(store, &other).await, Some(noise(50, 3)));
}

/// Lets one piece pass, then fails as a disk would.
#[derive(Debug)]
struct Breaks;

#[async_trait]
impl Tap for Breaks {
    async fn pass(&self, bytes: u64) -> io::Result<()> {
        // The last piece of 600,000 bytes is a short one; every backend reads at least two pieces.
        if bytes < 100_000 { Err(io::Error::other("the disk went away")) } else { Ok(()) }
    }
}

/// A rename onto an existing name replaces it.
pub async fn a_rename_replaces(store: &dyn Store) {
    let folder = folder(store, "rename").await;
    let (from, to) = (folder.join("from").expect("a good path"), folder.join("to").expect("a good path"));
    store.put(&from, &Body::bytes(noise(10, 1)), Write::New).await.expect("a put succeeds");
    store.put(&to, &Body::bytes(noise(20, 2)), Write::New).await.expect("a put succeeds");
    store.rename(&from, &to).await.expect("a rename succeeds");
    assert_eq!(read(store, &from).await, None);
    assert_eq!(read(store, &to).await, Some(noise(10, 1)));
}

/// Free space is a number or unknown, never an error.
pub async fn space_is_told_or_not(store: &dyn Store) {
    let space = store.space().await.expect("asking for space succeeds");
    if store.capabilities().space {
        assert!(space.is_some_and(|space| space.free_bytes > 0), "a server that tells has room for a test");
    }
}
