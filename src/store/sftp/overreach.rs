//! Attempts that an account for SFTP alone must not get through with: commands, a shell, connections through the server.

use std::time::Duration;

use russh::client::Msg;
use russh::{ChannelMsg, ChannelOpenFailure};
use tokio::time::{Instant, timeout, timeout_at};

use super::connect::{Ssh, connect};
use super::failure::Failure;
use super::settings::SftpSettings;
use super::{SftpStore, outside};
use crate::base::sanitise;
use crate::store::overreach::{Aim, Attempt, Met};

/// A shell that has not run one word by then runs none for us.
const LISTENING: Duration = Duration::from_secs(10);
/// As much as is read of what a server says to a command.
const LONGEST: usize = 16 * 1024;
/// RFC 863: nobody listens there any more, and who does throws away what comes.
const DISCARD: u32 = 9;

impl SftpStore {
    /// Tries everything that no push needs; `name` is a file name that nobody uses. What is made is removed again.
    pub async fn overreach(&self, name: &str) -> Vec<Attempt> {
        // On a connection of its own: some servers end one on which such a thing is asked for.
        let mut found = Visitor { settings: &self.settings, ssh: None }.attempts(name).await;
        match self.session().await {
            Ok(session) => found.extend(outside::attempts(&session, name).await),
            Err(failure) => found.extend(
                [Aim::ListingOutside, Aim::ReadingOutside, Aim::WritingOutside]
                    .map(|aim| Attempt::new(aim, Met::Unclear, failure.to_string())),
            ),
        }
        found
    }
}

/// Logs in, and once more where the server has ended the connection.
struct Visitor<'a> {
    settings: &'a SftpSettings,
    ssh: Option<Ssh>,
}

impl Visitor<'_> {
    async fn attempts(mut self, name: &str) -> Vec<Attempt> {
        let mut found = Vec::new();
        let limit = self.settings.timeouts.connect + self.settings.timeouts.handshake + 2 * LISTENING;
        for aim in [Aim::Commands, Aim::Shell, Aim::Forwarding, Aim::Listening] {
            let tried = async {
                let ssh = self.ssh().await?;
                match aim {
                    Aim::Commands => commands(ssh, name).await,
                    Aim::Shell => shell(ssh, name).await,
                    Aim::Forwarding => forwarding(ssh).await,
                    _ => listening(ssh).await,
                }
            };
            // A server may keep the line alive and never answer.
            let (met, what) = if let Ok(tried) = timeout(limit, tried).await {
                tried.unwrap_or_else(|failure| (Met::Unclear, failure.to_string()))
            } else {
                self.ssh = None;
                (Met::Unclear, format!("no answer within {} s", limit.as_secs()))
            };
            found.push(Attempt::new(aim, met, what));
        }
        if let Some(ssh) = &self.ssh {
            ssh.leave().await;
        }
        found
    }

    async fn ssh(&mut self) -> Result<&Ssh, Failure> {
        let open = self.ssh.take().filter(|ssh| !ssh.handle.is_closed());
        let ssh = match open {
            Some(ssh) => ssh,
            None => connect(self.settings).await?,
        };
        Ok(self.ssh.insert(ssh))
    }
}

type Judged = (Met, String);
type Channel = russh::Channel<Msg>;

/// What a shell makes of `word`, which is told from an echo by the quotes that only a shell takes away.
struct Word {
    typed: String,
    spoken: String,
}

impl Word {
    fn of(name: &str) -> Self {
        Self { typed: format!("echo ran-''{name}"), spoken: format!("ran-{name}") }
    }
}

async fn commands(ssh: &Ssh, name: &str) -> Result<Judged, Failure> {
    let word = Word::of(name);
    let Some(mut channel) = session(ssh).await? else { return Ok(refused("it opens no session")) };
    channel.exec(true, word.typed.as_str()).await?;
    let heard = listen(&mut channel, &word).await;
    let _ = channel.close().await;
    Ok(if heard.ran { done("it runs commands") } else { refused(heard.words()) })
}

