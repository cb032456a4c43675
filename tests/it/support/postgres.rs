//! A PostgreSQL server of our own: started by the first test of a process that wants one, ended with the process however that ends.
//! Each test gets a database of its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

/// How long a server may take to start on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// The password of the one user, over TCP; over the socket none is asked for.
pub(crate) const PASSWORD: &str = "canary-of-the-database";
/// Runs the server until its own standard input ends, which it does when the test's process does.
const KEEPER: &str = r#"
folder=$1; shift
start() { "$@" </dev/null >>"$folder/log" 2>&1 & server=$!; }
start "$@"
while read -r word; do
    case $word in
    stop) kill -QUIT "$server"; wait "$server"; echo stopped ;;
    start) start "$@"; echo started ;;
    esac
done
kill -INT "$server" 2>/dev/null; wait "$server"; rm -rf "$folder"
"#;

/// A server, and who keeps it.
pub(crate) struct Server {
    folder: PathBuf,
    port: u16,
    keeper: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    _process: Child,
    databases: AtomicU32,
}

/// The user that the server runs as: it refuses to be root.
fn unprivileged() -> Option<(u32, u32)> {
    let me = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").ok()?);
    if me != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let ids = |name: &str| {
        let fields: Vec<&str> = users.lines().find(|line| line.starts_with(name))?.split(':').collect();
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    };
    Some(ids("postgres:").or_else(|| ids("nobody:")).expect("a user who is not root"))
}

/// A program of the server, in `PATH` or where Debian has it.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    let found = folders.into_iter().map(|folder| folder.join(name)).find(|file| file.exists());
    found.unwrap_or_else(|| panic!("there is no {name}: scripts/test-tools.sh installs it"))
}

fn run(command: &mut Command) {
    let done = command.stdin(Stdio::null()).output().unwrap();
    assert!(
        done.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}

impl Server {
    /// The one that the tests of this process share.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// One for a test that stops it.
    pub(crate) fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("tickgate-pg-").tempdir().unwrap().keep();
        let user = unprivileged();
        let as_user = |command: &mut Command| {
            if let Some((user, group)) = user {
                command.uid(user).gid(group);
            }
            command.current_dir(&folder);
        };
        if let Some((user, group)) = user {
            chown(&folder, Some(user), Some(group)).unwrap();
        }
        std::fs::write(folder.join("password"), PASSWORD).unwrap();
        let mut initdb = Command::new(program("initdb"));
        initdb.args(["-D", "data", "-U", "tickgate", "-E", "UTF8", "--locale=C", "--no-sync", "--auth-local=trust"]);
        initdb.args(["--auth-host=scram-sha-256", "--pwfile=password"]);
        as_user(&mut initdb);
        run(&mut initdb);
        let mut certificate = Command::new("openssl");
        certificate.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
        certificate.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]);
        certificate.args([
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-keyout",
            "data/server.key",
            "-out",
            "data/server.crt",
        ]);
        as_user(&mut certificate);
        run(&mut certificate);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut keeper = Command::new("/bin/sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(&folder).arg(program("postgres")).args(["-D", "data", "-k"]).arg(&folder);
        for option in ["listen_addresses=127.0.0.1", "ssl=on", "fsync=off", "max_connections=400", "shared_buffers=16MB"] {
            keeper.args(["-c", option]);
        }
        keeper.args(["-c", &format!("port={port}")]).stdin(Stdio::piped()).stdout(Stdio::piped());
        as_user(&mut keeper);
        let mut process = keeper.spawn().unwrap();
        let pipes = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        let server = Self { folder, port, keeper: Mutex::new(pipes), _process: process, databases: AtomicU32::new(0) };
        server.say("postgres", "SELECT 1");
        server
    }

    /// A new database, and its address.
    pub(crate) fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.say("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// The address of a database over the socket, where no password is asked for.
    fn url(&self, database: &str) -> String {
        format!("postgres://tickgate@{}:{}/{database}", self.folder.display().to_string().replace('/', "%2F"), self.port)
    }

    /// The address of a database over TCP.
    pub(crate) fn over_tcp(&self, url: &str, host: &str, password: &str) -> String {
        format!("postgres://tickgate:{password}@{host}:{}/{}", self.port, url.rsplit('/').next().unwrap())
    }

    /// The certificate that the server shows, for `localhost`.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.join("data/server.crt")
    }

    /// Ends it at once, as a crash does.
    pub(crate) fn stop(&self) {
        self.tell("stop");
    }

    /// Starts it again.
    pub(crate) fn start_again(&self) {
        self.tell("start");
        self.say("postgres", "SELECT 1");
    }

    fn tell(&self, word: &str) {
        let (stdin, stdout) = &mut *self.keeper.lock().unwrap();
        writeln!(stdin, "{word}").unwrap();
        stdout.read_line(&mut String::new()).unwrap();
    }

    /// Says something to the server, as soon as it listens.
    pub(crate) fn say(&self, database: &str, sql: &str) {
        say(&self.url(database), sql, &self.folder.join("log"));
    }
}

/// Says something to a database, and waits until its server listens; `log`: what to show if it never does.
pub(crate) fn say(url: &str, sql: &str, log: &Path) {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let begun = Instant::now();
            let client = loop {
                match tokio_postgres::connect(url, tokio_postgres::NoTls).await {
                    Ok((client, connection)) => {
                        tokio::spawn(connection);
                        break client;
                    }
                    Err(_) if begun.elapsed() < PATIENCE => tokio::time::sleep(Duration::from_millis(20)).await,
                    Err(error) => panic!("{error:?}: {}", std::fs::read_to_string(log).unwrap_or_default()),
                }
            };
            client.batch_execute(sql).await.unwrap();
        });
    };
    // A thread of its own: the test may be on a runtime.
    std::thread::scope(|scope| scope.spawn(run).join()).unwrap();
}
