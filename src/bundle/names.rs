//! Rules for names that go beyond what a path may hold.
//!
//! Rules B4 and B7 of docs/bundle-format.md.

use std::collections::HashMap;

use super::problem::Defect;

/// The file of digests at a bundle's root; its signatures lie beside it under names that begin with it.
pub(super) const SUMS: &str = "SHA256SUMS";

/// The names met in one folder, to find two that differ only in case.
///
/// Two paths collide exactly where, below a common folder, two neighbours do: so one folder at a time suffices, and
/// memory follows the largest folder instead of the tree.
#[derive(Default)]
pub(super) struct Siblings(HashMap<String, String>);

impl Siblings {
    /// Remembers `name`; gives back the neighbour that it collides with.
    pub(super) fn collide(&mut self, name: &str) -> Option<String> {
        self.0.insert(fold(name), name.to_owned())
    }
}

/// `name` without its case. Up and then down, so that letters with two lower-case forms (σ and ς) meet.
fn fold(name: &str) -> String {
    name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// Whether `name` is one that we write into a bundle, a mirror or a project ourselves.
pub(super) fn kept_for_us(at_root: bool, name: &str) -> Option<Defect> {
    let folded = fold(name);
    if folded == ".spartacus" {
        return Some(Defect::ProjectInside);
    }
    // `.spartacus-*.part` are partial uploads: `spartacus clean` would delete a file of that name.
    let ours = folded.starts_with(".spartacus") || (at_root && folded.starts_with(&fold(SUMS)));
    ours.then_some(Defect::KeptForUs)
}

/// Why Windows readers cannot store a file of this name, if so
/// (source: Microsoft, "Naming Files, Paths, and Namespaces").
pub(super) fn windows_trouble(name: &str) -> Option<&'static str> {
    const DEVICES: [&str; 4] = ["CON", "PRN", "AUX", "NUL"];
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_uppercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix).is_some_and(|rest| matches!(rest, "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9"))
    };
    if DEVICES.contains(&stem.as_str()) || numbered("COM") || numbered("LPT") {
        Some("Windows keeps this name for a device: readers there cannot store the file")
    } else if name.ends_with(['.', ' ']) {
        Some("Windows drops a dot or a space at the end of a name")
    } else if name.contains(['<', '>', ':', '"', '|', '*']) {
        Some("Windows does not allow < > : \" | * in names")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_that_differ_only_in_case_are_found() {
        let mut siblings = Siblings::default();
        assert_eq!(siblings.collide("Straße"), None);
        assert_eq!(siblings.collide("STRASSE").as_deref(), Some("Straße"));
        assert_eq!(siblings.collide("ΟΔΟΣ"), None);
        assert_eq!(siblings.collide("οδος").as_deref(), Some("ΟΔΟΣ"));
        assert_eq!(siblings.collide("other"), None);
    }

    #[test]
    fn our_own_names_are_kept() {
        assert!(matches!(kept_for_us(false, ".Spartacus"), Some(Defect::ProjectInside)));
        assert!(matches!(kept_for_us(false, ".spartacus-00.part"), Some(Defect::KeptForUs)));
        assert!(matches!(kept_for_us(true, "sha256sums.alice.minisig"), Some(Defect::KeptForUs)));
        assert!(kept_for_us(false, "SHA256SUMS").is_none() && kept_for_us(true, "sums").is_none());
    }

    #[test]
    fn windows_devices_are_known_with_any_extension() {
        for bad in ["CON", "nul.txt", "com1", "LPT9.tar.gz", "end.", "end ", "a:b", "what*"] {
            assert!(windows_trouble(bad).is_some(), "{bad}");
        }
        for good in ["console", "com10", "a.b", "COM0"] {
            assert!(windows_trouble(good).is_none(), "{good}");
        }
    }
}
