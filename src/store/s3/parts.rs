//! How an object is divided.

/// Objects of at least this size go up in parts; measured best with four in flight (16 MiB: 1.25 s for 256 MiB, 8 MiB:
/// 1.36 s, 64 MiB: 1.39 s). At least 5 MiB is asked by the protocol.
const PART: u64 = 16 << 20;

/// Parts that an object gets at most while they stay below [`LONGEST_PART`]: Scaleway takes no more than 1,000, everybody
/// else 10,000.
const MOST_PARTS: u64 = 1_000;

/// The protocol's limit on one part. It is reached at 4.9 TiB; what is larger gets more parts.
const LONGEST_PART: u64 = 5 << 30;

/// Parts grow in steps of this, so that their size stays even for very large objects.
const STEP: u64 = 1 << 20;

/// Whether an object of `length` bytes goes up in parts.
pub(super) fn worth_splitting(length: u64) -> bool {
    length >= PART
}

/// The most that one `PutObject` takes.
const SINGLE: u64 = 5 << 30;

/// Whether an object of `length` bytes can go up in parts only.
pub(super) fn must_split(length: u64) -> bool {
    length > SINGLE
}

/// One part of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// Its number, from 1.
    pub(super) number: i32,
    /// Its first byte.
    pub(super) offset: u64,
    /// Its length in bytes.
    pub(super) length: u64,
}

/// All parts of an object of `length` bytes: equal, but for the last (R2 and MEGA refuse anything else).
///
/// The same length always gives the same parts, so that a later run can go on with those that are there.
pub(super) fn divide(length: u64) -> Vec<Part> {
    let size = length.div_ceil(MOST_PARTS).next_multiple_of(STEP).clamp(PART, LONGEST_PART);
    (1..)
        .zip((0..length).step_by(usize::try_from(size).unwrap_or(usize::MAX)))
        .map(|(number, offset)| Part { number, offset, length: size.min(length - offset) })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_part_may_be_short() {
        let parts = divide((32 << 20) + 1);
        assert_eq!(parts.iter().map(|part| part.length).collect::<Vec<_>>(), [16 << 20, 16 << 20, 1]);
        assert!(!worth_splitting((16 << 20) - 1) && worth_splitting(16 << 20));
    }

    #[test]
    fn a_thousand_parts_are_enough() {
        for (length, parts) in [(16_000 << 20, 1_000), ((16_000 << 20) + 1, 942), (100 << 30, 995), (5_000 << 30, 1_000)] {
            assert_eq!(divide(length).len(), parts, "{length}");
        }
        assert_eq!(divide((5_000 << 30) + 1).len(), 1_001, "more only where the longest parts do not suffice");
    }

    proptest! {
        #[test]
        fn parts_cover_every_byte_once_within_the_limits(length in PART..(40_u64 << 40)) {
            let parts = divide(length);
            let most = if length <= 5_000 << 30 { 1_000 } else { 10_000 };
            prop_assert!(parts.len() <= most);
            prop_assert!(parts[0].length <= 5 << 30);
            let mut next = 0;
            for (index, part) in parts.iter().enumerate() {
                prop_assert_eq!(part.number, i32::try_from(index).expect("few") + 1);
                prop_assert_eq!(part.offset, next);
                prop_assert!(part.length == parts[0].length || index + 1 == parts.len());
                next += part.length;
            }
            prop_assert_eq!(next, length);
        }
    }
}
