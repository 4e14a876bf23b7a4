//! Our own objects, read through before they go out.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use camino::Utf8Path;
use futures_util::StreamExt as _;
use tokio::sync::OnceCell;

use crate::base::{Hasher, ObjectPath, Sha256, TargetName};
use crate::bundle::{Content, Object};
use crate::store::{Body, ErrorKind, Operation, StoreError};

/// Whether the project's own objects still have the bytes that were signed. Disks rot, and most protocols announce a
/// digest without looking at what they send. All targets of a run share the answers, so each object is read once.
#[derive(Debug, Default)]
pub struct Originals(Mutex<BTreeMap<Sha256, Arc<OnceCell<bool>>>>);

impl Originals {
    /// Fails, as our own fault and not as the target's, when `object` must not be sent.
    pub(super) async fn vouch(&self, object: &Object, target: &TargetName) -> Result<(), StoreError> {
        let Content::Object(file) = &object.content else { return Ok(()) };
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(object.sha256).or_default().clone();
        let fault = match known.get_or_try_init(|| is_sound(file, object)).await {
            Ok(true) => return Ok(()),
            Ok(false) => StoreError::new(ErrorKind::Local, Operation::Put, target)
                .saying(format!("{file} in this project has other bytes than were signed")),
            Err(error) => StoreError::local(Operation::Put, target, error),
        };
        Err(fault.at(&object.path).advising(stage_again(&object.path)))
    }
}

async fn is_sound(file: &Utf8Path, object: &Object) -> io::Result<bool> {
    let mut pieces = Body::file(file.to_owned(), object.length, object.sha256).stream(0, object.length);
    let mut hasher = Hasher::new();
    while let Some(piece) = pieces.next().await {
        hasher.update(&piece?);
    }
    Ok(hasher.finish() == object.sha256)
}

/// Staging the same tree under its published name changes nothing but objects that are not sound.
fn stage_again(path: &ObjectPath) -> String {
    let name = path.parts().nth(1).unwrap_or("NAME");
    format!("stage the same files again: spartacus bundle FOLDER --as {name}")
}
