//! What is posted comes in: within its rates, its length and its time, and only signed messages are kept.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::{HeaderMap, StatusCode, header};
use tokio::sync::SemaphorePermit;

use super::answers::Refused;
use super::asker::Asker;
use super::counts::Post;
use super::routes::nothing_yet;
use super::view::{View, Web};
use crate::base::Hinted as _;
use crate::history::{HistoryError, Received, Reception, TicketState};
use crate::registration::{LONGEST_OFFER, Message, Ticket};

/// How long the body of a post may take.
const BODY: Duration = Duration::from_secs(10);
/// How long the body of a post may take that is refused anyhow.
const REST: Duration = Duration::from_secs(2);
/// How long the sender waits for a message to be looked at and written.
const TAKE_IN: Duration = Duration::from_secs(8);
/// When to come again after something that ends by itself.
const SOON: Duration = Duration::from_secs(10);
/// When to come again after something that maintainers end.
const A_DAY: Duration = Duration::from_hours(24);

/// What became of a message that was not refused.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) ticket: Ticket,
    /// How the ticket stands.
    pub(super) state: TicketState,
    /// The message was there before.
    pub(super) known: bool,
}

/// Counts a post against what its networks may.
pub(super) fn allow(web: &Web, asker: Asker) -> Result<(), Refused> {
    web.posts.take(asker.address, Instant::now()).map_err(|after| limited(web, "too much was sent from your network", after))
}

fn limited(web: &Web, words: &str, after: Duration) -> Refused {
    web.counts.post(Post::Limited);
    Refused::new(StatusCode::TOO_MANY_REQUESTS, words).hint("Try again later, or mail the file.").after(after)
}

/// Refuses what does not come as `kind`.
pub(super) fn expect_kind(web: &Web, headers: &HeaderMap, kind: &str) -> Result<(), Refused> {
    let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if said.split(';').next().is_some_and(|said| said.trim().eq_ignore_ascii_case(kind)) {
        return Ok(());
    }
    web.counts.post(Post::Refused);
    Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("this is not sent as {kind}")))
}

/// Room in memory for one body, until its post is answered.
pub(super) fn room(web: &Web) -> Result<SemaphorePermit<'_>, Refused> {
    web.reading.try_acquire().map_err(|_| {
        web.counts.post(Post::Limited);
        Refused::new(StatusCode::SERVICE_UNAVAILABLE, "many people send something just now").after(SOON)
    })
}

/// The body, within its length and its time. Whoever asks for it has [`room`].
pub(super) async fn body(web: &Web, body: Body) -> Result<Bytes, Refused> {
    let refused = match tokio::time::timeout(BODY, limit(body).collect()).await {
        Ok(Ok(body)) => return Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "this is longer than 64 KiB").hint("A sealed offer has a few KiB.")
        }
        Ok(Err(_)) => Refused::new(StatusCode::BAD_REQUEST, "this did not come whole"),
        Err(_) => Refused::new(StatusCode::REQUEST_TIMEOUT, "this did not come within 10 seconds"),
    };
    web.counts.post(Post::Refused);
    Err(refused)
}

/// The body of a post that is refused, to give back what was pasted. `None` when it comes slowly or too many are refused just now:
/// this is a kindness, and a flood gets none.
pub(super) async fn rest(web: &Web, body: Body) -> Option<Bytes> {
    let _permit = web.refusing.try_acquire().ok()?;
    let body = tokio::time::timeout(REST, limit(body).collect()).await.ok()?;
    Some(body.ok()?.to_bytes())
}

fn limit(body: Body) -> Limited<Body> {
    Limited::new(body, usize::try_from(LONGEST_OFFER).expect("64 KiB fit"))
}

