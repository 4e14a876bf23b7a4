//! Services that are not Amazon's.

use super::{PUSH_POLICY, READER_POLICY, a_bucket_alone, policy};
use crate::config::S3Target;
use crate::registration::setup::{Preparation, SetupStep};

pub(super) fn minio(preparation: &Preparation<'_>, s3: &S3Target, bucket: &str) -> Vec<SetupStep> {
    let name = format!("spartacus-{}", preparation.name);
    vec![
        SetupStep::file(
            "The rights of the key",
            "Objects below the prefix and their names, until the day in it.",
            PUSH_POLICY,
            policy::for_pushes(s3, "aws", preparation.until()),
        ),
        SetupStep::file(
            "The rights of readers",
            "They get objects by their names, and no lists.",
            READER_POLICY,
            policy::for_readers(s3, "aws"),
        ),
        SetupStep::commands(
            "Make the bucket, the user and its rights",
            "With the program mc, in the folder of your offer; write the alias of your server (mc alias list) in place of MINIO. The second line \
             asks for a new access key and a secret key: long ones, used nowhere else.",
            &[
                format!("mc mb --ignore-existing MINIO/{bucket}"),
                "mc admin user add MINIO".to_owned(),
                format!("mc admin policy create MINIO {name} {PUSH_POLICY}"),
                format!("mc admin policy attach MINIO {name} --user ACCESS_KEY"),
            ],
        ),
        SetupStep::commands(
            "Let readers in",
            "It replaces what the bucket allows everybody now.",
            &[format!("mc anonymous set-json {READER_POLICY} MINIO/{bucket}")],
        ),
    ]
}

pub(super) fn garage(preparation: &Preparation<'_>, s3: &S3Target, bucket: &str) -> Vec<SetupStep> {
    let name = format!("spartacus-{}", preparation.name);
    vec![
        SetupStep::commands(
            "Make the bucket and its key",
            &format!(
                "On a node of the cluster. {} The second line shows the key. Not --owner: a push needs no more than these two.",
                a_bucket_alone(s3)
            ),
            &[
                format!("garage bucket create {bucket}"),
                format!("garage key create {name}"),
                format!("garage bucket allow --read --write {bucket} --key {name}"),
            ],
        ),
        SetupStep::commands(
            "Let readers in",
            &format!(
                "Garage shows a bucket to everybody as a website: at https://{bucket}. and the root_domain that [s3_web] of garage.toml names, behind \
                 your web server with a certificate. That is the public address."
            ),
            &[format!("garage bucket website --allow {bucket}")],
        ),
    ]
}

pub(super) fn r2(s3: &S3Target, bucket: &str) -> Vec<SetupStep> {
    vec![
        SetupStep::words(
            "Make the bucket and its key",
            format!(
                "In the dashboard of Cloudflare: R2, Create bucket, {bucket}. {} Then R2, Manage API tokens, Create API token: permission Object Read & \
                 Write (not Admin), for this bucket only, with an end. The access key and the secret key are shown once. The endpoint is \
                 https://ACCOUNT.r2.cloudflarestorage.com, the region auto.",
                a_bucket_alone(s3)
            ),
        ),
        SetupStep::words(
            "Let readers in",
            "In the settings of the bucket connect a domain of yours: that is the public address. (The r2.dev address is slowed down and not meant for \
             this.) In the rules of that domain let the cache be bypassed where the path ends with metadata/timestamp.json: an old one would be \
             shown to readers otherwise.",
        ),
    ]
}

pub(super) fn other(preparation: &Preparation<'_>, s3: &S3Target, bucket: &str) -> Vec<SetupStep> {
    vec![
        SetupStep::words(
            "Make a bucket and a user for the mirror alone",
            format!(
                "In the panel of the service make the bucket {bucket} and a user, or a key, for nothing else. Where the service knows policies, give the \
                 user the first of the next two and the bucket the second. Where it knows keys for buckets only, take a bucket in which nothing \
                 else lies, and let the key read and write there."
            ),
        ),
        SetupStep::file(
            "The rights of the key",
            "In the language of Amazon's policies, which many services know.",
            PUSH_POLICY,
            policy::for_pushes(s3, "aws", preparation.until()),
        ),
        SetupStep::file(
            "The rights of readers",
            "They get objects by their names, and no lists.",
            READER_POLICY,
            policy::for_readers(s3, "aws"),
        ),
    ]
}
