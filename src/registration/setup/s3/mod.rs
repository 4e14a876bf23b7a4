//! S3: a key for one bucket or one prefix, and readers who need none.

mod aws;
mod policy;
mod services;

use super::words::below;
use super::{Flavour, Preparation, SetupError, SetupStep, place};
use crate::config::S3Target;

/// The rights of the key, as a file of the volunteer's folder.
const PUSH_POLICY: &str = "push-policy.json";
/// The rights of everybody, likewise.
const READER_POLICY: &str = "reader-policy.json";

pub(super) fn steps(preparation: &Preparation<'_>, s3: &S3Target) -> Result<Vec<SetupStep>, SetupError> {
    // `*`, `?` and `${` mean something in a policy.
    if !s3.prefix.is_empty() {
        below("the prefix", &s3.prefix)?;
    }
    let bucket = below("the bucket", &s3.bucket)?;
    let mut steps = match preparation.choices.flavour {
        Flavour::Aws => aws::steps(preparation, s3, bucket)?,
        Flavour::Minio => services::minio(preparation, s3, bucket),
        Flavour::Garage => services::garage(preparation, s3, bucket),
        Flavour::R2 => services::r2(s3, bucket),
        _ => services::other(preparation, s3, bucket),
    };
    steps.extend(place::keep_secrets(&[("access key", &s3.access_key), ("secret key", &s3.secret_key)]));
    if preparation.public_url.is_none() {
        steps.push(place::no_public_address());
    }
    Ok(steps)
}

/// What is said where keys are for buckets and not for prefixes.
fn a_bucket_alone(s3: &S3Target) -> String {
    if s3.prefix.is_empty() {
        "Keys are for buckets here: take a bucket in which nothing else lies.".to_owned()
    } else {
        "Keys are for buckets here, not for prefixes: take a bucket in which nothing else lies. The prefix is of no use then and can be left out."
            .to_owned()
    }
}
