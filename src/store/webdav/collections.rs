//! Making collections: level by level, all of one level at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::StatusCode;

use super::WebdavStore;
use super::answer::Answer;
use super::exchange::{Request, extension};
use crate::base::ObjectPath;
use crate::store::{ErrorKind, Operation, StoreError};

impl WebdavStore {
    /// Makes `collections` and all above them that this store has not seen yet.
    pub(super) async fn make(&self, collections: &[ObjectPath]) -> Result<(), StoreError> {
        let mut levels: BTreeMap<usize, BTreeSet<ObjectPath>> = BTreeMap::new();
        {
            let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            for collection in collections {
                for path in collection.ancestors().into_iter().chain([collection.clone()]) {
                    if !made.contains(&path) {
                        levels.entry(path.parts().count()).or_default().insert(path);
                    }
                }
            }
        }
        for level in levels.into_values() {
            stream::iter(level)
                .map(|path| async move { self.make_one(&path).await })
                .buffer_unordered(self.connections)
                .try_collect::<()>()
                .await?;
        }
        Ok(())
    }

    async fn make_one(&self, path: &ObjectPath) -> Result<(), StoreError> {
        let request =
            Request::new(extension("MKCOL"), self.line.base.collection(Some(path)), Operation::MakeCollections).at(path);
        let mut answer = self.line.send(&request).await?;
        if answer.status() == StatusCode::CONFLICT && !self.is_collection(path).await? {
            // What lies above was there a moment ago, or the base itself is missing.
            answer.drained().await;
            self.make_above(path).await?;
            answer = self.line.send(&request).await?;
        }
        self.judge(path, &request, answer).await?;
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone());
        Ok(())
    }

    /// MKCOL for the base and every collection above `path`; what cannot be made shows in the retry that follows.
    async fn make_above(&self, path: &ObjectPath) -> Result<(), StoreError> {
        let above = path.ancestors();
        for collection in std::iter::once(None).chain(above.iter().map(Some)) {
            let url = self.line.base.collection(collection);
            self.line.send(&Request::new(extension("MKCOL"), url, Operation::MakeCollections)).await?.drained().await;
        }
        Ok(())
    }

    /// 201 says that it was made. For one that exists the standard has 405, but 301, 403, 406, 409 and 423 are out
    /// there too, and each of them can also mean trouble: then only a look at it counts.
    async fn judge(&self, path: &ObjectPath, request: &Request<'_>, answer: Answer) -> Result<(), StoreError> {
        let status = answer.status();
        if matches!(status, StatusCode::CREATED | StatusCode::OK | StatusCode::NO_CONTENT) {
            answer.drained().await;
            return Ok(());
        }
        let may_exist = status.is_redirection() || matches!(status.as_u16(), 400 | 403 | 405 | 406 | 409 | 423);
        if !may_exist {
            return Err(self.line.refusal(request, answer).await);
        }
        // Who may not look has the standard's word for it, and nothing else.
        if status == StatusCode::METHOD_NOT_ALLOWED && self.knowledge.sight.is_dark() {
            answer.drained().await;
            return Ok(());
        }
        let refusal = self.line.refusal(request, answer).await;
        if self.is_collection(path).await? {
            return Ok(());
        }
        if status == StatusCode::METHOD_NOT_ALLOWED {
            return Err(self.line.error(ErrorKind::Exists, request).saying("a file has the name of this folder"));
        }
        Err(refusal)
    }
}
