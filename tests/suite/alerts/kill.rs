//! A kill in the middle of sending: what was sent is not sent again, what was not is.

use serde_json::Value;

use super::{Fleet, KEEP, events};

#[test]
fn a_kill_between_two_messages_repeats_only_the_one_that_was_on_its_way() {
    let fleet = Fleet::new();
    // The second message kills whoever sends it, after it arrived and before that can be written down.
    let script = format!("{KEEP}if test -e \"$1/deadly\" -a -e \"$1/1.json\"; then rm \"$1/deadly\"; kill -9 $PPID; fi\n");
    fleet.desk.write("note.sh", &script);
    fleet.desk.write("kept/deadly", "");
    let (script, kept) = (fleet.desk.path("note.sh"), fleet.desk.path("kept"));
    let command = format!("command: [/bin/sh, {}, {}]", script.display(), kept.display());
    fleet.routes(&[format!("{{name: volunteers, audience: volunteer, {command}}}")]);
    fleet.away("paris");
    fleet.away("lyon");
    let killed = fleet.desk.shell("spartacus check --alert; echo ended with $?");
    assert_eq!(killed.headline(), "ended with 137", "{}{}", killed.out, killed.err);
    let told = events(&kept);
    assert_eq!(told.len(), 2, "{told:?}");
    let route = fleet.route("volunteers");
    assert_eq!((&route["sent"], &route["waiting"]), (&1.into(), &1.into()), "the first one was marked at once");

    let sent = fleet.desk.run(&["alert", "send"]).ends_with(0);
    assert_eq!(sent.out, "1 message sent\n");
    let told = events(&kept);
    let ids: Vec<&Value> = told.iter().map(|event| &event["id"]).collect();
    assert!(ids.len() == 3 && ids[1] == ids[2] && ids[0] != ids[1], "{ids:?}");
    let to: Vec<&Value> = told.iter().map(|event| &event["to"][0]).collect();
    assert_eq!(to, ["lyon@volunteers.example", "paris@volunteers.example", "paris@volunteers.example"]);
    assert_eq!(fleet.desk.run(&["alert", "send"]).ends_with(0).out, "0 messages sent\n");
}
