//! Which objects are there with their sizes.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::LOOKS;
use super::lacks::{Held, Lacks};
use crate::base::ObjectPath;
use crate::bundle::Object;
use crate::store::{Entry, ErrorKind, Store, StoreError};

/// More objects than this in one collection are looked up by one listing.
const WORTH_A_LISTING: usize = 2;

/// Which of `objects` are missing or have another size: by one listing per collection where that is possible.
///
/// A listing confirms and never denies: nginx leaves out names that begin with a dot, others are cut short or stale.
/// What it does not show with its size is asked for by name.
pub(super) async fn wrong_sizes<'a>(
    store: &dyn Store,
    objects: impl Iterator<Item = &'a Object>,
) -> Result<BTreeSet<ObjectPath>, StoreError> {
    Ok(lacking_sizes(store, objects).await?.all)
}

/// The same, telling the missing from the wrong.
pub(super) async fn lacking_sizes<'a>(store: &dyn Store, objects: impl Iterator<Item = &'a Object>) -> Result<Lacks, StoreError> {
    let mut groups: BTreeMap<Option<ObjectPath>, Vec<&'a Object>> = BTreeMap::new();
    for object in objects {
        groups.entry(object.path.parent()).or_default().push(object);
    }
    let mut doubtful = Vec::new();
    let mut waiting = groups.into_iter();
    let mut under_way = FuturesUnordered::new();
    loop {
        while under_way.len() < LOOKS
            && let Some((collection, members)) = waiting.next()
        {
            under_way.push(unconfirmed(store, collection, members));
        }
        match under_way.next().await {
            Some(found) => doubtful.extend(found?),
            None => return asked_one_by_one(store, doubtful).await,
        }
    }
}

/// What a listing shows. Nothing rests on it, so a server that has none, refuses it or garbles it is one that shows
/// nothing, and is asked about each object.
pub(super) async fn listed(store: &dyn Store, collection: Option<&ObjectPath>) -> Result<Vec<Entry>, StoreError> {
    if !store.capabilities().list {
        return Ok(Vec::new());
    }
    match store.list(collection).await {
        Err(error) if matches!(error.kind, ErrorKind::Unsupported | ErrorKind::PermissionDenied | ErrorKind::Protocol) => {
            tracing::debug!(%error, "no listing");
            Ok(Vec::new())
        }
        found => found,
    }
}

/// The members of a collection that its listing does not show with their sizes.
async fn unconfirmed<'a>(
    store: &dyn Store,
    collection: Option<ObjectPath>,
    mut members: Vec<&'a Object>,
) -> Result<Vec<&'a Object>, StoreError> {
    if members.len() > WORTH_A_LISTING {
        let listed = listed(store, collection.as_ref()).await?;
        let sizes: BTreeMap<&str, Option<u64>> = listed.iter().map(|entry| (entry.name.as_str(), entry.size)).collect();
        members.retain(|object| sizes.get(object.path.file_name()).copied().flatten() != Some(object.length));
    }
    Ok(members)
}

async fn asked_one_by_one(store: &dyn Store, doubtful: Vec<&Object>) -> Result<Lacks, StoreError> {
    let parallel = store.capabilities().parallel_puts.max(LOOKS);
    let mut lacks = Lacks::default();
    let mut waiting = doubtful.into_iter();
    let mut under_way = FuturesUnordered::new();
    loop {
        while under_way.len() < parallel
            && let Some(object) = waiting.next()
        {
            under_way.push(held(store, object));
        }
        match under_way.next().await {
            Some(found) => {
                let (object, held) = found?;
                lacks.note(&object.path, held);
            }
            None => return Ok(lacks),
        }
    }
}

async fn held<'a>(store: &dyn Store, object: &'a Object) -> Result<(&'a Object, Held), StoreError> {
    let held = match store.stat(&object.path).await? {
        None => Held::Missing,
        Some(stat) if stat.size == object.length => Held::Right,
        Some(_) => Held::Wrong,
    };
    Ok((object, held))
}
