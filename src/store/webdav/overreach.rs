//! Attempts that an account for one collection must not get through with: looking and writing one collection higher.

use std::sync::atomic::AtomicBool;

use http::{HeaderValue, Method, StatusCode};
use url::Url;

use super::WebdavStore;
use super::address;
use super::auth;
use super::exchange::{Content, Line, Request};
use super::look::{WHAT_IT_IS, children, propfind};
use super::multistatus::{self, MAX_BYTES};
use crate::store::overreach::{Aim, Attempt, Met};
use crate::store::{Body, Operation, StoreError};

impl WebdavStore {
    /// Tries everything that no push needs; `name` is a name that nobody uses. What is made is removed again.
    pub async fn overreach(&self, name: &str) -> Vec<Attempt> {
        let Some(above) = above(self.line.base.url()) else {
            let top = |aim| Attempt::new(aim, Met::Harmless, "the address is the topmost one of its server");
            return [Aim::ListingOutside, Aim::WritingOutside].map(top).into();
        };
        vec![self.list_above(&above).await, self.write_above(&above, name).await]
    }

    async fn list_above(&self, above: &Url) -> Attempt {
        let aim = Aim::ListingOutside;
        let line = self.apart();
        let request = propfind(above.clone(), Operation::List, HeaderValue::from_static("1"), WHAT_IT_IS);
        let answer = match line.send(&request).await {
            Ok(answer) => answer,
            Err(error) => return Attempt::failed(aim, &error),
        };
        if answer.status() != StatusCode::MULTI_STATUS {
            return Attempt::failed(aim, &line.refusal(&request, answer).await);
        }
        let Ok(document) = answer.bytes(MAX_BYTES).await else {
            return Attempt::new(aim, Met::Unclear, "the listing broke off");
        };
        match tokio::task::spawn_blocking(move || multistatus::parse(&document)).await {
            Ok(Ok(items)) => {
                let own = address::parts(self.line.base.url().path()).pop().unwrap_or_default();
                let names = children(above.path(), items).into_iter().map(|(name, _)| name);
                let others: Vec<String> = names.filter(|name| *name != own).collect();
                Attempt::listed(aim, "name", &others)
            }
            Ok(Err(error)) => Attempt::new(aim, Met::Unclear, error.to_string()),
            Err(stopped) => Attempt::new(aim, Met::Unclear, stopped.to_string()),
        }
    }

    async fn write_above(&self, above: &Url, name: &str) -> Attempt {
        let aim = Aim::WritingOutside;
        let line = self.apart();
        let Ok(url) = above.join(name) else { return Attempt::new(aim, Met::Unclear, "no address for it") };
        let body = Body::bytes("");
        let put = Request::new(Method::PUT, url.clone(), Operation::Put).carrying(Content::Object(&body));
        let answer = match line.send(&put).await {
            Ok(answer) => answer,
            Err(error) => return self.without_answer(Attempt::failed(aim, &error), &url).await,
        };
        let status = answer.status();
        if !status.is_success() {
            let attempt = Attempt::failed(aim, &line.refusal(&put, answer).await);
            // Several servers say so where the system forbids what they were asked for.
            let forbidden = status == StatusCode::INTERNAL_SERVER_ERROR;
            let attempt = if forbidden { Attempt { met: Met::Refused, ..attempt } } else { attempt };
            return self.without_answer(attempt, &url).await;
        }
        answer.drained().await;
        match lies_there(&line, &url).await {
            // A login page or a proxy may have answered.
            Ok(Some(false)) => Attempt::new(aim, Met::Refused, format!("it answers {status} and keeps nothing")),
            // It may lie there and not be shown.
            Ok(None) => {
                let left = remove(&line, &url).await.err().map(|why| format!("{url} ({why})"));
                Attempt::new(aim, Met::Unclear, format!("it answers {status}, and does not tell whether it keeps anything"))
                    .leaving(left)
            }
            Ok(Some(true)) => {
                let left = remove(&line, &url).await.err().map(|why| format!("{url} ({why})"));
                Attempt::new(aim, Met::Done, format!("{url} could be made")).leaving(left)
            }
            Err(error) => {
                Attempt::new(aim, Met::Unclear, format!("it answers {status}")).leaving(Some(format!("{url} ({error})")))
            }
        }
    }

    /// Without an answer it may have been made all the same; if it was not, there is nothing to remove.
    async fn without_answer(&self, attempt: Attempt, url: &Url) -> Attempt {
        if attempt.met == Met::Unclear {
            let _ = remove(&self.apart(), url).await;
        }
        attempt
    }

    /// The same way in, with a memory of its own: a login that is refused outside is not refused inside.
    fn apart(&self) -> Line {
        Line {
            target: self.line.target.clone(),
            base: self.line.base.clone(),
            client: self.line.client.clone(),
            login: self.line.login.clone(),
            session: auth::Shared::default(),
            shut: AtomicBool::new(false),
            permits: self.line.permits.clone(),
            timeouts: self.line.timeouts,
        }
    }
}

/// The collection above; `None` at the top of the server.
fn above(base: &Url) -> Option<Url> {
    let mut above = base.clone();
    above.path_segments_mut().ok()?.pop_if_empty().pop().push("");
    (above.path() != base.path()).then_some(above)
}

/// Whether it is there; `None`: the server does not tell.
async fn lies_there(line: &Line, url: &Url) -> Result<Option<bool>, StoreError> {
    let answer = line.send(&Request::new(Method::HEAD, url.clone(), Operation::Stat)).await?;
    Ok(match answer.status() {
        status if status.is_success() => Some(true),
        StatusCode::NOT_FOUND | StatusCode::GONE => Some(false),
        _ => None,
    })
}

async fn remove(line: &Line, url: &Url) -> Result<(), String> {
    let request = Request::new(Method::DELETE, url.clone(), Operation::Delete);
    let answer = line.send(&request).await.map_err(|error| error.kind.to_string())?;
    let status = answer.status();
    answer.drained().await;
    if status.is_success() || status == StatusCode::NOT_FOUND { Ok(()) } else { Err(status.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn above_is_one_collection_higher_and_never_another_server() {
        let shown = |text| above(&Url::parse(text).expect("a URL")).map(String::from);
        assert_eq!(shown("https://h.example/a/b%20c/").as_deref(), Some("https://h.example/a/"));
        assert_eq!(shown("https://h.example/a/").as_deref(), Some("https://h.example/"));
        assert_eq!(shown("https://h.example/"), None);
    }
}
