//! What lies on the server: one object (stat), one collection (list), and the space that is left.

use http::header::{CONTENT_LENGTH, LOCATION};
use http::{HeaderValue, Method, StatusCode};
use url::Url;

use super::WebdavStore;
use super::address;
use super::answer::Answer;
use super::exchange::{Content, DEPTH, Request, ZERO, extension};
use super::multistatus::{self, Item};
use crate::base::ObjectPath;
use crate::store::{Entry, ErrorKind, Operation, Space, StoreError};

/// Named properties, never all of them: some servers compute checksums for `allprop`.
pub(super) const WHAT_IT_IS: &str =
    r#"<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><getcontentlength/><resourcetype/></prop></propfind>"#;
const SPACE_LEFT: &str =
    r#"<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><quota-available-bytes/></prop></propfind>"#;

/// Most bytes of an answer about one object.
const ONE_ITEM: usize = 256 << 10;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Object { size: u64 },
    Collection,
    Missing,
}

impl WebdavStore {
    /// What lies under `path`.
    pub(super) async fn look(&self, path: &ObjectPath, operation: Operation) -> Result<Found, StoreError> {
        if self.knowledge.propfind() {
            let request = propfind(self.line.base.object(path), operation, ZERO, WHAT_IT_IS).at(path);
            let answer = self.line.send(&request).await?;
            match answer.status() {
                StatusCode::MULTI_STATUS => {
                    let items = self.items(&request, answer, ONE_ITEM).await?;
                    match items.into_iter().next() {
                        Some(item) if item.collection => return Ok(Found::Collection),
                        Some(Item { failed: false, length: Some(size), .. }) => return Ok(Found::Object { size }),
                        // An item without a length, or none at all: HEAD knows.
                        _ => {}
                    }
                }
                status if is_missing(status) => return self.after(answer, Found::Missing).await,
                status if status.is_redirection() && leads_into(&request.url, &answer) => {
                    return self.after(answer, Found::Collection).await;
                }
                status if is_unsupported(status) => {
                    self.knowledge.no_propfind();
                    answer.drained().await;
                }
                _ => return Err(self.line.refusal(&request, answer).await),
            }
        }
        self.head(path, operation).await
    }

