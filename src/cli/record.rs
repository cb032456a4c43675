//! `tickgate record`: the events of a running gateway, or of a market of one's own, written to a file that can be played back.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use awc::http::StatusCode;
use clap::{Arg, ArgMatches, Command};
use futures_util::StreamExt as _;
use tickgate_actors::Clock;
use tickgate_core::market::{Source, Topic};
use tickgate_core::sse::{DecodedEvent, Decoder};
use tokio::time::{Instant, sleep, timeout};

use crate::application::Application;
use crate::process::wait_for_signal;
use crate::registry::Registry;
use crate::settings::{AuthMode, Settings, Transport};
use crate::telemetry::start_logs;
use crate::upstream::replay::Recorder;

/// What is recorded when nothing is said.
const DEFAULT_TOPICS: &str = "prices:AAPL,prices:MSFT,prices:TSLA,prices:X:BTCUSD,news:*,status";
/// The key for the gateway that is recorded; not a flag, which other users of the machine could read.
const KEY_VARIABLE: &str = "TICKGATE_API_KEY";
/// Longest wait for the head of a stream.
const HEAD_DEADLINE: Duration = Duration::from_secs(30);
/// Longest silence of a stream: four times the gateway's keep-alive.
const SILENCE_DEADLINE: Duration = Duration::from_secs(60);
/// Pause before a stream is opened again, if it did not say another.
const RETRY: Duration = Duration::from_secs(3);
/// Longest pause that a stream may say.
const MAX_RETRY: Duration = Duration::from_secs(30);
/// Attempts in a row before a gateway is taken to be gone: a restart takes less.
const ATTEMPTS: usize = 10;
/// What the status of a gateway that plays a recording says at its end; a quotation mark of text would be escaped.
const ENDED: &str = "\"state\":\"ended\"";
/// Longest refusal that is read, in bytes.
const MAX_REFUSAL_BYTES: usize = 16 * 1024;

pub(super) fn command() -> Command {
    let arg =
        |name: &'static str, value: &'static str, help: &'static str| Arg::new(name).long(name).value_name(value).help(help);
    Command::new("record")
        .about("Write market events to a file that `--upstream replay:FILE` plays back")
        .arg(arg("out", "FILE", "The file to write; it must not exist").required(true))
        .arg(arg("topics", "LIST", "Topics, as in /events: prices:<SYMBOL>, news:<SYMBOL>, news:*, status").default_value(DEFAULT_TOPICS))
        .arg(arg("duration", "SECONDS", "How long; until it is interrupted by default").value_parser(clap::value_parser!(u64).range(1..=604_800)))
        .arg(arg(
            "url",
            "URL",
            "A running gateway, http://HOST:PORT, with its key in the environment variable TICKGATE_API_KEY; by default a market of one's own, by the settings",
        ))
}

/// What was asked for.
struct Wish {
    out: PathBuf,
    topics: Vec<Topic>,
    duration: Option<Duration>,
    url: Option<String>,
}

impl Wish {
    fn of(matches: &ArgMatches) -> anyhow::Result<Self> {
        let text = |name: &str| matches.get_one::<String>(name).cloned();
        let topics = Topic::parse_list(&text("topics").unwrap_or_default()).context("--topics")?;
        if topics.is_empty() || topics.iter().any(|topic| matches!(topic, Topic::Alerts(_))) {
            bail!(
                "--topics: name some of prices:<SYMBOL>, bars:<SYMBOL>:<n>s, news:<SYMBOL>, news:* and status; alerts are their owner's and are not recorded"
            );
        }
        let out = PathBuf::from(text("out").unwrap_or_default());
        let duration = matches.get_one::<u64>("duration").copied().map(Duration::from_secs);
        let url = text("url").map(|url| url.trim_end_matches('/').to_owned());
        Ok(Self { out, topics, duration, url })
    }
}

pub(super) fn run(settings: Settings, matches: &ArgMatches) -> ExitCode {
    start_logs(&settings.telemetry);
    let recorded = Wish::of(matches).and_then(|wish| actix::System::new().block_on(record(settings, wish)));
    match recorded {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => super::fail(&error),
    }
}

async fn record(settings: Settings, wish: Wish) -> anyhow::Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    if wish.out.exists() {
        bail!("{} exists: name another file, or remove it", wish.out.display());
    }
    let Some(url) = &wish.url else {
        let scratch = tempfile::tempdir().context("a folder for the market's own state cannot be made")?;
        let application = Application::build(alone(settings, scratch.path()), Registry::standard()).await?;
        let (url, stopper) = (format!("http://{}", application.address()), application.stopper());
        let served = actix_rt::spawn(application.run_until_stopped());
        let written = write(&url, None, &wish).await;
        stopper.stop().await;
        served.await??;
        return written;
    };
    write(url, std::env::var(KEY_VARIABLE).ok().as_deref(), &wish).await
}

