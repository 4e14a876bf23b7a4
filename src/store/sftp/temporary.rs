//! Names for files that are not yet whole.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::{ObjectPath, PathError, Sha256};

/// The names in use by uploads of this store.
#[derive(Debug, Default, Clone)]
pub(super) struct TemporaryNames(Arc<Mutex<HashSet<ObjectPath>>>);

/// A name that is ours until this is dropped.
#[derive(Debug)]
pub(super) struct TemporaryName {
    path: ObjectPath,
    names: TemporaryNames,
}

impl TemporaryNames {
    /// A name beside `path`, in the same folder so that a rename never crosses file systems, and hidden from simple
    /// listings. It comes from the content, so that a later run finds what an earlier one left; an upload of the
    /// same bytes to the same folder at the same time gets another.
    pub fn take(&self, path: &ObjectPath, digest: Sha256) -> Result<TemporaryName, PathError> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut count = 0_u32;
        let found = loop {
            let name = if count == 0 { format!(".spartacus-{digest}.part") } else { format!(".spartacus-{digest}-{count}.part") };
            let candidate = path.with_file_name(&name)?;
            if taken.insert(candidate.clone()) {
                break candidate;
            }
            count += 1;
        };
        Ok(TemporaryName { path: found, names: self.clone() })
    }
}

impl TemporaryName {
    pub fn path(&self) -> &ObjectPath {
        &self.path
    }
}

impl Drop for TemporaryName {
    fn drop(&mut self) {
        self.names.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.path);
    }
}

/// Where an old file waits while its successor takes its name, on servers that cannot swap. It comes from the name, so
/// that a later run finds what an earlier one left.
pub(super) fn aside(path: &ObjectPath) -> Result<ObjectPath, PathError> {
    let digest = Sha256::of(path.file_name().as_bytes()).to_string();
    path.with_file_name(&format!(".spartacus-{}.old", &digest[..16]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bytes_in_one_folder_do_not_share_a_name() {
        let names = TemporaryNames::default();
        let digest = Sha256::of(b"same");
        let path = ObjectPath::new("a/one").expect("a path");
        let first = names.take(&path, digest).expect("a name");
        let second = names.take(&ObjectPath::new("a/two").expect("a path"), digest).expect("a name");
        assert_ne!(first.path(), second.path());
        assert_eq!(first.path().as_str(), format!("a/.spartacus-{digest}.part"));
        let kept = first.path().clone();
        drop(first);
        assert_eq!(names.take(&path, digest).expect("a name").path(), &kept, "a later run finds the same name");
    }
}
