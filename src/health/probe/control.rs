//! Whether we are online ourselves.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use url::Url;

use crate::net::{Contacts, Destinations};

/// Places of others that are asked whether we are online. None is built in: nobody is called without being named.
#[derive(Debug, Clone)]
pub struct Control {
    contacts: Arc<Contacts>,
    places: Vec<Url>,
}

impl Control {
    /// A control that asks `places`.
    #[must_use]
    pub fn new(contacts: Arc<Contacts>, places: Vec<Url>) -> Self {
        Self { contacts, places }
    }

    /// Whether any place answers over HTTP, whatever it answers; `None` when none is configured. All are asked at the same
    /// time, and the first answer is enough.
    pub(in crate::health) async fn online(&self) -> Option<bool> {
        if self.places.is_empty() {
            return None;
        }
        let mut asked: FuturesUnordered<_> = self.places.iter().map(|place| self.answers(place)).collect();
        while let Some(answered) = asked.next().await {
            if answered {
                return Some(true);
            }
        }
        Some(false)
    }

    /// Whether somebody answers at `place`, over any of its addresses.
    async fn answers(&self, place: &Url) -> bool {
        let Ok((_, addresses)) = self.contacts.resolve(place, &Destinations::anywhere()).await else { return false };
        for address in addresses {
            match self.contacts.get(place, address, None).await.result {
                Ok(()) => return true,
                Err(error) if error.is_answer() => return true,
                Err(_) => {}
            }
        }
        false
    }
}