/// The settings of a gateway that nobody else can reach and that keeps nothing.
fn alone(mut settings: Settings, folder: &Path) -> Settings {
    settings.listen.host = std::net::Ipv4Addr::LOCALHOST.into();
    settings.listen.port = 0;
    settings.listen.public_url = None;
    settings.listen.workers = 1;
    settings.listen.drain_secs = 1;
    settings.listen.data_dir = folder.to_owned();
    settings.access.mode = AuthMode::Off;
    settings.sessions.transport = Transport::Http;
    settings.streams.max_secs = 0;
    settings
}

async fn write(url: &str, key: Option<&str>, wish: &Wish) -> anyhow::Result<()> {
    let topics: Vec<String> = wish.topics.iter().map(ToString::to_string).collect();
    let mut tape = TapeStream::new(url, key, &topics);
    // Nothing is written before there is a stream: a refusal leaves no file behind.
    tape.open().await?;
    let source = source(url, key).await?;
    let mut recorder = Recorder::create(&wish.out, Clock::start().now().to_string(), source, topics)
        .with_context(|| format!("{} cannot be written", wish.out.display()))?;
    tracing::info!(url, file = %wish.out.display(), "recording");
    let began = Instant::now();
    let end = async {
        match wish.duration {
            Some(duration) => {
                tokio::select! { () = sleep(duration) => {}, () = wait_for_signal() => {} }
            }
            None => wait_for_signal().await,
        }
    };
    tokio::pin!(end);
    let ended = loop {
        tokio::select! {
            () = &mut end => break Ok(()),
            events = tape.next() => match events {
                Ok(events) => {
                    let at_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                    let mut over = false;
                    for event in events {
                        recorder.write(at_ms, &event)?;
                        over |= event.name == "status" && event.data.contains(ENDED);
                    }
                    if over {
                        break Ok(());
                    }
                }
                Err(error) => break Err(error),
            },
        }
    };
    let events = recorder.finish().context("the recording cannot be finished")?;
    tracing::info!(events, file = %wish.out.display(), "recorded");
    ended.with_context(|| format!("{} holds the {events} events until then", wish.out.display()))
}

/// Where the gateway's numbers come from.
async fn source(url: &str, key: Option<&str>) -> anyhow::Result<Source> {
    #[derive(serde::Deserialize)]
    struct Status {
        source: Source,
    }
    let mut request = awc::Client::builder().disable_redirects().timeout(HEAD_DEADLINE).finish().get(format!("{url}/api/status"));
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    let answer = request.send().await.map_err(|error| anyhow::anyhow!("{url} cannot be reached: {error}"))?.body().await?;
    let status: Status = serde_json::from_slice(&answer).context("the gateway's /api/status makes no sense")?;
    Ok(status.source)
}

type Chunks = futures_util::stream::LocalBoxStream<'static, Result<bytes::Bytes, awc::error::PayloadError>>;

/// The events of `/events`, resumed where they broke off.
struct TapeStream<'a> {
    http: awc::Client,
    url: String,
    key: Option<&'a str>,
    decoder: Decoder,
    chunks: Option<Chunks>,
}

impl<'a> TapeStream<'a> {
    fn new(url: &str, key: Option<&'a str>, topics: &[String]) -> Self {
        let http = awc::Client::builder().disable_redirects().timeout(HEAD_DEADLINE).finish();
        let url = format!("{url}/events?mode=all&window=0&topics={}", topics.join(","));
        Self { http, url, key, decoder: Decoder::default(), chunks: None }
    }

    /// Opens it, after the last event that came.
    async fn open(&mut self) -> anyhow::Result<()> {
        let mut request = self.http.get(&self.url).insert_header(("accept", "text/event-stream"));
        if let Some(key) = self.key {
            request = request.bearer_auth(key);
        }
        if let Some(id) = self.decoder.last_event_id() {
            request = request.insert_header(("last-event-id", id));
        }
        let response = request.send().await;
        let mut response = response.map_err(|error| anyhow::anyhow!("the gateway cannot be reached: {error}"))?;
        if response.status() != StatusCode::OK {
            let body = response.body().limit(MAX_REFUSAL_BYTES).await.unwrap_or_default();
            let said: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
            let said = said["detail"].as_str().unwrap_or("no reason given");
            bail!("the gateway refused with {}: {said}", response.status().as_u16());
        }
        // awc's own deadline is for ordinary bodies.
        self.chunks = Some(Box::pin(response.timeout(SILENCE_DEADLINE)));
        Ok(())
    }

