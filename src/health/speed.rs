//! How fast mirrors are beside each other: the middle and the slow end of measurements.

use std::collections::BTreeMap;

use super::Pace;
use crate::base::TargetName;

/// The pace of every mirror, from its first bytes in milliseconds.
#[must_use]
pub fn paces(measured: &BTreeMap<TargetName, Vec<u32>>) -> BTreeMap<TargetName, Pace> {
    let medians: Vec<u32> = measured.values().filter_map(|all| median(all)).collect();
    let Some(fleet) = median(&medians) else { return BTreeMap::new() };
    let pace = |(name, all): (&TargetName, &Vec<u32>)| {
        let looks = u32::try_from(all.len()).unwrap_or(u32::MAX);
        Some((name.clone(), Pace { looks, slowest: quantile(all, 95)?, fleet }))
    };
    measured.iter().filter_map(pace).collect()
}

/// The median; of an even count the upper one of the two in the middle. `None` of nothing.
#[must_use]
pub fn median(values: &[u32]) -> Option<u32> {
    quantile(values, 50)
}

/// The value that `percent` of 100 values stay below, by nearest rank. `None` of nothing.
#[must_use]
pub fn quantile(values: &[u32], percent: usize) -> Option<u32> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let place = sorted.len() * percent / 100;
    sorted.get(place.min(sorted.len().checked_sub(1)?)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_measured() {
        assert_eq!((median(&[]), quantile(&[], 95)), (None, None));
        assert_eq!((median(&[7]), quantile(&[7], 95), quantile(&[7], 100)), (Some(7), Some(7), Some(7)));
        assert_eq!(median(&[9, 1, 5]), Some(5));
        assert_eq!(median(&[9, 1, 5, 7]), Some(7));
        let hundred: Vec<u32> = (1..=100).rev().collect();
        assert_eq!((quantile(&hundred, 95), quantile(&hundred, 100)), (Some(96), Some(100)));
    }
}
