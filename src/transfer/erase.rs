//! Takes everything of ours off a target whose volunteer wants it gone.

use crate::base::ObjectPath;
use crate::store::{ErrorKind, Store, StoreError};

/// The names below a base that are ours (docs/bundle-format.md).
const OURS: [&str; 3] = ["metadata", "releases", "fleet"];
/// And the files for people at the base itself.
const FOR_PEOPLE: [&str; 3] = ["index.html", "mirrors.json", "status.html"];
/// The pointer: what readers look at first goes first, so that nobody is sent to what is half gone.
const POINTER: &str = "metadata/timestamp.json";
/// Deeper than any path that we write.
const DEEPEST: usize = 64;

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erased {
    /// So many objects, and nothing of ours is left.
    Listed(u64),
    /// Every object that we know of, without seeing whether it was there; empty collections stay.
    ByName,
}

/// Removes every object below the names that are ours, and the collections that are empty then. What lies beside them stays. Where
/// the server cannot tell what lies there, `known` is removed.
///
/// # Errors
/// With the first object that cannot be removed, or listed; what was removed before is gone, and the next try goes on.
///
/// # Panics
/// Never: names of ours are good paths.
pub async fn erase(store: &dyn Store, known: &[ObjectPath]) -> Result<Erased, StoreError> {
    let path = |text: &str| ObjectPath::new(text.to_owned()).expect("names of ours are good paths");
    store.delete(&path(POINTER)).await?;
    let mut removed = 0;
    let above: Vec<String> = match store.list(None).await {
        Ok(entries) => entries.into_iter().map(|entry| entry.name).collect(),
        // Where nothing is known either, nothing was removed.
        Err(error) if !known.is_empty() && matches!(error.kind, ErrorKind::Unsupported | ErrorKind::PermissionDenied) => {
            return remove_known(store, known).await;
        }
        Err(error) => return Err(error),
    };
    for name in FOR_PEOPLE.iter().filter(|name| above.iter().any(|found| found == *name)) {
        store.delete(&path(name)).await?;
        removed += 1;
    }
    for name in OURS {
        // Depth first, and each collection a second time when it is empty.
        let mut open: Vec<(ObjectPath, bool)> = vec![(path(name), false)];
        while let Some((collection, done)) = open.pop() {
            if done {
                store.delete_empty_collection(&collection).await?;
                continue;
            }
            open.push((collection.clone(), true));
            for entry in store.list(Some(&collection)).await? {
                // A name that we could not have written is not ours.
                let Ok(below) = ObjectPath::new(format!("{collection}/{}", entry.name)) else { continue };
                if entry.size.is_some() {
                    store.delete(&below).await?;
                    removed += 1;
                } else if below.as_str().split('/').count() <= DEEPEST {
                    open.push((below, false));
                }
            }
        }
    }
    Ok(Erased::Listed(removed))
}

/// Each by its name, what is gone already included: collections stay, empty.
async fn remove_known(store: &dyn Store, known: &[ObjectPath]) -> Result<Erased, StoreError> {
    for path in known {
        store.delete(path).await?;
    }
    Ok(Erased::ByName)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::MemoryStore;
    use crate::store::{Body, StoreExt as _, Write};

    #[tokio::test]
    async fn what_is_ours_goes_and_the_rest_stays() {
        let store = MemoryStore::new("m".parse().expect("a name"));
        let path = |text: &str| ObjectPath::new(text.to_owned()).expect("a path");
        let ours = [
            "metadata/timestamp.json",
            "metadata/1.root.json",
            "releases/v1/a/b/c.bin",
            "releases/v1/d",
            "fleet/1.status.html",
            "mirrors.json",
        ];
        let theirs = ["home.html", "pictures/cat.jpg", "releases.txt"];
        for name in ours.iter().chain(&theirs) {
            store.put(&path(name), &Body::bytes(&b"x"[..]), Write::New).await.expect("room");
        }
        assert_eq!(erase(&store, &[]).await.expect("all can be removed"), Erased::Listed(5), "and the pointer before them");
        for name in ours {
            assert!(store.get_small(&path(name), 10).await.expect("an answer").is_none(), "{name}");
        }
        for name in theirs {
            assert!(store.get_small(&path(name), 10).await.expect("an answer").is_some(), "{name}");
        }
        assert_eq!(erase(&store, &[]).await.expect("once more"), Erased::Listed(0));
    }
}
