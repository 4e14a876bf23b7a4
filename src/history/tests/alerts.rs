//! What became of messages.

use jiff::SignedDuration;

use super::*;
use crate::base::RouteName;
use crate::history::{NewMessage, OutboxMessage, RouteRecord};

fn message(route: &str) -> NewMessage {
    let route = RouteName::new(route).unwrap();
    NewMessage { route, mirror: None, title: "paris is stale".to_owned(), letter: "{}".to_owned() }
}

fn of(history: &History, route: &str) -> RouteRecord {
    history.alert_routes().unwrap().into_iter().find(|record| record.route.as_str() == route).unwrap()
}

#[test]
fn counts_of_a_route_outlive_its_messages_and_what_waits_is_kept() {
    let (_folder, history) = fresh();
    let at = at("2026-03-01T10:00:00Z");
    let route = RouteName::new("oncall").unwrap();
    let four = [message("oncall"), message("oncall"), message("oncall"), message("oncall")];
    history.decide_alerts(at, &route, &[], &four).unwrap();
    let ids: Vec<u64> = history.waiting_alerts().unwrap().iter().map(|waiting: &OutboxMessage| waiting.id).collect();
    let later = at + SignedDuration::from_mins(4);
    history.alert_failed(ids[0], at, "busy", Some(later)).unwrap();
    assert_eq!((of(&history, "oncall").failing_since, of(&history, "oncall").error), (Some(at), Some("busy".to_owned())));
    history.alert_sent(ids[0], later).unwrap();
    history.alert_failed(ids[1], later, "gone", None).unwrap();
    // Nobody is there to get it: that is not the fault of the route.
    history.alert_dropped(ids[2], later, "its mirror is paused").unwrap();
    let counts = |record: &RouteRecord| (record.sent, record.failed, record.given_up, record.waiting);
    assert_eq!(counts(&of(&history, "oncall")), (1, 2, 1, 1));
    assert_eq!(of(&history, "oncall").failing_since, None);

    assert_eq!(history.prune_alerts(later).unwrap(), 0, "not older than the moment");
    assert_eq!(history.prune_alerts(later + SignedDuration::from_secs(1)).unwrap(), 3);
    assert_eq!(counts(&of(&history, "oncall")), (1, 2, 1, 1));
    history.alert_sent(ids[3], later).unwrap();
    assert_eq!(counts(&of(&history, "oncall")), (2, 2, 1, 0));
    assert_eq!(history.prune_alerts(Timestamp::MAX).unwrap(), 1);
    assert_eq!(counts(&of(&history, "oncall")), (2, 2, 1, 0), "a route without messages is known");
}
