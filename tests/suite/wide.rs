//! Against servers that take minutes to build: only `make test-servers` runs these (see .config/nextest.toml).

use std::net::Ipv4Addr;

use spartacus::base::{RetryPolicy, Secret};
use spartacus::store::contract::{self, noise, path};
use spartacus::store::s3::{S3Settings, S3Store};
use spartacus::store::{Body, ErrorKind, Retrying, Store as _, StoreExt as _, Write};

use crate::s3_inprocess::{ordinary_traffic, settings};
use crate::support::garage::{Garage, REGION};
use crate::support::mirror::Kind;
use crate::support::project::Project;
use crate::support::rclone;
use crate::support_selftest::serves_and_stops;

/// The store over Garage, which checks the region that a signature names.
fn store(server: &Garage, secret: &str) -> S3Store {
    let address = (Ipv4Addr::LOCALHOST, server.port).into();
    let settings = S3Settings {
        region: REGION.to_owned(),
        access_key: server.access_key.clone(),
        secret_key: Secret::new(secret.to_owned()),
        ..settings(address, secret)
    };
    S3Store::new("garage".parse().expect("a name"), settings)
}

#[test]
fn garage_serves_and_stops() {
    serves_and_stops(Kind::Garage);
}

#[tokio::test]
async fn garage_keeps_the_contract() {
    let server = Garage::start();
    let store = Retrying::new(store(&server, &server.secret_key), RetryPolicy::default(), 1);
    contract::run_all(&store).await;
    ordinary_traffic(&store).await;
}

#[tokio::test]
async fn garage_joins_parts_and_refuses_a_wrong_secret() {
    let server = Garage::start();
    let body = Body::bytes(noise((48 << 20) + 5, 3));
    let right = store(&server, &server.secret_key);
    right.put(&path("large"), &body, Write::New).await.expect("an upload in parts");
    assert_eq!(right.digest(&path("large"), 1 << 30).await.expect("it can be read"), (body.length(), body.sha256()));
    let error = store(&server, &"0".repeat(64)).put(&path("a"), &body, Write::New).await.expect_err("the secret is wrong");
    assert!(matches!(error.kind, ErrorKind::Unauthenticated | ErrorKind::PermissionDenied), "{error}");
}

#[test]
fn a_push_to_garage_is_verified_as_readers_see_it() {
    let mirror = Kind::Garage.start();
    let project = Project::with_mirrors([&mirror]);
    let tree = project.beside("tree");
    std::fs::write(tree.join("empty"), "").expect("a file");
    std::fs::write(tree.join("with space and ü.txt"), "bytes").expect("a file");
    std::fs::write(tree.join("large.bin"), noise(20 << 20, 7)).expect("a file");
    project.push(&tree, "v1").ends_with(0).concludes("v1 complete on 1 of 1 mirror");
    rclone::check_folder(&tree, &mirror, "releases/v1");
    project.run(&["check", "--full"]).ends_with(0).concludes("v1 verified on 1 of 1 mirror");
    project.run(&["push", "v1"]).ends_with(0);
}