    /// What came next; nothing when the stream only changed its connection.
    async fn next(&mut self) -> anyhow::Result<Vec<DecodedEvent>> {
        if let Some(chunks) = &mut self.chunks
            && let Ok(Some(Ok(chunk))) = timeout(SILENCE_DEADLINE, chunks.next()).await
        {
            return Ok(self.decoder.feed(&chunk)?);
        }
        self.chunks = None;
        self.decoder.reconnected();
        let retry = self.decoder.retry_ms().map_or(RETRY, Duration::from_millis).min(MAX_RETRY);
        for attempt in 1.. {
            sleep(retry).await;
            match self.open().await {
                Ok(()) => break,
                Err(error) if attempt == ATTEMPTS => return Err(error),
                Err(error) => tracing::warn!(%error, attempt, "the stream broke off and is opened again"),
            }
        }
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Sources;
    use crate::upstream::replay::{Recorded, Recording};

    const TOPICS: &str = "prices:AAPL,prices:TSLA,news:*,status";

    fn settings(values: &[(&str, &str)]) -> Settings {
        let common = [("LOG_LEVEL", "ERROR"), ("SIM_SYMBOLS", "30")];
        let values = common.iter().chain(values).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::gather(&Sources::from_environment(values)).unwrap()
    }

    fn wish(out: &Path, duration: Option<Duration>) -> Wish {
        Wish { out: out.to_owned(), topics: Topic::parse_list(TOPICS).unwrap(), duration, url: None }
    }

    fn recorded(settings: Settings, wish: Wish) -> anyhow::Result<()> {
        actix::System::new().block_on(record(settings, wish))
    }

    /// What must be the same; `status` is said by whoever plays it.
    fn market(recording: &Recording) -> Vec<&Recorded> {
        recording.events.iter().filter(|event| event.topics != [Topic::Status]).collect()
    }

    #[test]
    fn what_is_recorded_of_the_simulated_market_is_played_as_the_same_events_in_the_same_order() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("first.jsonl"), folder.path().join("second.jsonl"));
        recorded(settings(&[("SIM_SPEED", "60")]), wish(&first, Some(Duration::from_millis(2_500)))).unwrap();
        let original = Recording::read(&first).unwrap();
        assert!(market(&original).len() >= 4, "{original:?}");
        assert_eq!((original.source(), original.gaps, original.cut), (Source::Simulated, 0, false));

        let upstream = format!("replay:{}", first.display());
        // Without a duration: the recording of a recording ends with it.
        recorded(settings(&[("MASSIVE_API_BASE_URL", &upstream), ("REPLAY_SPEED", "10")]), wish(&second, None)).unwrap();
        let again = Recording::read(&second).unwrap();
        let facts = |recording| -> Vec<_> {
            market(recording)
                .into_iter()
                .map(|event| (event.kind, event.topics.clone(), event.as_of, event.body.clone()))
                .collect()
        };
        assert_eq!(facts(&again), facts(&original));
        assert_eq!(again.source(), Source::Simulated);
        assert!(again.events.last().unwrap().body.contains(ENDED));
        assert!(std::fs::read_to_string(&second).unwrap().contains("\"delayed\":true"));
    }

    #[test]
    fn a_file_that_exists_is_not_written_over() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = recorded(settings(&[]), wish(file.path(), None)).unwrap_err().to_string();
        assert!(error.contains("exists: name another file"), "{error}");
    }

    #[test]
    fn a_gateway_that_is_not_there_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("none.jsonl");
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let wish = Wish { url: Some(format!("http://{free}")), ..wish(&out, None) };
        let error = recorded(settings(&[]), wish).unwrap_err().to_string();
        assert!(error.contains("cannot be reached") && !out.exists(), "{error}");
    }

    #[test]
    fn a_file_that_is_no_recording_stops_the_start_with_its_name_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("broken.jsonl");
        std::fs::write(&file, "{}\n").unwrap();
        let upstream = format!("replay:{}", file.display());
        let out = folder.path().join("out.jsonl");
        let error = recorded(settings(&[("MASSIVE_API_BASE_URL", &upstream)]), wish(&out, None)).unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains("broken.jsonl cannot be played: line 1"), "{error}");
    }

    #[test]
    fn alerts_and_no_topics_are_not_recorded() {
        for topics in ["alerts:a1", "", "prices:a b"] {
            let arguments = ["record", "--out", "x", "--topics", topics];
            let matches = command().try_get_matches_from(arguments).unwrap();
            assert!(Wish::of(&matches).is_err_and(|error| format!("{error:#}").contains("--topics")), "{topics}");
        }
    }
}
