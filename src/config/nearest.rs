//! "Did you mean": the known word nearest to a mistyped one.

/// The word among `known` that `word` is a slip of: at most a third of its letters differ (a swap of neighbours
/// counts as one). Case, `-` and `_` do not count.
pub(super) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // Longer words are no slips of ours; the bound keeps hostile input cheap.
    if word.len() > 40 {
        return None;
    }
    let plain = plain(word);
    let allowed = (plain.len() / 3).max(1);
    known
        .into_iter()
        // Each letter more or less is one edit; most words are ruled out by that alone.
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= allowed + 2)
        .map(|candidate| (distance(&plain, &self::plain(candidate)), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn plain(word: &str) -> Vec<char> {
    word.chars().filter(|character| !"-_ ".contains(*character)).flat_map(char::to_lowercase).collect()
}

/// Edits that make one word of the other: insert, delete, replace, swap neighbours (optimal string alignment).
fn distance(left: &[char], right: &[char]) -> usize {
    let mut rows = vec![(0..=right.len()).collect::<Vec<usize>>()];
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let mut best = (rows[i][j] + usize::from(a != b)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_found_and_other_words_are_not() {
        let known = ["name", "host_keys", "public_url", "country", "key"];
        assert_eq!(nearest("nmae", known), Some("name"));
        assert_eq!(nearest("hostkeys", known), Some("host_keys"));
        assert_eq!(nearest("Public-URL", known), Some("public_url"));
        assert_eq!(nearest("contry", known), Some("country"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("", known), None);
    }
}
