//! Floods, slow connections, too few descriptors: whoever asks decently is answered all the same.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use spartacus::trust::SigningKey;
use tokio::io::AsyncWriteExt as _;

use super::offers::connect_from;
use super::site::{Answer, Site, ask, try_on};
use crate::public::example;
use crate::support::process::{self, wait_within};
use crate::support::tools;

/// Status pages that one core must be able to send in a second. An optimised build sends many more, see docs/operations.md; this
/// one is not.
const PAGES_PER_CORE: f64 = 1000.0;
/// Slow connections of the attack.
const SLOW: usize = 5000;

/// As many descriptors as the system lets this process have.
fn allow_many_files() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limit.maximum, ..limit };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).expect("up to the hard limit it is allowed");
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    assert!(files > SLOW as u64 + 500, "only {files} files may be open: raise the hard limit (ulimit -Hn)");
}

/// Some time that nearly all of these took at most: the 99th percentile.
fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() * 99 / 100]
}

/// How long decent visitors waited for the status page, one after the other.
fn visits(site: &Site, count: usize) -> Vec<Duration> {
    let visit = |number: usize| {
        let begun = Instant::now();
        let last = u8::try_from(number % 200 + 2).expect("a byte");
        let stream = connect_from(SocketAddr::from(([127, 0, 7, last], 0)), site.address);
        let answer = try_on(stream, "GET", "/", "", b"").expect("an answer");
        assert_eq!(answer.status, 200);
        begun.elapsed()
    };
    (0..count).map(visit).collect()
}

/// One connection of the attack, of an address that 20 of them share, held until the front or the test ends it.
async fn loiter(number: usize, to: SocketAddr, over: Arc<AtomicBool>, opened: Arc<AtomicUsize>) {
    let source = Ipv4Addr::from_bits(Ipv4Addr::new(127, 1, 0, 1).to_bits() + u32::try_from(number / 20).expect("a few"));
    while !over.load(Ordering::Relaxed) {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from((source, 0))).expect("loopback has many addresses");
        let Ok(Ok(mut stream)) = tokio::time::timeout(Duration::from_secs(5), socket.connect(to)).await else { continue };
        opened.fetch_add(1, Ordering::Relaxed);
        let begin: &[u8] = match number % 3 {
            0 => b"",
            1 => b"GET / HTTP/1.1\r\nHost: front.test\r\nX-Slow: ",
            _ => b"POST /api/v1/offers HTTP/1.1\r\nHost: front.test\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{",
        };
        let mut alive = begin.is_empty() || stream.write_all(begin).await.is_ok();
        while alive && !over.load(Ordering::Relaxed) {
            let mut byte = [0];
            alive = tokio::select! {
                read = tokio::io::AsyncReadExt::read(&mut stream, &mut byte) => matches!(read, Ok(1..)),
                () = tokio::time::sleep(Duration::from_millis(500)) => begin.is_empty() || stream.write_all(b"a").await.is_ok(),
            };
        }
    }
}

#[test]
fn five_thousand_slow_connections_do_not_keep_anybody_else_waiting() {
    allow_many_files();
    let site = Site::new();
    let calm = p99(visits(&site, 50));
    let (over, opened) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    for number in 0..SLOW {
        runtime.spawn(loiter(number, site.address, Arc::clone(&over), Arc::clone(&opened)));
    }
    wait_within(Duration::from_mins(2), "all of them came", || opened.load(Ordering::Relaxed) >= SLOW);
    let attacked = p99(visits(&site, 300));
    let connections = site.metric("spartacus_web_connections");
    let memory = site.memory();
    over.store(true, Ordering::Relaxed);
    runtime.shutdown_timeout(Duration::from_secs(2));
    println!("p99 of the status page: {calm:?} before, {attacked:?} during; {connections} connections, {memory} bytes");
    assert!(attacked < Duration::from_millis(500), "p99 {attacked:?} under attack, {calm:?} before");
    assert!((1.0..=1024.0).contains(&connections), "{connections}");
    assert!(memory < 200 << 20, "{memory} bytes");
    wait_within(Duration::from_secs(15), "the front has recovered", || site.metric("spartacus_web_connections") < 100.0);
    assert_eq!(site.get("/").status, 200);
}