    /// The same by HEAD, which every web server has.
    async fn head(&self, path: &ObjectPath, operation: Operation) -> Result<Found, StoreError> {
        let request = Request::new(Method::HEAD, self.line.base.object(path), operation).at(path);
        let answer = self.line.send(&request).await?;
        match answer.status() {
            StatusCode::OK | StatusCode::NO_CONTENT => {
                let length = answer.response.headers().get(CONTENT_LENGTH);
                match length.and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok()) {
                    Some(size) => Ok(Found::Object { size }),
                    None => Err(self.line.error(ErrorKind::Protocol, &request).saying("an answer to HEAD without a length")),
                }
            }
            status if is_missing(status) => Ok(Found::Missing),
            status if status.is_redirection() && leads_into(&request.url, &answer) => Ok(Found::Collection),
            _ => Err(self.line.refusal(&request, answer).await),
        }
    }

    /// Whether a collection is known to lie there: only a clear yes counts.
    pub(super) async fn is_collection(&self, path: &ObjectPath) -> Result<bool, StoreError> {
        let url = self.line.base.collection(Some(path));
        let asked = self.knowledge.propfind();
        if asked {
            if let Some(found) = self.by_propfind(path, &url).await? {
                return Ok(found);
            }
            self.knowledge.no_propfind();
        }
        // A web server without PROPFIND shows an index (200) or refuses to (403); a file is not found under this name.
        let request = Request::new(Method::HEAD, url.clone(), Operation::MakeCollections).at(path);
        let status = self.line.send(&request).await?.status();
        if status.is_success() || status == StatusCode::FORBIDDEN {
            return Ok(true);
        }
        // A collection that has a page of its own may refuse PROPFIND, and this one know it.
        Ok(!asked && self.by_propfind(path, &url).await?.unwrap_or_default())
    }

    /// What PROPFIND says of it; `None`: it is not spoken there.
    async fn by_propfind(&self, path: &ObjectPath, url: &Url) -> Result<Option<bool>, StoreError> {
        let request = propfind(url.clone(), Operation::MakeCollections, ZERO, WHAT_IT_IS).at(path);
        let answer = self.line.send(&request).await?;
        if answer.status() == StatusCode::MULTI_STATUS {
            let items = self.items(&request, answer, ONE_ITEM).await?;
            return Ok(Some(items.first().is_some_and(|item| item.collection)));
        }
        let unsupported = is_unsupported(answer.status());
        answer.drained().await;
        Ok((!unsupported).then_some(false))
    }

    /// What lies right below a collection; `None` if no collection lies there.
    pub(super) async fn entries(
        &self,
        collection: Option<&ObjectPath>,
        operation: Operation,
    ) -> Result<Option<Vec<Entry>>, StoreError> {
        let url = self.line.base.collection(collection);
        let mut request = propfind(url, operation, HeaderValue::from_static("1"), WHAT_IT_IS);
        request.path = collection;
        if !self.knowledge.propfind() {
            return Err(self.line.error(ErrorKind::Unsupported, &request).saying("this server has no PROPFIND"));
        }
        let answer = self.line.send(&request).await?;
        match answer.status() {
            StatusCode::MULTI_STATUS => {}
            status if is_missing(status) => return self.after(answer, None).await,
            status => {
                if is_unsupported(status) {
                    self.knowledge.no_propfind();
                }
                return Err(self.line.refusal(&request, answer).await);
            }
        }
        let items = self.items(&request, answer, multistatus::MAX_BYTES).await?;
        let mut entries = Vec::with_capacity(items.len());
        for (name, item) in children(request.url.path(), items) {
            let size = match item.length {
                _ if item.collection => None,
                None => match self.unsized_object(collection, &name, operation).await? {
                    Some(size) => Some(size),
                    None => continue,
                },
                known => known,
            };
            entries.push(Entry { name, size });
        }
        Ok(Some(entries))
    }

    /// The length of an object that was listed without one: some servers do that for empty files.
    async fn unsized_object(
        &self,
        collection: Option<&ObjectPath>,
        name: &str,
        operation: Operation,
    ) -> Result<Option<u64>, StoreError> {
        let path = match collection {
            Some(above) => above.join(name),
            None => ObjectPath::new(name),
        };
        // A name that is none of ours is left out.
        let Ok(path) = path else { return Ok(None) };
        match self.head(&path, operation).await? {
            Found::Object { size } => Ok(Some(size)),
            Found::Collection | Found::Missing => Ok(None),
        }
    }

    /// Free space (RFC 4331), where the server tells.
    pub(super) async fn space_left(&self) -> Result<Option<Space>, StoreError> {
        if !self.knowledge.propfind() {
            return Ok(None);
        }
        let request = propfind(self.line.base.url().clone(), Operation::Space, ZERO, SPACE_LEFT);
        let answer = self.line.send(&request).await?;
        if answer.status() != StatusCode::MULTI_STATUS {
            if is_unsupported(answer.status()) {
                self.knowledge.no_propfind();
                return self.after(answer, None).await;
            }
            return Err(self.line.refusal(&request, answer).await);
        }
        let free = self.items(&request, answer, ONE_ITEM).await?.into_iter().find_map(|item| item.free);
        if free.is_some() {
            self.knowledge.tells_space();
        }
        Ok(free.map(|free_bytes| Space { free_bytes, free_files: None }))
    }

    /// The items of a multistatus. Parsing a large one takes a while: it happens off the threads that talk.
    async fn items(&self, request: &Request<'_>, answer: Answer, cap: usize) -> Result<Vec<Item>, StoreError> {
        let document = answer.bytes(cap).await.map_err(|error| self.line.error(error.kind(), request).because(error))?;
        let parsed = tokio::task::spawn_blocking(move || multistatus::parse(&document)).await;
        match parsed {
            Ok(Ok(items)) => Ok(items),
            Ok(Err(error)) => Err(self.line.error(ErrorKind::Protocol, request).because(error)),
            Err(stopped) => Err(self.line.error(ErrorKind::Cancelled, request).because(stopped)),
        }
    }

    /// `found`, once the rest of `answer` is out of the way.
    async fn after<T>(&self, answer: Answer, found: T) -> Result<T, StoreError> {
        answer.drained().await;
        Ok(found)
    }
}

