//! What a server shows of itself over TLS.

use reqwest::tls::TlsInfo;
use url::Url;

use super::client::builder;
use super::{HttpPolicy, NetError};
use crate::base::Sha256;

/// Digest of the certificate that the server at `url` shows, after it was verified for the host's name by the system's
/// authorities and those of the policy. `None` for plain `http`.
pub async fn certificate(url: &Url, policy: &HttpPolicy) -> Result<Option<Sha256>, NetError> {
    if url.scheme() != "https" {
        return Ok(None);
    }
    let client = builder(policy)?.tls_info(true).build().map_err(NetError::Build)?;
    let answer = client
        .head(url.clone())
        .send()
        .await
        .map_err(|source| NetError::Certificate { host: url.host_str().unwrap_or_default().to_owned(), source })?;
    Ok(answer.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate).map(Sha256::of))
}
