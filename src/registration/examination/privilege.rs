//! What to make of attempts that should fail.
//!
//! Refused are offers through which a stolen key of ours would harm the volunteer, or somebody else. What only shows more than
//! is needed is a warning: on shared web space nobody can do anything about it.

use super::{Check, Finding, Login};
use crate::store::{Aim, Attempt, Met};

/// One attempt, among all that were made.
pub(super) fn judge(attempt: &Attempt, all: &[Attempt], login: &Login) -> Finding {
    let check = check_of(attempt.aim);
    let what = &attempt.what;
    match attempt.met {
        Met::Refused => Finding::passed(check, format!("refused: {what}")),
        Met::Harmless => Finding::passed(check, what),
        Met::Unclear => Finding::warning(check, format!("this could not be found out: {what}"), "examine the place once more"),
        Met::Done if is_tolerable(attempt.aim, all, login) => Finding::warning(check, what, fix(attempt.aim, login)),
        Met::Done => Finding::failed(check, what, fix(attempt.aim, login)),
    }
}

/// What an attempt has made and not removed.
pub(super) fn left_behind(attempt: &Attempt) -> Option<Finding> {
    let left = attempt.left.as_ref()?;
    Some(Finding::warning(Check::CleanUp, format!("made to try it out, and not removed: {left}"), "please remove it by hand"))
}

fn check_of(aim: Aim) -> Check {
    match aim {
        Aim::Commands => Check::Commands,
        Aim::Shell => Check::Shell,
        Aim::Forwarding => Check::Forwarding,
        Aim::Listening => Check::Listening,
        Aim::ListingOutside => Check::ListingOutside,
        Aim::ReadingOutside => Check::ReadingOutside,
        Aim::WritingOutside => Check::WritingOutside,
        Aim::OtherBuckets => Check::OtherBuckets,
        Aim::BucketPolicy => Check::BucketPolicy,
        Aim::BucketAcl => Check::BucketAcl,
    }
}

fn is_tolerable(aim: Aim, all: &[Attempt], login: &Login) -> bool {
    match aim {
        Aim::ReadingOutside | Aim::BucketPolicy | Aim::BucketAcl => true,
        // By WebDAV whatever is listed can be read as well, and lies with the volunteer's own files.
        Aim::ListingOutside => !matches!(login, Login::Webdav(_)),
        // Where nothing but ours lies beside it, as in an account or a bucket for us alone, nothing can be harmed.
        Aim::WritingOutside => all.iter().any(|other| other.aim == Aim::ListingOutside && other.met == Met::Harmless),
        Aim::Commands | Aim::Shell | Aim::Forwarding | Aim::Listening | Aim::OtherBuckets => false,
    }
}

fn fix(aim: Aim, login: &Login) -> String {
    match login {
        Login::Sftp(settings) => of_sshd(aim, &settings.user),
        Login::S3(settings) => of_bucket(aim, &settings.bucket, &settings.prefix),
        Login::Webdav(_) | Login::Folder(_) => "give us an account that opens this collection and nothing above it; where one \
            password opens a whole account (Nextcloud), make an account for the mirror alone"
            .to_owned(),
    }
}

fn of_sshd(aim: Aim, user: &str) -> String {
    let block = format!("in sshd_config, below `Match User {user}`");
    match aim {
        Aim::Commands => format!(
            "{block}: `ForceCommand internal-sftp`; or begin the line of our key in authorized_keys with \
             `restrict,command=\"internal-sftp\"`"
        ),
        Aim::Shell => format!(
            "{block}: `ForceCommand internal-sftp` and `PermitTTY no`; or begin the line of our key in authorized_keys with \
             `restrict,command=\"internal-sftp\"`"
        ),
        Aim::Forwarding | Aim::Listening => format!(
            "{block}: `AllowTcpForwarding no` and `AllowStreamLocalForwarding no`; or begin the line of our key in \
             authorized_keys with `restrict`"
        ),
        _ => format!("{block}: `ChrootDirectory FOLDER`, a folder of root's with the account's own folder in it"),
    }
}

fn of_bucket(aim: Aim, bucket: &str, prefix: &str) -> String {
    match aim {
        Aim::OtherBuckets => {
            "take s3:ListAllMyBuckets out of the key's policy; where keys have no policies (Garage, SeaweedFS), \
            give this key the one bucket"
                .to_owned()
        }
        Aim::BucketPolicy => "take s3:GetBucketPolicy (and s3:*) out of the key's policy".to_owned(),
        Aim::BucketAcl => "take s3:GetBucketAcl (and s3:*) out of the key's policy".to_owned(),
        Aim::ListingOutside => format!(
            "allow s3:ListBucket only with the condition that s3:prefix is like {prefix}/*; or offer a bucket for us alone, without \
             a prefix"
        ),
        _ => format!(
            "allow objects only on arn:aws:s3:::{bucket}/{prefix}/* (with the slash before the star); or offer a bucket for us \
             alone, without a prefix"
        ),
    }
}
