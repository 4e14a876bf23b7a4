//! Servers as children: started, awaited, stopped.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use super::tools;

/// A server that is not up by then never will be. Generous: two cores may be running eight servers.
const READY: Duration = Duration::from_mins(1);
/// Between two looks at whether it is up.
const POLL: Duration = Duration::from_millis(10);
/// A server that was asked to stop and has not by then is killed.
const STOP: Duration = Duration::from_secs(5);
/// Ports for [`free_ports`]: Linux gives those from 32768 on by itself (`net.ipv4.ip_local_port_range`).
const PORTS: std::ops::Range<u16> = 20_000..32_000;
/// Another program may take a port between our look and the server's bind.
const TRIES: usize = 5;

/// How a server is asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// SIGTERM: it has workers of its own to stop.
    Term,
    /// SIGKILL: it is one process, and its goodbyes take long.
    Kill,
}

impl Stop {
    fn signal(self) -> &'static str {
        match self {
            Self::Term => "TERM",
            Self::Kill => "KILL",
        }
    }
}

/// A running server. Stopped when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    stop: Stop,
    log: PathBuf,
}

impl Server {
    /// Starts a server on `count` free ports: `command` gets them and says what to run. Returns once the first port
    /// answers. Standard output and error go to `log`.
    pub fn start(log: &Path, stop: Stop, count: usize, mut command: impl FnMut(&[u16]) -> Command) -> (Self, Vec<u16>) {
        for _ in 0..TRIES {
            let ports = free_ports(count);
            let mut server = Self::spawn(log, stop, &command(&ports));
            if server.is_up(ports[0]) {
                return (server, ports);
            }
        }
        panic!("the server did not start in {TRIES} tries; its log {}:\n{}", log.display(), read(log));
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal by name (`STOP`, `CONT`, `HUP`, `KILL`).
    pub fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Everything it wrote so far.
    pub fn log(&self) -> String {
        read(&self.log)
    }

    /// Runs `command` under `setpriv`, so that it also ends when this process is killed and no guard is dropped.
    fn spawn(log: &Path, stop: Stop, command: &Command) -> Self {
        let out = File::create(log).expect("the log can be made");
        let mut guarded = Command::new(tools::program("setpriv"));
        guarded.args(["--pdeathsig", stop.signal(), "--"]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => guarded.env(name, value),
                None => guarded.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            guarded.current_dir(folder);
        }
        guarded.stdin(Stdio::null()).stdout(out.try_clone().expect("a file can be cloned")).stderr(out);
        Self { child: spawn_from_lasting_thread(guarded), stop, log: log.to_owned() }
    }

    /// Whether it listens on the port; false if it ended before.
    fn is_up(&mut self, port: u16) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < READY {
            if self.has_ended() {
                return false;
            }
            if accepts(port) {
                // Whoever answered may be another's server on a port that ours failed to get.
                return !self.has_ended();
            }
            std::thread::sleep(POLL);
        }
        panic!("nothing answers on port {port} after {READY:?}; the log {}:\n{}", self.log.display(), self.log());
    }

    fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_some()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.stop == Stop::Term && !self.has_ended() {
            // A server that was stopped by SIGSTOP would not hear the request.
            self.signal("CONT");
            self.signal("TERM");
            let begun = Instant::now();
            while begun.elapsed() < STOP && !self.has_ended() {
                std::thread::sleep(POLL);
            }
        }
        // It may have ended already; then there is nothing to kill, and waiting takes its result away.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ports that nobody listens on, all different, for a server that is started later or for a place where there is none. They lie
/// below those that the system gives by itself, so that neither a bind to port 0 nor a connection gets one; and each is held by a
/// lock on a file of its number until this process ends, since other tests ask here at the same time.
pub fn free_ports(count: usize) -> Vec<u16> {
    static HELD: Mutex<Vec<File>> = Mutex::new(Vec::new());
    let folder = std::env::temp_dir().join(format!("spartacus-test-ports-{}", rustix::process::getuid().as_raw()));
    std::fs::create_dir_all(&folder).expect("a folder of the tests' own");
    let mut found = Vec::new();
    while found.len() < count {
        let port = fastrand::u16(PORTS);
        let lock =
            File::options().create(true).append(true).open(folder.join(port.to_string())).expect("a file of the tests' own");
        if lock.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            HELD.lock().expect("nobody panics with it").push(lock);
            found.push(port);
        }
    }
    found
}

/// Whether faketime did not begin for what one that was killed, by a test of kills, left behind under the number of a process that
/// is used again now: then it is to be run once more.
pub fn is_stale_faketime(words: &[u8]) -> bool {
    words.starts_with(b"faketime: sem_open: File exists")
}

/// Whether something accepts connections on the loopback port.
pub fn accepts(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpStream::connect_timeout(&address, Duration::from_millis(500)).is_ok()
}

/// Polls until `ready` holds; panics with `what` after a minute.
pub fn wait_until(what: &str, ready: impl FnMut() -> bool) {
    wait_within(READY, what, ready);
}

/// Polls until `ready` holds; panics with `what` after `limit`.
pub fn wait_within(limit: Duration, what: &str, mut ready: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !ready() {
        assert!(begun.elapsed() < limit, "{what}: not after {limit:?}");
        std::thread::sleep(POLL);
    }
}

/// Runs a program to its end; panics with its output if it fails.
pub fn run(command: &mut Command) -> String {
    let output = output(command);
    assert!(output.status.success(), "{command:?} ended with {}:\n{}", output.status, text(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs a program to its end, whatever that is.
pub fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?} did not start: {error}"))
}

/// Both streams of a finished program.
pub fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn signal(id: u32, name: &str) {
    // Through the shell's own `kill`: std has only SIGKILL, and a failure means that the process is gone.
    let _ = Command::new("/bin/sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &id.to_string()]).status();
}

fn read(path: &Path) -> String {
    std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// The kernel's death signal is tied to the *thread* that forked, so all servers are forked by one that lasts as long as
/// the process: a test may start one from a thread pool whose threads come and go.
fn spawn_from_lasting_thread(command: Command) -> Child {
    type Order = (Command, mpsc::Sender<std::io::Result<Child>>);
    static FORKER: OnceLock<Mutex<mpsc::Sender<Order>>> = OnceLock::new();
    let forker = FORKER.get_or_init(|| {
        let (orders, inbox) = mpsc::channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, answer) in inbox {
                // Nobody waits for the answer only if the test panicked meanwhile.
                let _ = answer.send(command.spawn());
            }
        });
        Mutex::new(orders)
    });
    let (answer, outcome) = mpsc::channel();
    let program = format!("{command:?}");
    forker.lock().expect("sending does not panic").send((command, answer)).expect("the forker lasts");
    outcome.recv().expect("the forker answers").unwrap_or_else(|error| panic!("{program} did not start: {error}"))
}