pub(super) fn propfind<'a>(url: Url, operation: Operation, depth: HeaderValue, question: &'static str) -> Request<'a> {
    Request::new(extension("PROPFIND"), url, operation).header(DEPTH, depth).carrying(Content::Xml(question))
}

pub(super) fn is_missing(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE)
}

fn is_unsupported(status: StatusCode) -> bool {
    matches!(status, StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED)
}

/// A redirect to the same name with a slash is how Apache and nginx say "that is a collection".
fn leads_into(url: &Url, answer: &Answer) -> bool {
    let place = answer.response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let Some(place) = place.and_then(|text| url.join(text).ok()) else { return false };
    place.path().ends_with('/') && address::parts(place.path()) == address::parts(url.path())
}

/// The items right below the collection that was asked for at `path`, with their names.
///
/// The collection itself is among the items. Behind a proxy its `href` may have another prefix than the path we asked
/// for; then it is the shortest one. Whatever lies deeper or elsewhere was not asked for.
pub(super) fn children(path: &str, items: Vec<Item>) -> Vec<(String, Item)> {
    let asked = address::parts(path);
    let items: Vec<(Vec<String>, Item)> = items
        .into_iter()
        .filter(|item| !item.failed && !item.href.is_empty())
        .map(|item| (address::parts(&item.href), item))
        .collect();
    let ours = |parts: &[String]| parts.starts_with(&asked) && parts.len() <= asked.len() + 1;
    let above = if items.iter().any(|(parts, _)| ours(parts)) {
        asked
    } else {
        let collections = items.iter().filter(|(_, item)| item.collection);
        collections.map(|(parts, _)| parts).min_by_key(|parts| parts.len()).cloned().unwrap_or(asked)
    };
    items
        .into_iter()
        .filter(|(parts, _)| parts.len() == above.len() + 1 && parts.starts_with(&above))
        .filter_map(|(mut parts, item)| Some((parts.pop()?, item)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &str, hrefs: &[&str]) -> Vec<String> {
        let items = hrefs
            .iter()
            .map(|href| Item { href: (*href).to_owned(), collection: href.ends_with('/'), ..Item::default() })
            .collect();
        children(path, items).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_listing_is_what_lies_right_below() {
        assert_eq!(names("/dav/a%20b/", &["/dav/a%20b/", "/dav/a%20b/x", "http://h/dav/a%20b/y%2Fz/"]), ["x", "y/z"]);
        assert_eq!(names("/dav/", &["/dav", "/dav/x"]), ["x"], "the collection itself may lack its slash");
        assert_eq!(names("/dav/", &["/dav/x"]), ["x"], "or be left out");
        assert!(names("/dav/", &["/dav/"]).is_empty());
        assert!(names("/dav/", &["/dav/", "/dav/x/y", "/other/z", "/"]).is_empty(), "nothing that was not asked for");
        assert!(names("/dav/", &[]).is_empty());
    }

    #[test]
    fn another_prefix_behind_a_proxy_is_understood() {
        assert_eq!(names("/mirror/a/", &["/a/", "/a/x", "/a/y/"]), ["x", "y"]);
        assert!(names("/mirror/a/", &["/a/"]).is_empty());
    }
}
