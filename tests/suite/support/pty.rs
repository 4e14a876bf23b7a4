//! A terminal of its own for a program that asks.

use std::path::Path;
use std::process::Command;

use super::{process, tools};

/// Waits for each prompt before it types the answer, as people do: what is typed while a secret is asked for is not echoed.
const DRIVER: &str = r#"
import json, os, pty, select, sys, termios, time
dialogue, words = json.loads(sys.argv[1]), sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    os.execv(words[0], words)
seen, begun = b"", time.monotonic()
def read(until):
    global seen
    start = read.at
    while until is None or until.encode() not in seen[start:]:
        if time.monotonic() - begun > 60:
            sys.exit("no prompt %r in %r" % (until, seen))
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            piece = b""
        if not piece:
            if until is None:
                return
            sys.exit("it ended before the prompt %r: %r" % (until, seen))
        seen += piece
    read.at = start + seen[start:].index(until.encode()) + len(until.encode())
read.at = 0
for prompt, answer in dialogue:
    read(prompt)
    # The prompt comes first, and then the echo is taken away: people are slower than that.
    while "not shown" in prompt and termios.tcgetattr(terminal)[3] & termios.ECHO and time.monotonic() - begun < 60:
        select.select([terminal], [], [], 0.01)
    os.write(terminal, answer.encode() + b"\n")
read(None)
_, status = os.waitpid(child, 0)
print(json.dumps({"code": os.waitstatus_to_exitcode(status), "seen": seen.decode(errors="replace")}))
"#;

/// Runs `command` on a terminal in its folder and environment, and answers each prompt. Gives the exit code and all that was shown.
pub fn converse(command: &Command, dialogue: &[(&str, &str)]) -> (i64, String) {
    let mut driver = Command::new(tools::program("python3"));
    driver
        .args(["-c", DRIVER, &serde_json::to_string(dialogue).expect("words")])
        .arg(command.get_program())
        .args(command.get_args());
    driver.env_clear();
    for (name, value) in command.get_envs() {
        driver.env(name, value.unwrap_or_default());
    }
    driver.current_dir(command.get_current_dir().unwrap_or(Path::new(".")));
    let told: serde_json::Value = serde_json::from_str(&process::run(&mut driver)).expect("the driver tells JSON");
    (told["code"].as_i64().expect("a code"), told["seen"].as_str().expect("a text").to_owned())
}
