//! Attempts that a key for one prefix must not get through with. Rights are only read, never changed.

use super::S3Store;
use super::error::from_sdk;
use super::outgoing::Sending;
use super::wire::Wire;
use crate::store::overreach::{Aim, Attempt, Met};
use crate::store::{Body, Operation, StoreError};

/// Most names that are asked for at one level.
const NAMES: i32 = 100;

impl S3Store {
    /// Tries everything that no push needs; `name` is a name that nobody uses. What is made is removed again.
    pub async fn overreach(&self, name: &str) -> Vec<Attempt> {
        vec![
            self.other_buckets().await,
            self.bucket_policy().await,
            self.bucket_acl().await,
            self.listing_outside().await,
            self.writing_outside(name).await,
        ]
    }

    async fn other_buckets(&self) -> Attempt {
        let listed = self.client.list_buckets().customize().interceptor(Wire::plain()).send().await;
        match listed.map_err(|error| from_sdk(&error, Operation::List, &self.target)) {
            Ok(found) => {
                let names = found.buckets().iter().filter_map(|bucket| bucket.name());
                let others: Vec<String> = names.filter(|name| *name != self.bucket).map(str::to_owned).collect();
                Attempt::listed(Aim::OtherBuckets, "bucket", &others)
            }
            Err(error) => Attempt::failed(Aim::OtherBuckets, &error),
        }
    }

    async fn bucket_policy(&self) -> Attempt {
        let asked = self.client.get_bucket_policy().bucket(&self.bucket).customize().interceptor(Wire::plain()).send().await;
        match asked.map_err(|error| from_sdk(&error, Operation::Get, &self.target)) {
            Ok(_) => Attempt::new(Aim::BucketPolicy, Met::Done, "the policy of the bucket can be read"),
            // Asking is allowed then. The narrowest key that SeaweedFS knows may do that, and there is nothing to see.
            Err(error) if error.detail.starts_with("NoSuchBucketPolicy") => {
                Attempt::new(Aim::BucketPolicy, Met::Harmless, "the bucket has no policy that could be read")
            }
            Err(error) => Attempt::failed(Aim::BucketPolicy, &error),
        }
    }

    async fn bucket_acl(&self) -> Attempt {
        let asked = self.client.get_bucket_acl().bucket(&self.bucket).customize().interceptor(Wire::plain()).send().await;
        match asked.map_err(|error| from_sdk(&error, Operation::Get, &self.target)) {
            Ok(_) => Attempt::new(Aim::BucketAcl, Met::Done, "the access list of the bucket can be read"),
            Err(error) => Attempt::failed(Aim::BucketAcl, &error),
        }
    }

    /// What lies beside the prefix, level by level from the top of the bucket.
    async fn listing_outside(&self) -> Attempt {
        if self.prefix.is_empty() {
            return self.all_ours(Aim::ListingOutside);
        }
        let (mut level, mut others) = (String::new(), Vec::new());
        let (mut listed, mut refusal) = (false, None);
        for part in self.prefix.split('/') {
            let own = format!("{level}{part}/");
            match self.names_below(&level).await {
                Ok(names) => {
                    listed = true;
                    others.extend(names.into_iter().filter(|name| *name != own && *name != level));
                }
                // A policy may hide the top and show what lies lower.
                Err(error) => drop(refusal.get_or_insert(error)),
            }
            level = own;
        }
        match refusal {
            Some(error) if !listed => Attempt::failed(Aim::ListingOutside, &error),
            _ => Attempt::listed(Aim::ListingOutside, "name", &others),
        }
    }

    async fn names_below(&self, level: &str) -> Result<Vec<String>, StoreError> {
        let request = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .delimiter("/")
            .max_keys(NAMES)
            .set_prefix((!level.is_empty()).then(|| level.to_owned()));
        let page = request.customize().interceptor(Wire::plain()).send().await;
        let page = page.map_err(|error| from_sdk(&error, Operation::List, &self.target))?;
        let objects = page.contents().iter().filter_map(|object| object.key());
        let folders = page.common_prefixes().iter().filter_map(|common| common.prefix());
        Ok(objects.chain(folders).map(str::to_owned).collect())
    }

    /// An empty object whose key begins with our prefix and does not lie below it: a rule that lacks the slash lets it pass.
    async fn writing_outside(&self, name: &str) -> Attempt {
        let aim = Aim::WritingOutside;
        if self.prefix.is_empty() {
            return self.all_ours(aim);
        }
        let key = format!("{}-{name}", self.prefix);
        let body = Body::bytes("");
        let (sending, outgoing) = Sending::of(&body, 0, 0);
        let request = self.client.put_object().bucket(&self.bucket).key(&key).content_length(0).body(outgoing.into());
        let put = request.customize().interceptor(Wire::upload(Some(body.sha256()), sending)).send().await;
        let refused = put.err().map(|error| Attempt::failed(aim, &from_sdk(&error, Operation::Put, &self.target)));
        if let Some(refused) = refused.as_ref().filter(|refused| refused.met != Met::Unclear) {
            return refused.clone();
        }
        let delete = self.client.delete_object().bucket(&self.bucket).key(&key);
        let deleted = delete.customize().interceptor(Wire::plain()).send().await;
        // Without an answer it may have been made all the same; if it was not, there was nothing to delete.
        if let Some(unclear) = refused {
            return unclear;
        }
        let left =
            deleted.err().map(|error| format!("the key {key} ({})", from_sdk(&error, Operation::Delete, &self.target).kind));
        Attempt::new(aim, Met::Done, format!("the key {key} could be made, which does not lie below {}/", self.prefix))
            .leaving(left)
    }

    fn all_ours(&self, aim: Aim) -> Attempt {
        Attempt::new(aim, Met::Harmless, format!("the whole bucket {} is offered", self.bucket))
    }
}
