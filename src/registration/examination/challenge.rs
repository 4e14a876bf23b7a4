//! The challenge: an object that nobody can guess, written by one door and read by the other.

use bytes::Bytes;

use super::account::{cannot, is_answer, not_let_in};
use super::{Check, Finding, Place, Told, lines, readers};
use crate::base::ObjectPath;
use crate::store::{Body, ErrorKind, Store, StoreError, StoreExt as _, Write};

/// Its length in bytes: enough to ask for a part, and to tempt a server that compresses.
pub(super) const LENGTH: usize = 4096;

/// Two versions of one object at the base, under a name that `spartacus clean` knows (docs/bundle-format.md, rule B6). In no
/// folder of its own: some servers (nginx's WebDAV) do not give an empty one back.
pub(super) struct Challenge {
    name: String,
    pub path: ObjectPath,
    pointer: ObjectPath,
    pub first: Bytes,
    /// As long as the first: Apache cuts a replacement to the old length for whoever reads just then.
    pub second: Bytes,
}

impl Challenge {
    pub fn new() -> Self {
        let name = format!("spartacus-probe-{:016x}", fastrand::u64(..));
        let path = |end: &str| ObjectPath::new(format!(".{name}{end}")).expect("a scratch name is a good path");
        Self { path: path(".txt"), pointer: path(".json"), name, first: text(), second: text() }
    }

    /// A name that nobody uses, for what is tried elsewhere.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A scratch object to swap.
    pub fn pointer(&self) -> &ObjectPath {
        &self.pointer
    }

    /// Writes it, reads it by both doors, replaces it. `false`: we were not let in, and nothing else needs to be tried.
    pub async fn try_out(&self, place: &Place, store: &dyn Store, told: &mut Told<'_>) -> bool {
        match store.put(&self.path, &Body::bytes(self.first.clone()), Write::New).await {
            Ok(()) => {}
            // Where the store was connected before, we were let in.
            Err(error) if !is_answer(&error) && !place.login.is_tried_by_opening() => {
                told.add(not_let_in(&place.login, &error));
                return false;
            }
            Err(error) => {
                told.add(Finding::passed(Check::Login, "the server lets us in"));
                told.add(cannot(Check::Write, &place.login, &error));
                return true;
            }
        }
        told.add(Finding::passed(Check::Login, "the server lets us in"));
        told.add(Finding::passed(Check::Write, "an object was written"));
        told.add(self.read_back(Check::ReadBack, place, store, &self.first).await);
        if let Some(face) = &place.face {
            let shown = readers::see(face, &self.path, &self.first, place.patience).await;
            let is_shown = shown.outcome == super::Outcome::Passed;
            told.add(shown);
            if is_shown {
                told.add(readers::content_type(face, &self.path).await);
                told.add(readers::ranges(face, &self.path, &self.first).await);
            }
            told.all(lines::look(face, &self.path, place.clock.now()).await);
            self.replace(place, store, told, is_shown).await;
        } else {
            told.add(Finding::not_tried(Check::PublicRead, "no public address is named, so nobody knows what readers get"));
            self.replace(place, store, told, false).await;
        }
        true
    }

    async fn replace(&self, place: &Place, store: &dyn Store, told: &mut Told<'_>, is_shown: bool) {
        if let Err(error) = store.put(&self.path, &Body::bytes(self.second.clone()), Write::Replace).await {
            told.add(cannot(Check::Replace, &place.login, &error));
            return;
        }
        told.add(self.read_back(Check::Replace, place, store, &self.second).await);
        // Whoever never saw the first version learns nothing from the second.
        if let Some(face) = place.face.as_ref().filter(|_| is_shown) {
            told.add(readers::see_again(face, &self.path, &self.second, place.patience).await);
        }
    }

    async fn read_back(&self, check: Check, place: &Place, store: &dyn Store, wanted: &Bytes) -> Finding {
        let other = |what: &str| {
            Finding::failed(
                check,
                what,
                "the server must keep exactly what it is given: look for a filter or a scanner on the way",
            )
        };
        match store.get_small(&self.path, 2 * LENGTH as u64).await {
            Ok(Some(found)) if found == *wanted => Finding::passed(check, "the same bytes came back"),
            Ok(Some(_)) => other("other bytes came back than were written"),
            Ok(None) => other("it was taken and is not there"),
            Err(error) if is_blind(store, &error) => Finding::warning(
                check,
                "the account may write and not read",
                "allow reading as well: without it a repair cannot see what is missing",
            ),
            Err(error) => cannot(check, &place.login, &error),
        }
    }

    /// Removes it, whatever became of it, and looks whether it is gone.
    pub async fn remove(&self, place: &Place, store: &dyn Store, told: &mut Told<'_>) {
        // Without a word where there was never anything to remove.
        let was_written =
            told.findings.iter().any(|finding| finding.check == Check::Write && finding.outcome == super::Outcome::Passed);
        let removed = store.delete(&self.path).await;
        if !was_written {
            return;
        }
        if let Err(error) = removed {
            told.add(cannot(Check::Delete, &place.login, &error));
            return;
        }
        told.add(match store.stat(&self.path).await {
            Ok(Some(_)) => Finding::failed(
                Check::Delete,
                format!("{} was removed and is still there", self.path),
                "a mirror must be able to drop old files: allow removing",
            ),
            Ok(None) => Finding::passed(Check::Delete, "it was removed"),
            Err(error) if is_blind(store, &error) => Finding::passed(Check::Delete, "the server says that it is removed"),
            Err(error) => cannot(Check::Delete, &place.login, &error),
        });
        let is_shown =
            told.findings.iter().any(|finding| finding.check == Check::PublicRead && finding.outcome == super::Outcome::Passed);
        if let Some(face) = place.face.as_ref().filter(|_| is_shown) {
            told.add(readers::see_it_gone(face, &self.path, place.patience).await);
        }
    }
}

/// A drop box takes objects and shows none.
fn is_blind(store: &dyn Store, error: &StoreError) -> bool {
    matches!(error.kind, ErrorKind::PermissionDenied | ErrorKind::Unsupported) && !store.capabilities().read
}

fn text() -> Bytes {
    let mut text: Vec<u8> = std::iter::repeat_with(|| fastrand::alphanumeric() as u8).take(LENGTH - 1).collect();
    text.push(b'\n');
    text.into()
}
