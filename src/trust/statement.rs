//! JSON under one signature, for one purpose: what somebody says who signs neither roles nor sums.
//!
//! The file is `{"schema": ..., "signed": {...}, "signature": "<base64>"}`. Signed is the schema's name, a zero byte, and
//! the canonical bytes of `signed`. No other message of ours begins so: a role begins with `{`, an OpenSSH signature is
//! over bytes that begin with `SSHSIG`, and minisign's are over 64 bytes of a hash, or begin with 64 bytes of a signature.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::key::{PublicKey, SigningKey};
use super::{TrustError, canonical, strict};

/// A statement as it was read. What it says is only a claim until a key is known that signed it.
#[derive(Debug, Clone)]
pub struct Statement {
    schema: &'static str,
    signed: Value,
    signature: Vec<u8>,
}

impl Statement {
    /// The file in which `key` states `signed`, for the purpose that `schema` names. Numbers in it must be whole: others are
    /// refused by whoever reads it.
    #[must_use]
    pub fn write(schema: &'static str, signed: &Value, key: &SigningKey) -> Vec<u8> {
        let signature = STANDARD.encode(key.sign(&message(schema, signed)));
        format!("{}\n", json!({"schema": schema, "signed": signed, "signature": signature})).into_bytes()
    }

    /// Reads a file that should be a statement for the purpose that `schema` names: strict JSON with nothing but the three
    /// fields. The caller bounds its length.
    ///
    /// # Errors
    /// [`TrustError::Statement`], in words that are safe to print.
    pub fn read(schema: &'static str, file: &[u8]) -> Result<Self, TrustError> {
        let refuse = |reason: String| TrustError::Statement { reason };
        strict::check(file).map_err(|error| refuse(crate::base::sanitise(&error.to_string())))?;
        let mut found: Value = serde_json::from_slice(file).map_err(|error| refuse(crate::base::sanitise(&error.to_string())))?;
        let fields = found.as_object_mut().ok_or_else(|| refuse("it is no JSON object".to_owned()))?;
        if fields.get("schema").and_then(Value::as_str) != Some(schema) {
            return Err(refuse(format!("its schema is not {schema}")));
        }
        let signature = fields.get("signature").and_then(Value::as_str).and_then(|text| STANDARD.decode(text).ok());
        let (Some(signature), Some(signed), 3) = (signature, fields.get("signed").cloned(), fields.len()) else {
            return Err(refuse("it does not have the three fields schema, signed and signature".to_owned()));
        };
        Ok(Self { schema, signed, signature })
    }

    /// What it says, whoever says so.
    #[must_use]
    pub fn claim(&self) -> &Value {
        &self.signed
    }

    /// Whether `key` signed it, for this purpose.
    #[must_use]
    pub fn is_by(&self, key: &PublicKey) -> bool {
        key.verifies(&message(self.schema, &self.signed), &self.signature)
    }
}

fn message(schema: &str, signed: &Value) -> Vec<u8> {
    let mut bytes = [schema.as_bytes(), &[0]].concat();
    canonical::write(signed, &mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::sums::{minisig, sshsig, verify_minisig, verify_sshsig};

    const SCHEMA: &str = "spartacus.test/1";

    fn stated() -> (SigningKey, Value, Vec<u8>) {
        let key = SigningKey::generate("vantage").unwrap();
        let signed = json!({"vantage": "de", "sequence": 7, "words": ["ä \"quoted\""]});
        let file = Statement::write(SCHEMA, &signed, &key);
        (key, signed, file)
    }

    #[test]
    fn what_was_stated_comes_back_and_only_its_key_signed_it() {
        let (key, signed, file) = stated();
        let read = Statement::read(SCHEMA, &file).unwrap();
        assert!(read.is_by(key.public()) && *read.claim() == signed);
        assert!(!read.is_by(SigningKey::generate("other").unwrap().public()));
        // White space and order are not what is signed.
        let pretty = serde_json::to_vec_pretty(&serde_json::from_slice::<Value>(&file).unwrap()).unwrap();
        assert!(Statement::read(SCHEMA, &pretty).unwrap().is_by(key.public()));
    }

    #[test]
    fn a_signature_serves_one_purpose() {
        let (key, signed, file) = stated();
        assert!(Statement::read("spartacus.other/1", &file).is_err());
        // The same document under another name.
        let text = String::from_utf8(file).unwrap().replace(SCHEMA, "spartacus.other/1");
        assert!(!Statement::read("spartacus.other/1", text.as_bytes()).unwrap().is_by(key.public()));
        // What people's tools sign is no statement, and a statement is nothing that they accept.
        let bytes = canonical::to_bytes(&signed);
        let raw = key.sign(&bytes);
        let forged = |signature: &[u8]| {
            let file = json!({"schema": SCHEMA, "signed": signed, "signature": STANDARD.encode(signature)}).to_string();
            Statement::read(SCHEMA, file.as_bytes()).unwrap().is_by(key.public())
        };
        assert!(!forged(&raw), "as a role is signed");
        let minisign = minisig(&key, &bytes, "x").unwrap();
        assert!(verify_minisig(key.public(), &bytes, &minisign));
        for line in [1, 3] {
            let signature = STANDARD.decode(minisign.lines().nth(line).unwrap()).unwrap();
            assert!(!forged(&signature[signature.len() - 64..]), "as minisign signs");
        }
        let ssh = sshsig(&key, &bytes, SCHEMA).unwrap();
        assert!(verify_sshsig(key.public(), &bytes, SCHEMA, &ssh));
        let sealed = ssh_key::SshSig::from_pem(&ssh).unwrap();
        assert!(!forged(sealed.signature_bytes()), "as OpenSSH signs");
        assert!(forged(&key.sign(&message(SCHEMA, &signed))), "the test can tell");
    }

    #[test]
    fn anything_else_is_refused_in_words() {
        let (_, _, file) = stated();
        let text = String::from_utf8(file).unwrap();
        for bad in [
            "",
            "[]",
            "{}",
            "null",
            r#"{"schema":"spartacus.test/1"}"#,
            r#"{"schema":"spartacus.test/1","signed":{},"signature":"not base64!"}"#,
            r#"{"schema":"spartacus.test/1","signed":{"a":1.5},"signature":""}"#,
            r#"{"schema":"spartacus.test/1","signed":{"a":1,"a":2},"signature":""}"#,
            &text.replace("\"signed\"", "\"more\":1,\"signed\""),
            &format!("{text}{text}"),
        ] {
            let told = Statement::read(SCHEMA, bad.as_bytes()).unwrap_err().to_string();
            assert!(told.starts_with("no signed statement: "), "{told}");
        }
    }
}
