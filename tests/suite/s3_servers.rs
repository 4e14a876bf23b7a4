//! The S3 store against servers that people run: SeaweedFS and `rclone serve s3`.

use std::net::Ipv4Addr;
use std::sync::Arc;

use async_trait::async_trait;
use spartacus::base::{ObjectPath, RetryPolicy};
use spartacus::store::contract::{self, noise, path};
use spartacus::store::s3::S3Store;
use spartacus::store::{Body, ErrorKind, Meter, Retrying, Store as _, StoreExt as _, Tap, Write};
use tokio::sync::Notify;

use crate::s3_inprocess::{SECRET, ordinary_traffic, settings};
use crate::support::rclone::RcloneS3;
use crate::support::seaweed::Seaweed;

/// The store over a server on this port, with the secret that it knows or another one.
fn store(port: u16, secret: &str) -> S3Store {
    let address = (Ipv4Addr::LOCALHOST, port).into();
    S3Store::new("server".parse().expect("a name"), settings(address, secret))
}

/// Lets so many bytes pass, says so, and then holds everything back: the moment before a `kill -9`.
#[derive(Debug)]
struct Stop {
    after: u64,
    meter: Arc<Meter>,
    reached: Arc<Notify>,
}

#[async_trait]
impl Tap for Stop {
    async fn pass(&self, bytes: u64) -> std::io::Result<()> {
        if self.meter.bytes() >= self.after {
            self.reached.notify_one();
            std::future::pending::<()>().await;
        }
        self.meter.pass(bytes).await
    }
}

/// Uploads `body` and gives up in the middle, as a killed process does.
async fn killed_halfway(store: &S3Store, at: &ObjectPath, body: &Body) {
    let reached = Arc::new(Notify::new());
    let stop = Stop { after: body.length() / 2, meter: Meter::new(), reached: reached.clone() };
    let stopped = body.tapped(Arc::new(stop));
    tokio::select! {
        result = store.put(at, &stopped, Write::New) => panic!("the put ends only by being dropped: {result:?}"),
        // Parts that are on their way may still arrive; one at least has by then.
        () = reached.notified() => {}
    }
}

async fn an_interrupted_upload_goes_on(store: &S3Store) {
    let at = path("resumed/object.bin");
    let body = Body::bytes(noise(128 << 20, 8));
    killed_halfway(store, &at, &body).await;
    assert_eq!(store.stat(&at).await.expect("a stat succeeds"), None, "half an upload is nothing");
    let meter = Meter::new();
    store.put(&at, &body.tapped(meter.clone()), Write::New).await.expect("the upload goes on");
    assert!(meter.bytes() <= body.length() - (16 << 20), "what was there is not sent again: {}", meter.bytes());
    assert_eq!(store.digest(&at, 1 << 30).await.expect("a get succeeds"), (body.length(), body.sha256()));
}

/// Parts of other bytes with the same sizes are found out and replaced.
async fn an_interrupted_upload_of_other_bytes_is_not_mixed_in(store: &S3Store) {
    let at = path("mixed/object.bin");
    killed_halfway(store, &at, &Body::bytes(noise(128 << 20, 1))).await;
    let body = Body::bytes(noise(128 << 20, 2));
    let meter = Meter::new();
    store.put(&at, &body.tapped(meter.clone()), Write::New).await.expect("the upload succeeds");
    assert!(meter.bytes() > body.length(), "the old parts were used first, then found out: {}", meter.bytes());
    assert_eq!(store.digest(&at, 1 << 30).await.expect("a get succeeds"), (body.length(), body.sha256()));
}

async fn wrong_secret_is_refused(port: u16) {
    let error = store(port, "wrong-canary-secret").put(&path("a"), &Body::bytes("x"), Write::New).await;
    let error = error.expect_err("the secret is wrong");
    assert!(matches!(error.kind, ErrorKind::Unauthenticated | ErrorKind::PermissionDenied), "{error}");
}

#[tokio::test]
async fn seaweedfs_resumes() {
    let server = Seaweed::start();
    let store = store(server.port, SECRET);
    an_interrupted_upload_goes_on(&store).await;
    an_interrupted_upload_of_other_bytes_is_not_mixed_in(&store).await;
}

#[tokio::test]
async fn rclone_serves() {
    let server = RcloneS3::start();
    serves(server.port).await;
}

#[tokio::test]
async fn seaweedfs_serves() {
    let server = Seaweed::start();
    serves(server.port).await;
}

async fn serves(port: u16) {
    // As it is used: with retries. rclone answers 500 to a few of many puts at once into one new folder, a race within it.
    let store = Retrying::new(store(port, SECRET), RetryPolicy::default(), 1);
    contract::run_all(&store).await;
    ordinary_traffic(&store).await;
    wrong_secret_is_refused(port).await;
}
