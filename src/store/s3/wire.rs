//! What a request looks like on the wire, where the SDK would make it look otherwise.

use aws_runtime::auth::PayloadSigningOverride;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextMut, BeforeTransmitInterceptorContextMut,
};
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;

use super::outgoing::Sending;
use crate::base::Sha256;

/// How the connector hands an answer on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// Read whole, up to a limit: XML.
    Whole,
    /// As a stream: an object's bytes.
    Streamed,
}

/// Shapes one request.
#[derive(Debug)]
pub(super) struct Wire {
    payload: Option<PayloadSigningOverride>,
    sending: Option<Sending>,
    reply: Reply,
}

impl Wire {
    /// A request whose body, if any, is XML made by the SDK.
    pub(super) fn plain() -> Self {
        Self { payload: None, sending: None, reply: Reply::Whole }
    }

    /// A request for an object's bytes.
    pub(super) fn download() -> Self {
        Self { reply: Reply::Streamed, ..Self::plain() }
    }

    /// A request with bytes of ours, signed with their digest; without one they are told to be unsigned.
    pub(super) fn upload(sha256: Option<Sha256>, sending: Sending) -> Self {
        let payload = sha256
            .map_or(PayloadSigningOverride::UnsignedPayload, |digest| PayloadSigningOverride::Precomputed(digest.to_string()));
        Self { payload: Some(payload), sending: Some(sending), reply: Reply::Whole }
    }
}

#[dyn_dispatch_hint]
impl Intercept for Wire {
    fn name(&self) -> &'static str {
        "Wire"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(payload) = &self.payload {
            bag.interceptor_state().store_put(payload.clone());
        }
        let request = context.request_mut();
        // Google's front end counts neither of these into its own signature, which then differs from ours. The rest
        // tells a stranger's server our operating system and compiler.
        let plain = without_operation_name(request.uri());
        request.set_uri(plain)?;
        for name in ["accept-encoding", "x-amz-user-agent", "amz-sdk-invocation-id", "amz-sdk-request"] {
            request.headers_mut().remove(name);
        }
        request.headers_mut().insert("user-agent", concat!("spartacus/", env!("CARGO_PKG_VERSION")));
        request.add_extension(self.reply);
        if let Some(sending) = &self.sending {
            request.add_extension(sending.clone());
        }
        Ok(())
    }

    /// `rclone serve s3` names the root of its answer to `CreateMultipartUpload` after the operation's old name,
    /// without `Result`; everything else about it is right.
    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response_mut().body_mut();
        if let Some(renamed) = body.bytes().and_then(|bytes| std::str::from_utf8(bytes).ok()).and_then(with_usual_root) {
            *body = SdkBody::from(renamed);
        }
        Ok(())
    }
}

/// The address without the `x-id=...` that the SDK adds for its own logs.
fn without_operation_name(uri: &str) -> String {
    let Some((path, query)) = uri.split_once('?') else { return uri.to_owned() };
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("x-id=")).collect();
    if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) }
}

/// The answer with the root element's usual name, if it has the unusual one.
fn with_usual_root(text: &str) -> Option<String> {
    const UNUSUAL: &str = "InitiateMultipartUpload";
    let opening = text.find(&format!("<{UNUSUAL}>")).or_else(|| text.find(&format!("<{UNUSUAL} ")))?;
    let closing = text.rfind(&format!("</{UNUSUAL}>"))?;
    let (before, inner) = (&text[..=opening], &text[opening + 1 + UNUSUAL.len()..]);
    let inner = &inner[..closing.checked_sub(opening + 1 + UNUSUAL.len())?];
    Some(format!("{before}{UNUSUAL}Result{inner}</{UNUSUAL}Result>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operation_name_leaves_the_address() {
        assert_eq!(without_operation_name("http://h/b/k?x-id=PutObject"), "http://h/b/k");
        assert_eq!(
            without_operation_name("http://h/b/k?partNumber=1&x-id=UploadPart&uploadId=x-id"),
            "http://h/b/k?partNumber=1&uploadId=x-id"
        );
        assert_eq!(without_operation_name("http://h/b/k"), "http://h/b/k");
    }

    #[test]
    fn the_unusual_root_is_renamed_and_nothing_else() {
        let odd =
            "<?xml version=\"1.0\"?>\n<InitiateMultipartUpload xmlns=\"x\"><UploadId>1</UploadId></InitiateMultipartUpload>\n";
        assert_eq!(
            with_usual_root(odd).as_deref(),
            Some(
                "<?xml version=\"1.0\"?>\n<InitiateMultipartUploadResult xmlns=\"x\"><UploadId>1</UploadId></InitiateMultipartUploadResult>"
            )
        );
        assert_eq!(with_usual_root("<InitiateMultipartUploadResult></InitiateMultipartUploadResult>"), None);
        assert_eq!(with_usual_root("</InitiateMultipartUpload><InitiateMultipartUpload>"), None);
    }
}
