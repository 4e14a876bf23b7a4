//! Which pieces of files are looked at: nobody can know beforehand.

use aws_lc_rs::rand;

use crate::base::ObjectPath;
use crate::base::Sha256;
use crate::trust::FileRecord;
use crate::trust::role::CHUNK_BYTES;

/// A piece of a file with the digest that was signed for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Piece {
    /// Which file.
    pub path: ObjectPath,
    /// Its whole length.
    pub whole: u64,
    /// Where the piece begins.
    pub start: u64,
    /// How long it is: at most [`CHUNK_BYTES`].
    pub length: u64,
    /// What it must hash to.
    pub sha256: Sha256,
}

/// The piece of `file` that holds the byte at `offset`.
pub(super) fn piece_at(file: &FileRecord, offset: u64) -> Piece {
    let chunk = offset / CHUNK_BYTES;
    let signed = usize::try_from(chunk).ok().and_then(|chunk| file.chunks.get(chunk));
    let (start, length, sha256) = match signed {
        Some(digest) => {
            let start = chunk * CHUNK_BYTES;
            (start, CHUNK_BYTES.min(file.length - start), *digest)
        }
        // A file of one chunk has no list: its own digest is that of the chunk.
        None => (0, file.length, file.sha256),
    };
    Piece { path: file.path.clone(), whole: file.length, start, length, sha256 }
}

/// The file that holds the byte at `offset`, counted over all files in their order, and the offset within it.
pub(super) fn file_at(files: &[FileRecord], mut offset: u64) -> Option<(&FileRecord, u64)> {
    for file in files {
        if offset < file.length {
            return Some((file, offset));
        }
        offset -= file.length;
    }
    None
}

/// A number below `bound`, each as likely as any other (to within 2^-64 of it); `None` below none.
pub(super) fn below(bound: u64, random: &mut (dyn FnMut() -> u64 + Send)) -> Option<u64> {
    let wide = u128::from(random()) * u128::from(bound);
    (bound > 0).then(|| u64::try_from(wide >> 64).expect("a product of two such numbers fits 128 bits"))
}

/// Randomness of the system: a mirror that knew the picks could keep just those pieces whole.
pub(super) fn system() -> u64 {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes).expect("the system gives random bytes");
    u64::from_ne_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, length: u64) -> FileRecord {
        let digest = |seed: u64| Sha256::of(&seed.to_ne_bytes());
        let chunks = if length <= CHUNK_BYTES { Vec::new() } else { (0..length.div_ceil(CHUNK_BYTES)).map(digest).collect() };
        FileRecord { path: ObjectPath::new(name).expect("a path"), length, sha256: digest(length), chunks }
    }

    #[test]
    fn every_byte_of_a_file_lies_in_the_piece_that_is_signed_for_it() {
        let large = file("large", 2 * CHUNK_BYTES + 10);
        for (offset, start, length) in [
            (0, 0, CHUNK_BYTES),
            (CHUNK_BYTES - 1, 0, CHUNK_BYTES),
            (CHUNK_BYTES, CHUNK_BYTES, CHUNK_BYTES),
            (2 * CHUNK_BYTES + 9, 2 * CHUNK_BYTES, 10),
        ] {
            let piece = piece_at(&large, offset);
            let chunk = usize::try_from(start / CHUNK_BYTES).expect("a few");
            assert_eq!((piece.start, piece.length, piece.sha256), (start, length, large.chunks[chunk]), "{offset}");
        }
        let small = file("small", CHUNK_BYTES);
        assert_eq!((piece_at(&small, 7).length, piece_at(&small, 7).sha256), (CHUNK_BYTES, small.sha256));
    }

    #[test]
    fn files_are_picked_by_their_bytes() {
        let files = [file("empty", 0), file("one", 1), file("ten", 10)];
        let found: Vec<&str> = (0..11).filter_map(|offset| Some(file_at(&files, offset)?.0.path.as_str())).collect();
        assert_eq!(found.iter().filter(|name| **name == "ten").count(), 10);
        assert_eq!((found[0], found.len()), ("one", 11));
        assert!(file_at(&files, 11).is_none());
    }

    #[test]
    fn numbers_are_spread_evenly_and_stay_below() {
        let mut random = system;
        let mut seen = [0_u32; 10];
        for _ in 0..10_000 {
            seen[usize::try_from(below(10, &mut random).expect("above none")).expect("small")] += 1;
        }
        // 1,000 are expected of each; 200 away is more than six times the standard deviation.
        assert!(seen.iter().all(|count| count.abs_diff(1000) < 200), "{seen:?}");
        assert_eq!(below(0, &mut random), None);
        assert_eq!((below(7, &mut || u64::MAX), below(7, &mut || 0)), (Some(6), Some(0)));
    }
}