/// A body that is as long as may be, and is read to its end before it is refused.
fn longest() -> Vec<u8> {
    let mut body = b"{\"schema\":\"spartacus.offer/1\",\"signed\":\"".to_vec();
    body.resize(64 * 1024 - 2, b'x');
    body.extend(b"\"}");
    body
}

#[test]
fn a_flood_of_posts_from_everywhere_takes_neither_memory_nor_disk_nor_time_of_others() {
    const POSTS: usize = 10_000;
    const WAITING: u32 = 20;
    let site = Site::with(&example::fleet(), WAITING, &[]);
    visits(&site, 20);
    // Good offers among them, each of a volunteer of its own: only these reach the database.
    let offers: Vec<String> = (0..60).map(|_| site.offer(&SigningKey::generate("volunteer").expect("a key"), 0)).collect();
    let (before, begun) = (site.memory(), Instant::now());
    let done = AtomicUsize::new(0);
    let statuses = std::sync::Mutex::new(std::collections::BTreeMap::<u16, usize>::new());
    let times = std::thread::scope(|scope| {
        for worker in 0..4_usize {
            let (site, offers, done, statuses) = (&site, &offers, &done, &statuses);
            scope.spawn(move || {
                // By the form, and as programs do it.
                let form = [b"token=x&offer=".as_slice(), &vec![b'x'; 60_000]].concat();
                let long = longest();
                for number in (worker..POSTS).step_by(4) {
                    let stream = connect_from(SocketAddr::from(([127, 9, 0, 1], 0)), site.address);
                    let who = Ipv4Addr::from_bits(0xcb00_0000 + (u32::try_from(number).expect("small") << 8));
                    let good = offers.get(number / 6).filter(|_| number % 6 == 0).map(String::as_bytes);
                    let (path, kind, body) = match good {
                        None if number % 2 == 1 => ("/offers", "application/x-www-form-urlencoded", form.as_slice()),
                        body => ("/api/v1/offers", "application/json", body.unwrap_or(&long)),
                    };
                    let headers = format!("Content-Type: {kind}\r\nX-Forwarded-For: {who}\r\n");
                    // Whoever is refused before the body may lose the answer to a reset.
                    if let Ok(answer) = try_on(stream, "POST", path, &headers, body) {
                        *statuses.lock().expect("nobody panics").entry(answer.status).or_default() += 1;
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut times = Vec::new();
        while done.load(Ordering::Relaxed) < POSTS {
            times.extend(visits(&site, 1));
        }
        times
    });
    let took = begun.elapsed();
    let (visited, slowest, after) = (times.len(), p99(times), site.memory());
    let statuses = statuses.into_inner().expect("nobody panics");
    println!("{POSTS} posts in {took:?} ({statuses:?}); {visited} visits, p99 {slowest:?}; memory {before} -> {after}");
    assert!(took < Duration::from_mins(1), "a flood of only {POSTS} in {took:?}");
    assert!(slowest < Duration::from_millis(500), "p99 {slowest:?}");
    assert!(after < before + (16 << 20), "memory grew from {before} to {after} bytes");
    assert!(statuses.contains_key(&429) && statuses.contains_key(&202), "{statuses:?}");
    let queue = site.front.queue().expect("the database is ours");
    assert!((1..=WAITING).contains(&queue.waiting), "{queue:?}");
    let disk: u64 = std::fs::read_dir(site.folder.path().join("front"))
        .expect("our own folder")
        .map(|entry| entry.expect("an entry").metadata().expect("a file").len())
        .sum();
    // Pages, twenty messages, and what SQLite keeps of its log.
    assert!(disk < 16 << 20, "{disk} bytes on disk");
}

#[test]
fn one_core_sends_a_thousand_status_pages_in_a_second() {
    const VISITS: usize = 3000;
    let site = Site::with(&example::many(60), 200, &[]);
    let length = site.get("/").body.len();
    let request = b"GET / HTTP/1.1\r\nHost: front.test\r\n\r\n";
    let before = site.processor();
    let begun = Instant::now();
    let mut left = VISITS;
    while left > 0 {
        // A connection serves for less than a minute, so a new one from time to time.
        let mut stream = TcpStream::connect(site.address).expect("the front listens");
        for _ in 0..left.min(500) {
            stream.write_all(request).expect("the connection is open");
            let mut read = 0;
            let mut block = vec![0; 256 * 1024];
            let mut head_ends = None;
            while head_ends.is_none_or(|end: usize| read < end + length) {
                let more = stream.read(&mut block[read..]).expect("the connection is open");
                assert!(more > 0, "it ended after {read} bytes");
                read += more;
                head_ends =
                    head_ends.or_else(|| block[..read].windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4));
                if block.len() - read < 64 * 1024 {
                    block.resize(block.len() * 2, 0);
                }
            }
            left -= 1;
        }
    }
    let used = site.processor().saturating_sub(before);
    #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
    let rate = VISITS as f64 / used.as_secs_f64().max(0.01);
    println!(
        "{VISITS} pages of {length} bytes: {used:?} of one core, {:?} by the clock, {rate:.0} a core-second",
        begun.elapsed()
    );
    assert!(rate > PAGES_PER_CORE, "{rate:.0} pages in a second of one core");
}

/// Holds many connections, and sees what the process uses meanwhile. The share of one core.
fn held(site: &Site) -> f64 {
    allow_many_files();
    let mut held: Vec<TcpStream> = Vec::new();
    for number in 0..300_u32 {
        let source = Ipv4Addr::from_bits(Ipv4Addr::new(127, 2, 0, 1).to_bits() + number / 10);
        held.push(connect_from(SocketAddr::from((source, 0)), site.address));
    }
    let (used, begun) = (site.processor(), Instant::now());
    let times = visits(site, 50);
    wait_within(Duration::from_secs(10), "three seconds are over", || begun.elapsed() > Duration::from_secs(3));
    let share = site.processor().saturating_sub(used).as_secs_f64() / begun.elapsed().as_secs_f64();
    println!("{:.0} % of one core with {} connections held, p99 {:?}", share * 100.0, held.len(), p99(times));
    assert_eq!(site.get("/healthz").status, 200, "the database is still read");
    share
}

#[test]
fn a_process_that_may_have_few_files_lets_in_fewer_people() {
    let site = Site::with(&example::many(3), 200, &["prlimit", "--nofile=64:64"]);
    let share = held(&site);
    assert!(share < 0.2, "{share} of one core");
    assert_eq!(site.get("/").status, 200);
}

#[test]
fn when_there_are_no_descriptors_left_it_neither_spins_nor_stays_away() {
    let site = Site::with(&example::many(3), 200, &[]);
    // Taken away behind its back.
    let id = site.server.id().to_string();
    process::run(Command::new(tools::program("prlimit")).args(["--pid", &id, "--nofile=64:64"]));
    let share = held(&site);
    assert!(share < 0.2, "{share} of one core");
    assert!(site.metric("spartacus_web_dropped_connections_total{reason=\"descriptors\"}") > 0.5, "the test tests nothing");
    assert_eq!(site.get("/").status, 200);
}

#[test]
fn what_is_under_way_ends_before_the_process_does() {
    let site = Site::new();
    let offer = site.offer(&SigningKey::generate("volunteer").expect("a key"), 0);
    let (first, rest) = offer.as_bytes().split_at(100);
    let mut slow = TcpStream::connect(site.address).expect("the front listens");
    let length = offer.len();
    write!(slow, "POST /api/v1/offers HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n")
        .expect("it is open");
    slow.write_all(first).expect("it is open");
    // Idle and half-said connections do not hold it up.
    let idle = TcpStream::connect(site.address).expect("the front listens");
    wait_within(Duration::from_secs(10), "both are there", || site.metric("spartacus_web_connections") > 1.5);
    site.server.signal("TERM");
    wait_within(Duration::from_secs(5), "nobody new is let in", || TcpStream::connect(site.address).is_err());
    slow.write_all(rest).expect("it is open");
    let mut answer = String::new();
    slow.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    let gone = format!("/proc/{}/fd/0", site.server.id());
    // A child that ended has no descriptors any more, whoever has not waited for it yet.
    wait_within(Duration::from_secs(12), "it has ended", || std::fs::metadata(&gone).is_err());
    assert_eq!(site.front.queue().expect("the database is ours").waiting, 1);
    drop(idle);
}

#[test]
fn a_database_that_somebody_holds_costs_those_who_post_and_nobody_else() {
    let site = Site::new();
    let offer = site.offer(&SigningKey::generate("volunteer").expect("a key"), 0);
    let holder = rusqlite::Connection::open(site.front.path()).expect("it is there");
    holder.execute_batch("BEGIN IMMEDIATE").expect("nobody writes");
    let answer = site.post(&offer);
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(!answer.text().contains("front.db") && answer.text().contains("cannot be used at the moment"), "{}", answer.text());
    assert!(site.server.log().contains("in use by another process"), "{}", site.server.log());
    assert_eq!(ask(site.address, "GET", "/", "", b"").status, 200);
    holder.execute_batch("ROLLBACK").expect("it was begun");
    assert_eq!(site.post(&offer).status, 202);
}

#[test]
fn a_writer_that_hangs_keeps_nobody_waiting_for_long() {
    let site = Site::new();
    let offers: Vec<String> = (0..16).map(|_| site.offer(&SigningKey::generate("volunteer").expect("a key"), 0)).collect();
    let holder = rusqlite::Connection::open(site.front.path()).expect("it is there");
    holder.execute_batch("BEGIN IMMEDIATE").expect("nobody writes");
    let begun = Instant::now();
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let posts = offers.iter().zip(1..).map(|(offer, network)| {
            let site = &site;
            scope.spawn(move || site.post_from(&format!("198.51.{network}.1"), offer))
        });
        let posts: Vec<_> = posts.collect();
        posts.into_iter().map(|post| post.join().expect("an answer")).collect()
    });
    let took = begun.elapsed();
    for answer in &answers {
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(answer.header("retry-after").is_some(), "{}", answer.head);
    }
    // One after the other they would wait 5 seconds each.
    assert!(took < Duration::from_secs(20), "{took:?}");
    let told = |words: &str| answers.iter().filter(|answer| answer.text().contains(words)).count();
    assert!(told("other messages wait to be written") >= 1, "{answers:?}");
    assert!(told("it took too long to keep this") >= 1, "{answers:?}");
    assert_eq!(site.server.log().matches("the front database cannot be used").count(), 1, "{}", site.server.log());
    holder.execute_batch("ROLLBACK").expect("it was begun");
    let again = offers.last().expect("there are some");
    wait_within(Duration::from_secs(30), "it writes again", || site.post_from("203.0.113.1", again).status == 202);
    let kept = site.front.waiting().expect("the database is ours");
    assert!(kept.iter().any(|message| message.bytes == again.as_bytes()), "{} wait", kept.len());
}

#[test]
fn who_has_a_wide_block_of_addresses_keeps_nobody_else_out() {
    let site = Site::new();
    // All 256 networks of one tunnel, twice; whole and signed messages among the noise.
    let statuses = (0..512_u32).map(|number| {
        let signed = (number % 8 == 0).then(|| site.offer(&SigningKey::generate("volunteer").expect("a key"), 0));
        let network = number % 256;
        site.post_from(&format!("2001:db8:bad:{network:x}00::1"), signed.as_deref().unwrap_or("{}")).status
    });
    let mut counts = std::collections::BTreeMap::<u16, usize>::new();
    for status in statuses {
        *counts.entry(status).or_default() += 1;
    }
    // A few more than twenty: some seconds pass.
    let refused = counts.get(&429).copied().unwrap_or_default();
    assert!(refused > 480 && counts.contains_key(&202), "{counts:?}");
    // Noise from everywhere, more than all together may have kept, spends nothing of what all share.
    for number in 0..200_u32 {
        assert_eq!(site.post_from(&format!("10.{number}.0.1"), "{}").status, 422);
    }
    for honest in ["2001:db8:900d::1", "2001:db9::1", "203.0.113.9"] {
        let sent = site.post_from(honest, &site.offer(&SigningKey::generate("volunteer").expect("a key"), 0));
        assert_eq!(sent.status, 202, "{honest}: {}", sent.text());
    }
}

#[test]
fn whoever_set_the_proxy_up_wrongly_finds_it_in_the_log_once() {
    let site = Site::new();
    for _ in 0..3 {
        assert_eq!(site.request("GET", "/", "X-Forwarded-For: 203.0.113.9\r\n", b"").status, 200);
        assert_eq!(site.post_from("unknown", "{}").status, 422);
        assert_eq!(site.post_from("203.0.113.9:5678", "{}").status, 422);
    }
    let log = site.server.log();
    assert_eq!(log.matches("X-Forwarded-For came from 127.0.0.1, which --behind does not name").count(), 1, "{log}");
    assert_eq!(log.matches("the proxy 127.9.0.1 sends an X-Forwarded-For that is no address").count(), 1, "{log}");
}
