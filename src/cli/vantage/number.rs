//! The numbers of a vantage's testimonies: each larger than all before it.

use std::fs::OpenOptions;
use std::io::{Read as _, Seek as _, Write as _};

use camino::Utf8Path;
use jiff::Timestamp;

use crate::cli::exit::{self, Failure};
use crate::cli::session::file_failure;

/// A file of digits is no longer.
const LONGEST: u64 = 32;

/// The next number of the vantage whose key lies at `key`. The last one is kept beside the key, as `.sequence`.
///
/// It is never below the seconds since 1970: a vantage that lost the file, or moved, goes on above what it said before.
pub fn next(key: &Utf8Path, now: Timestamp) -> Result<u64, Failure> {
    let path = key.with_extension("sequence");
    let fail = |tried| {
        let path = path.clone();
        move |error| {
            file_failure(tried, &path, error)
                .hint("the number of the last testimony is kept beside the key: may this user write there?")
        }
    };
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = opened.map_err(fail("open"))?;
    // Two at once would use one number for two testimonies, and the second one would be refused.
    file.lock().map_err(fail("lock"))?;
    let mut text = String::new();
    (&mut file).take(LONGEST).read_to_string(&mut text).map_err(fail("read"))?;
    let last: u64 = match text.trim() {
        "" => 0,
        digits => digits.parse().map_err(|_| {
            Failure::told(exit::USAGE, format!("{path} does not hold the number of the last testimony"))
                .hint(format!("remove it, and the clock gives the next number: rm {path}"))
        })?,
    };
    let number = last.saturating_add(1).max(u64::try_from(now.as_second()).unwrap_or(0));
    let written = file.rewind().and_then(|()| file.set_len(0)).and_then(|()| writeln!(file, "{number}"));
    written.and_then(|()| file.sync_all()).map_err(fail("write"))?;
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_grow_whatever_the_clock_does() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let key = camino::Utf8PathBuf::from_path_buf(folder.path().join("vantage.key")).expect("UTF-8");
        let at = |second| Timestamp::from_second(second).expect("a moment");
        let taken: Vec<u64> = [100, 100, 50, 200].into_iter().map(|second| next(&key, at(second)).expect("a number")).collect();
        assert_eq!(taken, [100, 101, 102, 200]);
        std::fs::remove_file(key.with_extension("sequence")).expect("it is there");
        assert_eq!(next(&key, at(300)).expect("a number"), 300);
        std::fs::write(key.with_extension("sequence"), "many\n").expect("it can be written");
        assert!(next(&key, at(300)).is_err());
    }
}
