//! Against a server on loopback that misbehaves as told.
use super::*;
use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    thread::JoinHandle,
};

/// What the server does with one request.
#[derive(Clone, Copy)]
enum Answer {
    /// 200 and all of it, or 206 and the part asked for.
    Good,
    /// As `Good`, but the connection ends after so many bytes.
    CutAfter(usize),
    /// 200 and all of it, whatever was asked for.
    Whole,
    /// 206, but from another byte than the one asked for.
    Elsewhere,
    Status(u16),
    /// 200 and bytes beyond the end.
    TooLong,
}

/// Answers one request an entry, then hangs up; gives the `Range` of each request.
fn serve(content: Vec<u8>, answers: Vec<Answer>) -> (String, JoinHandle<Vec<Option<usize>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/sets/", listener.local_addr().unwrap());
    let thread = thread::spawn(move || {
        let mut ranges = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut range = None;
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while let Some(Ok(line)) = lines.next().filter(|l| !l.as_ref().unwrap().is_empty()) {
                if let Some(from) = line.to_lowercase().strip_prefix("range: bytes=") {
                    range = Some(from.trim_end_matches('-').parse::<usize>().unwrap());
                }
            }
            ranges.push(range);
            let (head, body) = reply(&content, answer, range);
            // The client may have hung up: it saw enough.
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(&body);
        }
        ranges
    });
    (url, thread)
}

fn reply(content: &[u8], answer: Answer, range: Option<usize>) -> (String, Vec<u8>) {
    let length = content.len();
    let head = |status: &str, from: usize, length: usize| {
        format!(
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nContent-Range: bytes {from}-{}/{}\r\nConnection: close\r\n\r\n",
            from + length.max(1) - 1,
            content.len()
        )
    };
    match (answer, range) {
        (Answer::Status(code), _) => (head(&format!("{code} No"), 0, 0), Vec::new()),
        (Answer::TooLong, _) => {
            let body = [content, &[0; 9]].concat();
            (head("200 OK", 0, body.len()), body)
        }
        (Answer::Whole, _) | (Answer::Good, None) => (head("200 OK", 0, length), content.to_vec()),
        (Answer::Elsewhere, from) => {
            let from = from.unwrap_or(0) + 1;
            (
                head("206 Partial", from, length - from),
                content[from..].to_vec(),
            )
        }
        (Answer::Good, Some(from)) => (
            head("206 Partial", from, length - from),
            content[from..].to_vec(),
        ),
        (Answer::CutAfter(n), from) => {
            let (status, from) = match from {
                Some(from) => ("206 Partial", from),
                None => ("200 OK", 0),
            };
            let end = (from + n).min(length);
            (
                head(status, from, length - from),
                content[from..end].to_vec(),
            )
        }
    }
}

const LENGTH: usize = 200_000;

fn content() -> Vec<u8> {
    (0..LENGTH).map(|i| (i * 31 % 253) as u8).collect()
}

fn remote() -> Remote {
    Remote {
        folder: "http://unused.invalid/",
        name: "set.bin".to_owned(),
        bytes: LENGTH as u64,
        sha256: Sha256::digest(content()).into(),
        unpacks_to: None,
    }
}

/// Loopback is never behind a proxy, whatever the environment says.
fn direct() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .timeout_per_read(Some(Duration::from_secs(20)))
        .build()
        .into()
}

