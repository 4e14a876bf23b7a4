//! Who answers for domains, asked and remembered.

use super::*;
use crate::health::NameServerSight;
use crate::health::resilience::RegisteredDomain;

fn domain(name: &str) -> RegisteredDomain {
    name.parse().unwrap()
}

fn sight(name: &str, hosts: Result<&[&str], &str>) -> NameServerSight {
    let hosts = hosts.map(|hosts| hosts.iter().map(|host| domain(host)).collect()).map_err(str::to_owned);
    NameServerSight { domain: domain(name), hosts }
}

#[test]
fn an_answer_is_believed_for_a_week_and_asked_for_once_a_day() {
    let (_folder, history) = fresh();
    let first = [sight("example.org", Ok(&["example.net"])), sight("example.com", Err("no answer"))];
    history.record_name_servers(at("2026-03-01T00:00:00Z"), "system", &first).unwrap();
    let known = history.name_servers().unwrap();
    let (answered, failed) = (&known[&domain("example.org")], &known[&domain("example.com")]);
    assert_eq!(answered.known_hosts(at("2026-03-01T00:05:00Z")), [domain("example.net")]);
    assert_eq!((failed.known_hosts(at("2026-03-01T00:05:00Z")), failed.trouble.as_deref()), (&[][..], Some("no answer")));
    for record in [answered, failed] {
        assert!(!record.is_due("system", at("2026-03-01T23:59:59Z")) && record.is_due("system", at("2026-03-02T00:00:00Z")));
        assert!(record.is_due("127.0.0.1:5353", at("2026-03-01T00:01:00Z")), "another resolver may know more");
    }

    // A failure later on takes the answer away only when it is old.
    history.record_name_servers(at("2026-03-02T00:00:00Z"), "system", &[sight("example.org", Err("no answer"))]).unwrap();
    let known = history.name_servers().unwrap();
    let record = &known[&domain("example.org")];
    assert_eq!((record.asked, record.answered), (at("2026-03-02T00:00:00Z"), Some(at("2026-03-01T00:00:00Z"))));
    assert_eq!(record.known_hosts(at("2026-03-07T23:59:59Z")), [domain("example.net")]);
    assert_eq!(record.known_hosts(at("2026-03-08T00:00:00Z")), []);

    // And a domain that belongs to no mirror any more is forgotten.
    history.record_name_servers(at("2026-04-15T00:00:00Z"), "system", &[sight("example.com", Ok(&[]))]).unwrap();
    assert_eq!(history.name_servers().unwrap().into_keys().collect::<Vec<_>>(), [domain("example.com")]);
}
