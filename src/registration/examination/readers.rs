//! The challenge as readers get it.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, LOCATION};
use tokio::time::{Instant, sleep};

use super::challenge::LENGTH;
use super::face::{Answer, PublicFace};
use super::{Check, Finding};
use crate::base::{ObjectPath, sanitise};

/// The first pause between two looks; each further one is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// The part that is asked for: its first byte and its last.
const PART: (usize, usize) = (1000, 1999);

/// Why readers do not get what was written.
struct Trouble {
    what: String,
    fix: String,
    /// Waiting does not help.
    lasts: bool,
}

impl Trouble {
    fn passing(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), fix: fix.into(), lasts: false }
    }

    fn lasting(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), fix: fix.into(), lasts: true }
    }
}

/// Whether readers get what was written.
pub(super) async fn see(face: &PublicFace, path: &ObjectPath, wanted: &Bytes, patience: Duration) -> Finding {
    match wait_for(face, path, wanted, patience).await {
        Ok(took) => Finding::passed(Check::PublicRead, format!("readers get the same bytes, after {} ms", took.as_millis())),
        Err(trouble) => Finding::failed(Check::PublicRead, trouble.what, trouble.fix),
    }
}

/// Whether readers get the version that has replaced it.
pub(super) async fn see_again(face: &PublicFace, path: &ObjectPath, wanted: &Bytes, patience: Duration) -> Finding {
    match wait_for(face, path, wanted, patience).await {
        Ok(took) => Finding::passed(Check::PublicReplace, format!("after {} ms", took.as_millis())),
        Err(_) => Finding::warning(
            Check::PublicReplace,
            format!("not within {} s", patience.as_secs()),
            "something keeps old copies: have caches ask again at once for metadata/timestamp.json and mirrors.json",
        ),
    }
}

