//! Deletes that take no more than was named.
//!
//! DELETE takes a collection with all that is in it (RFC 4918, section 9.6.1), on many servers without the slash too.

use std::sync::PoisonError;

use http::{Method, StatusCode};

use super::WebdavStore;
use super::exchange::Request;
use super::look::{Found, is_missing};
use crate::base::ObjectPath;
use crate::store::{Body, ErrorKind, Operation, StoreError};

/// Shows whether a listing tells of names with a leading dot: nginx leaves them out.
const WITNESS: &str = ".spartacus-empty-check";

impl WebdavStore {
    /// Removes an object, and nothing if a collection has its name.
    pub(super) async fn remove_object(&self, path: &ObjectPath) -> Result<(), StoreError> {
        let request = Request::new(Method::DELETE, self.line.base.object(path), Operation::Delete).at(path);
        match self.look(path, Operation::Delete).await? {
            Found::Missing => Ok(()),
            Found::Collection => Err(self.line.error(ErrorKind::Exists, &request).saying("a folder has this name")),
            Found::Object { .. } => self.remove(&request).await,
        }
    }

    /// Removes a collection that is certainly empty.
    ///
    /// A listing alone is no proof: what a server hides (a volunteer's `.htaccess`, say) goes with the collection. So a
    /// hidden name of our own is laid beside it first; a server that does not list it keeps its empty folders, which
    /// harm nobody. Whoever writes in between loses, but a target has one writer at a time.
    pub(super) async fn remove_empty_collection(&self, path: &ObjectPath) -> Result<(), StoreError> {
        let Ok(witness) = path.join(WITNESS) else { return Ok(()) };
        if !self.knowledge.propfind() || self.names_in(path).await?.is_none_or(|names| names.iter().any(|name| name != WITNESS)) {
            return Ok(());
        }
        self.upload(&witness, &Body::bytes("")).await?;
        let certain = self.names_in(path).await?.is_some_and(|names| names == [WITNESS]);
        self.remove_object(&witness).await?;
        if !certain {
            return Ok(());
        }
        self.made.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
        let url = self.line.base.collection(Some(path));
        self.remove(&Request::new(Method::DELETE, url, Operation::Delete).at(path)).await
    }

    /// The names in a collection; `None` if there is no such collection.
    async fn names_in(&self, path: &ObjectPath) -> Result<Option<Vec<String>>, StoreError> {
        let entries = self.entries(Some(path), Operation::Delete).await?;
        Ok(entries.map(|entries| entries.into_iter().map(|entry| entry.name).collect()))
    }

    async fn remove(&self, request: &Request<'_>) -> Result<(), StoreError> {
        let answer = self.line.send(request).await?;
        match answer.status() {
            StatusCode::OK | StatusCode::NO_CONTENT => {}
            status if is_missing(status) => {}
            // A 207 among them: something in it could not be removed.
            _ => return Err(self.line.refusal(request, answer).await),
        }
        answer.drained().await;
        Ok(())
    }
}