/// Keeps a signed file, if it is one for this project. Nobody is asked anything over the network. The answer comes within
/// [`TAKE_IN`]; a thread that waits for the database goes on, and holds its permit meanwhile.
pub(super) async fn take_in(web: &Arc<Web>, file: Bytes) -> Result<Taken, Refused> {
    let Some(view) = web.view() else { return Err(nothing_yet()) };
    tokio::time::timeout(TAKE_IN, read_and_keep(web, view, file)).await.unwrap_or_else(|_| {
        Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, "it took too long to keep this, so it may be kept or not")
            .hint("Send it once more: what comes twice is kept once.")
            .after(SOON))
    })
}

async fn read_and_keep(web: &Arc<Web>, view: Arc<View>, file: Bytes) -> Result<Taken, Refused> {
    let (worker, pin) = (Arc::clone(web), view.about.pin);
    let (message, file) = blocking(move || read(&worker, pin, &file).map(|message| (message, file))).await?;
    let Ok(permit) = Arc::clone(&web.writing).try_acquire_owned() else {
        web.counts.post(Post::Limited);
        return Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, "other messages wait to be written").after(SOON));
    };
    web.posts
        .take_of_all(Instant::now())
        .map_err(|after| limited(web, "too many messages come from everywhere at once", after))?;
    let worker = Arc::clone(web);
    blocking(move || {
        let _permit = permit;
        keep(&worker, &message, file, view.about.most_waiting)
    })
    .await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

fn read(web: &Web, pin: crate::base::Sha256, file: &[u8]) -> Result<Message, Refused> {
    Message::read(file, pin, web.clock.now()).map_err(|error| {
        web.counts.post(Post::Refused);
        let refused = Refused::new(StatusCode::UNPROCESSABLE_ENTITY, format!("this was not taken: {error}"));
        match error.hint() {
            Some(hint) => refused.hint(hint),
            None => refused,
        }
    })
}

fn keep(web: &Web, message: &Message, file: Bytes, most: u32) -> Result<Taken, Refused> {
    let ticket = message.ticket();
    let length = file.len();
    let received = Received { ticket: ticket.to_string(), sequence: message.sequence, received: web.clock.now(), bytes: file };
    // A file that was put in place of another, or taken away, would swallow what is written into the old one.
    web.follow().map_err(|error| out_of_order(web, &error))?;
    let reception = web.writer().receive(&received, most).map_err(|error| out_of_order(web, &error))?;
    web.counts.post(match reception {
        Reception::Kept => Post::Kept,
        Reception::Known => Post::Known,
        Reception::Older => Post::Older,
        Reception::Many => Post::Many,
        Reception::Full => Post::Full,
    });
    tracing::info!(%ticket, sequence = message.sequence, length, result = ?reception, "a message came");
    let later = |status, words: &str| {
        let hint = "Keep the file, and send it in some days; nothing of it is lost.";
        Err(Refused::new(status, words).hint(hint).after(A_DAY))
    };
    match reception {
        Reception::Kept | Reception::Known => {
            let told = web.reader().ticket(&received.ticket).map_err(|error| out_of_order(web, &error))?;
            // Whoever has taken the message meanwhile has not said anything yet.
            let state = told.map_or(TicketState::Offered, |told| told.state);
            Ok(Taken { ticket, state, known: reception == Reception::Known })
        }
        Reception::Older => Err(Refused::new(StatusCode::CONFLICT, "a newer message of this volunteer was taken before")
            .hint("Write it again with the clock set right, and send that.")),
        Reception::Many => {
            later(StatusCode::TOO_MANY_REQUESTS, "eight messages of this volunteer wait for the maintainers already")
        }
        Reception::Full => later(StatusCode::SERVICE_UNAVAILABLE, "as many offers wait as the maintainers want to have waiting"),
    }
}

/// The log says what it is; strangers learn that it is not their fault.
pub(super) fn out_of_order(web: &Web, error: &HistoryError) -> Refused {
    if web.said.database.may(Instant::now()) {
        tracing::warn!("the front database cannot be used: {}", crate::base::causes(error).join(": "));
    }
    Refused::new(StatusCode::SERVICE_UNAVAILABLE, "the database cannot be used at the moment").after(Duration::from_mins(1))
}
