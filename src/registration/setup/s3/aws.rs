//! Amazon S3.

use super::{PUSH_POLICY, READER_POLICY, policy};
use crate::config::S3Target;
use crate::registration::setup::words::below;
use crate::registration::setup::{Preparation, SetupError, SetupStep};

pub(super) fn steps(preparation: &Preparation<'_>, s3: &S3Target, bucket: &str) -> Result<Vec<SetupStep>, SetupError> {
    let region = below("the region", &s3.region)?;
    let partition = match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    let user = format!("spartacus-{}", preparation.name);
    // The oldest region has no name as a place.
    let place =
        if region == "us-east-1" { String::new() } else { format!(" --create-bucket-configuration LocationConstraint={region}") };
    Ok(vec![
        SetupStep::commands(
            "Make a bucket for the mirror alone",
            "Unless there is one. With the program aws, logged in as somebody who may make users; this, and all that follows, in the folder of \
             your offer.",
            &[format!("aws s3api create-bucket --bucket {bucket} --region {region}{place}")],
        ),
        SetupStep::file(
            "The rights of the key",
            "Objects below the prefix and their names, until the day in it. No access lists, no policies, no other bucket.",
            PUSH_POLICY,
            policy::for_pushes(s3, partition, preparation.until()),
        ),
        SetupStep::file(
            "The rights of readers",
            "They get objects by their names, and no lists.",
            READER_POLICY,
            policy::for_readers(s3, partition),
        ),
        SetupStep::file("Unfinished uploads", "They are removed after a week.", "lifecycle.json", policy::lifecycle(s3)),
        SetupStep::commands(
            "Make the user and its key",
            "The last line shows the key, once.",
            &[
                format!("aws iam create-user --user-name {user}"),
                format!("aws iam put-user-policy --user-name {user} --policy-name mirror --policy-document file://{PUSH_POLICY}"),
                format!("aws iam create-access-key --user-name {user}"),
            ],
        ),
        SetupStep::commands(
            "Let readers in",
            "The first line allows a policy for everybody on this bucket; access lists stay blocked. The second and the third replace what the \
             bucket has of these.",
            &[
                format!(
                    "aws s3api put-public-access-block --bucket {bucket} --public-access-block-configuration \
                     BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=false,RestrictPublicBuckets=false"
                ),
                format!("aws s3api put-bucket-policy --bucket {bucket} --policy file://{READER_POLICY}"),
                format!(
                    "aws s3api put-bucket-lifecycle-configuration --bucket {bucket} --lifecycle-configuration file://lifecycle.json"
                ),
            ],
        ),
    ])
}
