//! Keys of SeaweedFS that open one bucket or one prefix, and one that opens everything.

use spartacus::registration::{Check, Login, Outcome};
use spartacus::store::s3::S3Settings;

use super::{ALWAYS, assert_all, assert_told, examined, place};
use crate::s3_inprocess::settings;
use crate::scripted::{Act, Scripted, answer};
use crate::support::process::run;
use crate::support::rclone::{self, BUCKET};
use crate::support::seaweed::{BUCKET_KEY, PREFIX, PREFIX_KEY, Seaweed};
use crate::support::{ACCESS_KEY, SECRET_KEY};

const ATTEMPTS: [Check; 5] =
    [Check::OtherBuckets, Check::BucketPolicy, Check::BucketAcl, Check::ListingOutside, Check::WritingOutside];

fn login(server: &Seaweed, access_key: &str, prefix: &str) -> Login {
    let usual = settings(([127, 0, 0, 1], server.port).into(), SECRET_KEY);
    Login::S3(Box::new(S3Settings { access_key: access_key.to_owned(), prefix: prefix.to_owned(), ..usual }))
}

fn remote(server: &Seaweed) -> String {
    rclone::s3_remote(&server.endpoint(), ACCESS_KEY, SECRET_KEY, "us-east-1")
}

fn rclone(server: &Seaweed, words: &[&str]) -> String {
    run(rclone::with_remote(server.folder.path(), &remote(server)).args(words))
}

/// Every object of every bucket.
fn everything(server: &Seaweed) -> String {
    rclone(server, &["lsf", "-R", "--files-only", "mirror:"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_for_one_bucket_passes_everything() {
    let server = Seaweed::start();
    rclone(&server, &["mkdir", "mirror:private"]);
    let public = format!("{}/{BUCKET}/", server.endpoint());
    let found = examined(&place(login(&server, BUCKET_KEY, ""), &public)).await;
    assert_all(&found, &ALWAYS, Outcome::Passed);
    assert_all(&found, &ATTEMPTS, Outcome::Passed);
    assert_all(&found, &[Check::Swap, Check::Encryption], Outcome::Passed);
    assert_all(&found, &[Check::Space], Outcome::NotTried);
    assert!(found.is_good());
    assert_eq!(everything(&server), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_for_one_prefix_passes_everything() {
    let server = Seaweed::start();
    let public = format!("{}/{BUCKET}/{PREFIX}/", server.endpoint());
    let found = examined(&place(login(&server, PREFIX_KEY, PREFIX), &public)).await;
    assert_all(&found, &ALWAYS, Outcome::Passed);
    assert_all(&found, &ATTEMPTS, Outcome::Passed);
    assert!(found.is_good());
    assert_eq!(everything(&server), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_for_everything_fails_by_name() {
    let server = Seaweed::start();
    rclone(&server, &["mkdir", "mirror:private"]);
    rclone(&server, &["touch", &format!("mirror:{BUCKET}/some/other.txt")]);
    let public = format!("{}/{BUCKET}/{PREFIX}/", server.endpoint());
    let found = examined(&place(login(&server, ACCESS_KEY, PREFIX), &public)).await;
    assert_all(&found, &ALWAYS, Outcome::Passed);
    assert_told(&found, Check::OtherBuckets, Outcome::Failed, "not ours: private", "s3:ListAllMyBuckets");
    assert_told(
        &found,
        Check::WritingOutside,
        Outcome::Failed,
        "some/where-spartacus-probe-",
        "arn:aws:s3:::mirror/some/where/*",
    );
    assert_told(&found, Check::ListingOutside, Outcome::Warning, "not ours: some/other.txt", "s3:prefix");
    // None is set, so none is shown to anybody; the next test has one.
    assert_told(&found, Check::BucketPolicy, Outcome::Passed, "no policy", "");
    assert_told(&found, Check::BucketAcl, Outcome::Warning, "access list", "s3:GetBucketAcl");
    assert!(!found.is_good());
    assert_eq!(everything(&server), "mirror/some/other.txt\n", "nothing of ours is left");
}

/// Garage and R2 know keys for buckets only: a prefix in a bucket with nothing else in it harms nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_in_a_bucket_for_us_alone_is_only_warned_about() {
    let server = Seaweed::start();
    let public = format!("{}/{BUCKET}/{PREFIX}/", server.endpoint());
    let found = examined(&place(login(&server, BUCKET_KEY, PREFIX), &public)).await;
    assert_all(&found, &[Check::ListingOutside, Check::OtherBuckets], Outcome::Passed);
    assert_told(&found, Check::WritingOutside, Outcome::Warning, "could be made", "a bucket for us alone");
    assert!(found.is_good());
    assert_eq!(everything(&server), "");
}

/// A server of which only the bucket's rights are of interest: everything else it forbids.
#[tokio::test(flavor = "multi_thread")]
async fn rights_that_can_be_read_are_warned_about() {
    let server = Scripted::start(|seen| {
        Act::Send(match (seen.method.as_str(), seen.path.as_str()) {
            ("GET", "/mirror/?policy" | "/mirror?policy") => answer("200 OK", &["Content-Type: application/json"], "{}"),
            ("GET", "/mirror/?acl" | "/mirror?acl") => {
                answer("200 OK", &["Content-Type: application/xml"], "<AccessControlPolicy></AccessControlPolicy>")
            }
            ("GET", _) => answer("403 Forbidden", &["Content-Type: application/xml"], "<Error><Code>AccessDenied</Code></Error>"),
            _ => answer("403 Forbidden", &[], ""),
        })
    })
    .await;
    let address = server.base.socket_addrs(|| None).expect("an address")[0];
    let login = Login::S3(Box::new(S3Settings { prefix: "some/where".to_owned(), ..settings(address, SECRET_KEY) }));
    let found = examined(&place(login, "http://127.0.0.1:9/")).await;
    assert_told(&found, Check::Write, Outcome::Failed, "permission denied", "s3:PutObject");
    assert_told(&found, Check::BucketPolicy, Outcome::Warning, "can be read", "s3:GetBucketPolicy");
    assert_told(&found, Check::BucketAcl, Outcome::Warning, "can be read", "s3:GetBucketAcl");
    assert_all(&found, &[Check::OtherBuckets, Check::ListingOutside, Check::WritingOutside], Outcome::Passed);
    let written = server.of("PUT");
    assert!(written.iter().all(|seen| seen.path.contains("spartacus-probe-")), "no right is changed: {written:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_ends_it() {
    let server = Seaweed::start();
    let usual = settings(([127, 0, 0, 1], server.port).into(), "wrong-canary-secret");
    let found = examined(&place(Login::S3(Box::new(usual)), "http://127.0.0.1:9/")).await;
    assert_told(&found, Check::Login, Outcome::Failed, "", "");
    assert!(!serde_json::to_string(&found).expect("JSON").contains("canary"), "{found:?}");
    assert!(found.of(Check::Write).is_none(), "{found:#?}");
}
