//! The SDK's client, with everything switched off that looks around or decides for itself.

use aws_credential_types::Credentials;
use aws_sdk_s3::config::retry::{ReconnectMode, RetryConfig};
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, IdentityCache, Region, RequestChecksumCalculation, ResponseChecksumValidation, StalledStreamProtectionConfig,
};
use aws_smithy_async::rt::sleep::TokioSleep;

use super::connector::Connector;
use super::{Addressing, S3Settings};

/// The client for one bucket.
pub(super) fn build(settings: &S3Settings) -> aws_sdk_s3::Client {
    let credentials = Credentials::new(&settings.access_key, settings.secret_key.expose(), None, None, "targets.yaml");
    let configuration = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(Connector::new(settings.http.clone(), settings.timeouts))
        .sleep_impl(TokioSleep::new())
        .endpoint_url(settings.endpoint.as_str())
        .region(Region::new(settings.region.clone()))
        .credentials_provider(credentials)
        .identity_cache(IdentityCache::no_cache())
        .force_path_style(settings.addressing == Addressing::Path)
        // The SDK's newer defaults (CRC32 in aws-chunked trailers) are refused, time out or are stored as garbage by
        // several servers: aws-sdk-rust#1240, icechunk#2115; `rclone serve s3` answers 200 and keeps the trailer.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        // One place retries (store::Retrying); two would multiply.
        // Connections are our client's business: the SDK would look for them, find none, and log an error each time.
        .retry_config(RetryConfig::disabled().with_reconnect_mode(ReconnectMode::ReuseAllConnections))
        // The SDK's rule cuts servers that are only slow to answer after the whole body (aws-sdk-rust#1146, #1202).
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        // A wrong clock also makes wrong signed timestamps: better told than silently corrected.
        .disable_clock_skew_correction(true)
        .build();
    aws_sdk_s3::Client::from_conf(configuration)
}
