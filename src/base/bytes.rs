//! Byte counts.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A number of bytes. Printed in binary units with one decimal (`1.5 MiB`); parsed from `5 GiB`, `10 MB`, `512`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ByteCount(pub u64);

/// The text was not a byte count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a size: write a number and a unit, such as 512 MiB, 10 GB or 4096")]
pub struct ParseByteCountError(String);

const BINARY: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const DECIMAL: [&str; 6] = ["B", "KB", "MB", "GB", "TB", "PB"];

impl fmt::Display for ByteCount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tenths = u128::from(self.0) * 10;
        let mut unit = 0;
        while tenths >= 10_240 && unit + 1 < BINARY.len() {
            tenths /= 1024;
            unit += 1;
        }
        let text = if unit == 0 { format!("{} B", self.0) } else { format!("{}.{} {}", tenths / 10, tenths % 10, BINARY[unit]) };
        formatter.pad(&text)
    }
}

impl FromStr for ByteCount {
    type Err = ParseByteCountError;
    fn from_str(text: &str) -> Result<Self, ParseByteCountError> {
        let fail = || ParseByteCountError(text.to_owned());
        let trimmed = text.trim();
        let digits = trimmed.find(|character: char| !character.is_ascii_digit()).unwrap_or(trimmed.len());
        let number: u64 = trimmed[..digits].parse().map_err(|_| fail())?;
        let unit = trimmed[digits..].trim();
        let named = |names: &[&str]| names.iter().position(|name| name.eq_ignore_ascii_case(unit));
        let factor = if unit.is_empty() {
            1
        } else if let Some(power) = named(&BINARY) {
            1024_u64.pow(u32::try_from(power).map_err(|_| fail())?)
        } else if let Some(power) = named(&DECIMAL) {
            1000_u64.pow(u32::try_from(power).map_err(|_| fail())?)
        } else {
            return Err(fail());
        };
        number.checked_mul(factor).map(Self).ok_or_else(fail)
    }
}

impl Add for ByteCount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for ByteCount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for ByteCount {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self(0), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints_units() {
        assert_eq!("5 GiB".parse(), Ok(ByteCount(5 << 30)));
        assert_eq!("10MB".parse(), Ok(ByteCount(10_000_000)));
        assert_eq!("512".parse(), Ok(ByteCount(512)));
        assert!("five".parse::<ByteCount>().is_err());
        assert!("99999999999 PiB".parse::<ByteCount>().is_err());
        assert_eq!(ByteCount(1536).to_string(), "1.5 KiB");
        assert_eq!(ByteCount(12).to_string(), "12 B");
    }
}
