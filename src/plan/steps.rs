//! The steps of a plan, in the only order they can be in.

use std::sync::Arc;

use crate::base::{ByteCount, ObjectPath};
use crate::bundle::Object;
use crate::store::Write;

/// One object to send.
#[derive(Debug, Clone, Copy)]
pub struct Upload<'a> {
    /// What.
    pub object: &'a Object,
    /// What it may find under its name.
    pub write: Write,
}

/// One step. Within a step everything may happen at once; between steps nothing may overlap.
#[derive(Debug, Clone)]
pub enum Step<'a> {
    /// Make collections, parents first.
    MakeCollections(Vec<ObjectPath>),
    /// Send objects that no pointer refers to yet (or that replace proven-bad bytes).
    Upload(Arc<[Upload<'a>]>),
    /// See that everything sent is there. The barrier.
    Confirm(Arc<[Upload<'a>]>),
    /// Swap the pointer: the commit.
    Swap(&'a Object),
    /// Send new roots, one after another.
    UploadRoots(Vec<Upload<'a>>),
    /// Replace the unsigned conveniences. Their failure is a note, not a failure of the target.
    Conveniences(Vec<&'a Object>),
}

/// What to do on one target.
#[derive(Debug, Clone, Default)]
pub struct Plan<'a> {
    steps: Vec<Step<'a>>,
}

impl<'a> Plan<'a> {
    /// Puts the parts in order. Empty parts make no step.
    pub(super) fn new(
        first: Vec<Upload<'a>>,
        swap: Option<&'a Object>,
        roots: Vec<Upload<'a>>,
        conveniences: Vec<&'a Object>,
    ) -> Self {
        let mut steps = Vec::new();
        let needed = first.iter().chain(&roots).map(|upload| &upload.object.path).chain(swap.map(|pointer| &pointer.path));
        let collections = super::collections_above(needed);
        if !collections.is_empty() {
            steps.push(Step::MakeCollections(collections));
        }
        if !first.is_empty() {
            let first: Arc<[Upload<'a>]> = first.into();
            steps.push(Step::Upload(first.clone()));
            steps.push(Step::Confirm(first));
        }
        steps.extend(swap.map(Step::Swap));
        if !roots.is_empty() {
            steps.push(Step::UploadRoots(roots));
        }
        if !conveniences.is_empty() {
            steps.push(Step::Conveniences(conveniences));
        }
        Self { steps }
    }

    /// The steps in order.
    #[must_use]
    pub fn steps(&self) -> &[Step<'a>] {
        &self.steps
    }

    /// Nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Objects that will be sent, in order.
    pub fn objects(&self) -> impl Iterator<Item = &'a Object> {
        self.steps.iter().flat_map(|step| {
            let (uploads, single, plain): (&[Upload<'a>], Option<&'a Object>, &[&'a Object]) = match step {
                Step::Upload(uploads) => (uploads, None, &[]),
                Step::UploadRoots(uploads) => (uploads, None, &[]),
                Step::Swap(object) => (&[], Some(object), &[]),
                Step::Conveniences(objects) => (&[], None, objects),
                Step::MakeCollections(_) | Step::Confirm(_) => (&[], None, &[]),
            };
            uploads.iter().map(|upload| upload.object).chain(single).chain(plain.iter().copied())
        })
    }

    /// How many objects and bytes will be sent.
    #[must_use]
    pub fn size(&self) -> (u64, ByteCount) {
        self.objects().fold((0, ByteCount(0)), |(count, bytes), object| (count + 1, bytes + ByteCount(object.length)))
    }
}