/// Fetches from a server of `bytes` that answers so; the outcome, the folder, the ranges.
fn fetched(
    folder: &Path,
    bytes: Vec<u8>,
    answers: &[Answer],
) -> (Result<PathBuf>, Vec<Option<usize>>) {
    let (url, server) = serve(bytes, answers.to_vec());
    let done = file(&direct(), &url, &remote(), folder, &mut |_| ());
    (done, server.join().unwrap())
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |e: std::io::Result<fs::DirEntry>| e.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort_unstable();
    names
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_whole_file_arrives_and_is_not_fetched_again() {
    let folder = folder();
    let (done, ranges) = fetched(folder.path(), content(), &[Answer::Good]);
    assert_eq!(fs::read(done.unwrap()).unwrap(), content());
    assert_eq!(
        (names(folder.path()), ranges),
        (vec!["set.bin".to_owned()], vec![None])
    );
    // No server is there any more.
    let mut last = 0;
    let again = file(
        &direct(),
        "http://127.0.0.1:1/",
        &remote(),
        folder.path(),
        &mut |have| {
            last = have;
        },
    );
    assert_eq!(
        (again.unwrap(), last),
        (folder.path().join("set.bin"), LENGTH as u64)
    );
    fs::write(folder.path().join("set.bin"), b"other").unwrap();
    let other = file(
        &direct(),
        "http://127.0.0.1:1/",
        &remote(),
        folder.path(),
        &mut |_| (),
    );
    assert!(format!("{:#}", other.unwrap_err()).contains("move it away"));
}

#[test]
fn a_cut_connection_is_gone_on_with() {
    let folder = folder();
    let answers = [
        Answer::CutAfter(70_000),
        Answer::CutAfter(1_000),
        Answer::Good,
    ];
    let (done, ranges) = fetched(folder.path(), content(), &answers);
    assert_eq!(fs::read(done.unwrap()).unwrap(), content());
    assert_eq!(ranges, [None, Some(70_000), Some(71_000)]);
}

#[test]
fn a_later_run_goes_on_where_one_stopped() {
    let folder = folder();
    let answers = [
        Answer::CutAfter(50_000),
        Answer::Status(503),
        Answer::Status(503),
    ];
    let (done, _) = fetched(folder.path(), content(), &answers);
    let error = format!("{:#}", done.unwrap_err());
    assert!(
        error.contains("50000 of 200000") && error.contains("goes on"),
        "{error}"
    );
    assert_eq!(names(folder.path()), ["set.bin.part"]);
    let (done, ranges) = fetched(folder.path(), content(), &[Answer::Good]);
    assert_eq!(fs::read(done.unwrap()).unwrap(), content());
    assert_eq!(ranges, [Some(50_000)]);
}

#[test]
fn a_server_that_does_not_resume_sends_it_all_again() {
    for answer in [Answer::Whole, Answer::Elsewhere] {
        let folder = folder();
        let answers = match answer {
            Answer::Whole => vec![Answer::CutAfter(90_000), Answer::Whole],
            _ => vec![Answer::CutAfter(90_000), Answer::Elsewhere, Answer::Good],
        };
        let (done, ranges) = fetched(folder.path(), content(), &answers);
        assert_eq!(fs::read(done.unwrap()).unwrap(), content());
        assert_eq!(ranges[1], Some(90_000));
        assert_eq!(names(folder.path()), ["set.bin"]);
    }
}

#[test]
fn another_file_is_refused_and_kept_aside() {
    let folder = folder();
    let mut other = content();
    other[LENGTH / 2] ^= 1;
    let (done, _) = fetched(folder.path(), other, &[Answer::Good]);
    let error = format!("{:#}", done.unwrap_err());
    assert!(
        error.contains("another file than the published one"),
        "{error}"
    );
    assert!(error.contains("expected the sha256"), "{error}");
    assert_eq!(names(folder.path()), ["set.bin.wrong"]);
    // The next run starts afresh.
    let (done, ranges) = fetched(folder.path(), content(), &[Answer::Good]);
    assert_eq!(
        (fs::read(done.unwrap()).unwrap(), ranges),
        (content(), vec![None])
    );
}

#[test]
fn what_cannot_be_had_is_said() {
    let folder = folder();
    let (done, ranges) = fetched(folder.path(), content(), &[Answer::Status(404)]);
    let error = format!("{:#}", done.unwrap_err());
    assert!(
        error.contains("the server answers 404") && error.contains("set.bin"),
        "{error}"
    );
    assert_eq!(ranges.len(), 1);
    let (done, _) = fetched(folder.path(), content(), &[Answer::TooLong]);
    let error = format!("{:#}", done.unwrap_err());
    assert!(error.contains("more than the 200000 bytes"), "{error}");
    // A file that ends too early, every time.
    let short = content()[..LENGTH / 2].to_vec();
    let folder = tempfile::tempdir().unwrap();
    let (url, server) = serve(short, vec![Answer::Whole; 3]);
    let done = file(&direct(), &url, &remote(), folder.path(), &mut |_| ());
    let error = format!("{:#}", done.unwrap_err());
    assert!(error.contains("goes on from there"), "{error}");
    drop(server);
    // Nobody listens.
    let done = file(
        &direct(),
        "http://127.0.0.1:1/",
        &remote(),
        folder.path(),
        &mut |_| (),
    );
    assert!(done.is_err() && !folder.path().join("set.bin").exists());
}
