//! `spartacus alert test`: does a message arrive?

use super::some_route;
use super::way::{Told, hand_over};
use crate::alert::trial;
use crate::base::{Audience, MailAddress, sanitise};
use crate::cli::exit::{self, Ended, Failure};
use crate::cli::fleet::fleet;
use crate::cli::session::Session;
use crate::cli::surface::{Surface, answer, complain};
use crate::config::{AlertRoute, AlertWay};
use crate::report::Fleet;

/// Sends a test message on these routes, or on all. Volunteers get none: theirs goes to our own address.
pub async fn test(surface: &Surface, session: &Session, names: &[String]) -> Ended {
    some_route(session)?;
    let all = fleet(session, &[])?;
    let mut results = Vec::new();
    for route in chosen(session, names)? {
        results.push((route, one(session, &all, route).await));
    }
    let lines: Vec<String> = results
        .iter()
        .map(|(route, result)| match result {
            Ok(()) => format!("{}: a test message was accepted ({})", route.name, route.way.word()),
            Err(why) => format!("{}: failed: {}", route.name, why.message),
        })
        .collect();
    let told = |(route, result): &(&AlertRoute, Result<(), Told>)| {
        let error = result.as_ref().err().map(|why| why.message.clone());
        serde_json::json!({ "route": route.name, "way": route.way.word(), "delivered": error.is_none(), "error": error })
    };
    let fields = serde_json::json!({ "routes": results.iter().map(told).collect::<Vec<_>>() });
    answer(surface, "spartacus.alert_test/1", &fields, &lines.join("\n"));
    for why in results.iter().filter_map(|(_, result)| result.as_ref().err()) {
        why.hints.iter().for_each(|hint| complain(&format!("hint: {hint}")));
    }
    Ok(if results.iter().all(|(_, result)| result.is_ok()) { exit::OK } else { exit::UNHEALTHY })
}

fn chosen<'a>(session: &'a Session, names: &[String]) -> Result<Vec<&'a AlertRoute>, Failure> {
    let routes = &session.config.alerts;
    if let Some(unknown) = names.iter().find(|name| !routes.iter().any(|route| route.name.as_str() == *name)) {
        let known: Vec<&str> = routes.iter().map(|route| route.name.as_str()).collect();
        return Err(Failure::told(exit::USAGE, format!("there is no route {}", sanitise(unknown)))
            .hint(format!("routes are: {}", known.join(", "))));
    }
    Ok(routes.iter().filter(|route| names.is_empty() || names.iter().any(|name| route.name.as_str() == name)).collect())
}

async fn one(session: &Session, all: &Fleet, route: &AlertRoute) -> Result<(), Told> {
    let letter = trial(all, &route.name, route.rules.audience);
    let to: Vec<MailAddress> = match (&route.way, route.rules.audience) {
        (AlertWay::Smtp(smtp), Audience::Maintainer) => smtp.to.clone(),
        (AlertWay::Smtp(smtp), Audience::Volunteer) => vec![smtp.reply_to.clone().unwrap_or_else(|| smtp.from.clone())],
        _ => Vec::new(),
    };
    if to.len() < 2 {
        return hand_over(session, route, &letter, &to).await;
    }
    // Each by itself: an alert counts as sent when one of them was reached, a test when all were. Which one it is, is told by
    // its place in the list: addresses are private.
    for (place, one) in to.chunks(1).enumerate() {
        hand_over(session, route, &letter, one)
            .await
            .map_err(|why| Told { message: format!("recipient {} of {}: {}", place + 1, to.len(), why.message), ..why })?;
    }
    Ok(())
}