/// Whether what was removed is gone for readers, too.
pub(super) async fn see_it_gone(face: &PublicFace, path: &ObjectPath, patience: Duration) -> Finding {
    let begun = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let seen = match face.ask(path, None).await {
            // Object stores that may not be listed say 403 of what is not there.
            Ok(answer) if matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::FORBIDDEN) => {
                return Finding::passed(Check::PublicDelete, format!("after {} ms", begun.elapsed().as_millis()));
            }
            Ok(answer) => format!("readers are answered {} for a file that is gone", answer.status),
            Err(error) => error,
        };
        if begun.elapsed() + pause > patience {
            let fix = "have the server answer 404 for what is not there, and caches not keep files for long after they are gone";
            return Finding::warning(Check::PublicDelete, seen, fix);
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Whether a file is called a page.
pub(super) async fn content_type(face: &PublicFace, path: &ObjectPath) -> Finding {
    match face.ask(path, None).await {
        Ok(answer) if answer.is_page() => Finding::warning(
            Check::ContentType,
            "a text file is sent as text/html",
            "have the server send files of a type that it does not know as application/octet-stream (nginx: default_type)",
        ),
        Ok(answer) => Finding::passed(
            Check::ContentType,
            answer.header(&CONTENT_TYPE).map_or_else(|| "without a type".to_owned(), |kind| sanitise(&kind)),
        ),
        Err(error) => Finding::not_tried(Check::ContentType, error),
    }
}

/// Whether readers can ask for a part (RFC 9110, section 14).
pub(super) async fn ranges(face: &PublicFace, path: &ObjectPath, whole: &Bytes) -> Finding {
    let check = Check::Ranges;
    let answer = match face.ask(path, Some(PART)).await {
        Ok(answer) => answer,
        Err(error) => return Finding::not_tried(check, error),
    };
    let expected = format!("bytes {}-{}/{LENGTH}", PART.0, PART.1);
    let told = answer.header(&CONTENT_RANGE).unwrap_or_else(|| "nothing".to_owned());
    match answer.status {
        StatusCode::PARTIAL_CONTENT if told == expected && answer.bytes == whole[PART.0..=PART.1] => {
            Finding::passed(check, "the part that was asked for")
        }
        StatusCode::PARTIAL_CONTENT => Finding::failed(
            check,
            format!("another part than was asked for ({expected} is asked for, Content-Range says {})", sanitise(&told)),
            "look for a cache or a proxy before the server that mixes parts up, and switch that off",
        ),
        StatusCode::OK => Finding::warning(
            check,
            "the whole file is sent to whoever asks for a part: downloads that break off begin again",
            "have the server answer questions with `Range` (some proxies and compression filters take it out)",
        ),
        status => Finding::failed(
            check,
            format!("{status} to whoever asks for a part"),
            "have the server answer questions with `Range`, or ignore that header",
        ),
    }
}

/// Looks until `wanted` shows; what was seen last, if it does not in time.
async fn wait_for(face: &PublicFace, path: &ObjectPath, wanted: &Bytes, patience: Duration) -> Result<Duration, Trouble> {
    let begun = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let trouble = match face.ask(path, None).await {
            Ok(answer) => match judge(face, path, wanted, &answer) {
                Ok(()) => return Ok(begun.elapsed()),
                Err(trouble) => trouble,
            },
            Err(error) => Trouble::passing(error, "correct the public address, and see that the web server runs"),
        };
        if trouble.lasts || begun.elapsed() + pause > patience {
            return Err(trouble);
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn judge(face: &PublicFace, path: &ObjectPath, wanted: &Bytes, answer: &Answer) -> Result<(), Trouble> {
    const FOLDER: &str = "offer the address that shows the folder which we write to";
    if answer.status.is_redirection() {
        let to = answer.header(&LOCATION).unwrap_or_else(|| "an unnamed place".to_owned());
        return Err(redirected(face, path, &to));
    }
    let encoding = answer.header(&CONTENT_ENCODING).filter(|encoding| !encoding.eq_ignore_ascii_case("identity"));
    match (answer.status, encoding) {
        (StatusCode::OK, Some(encoding)) => Err(Trouble::lasting(
            format!("files are sent compressed ({}) to readers who do not ask for it", sanitise(&encoding)),
            "compress only for readers that accept it, or for none (Apache: no `SetOutputFilter DEFLATE`; nginx: gzip off)",
        )),
        (StatusCode::OK, None) if answer.bytes == *wanted => Ok(()),
        // A page for whatever is asked is what sites for browsers do, and hosts that have parked a name.
        (StatusCode::OK, None) if answer.is_page() => Err(Trouble::passing(
            "readers get an HTML page instead of the file",
            format!("{FOLDER}; it must send files as they are and 404 for what is not there, not a page for everything"),
        )),
        (StatusCode::OK, None) => Err(Trouble::passing("readers get other bytes than were written", FOLDER)),
        (StatusCode::NOT_FOUND | StatusCode::GONE, _) => Err(Trouble::passing("readers do not find what was written", FOLDER)),
        (StatusCode::FORBIDDEN, _) => Err(Trouble::passing(
            "readers are forbidden to read what was written",
            "let everybody read: SFTP: umask 0022 (`internal-sftp -u 0022`); S3: a bucket policy with s3:GetObject for \"*\"; names \
             that begin with a dot must not be barred",
        )),
        (StatusCode::UNAUTHORIZED, _) => {
            Err(Trouble::lasting("readers are asked for a login", "let everybody read without a login"))
        }
        (status, _) => Err(Trouble::passing(format!("readers are answered {status}"), "look into the log of the web server")),
    }
}

/// Nothing is followed; where the same name lies elsewhere, that place is the address to offer.
fn redirected(face: &PublicFace, path: &ObjectPath, to: &str) -> Trouble {
    let shown = face.address(path).join(to).map_or_else(|_| to.to_owned(), String::from);
    let what = format!("readers are redirected to {}, and nothing is followed", sanitise(&shown));
    let fix = match shown.strip_suffix(path.as_str()) {
        Some(base) => format!("offer {}", sanitise(base)),
        None => "offer an address that sends files by itself".to_owned(),
    };
    Trouble::lasting(what, fix)
}
