//! Policies as JSON. Names come into them as values, so nothing in a name can become a rule.

use jiff::civil::Date;
use serde_json::{Value, json};

use crate::config::S3Target;

/// What a push does with objects: parts of an upload count as `PutObject`.
const OBJECTS: [&str; 5] =
    ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"];

/// The rights of the key: objects below the prefix, and their names, until that day.
pub(super) fn for_pushes(s3: &S3Target, partition: &str, until: Date) -> String {
    let (bucket, objects) = resources(s3, partition);
    let until = json!({"aws:CurrentTime": format!("{until}T23:59:59Z")});
    let ends = json!({"DateLessThan": until});
    let listing = if s3.prefix.is_empty() {
        ends.clone()
    } else {
        json!({"DateLessThan": until, "StringLike": {"s3:prefix": [format!("{}/*", s3.prefix)]}})
    };
    // `s3:prefix` is for listings of objects. A request for unfinished uploads has none, as services see it, and would always be denied.
    pretty(&json!({
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "Objects", "Effect": "Allow", "Action": OBJECTS, "Resource": [objects], "Condition": ends},
            {"Sid": "Names", "Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [bucket], "Condition": listing},
            {
                "Sid": "Uploads", "Effect": "Allow", "Action": ["s3:ListBucketMultipartUploads"], "Resource": [bucket],
                "Condition": ends,
            },
        ],
    }))
}

/// The rights of everybody: getting objects below the prefix, and no names.
pub(super) fn for_readers(s3: &S3Target, partition: &str) -> String {
    let (_, objects) = resources(s3, partition);
    pretty(&json!({
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "Readers", "Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["s3:GetObject"], "Resource": [objects]},
        ],
    }))
}

/// Uploads that nobody went on with are paid for until somebody removes them.
pub(super) fn lifecycle(s3: &S3Target) -> String {
    let prefix = if s3.prefix.is_empty() { String::new() } else { format!("{}/", s3.prefix) };
    pretty(&json!({
        "Rules": [{
            "ID": "unfinished uploads", "Status": "Enabled", "Filter": {"Prefix": prefix},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        }],
    }))
}

fn resources(s3: &S3Target, partition: &str) -> (String, String) {
    let bucket = format!("arn:{partition}:s3:::{}", s3.bucket);
    let objects = if s3.prefix.is_empty() { format!("{bucket}/*") } else { format!("{bucket}/{}/*", s3.prefix) };
    (bucket, objects)
}

fn pretty(policy: &Value) -> String {
    serde_json::to_string_pretty(policy).expect("a value has text keys")
}
