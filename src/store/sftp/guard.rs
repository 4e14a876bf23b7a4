//! What we check and note while SSH runs: the host key before anything else, the algorithms, the server's last words.

use std::sync::{Arc, Mutex, PoisonError};

use russh::client::{ChannelOpenHandle, DisconnectReason, Handler, Msg, Session};
use russh::keys::{HashAlg, PublicKey, PublicKeyOrCertificate};
use russh::{Channel, ChannelOpenFailure, Names, cipher, mac};

use super::certificate::{self, Fault};
use super::failure::Failure;
use super::pin::{HostKeyPin, accepted, names_only_authorities};
use crate::base::{Clock, sanitise};

/// What the server showed and said.
#[derive(Debug, Default)]
pub(super) struct Notes {
    key: Mutex<Option<PublicKey>>,
    banner: Mutex<Option<String>>,
    farewell: Mutex<Option<String>>,
}

impl Notes {
    /// The host key it showed.
    pub fn key(&self) -> Option<PublicKey> {
        read(&self.key)
    }

    /// The text it shows before authentication, safe to print.
    pub fn banner(&self) -> Option<String> {
        read(&self.banner)
    }

    /// Why it says the connection ended, safe to print.
    pub fn farewell(&self) -> Option<String> {
        read(&self.farewell)
    }
}

fn read<T: Clone>(slot: &Mutex<Option<T>>) -> Option<T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn note<T>(slot: &Mutex<Option<T>>, value: T) {
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
}

/// Stands between russh and us.
pub(super) struct Guard {
    /// `None`: the key is only looked at, and the connection ends there.
    pinned: Option<Pinned>,
    notes: Arc<Notes>,
}

/// Whom we want to talk to.
struct Pinned {
    /// The name that we were told to connect to, which a certificate must hold.
    host: String,
    pins: Vec<HostKeyPin>,
}

impl Pinned {
    /// Whether the server is the one that is meant.
    fn check(&self, shown: &PublicKeyOrCertificate, key: &PublicKey) -> Result<(), Failure> {
        // The server has proved that it holds this key; if the key itself is pinned, nobody need vouch for it.
        if accepted(&self.pins, key) {
            return Ok(());
        }
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        let fault = match shown.certificate() {
            Some(shown) => match certificate::check(shown, &self.pins, &self.host, Clock::System.now()) {
                Ok(()) => return Ok(()),
                Err(fault) => fault,
            },
            None if names_only_authorities(&self.pins) => Fault::Missing(fingerprint),
            None => return Err(Failure::HostKey { algorithm: key.algorithm().to_string(), fingerprint }),
        };
        Err(Failure::Certificate { fault, host: self.host.clone() })
    }
}

impl Guard {
    /// Lets `host` pass only with one of these keys.
    pub fn pinned(host: &str, pins: &[HostKeyPin], notes: &Arc<Notes>) -> Self {
        Self { pinned: Some(Pinned { host: host.to_owned(), pins: pins.to_vec() }), notes: Arc::clone(notes) }
    }

    /// Lets no server pass: its key is noted.
    pub fn looking(notes: &Arc<Notes>) -> Self {
        Self { pinned: None, notes: Arc::clone(notes) }
    }
}

impl Handler for Guard {
    type Error = Failure;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Failure> {
        let key = shown.public_key();
        note(&self.notes.key, key.clone());
        match &self.pinned {
            Some(pinned) => pinned.check(shown, &key).map(|()| true),
            None => Ok(false),
        }
    }

    /// Terrapin (CVE-2023-48795): these ciphers let someone on the wire drop packets of the handshake unless both
    /// sides count strictly. Checked here, before any credential is sent.
    async fn kex_done(&mut self, _secret: Option<&[u8]>, names: &Names, _session: &mut Session) -> Result<(), Failure> {
        let etm = [mac::HMAC_SHA256_ETM, mac::HMAC_SHA512_ETM].contains(&names.client_mac);
        let with_mac = [cipher::AES_256_CTR].contains(&names.cipher);
        if !names.strict_kex() && (names.cipher == cipher::CHACHA20_POLY1305 || (with_mac && etm)) {
            return Err(Failure::Unsupported(format!(
                "the server offers {} without strict key exchange, which is open to tampering",
                names.cipher.as_ref()
            )));
        }
        Ok(())
    }

    async fn auth_banner(&mut self, banner: &str, _session: &mut Session) -> Result<(), Failure> {
        note(&self.notes.banner, sanitise(banner.trim()));
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Failure>) -> Result<(), Failure> {
        let text = match reason {
            DisconnectReason::ReceivedDisconnect(info) => sanitise(&info.message),
            DisconnectReason::Error(failure) => sanitise(&failure.to_string()),
        };
        note(&self.notes.farewell, text);
        Ok(())
    }

    // We asked for no forwarding and no agent: a server that opens channels to us is refused, not kept company.

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        _channel: Channel<Msg>,
        _connected_address: &str,
        _connected_port: u32,
        _originator_address: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Failure> {
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        Ok(())
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _channel: Channel<Msg>,
        _socket_path: &str,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Failure> {
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Failure> {
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        Ok(())
    }
}

impl From<russh::Error> for Failure {
    fn from(error: russh::Error) -> Self {
        use russh::Error;
        match error {
            Error::NoCommonAlgo { .. } | Error::UnsupportedAuthMethod => Self::Unsupported(error.to_string()),
            Error::ChannelOpenFailure(_) | Error::RequestDenied => Self::Busy(error.to_string()),
            Error::IO(_)
            | Error::Disconnect
            | Error::HUP
            | Error::SendError
            | Error::RecvError
            | Error::ConnectionTimeout
            | Error::KeepaliveTimeout
            | Error::InactivityTimeout => Self::Lost(error.to_string()),
            Error::Keys(_) | Error::SshKey(_) => Self::Local(error.to_string()),
            _ => Self::Protocol(error.to_string()),
        }
    }
}
