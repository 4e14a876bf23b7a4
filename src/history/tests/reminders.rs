//! What was reminded of.

use super::*;
use crate::base::RouteName;
use crate::history::{NewMessage, Reminded};

#[test]
fn the_last_step_of_each_offer_is_known_on_each_route_and_comes_with_its_message() {
    let (_folder, path) = place();
    let history = History::open(&path).unwrap();
    let (team, volunteers) = (RouteName::new("team").unwrap(), RouteName::new("volunteers").unwrap());
    let step = |route: &RouteName, ticket: &str, end: &str, days| Reminded {
        route: route.clone(),
        ticket: ticket.to_owned(),
        expires: at(end),
        days,
    };
    let letter = NewMessage { route: team.clone(), mirror: None, title: "an offer ends".to_owned(), letter: "{}".to_owned() };
    let (end, later) = ("2026-06-01T10:00:00Z", "2026-12-01T10:00:00Z");
    let now = at("2026-05-02T10:00:00Z");
    history.tell(now, std::slice::from_ref(&letter), &[step(&team, "t-b", end, 30), step(&team, "t-a", end, 30)]).unwrap();
    history.tell(now, &[], &[step(&volunteers, "t-a", end, 30)]).unwrap();
    history.tell(now, &[], &[step(&team, "t-a", end, 7), step(&team, "t-b", later, 30)]).unwrap();
    drop(history);
    let history = History::open(&path).unwrap();
    assert_eq!(history.reminded(&team).unwrap(), [step(&team, "t-a", end, 7), step(&team, "t-b", later, 30)]);
    assert_eq!(history.reminded(&volunteers).unwrap(), [step(&volunteers, "t-a", end, 30)]);
    let waiting = history.waiting_alerts().unwrap();
    assert_eq!(waiting.iter().map(|waiting| &waiting.message).collect::<Vec<_>>(), [&letter]);
}
