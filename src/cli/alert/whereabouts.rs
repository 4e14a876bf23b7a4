//! Where a mirror lies and from where we look, as its own volunteer may hear it.

use crate::alert::{Place, Whereabouts};
use crate::base::TargetName;
use crate::cli::session::Session;
use crate::config::{Addressing, S3Target, TargetKind};

/// What the volunteer of this mirror may hear of it; nothing where it is no longer configured.
pub fn whereabouts(session: &Session, mirror: &TargetName) -> Whereabouts {
    let Some(target) = session.config.targets.iter().find(|target| target.name == *mirror) else {
        return Whereabouts::default();
    };
    Whereabouts {
        seen_from: session.config.health.seen_from.clone(),
        proxied: target.proxy.is_some(),
        place: place(&target.kind),
    }
}

fn place(kind: &TargetKind) -> Option<Place> {
    Some(match kind {
        TargetKind::Folder(_) => Place::Folder,
        TargetKind::Sftp(sftp) => {
            Place::Sftp { host: sftp.host.clone(), port: sftp.port, user: sftp.user.clone(), path: sftp.path.clone() }
        }
        TargetKind::Webdav(webdav) => Place::Webdav { url: webdav.url.clone(), user: webdav.user.clone() },
        TargetKind::S3(s3) => Place::S3 { url: bucket(s3)?, region: s3.region.clone() },
    })
}

/// The address of the folder in the bucket; `None` where the service has no host name to put the bucket before.
fn bucket(s3: &S3Target) -> Option<url::Url> {
    let mut url = s3.endpoint.clone();
    if s3.addressing == Addressing::Virtual {
        url.set_host(Some(&format!("{}.{}", s3.bucket, s3.endpoint.host_str()?))).ok()?;
    } else {
        url.path_segments_mut().ok()?.pop_if_empty().push(&s3.bucket);
    }
    url.path_segments_mut().ok()?.pop_if_empty().extend(s3.prefix.split('/').filter(|part| !part.is_empty()));
    Some(url)
}