async fn shell(ssh: &Ssh, name: &str) -> Result<Judged, Failure> {
    let word = Word::of(name);
    let Some(mut channel) = session(ssh).await? else { return Ok(refused("it opens no session")) };
    channel.request_pty(true, "dumb", 80, 24, 0, 0, &[]).await?;
    channel.request_shell(true).await?;
    // Whoever gave no shell has closed the channel by now, or will not look at it.
    // A shell that remembers what was typed would leave a file behind.
    let _ = channel.data_bytes(format!("unset HISTFILE\n{}\nexit\n", word.typed)).await;
    let _ = channel.eof().await;
    let heard = listen(&mut channel, &word).await;
    let _ = channel.close().await;
    Ok(if heard.ran { done("it gives a shell") } else { refused(heard.words()) })
}

/// To a port alone. OpenSSH says of a socket that it may not connect to what it says of one that is not there, so nothing could
/// be learnt from an attempt on one.
async fn forwarding(ssh: &Ssh) -> Result<Judged, Failure> {
    const DONE: &str = "it connects to ports of its own machine for us";
    match ssh.handle.channel_open_direct_tcpip("127.0.0.1", DISCARD, "127.0.0.1", 0).await {
        Ok(channel) => {
            let _ = channel.close().await;
            Ok(done(DONE))
        }
        // It has tried.
        Err(russh::Error::ChannelOpenFailure(ChannelOpenFailure::ConnectFailed)) => Ok(done(DONE)),
        Err(russh::Error::ChannelOpenFailure(ChannelOpenFailure::ResourceShortage)) => {
            Err(Failure::Busy("it has no room for one more channel".to_owned()))
        }
        Err(russh::Error::ChannelOpenFailure(_)) => Ok(refused("it forwards no connections")),
        Err(error) => ended(ssh, error),
    }
}

async fn listening(ssh: &Ssh) -> Result<Judged, Failure> {
    match ssh.handle.tcpip_forward("127.0.0.1", 0).await {
        Ok(port) => {
            // The connection ends soon, and with it whatever listens.
            let _ = ssh.handle.cancel_tcpip_forward("127.0.0.1", port).await;
            Ok(done("it listens on ports of its own machine for us"))
        }
        Err(russh::Error::RequestDenied) => Ok(refused("it listens for nobody")),
        Err(error) => ended(ssh, error),
    }
}

fn done(what: &str) -> Judged {
    (Met::Done, what.to_owned())
}

fn refused(what: impl Into<String>) -> Judged {
    (Met::Refused, what.into())
}

/// To end the connection is an answer, too.
fn ended(ssh: &Ssh, error: russh::Error) -> Result<Judged, Failure> {
    if ssh.handle.is_closed() { Ok(refused("it ends the connection")) } else { Err(error.into()) }
}

/// A channel for one command; `None` where the server opens none.
async fn session(ssh: &Ssh) -> Result<Option<Channel>, Failure> {
    match ssh.handle.channel_open_session().await {
        Ok(channel) => Ok(Some(channel)),
        Err(russh::Error::ChannelOpenFailure(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What came back over a channel.
#[derive(Default)]
struct Heard {
    text: String,
    /// A shell has run our word.
    ran: bool,
}

impl Heard {
    fn words(&self) -> String {
        let first = self.text.lines().map(str::trim).find(|line| !line.is_empty());
        first.map_or_else(|| "it says no".to_owned(), |line| format!("it says: {}", sanitise(line)))
    }
}

async fn listen(channel: &mut Channel, word: &Word) -> Heard {
    let end = Instant::now() + LISTENING;
    let mut heard = Heard::default();
    while !heard.ran && heard.text.len() < LONGEST {
        match timeout_at(end, channel.wait()).await {
            Ok(Some(ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. })) => {
                heard.text.push_str(&String::from_utf8_lossy(&data));
                heard.ran = heard.text.contains(&word.spoken);
            }
            Ok(Some(ChannelMsg::Close) | None) | Err(_) => break,
            // Neither yes nor no to the request itself decides: a forced command takes the place of ours.
            Ok(Some(_)) => {}
        }
    }
    heard
}
