//! Whoever wants to leave is heard, however much was said before, by them or by others.

use camino::Utf8PathBuf;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use spartacus::base::Sha256;
use spartacus::history::{Front, Received, Reception};
use spartacus::registration::{Message, Request, Ticket, Withdrawal};
use spartacus::trust::SigningKey;

use super::site::{ask, message, serve};
use crate::cli_desk::Desk;
use crate::support::schema;

/// More than the project reads at once from its front.
const MANY: usize = 264;
/// Of one volunteer so many messages wait at the front.
const OF_ONE: usize = 8;

/// A project with a front, and its pin.
fn project(waiting: usize) -> (Desk, Front, Sha256) {
    let desk = Desk::with_targets(&["local"]);
    desk.edit("targets.yaml", "targets:", &format!("serve: {{waiting: {waiting}}}\ntargets:"));
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    desk.run(&["check"]).ends_with(0);
    let database = Utf8PathBuf::from_path_buf(desk.path(".spartacus/front/front.db")).expect("UTF-8");
    let front = Front::open_existing(&database).expect("the round has made it");
    let pin = Sha256::of(&std::fs::read(desk.path(".spartacus/metadata/1.root.json")).expect("init writes it"));
    (desk, front, pin)
}

fn volunteer() -> SigningKey {
    SigningKey::generate("volunteer").expect("a key")
}

/// What a volunteer says after an offer: pauses and their ends in turn, and at the end that it is over.
fn said(pin: Sha256, volunteer: &SigningKey, number: usize, count: usize) -> String {
    let seconds = i64::try_from(number).expect("a small number");
    if number == 0 {
        return message(volunteer, pin, 0);
    }
    let now = Timestamp::now();
    let request = match number {
        last if last + 1 == count => Request::Withdraw(Withdrawal { delete: false }),
        odd if odd % 2 == 1 => Request::Pause { until: now + SignedDuration::from_hours(48) },
        _ => Request::Resume {},
    };
    Message::new(pin, volunteer, request, now + SignedDuration::from_secs(seconds)).to_file(volunteer)
}

/// Puts a file into the front database as the web process does.
fn receive(front: &Front, file: &str, volunteer: &SigningKey, pin: Sha256, received: Timestamp) -> Reception {
    let read = Message::read(file.as_bytes(), pin, Timestamp::now()).expect("a message of ours");
    let ticket = Ticket::of(pin, volunteer.public()).to_string();
    let received = Received { ticket, sequence: read.sequence, received, bytes: file.as_bytes().to_vec().into() };
    front.receive(&received, 10_000).expect("the database is ours")
}

fn state_of(desk: &Desk, pin: Sha256, volunteer: &SigningKey) -> Value {
    let ticket = Ticket::of(pin, volunteer.public()).to_string();
    let told = schema::expect_command("offers", &desk.run(&["offers", "list", "--json"]).ends_with(0).out);
    let offers = told["offers"].as_array().expect("a list");
    offers.iter().find(|offer| offer["ticket"] == ticket.as_str()).expect("it was taken in")["state"].clone()
}

#[test]
fn of_one_volunteer_eight_messages_wait_and_a_run_later_the_withdrawal_gets_through() {
    let (desk, front, pin) = project(200);
    let key = volunteer();
    for round in 0..MANY / OF_ONE {
        for number in 0..OF_ONE {
            let file = said(pin, &key, round * OF_ONE + number, MANY + 1);
            assert_eq!(receive(&front, &file, &key, pin, Timestamp::now()), Reception::Kept, "round {round}, {number}");
        }
        if round + 1 < MANY / OF_ONE {
            assert_eq!(state_of(&desk, pin, &key), "waiting", "round {round}");
            assert_eq!(front.queue().expect("the database is ours").waiting, 0, "all of them were taken");
        }
    }

    // The last eight still wait when it wants to leave; it is told so, and what to do.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (_server, address, _) = serve(folder.path(), front.path(), &[]);
    let leaving = said(pin, &key, MANY, MANY + 1);
    let leave = || ask(address, "POST", "/api/v1/offers", "Content-Type: application/json\r\n", leaving.as_bytes());
    let refused = leave();
    assert_eq!(refused.status, 429, "{}", refused.text());
    let words = refused.json()["error"].as_str().expect("words").to_owned();
    assert!(words.contains("eight messages of this volunteer wait"), "{words}");
    assert_eq!(state_of(&desk, pin, &key), "waiting");
    assert_eq!(leave().status, 202);
    assert_eq!(state_of(&desk, pin, &key), "withdrawn");
    let ticket = Ticket::of(pin, key.public());
    assert_eq!(ask(address, "GET", &format!("/api/v1/offers/{ticket}"), "", b"").json()["state"], "retired");
}

#[test]
fn of_files_that_are_mailed_any_number_is_taken_in_the_order_in_which_they_were_written() {
    let (desk, _front, pin) = project(200);
    let key = volunteer();
    let mut names: Vec<String> = Vec::new();
    for number in 0..=MANY {
        // The last one comes first.
        let name = format!("mail/{:03}.json", MANY - number);
        desk.write(&name, &said(pin, &key, number, MANY + 1));
        names.insert(0, name);
    }
    let arguments: Vec<&str> = ["offers", "add", "--json"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let told = schema::expect_command("offers_taken", &desk.run(&arguments).ends_with(0).out);
    let taken = told["taken"].as_array().expect("a list");
    assert_eq!(taken.len(), MANY + 1);
    assert_eq!((&taken[0]["request"], &taken[MANY]["request"]), (&"offer".into(), &"withdraw".into()));
    assert_eq!(state_of(&desk, pin, &key), "withdrawn");
}

#[test]
fn a_crowd_of_strangers_that_must_wait_keeps_nobody_from_leaving() {
    let (desk, front, pin) = project(2 * MANY);
    let key = volunteer();
    receive(&front, &said(pin, &key, 0, 2), &key, pin, Timestamp::now());
    assert_eq!(state_of(&desk, pin, &key), "waiting");
    // They came long before, and the maintainers want no more offers than they have.
    let before = Timestamp::now() - SignedDuration::from_hours(1);
    for _ in 0..MANY {
        let stranger = volunteer();
        assert_eq!(receive(&front, &message(&stranger, pin, 0), &stranger, pin, before), Reception::Kept);
    }
    desk.edit("targets.yaml", &format!("waiting: {}", 2 * MANY), "waiting: 1");
    assert_eq!(receive(&front, &said(pin, &key, 1, 2), &key, pin, Timestamp::now()), Reception::Kept);
    assert_eq!(state_of(&desk, pin, &key), "withdrawn");
    // Of the strangers none was taken in before that, and one has a place now.
    assert_eq!(front.queue().expect("the database is ours").waiting, u32::try_from(MANY).expect("a few"));
    desk.run(&["offers", "list"]).ends_with(0);
    assert_eq!(front.queue().expect("the database is ours").waiting, u32::try_from(MANY - 1).expect("a few"));
}
