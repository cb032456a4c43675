//! Settings as people write them.

use super::*;

fn gather(environment: &[(&str, &str)]) -> Result<Settings, String> {
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings::gather(&Sources::from_environment(environment)).map_err(join)
}

fn join(errors: Vec<SettingError>) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

const SECRET: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

#[test]
fn with_nothing_said_a_developer_gets_a_simulated_market_on_loopback_without_keys() {
    let settings = gather(&[]).unwrap();
    assert_eq!((settings.listen.host.to_string().as_str(), settings.listen.port), ("127.0.0.1", 8080));
    assert_eq!(settings.access.mode, AuthMode::Off);
    assert!(matches!(settings.upstream.market, MarketSource::Simulated));
    assert_eq!(settings.upstream.plan, Plan::Advanced);
}

#[test]
fn every_default_is_allowed_and_every_name_is_unique() {
    let names: std::collections::HashSet<&str> = SPECS.iter().map(|spec| spec.name).collect();
    assert_eq!(names.len(), SPECS.len());
    let defaults: Vec<(&str, &str)> = SPECS
        .iter()
        .filter_map(|spec| Some((spec.name, spec.default?)))
        .filter(|(name, _)| *name != "MASSIVE_API_BASE_URL")
        .collect();
    assert!(gather(&defaults).is_ok(), "{:?}", gather(&defaults).err());
}

#[test]
fn a_bad_value_is_named_with_what_is_allowed() {
    for (name, value) in [
        ("PORT", "70000"),
        ("HOST", "nowhere"),
        ("APP_ENV", "prod"),
        ("AUTH", "none"),
        ("RATE_LIMIT_MCP", "ten"),
        ("RATE_LIMIT_STREAM", "10/day"),
        ("MAX_BODY_BYTES", "1"),
        ("ENABLE_STREAMING", "maybe"),
        ("SIM_FAULTS", "nosuch:0.1"),
        ("ALLOWED_ORIGINS", "*"),
        ("ALLOWED_ORIGINS", "https://a.example/path"),
        ("PUBLIC_URL", "ftp://gate.example"),
        ("LOG_LEVEL", "LOUD"),
        ("TRUSTED_PROXIES", "10.0.0.0/99"),
        ("UPSTREAM_PLAN", "gold"),
    ] {
        let error = gather(&[(name, value)]).unwrap_err();
        assert!(error.contains(name) && error.contains("allowed:"), "{name}={value}: {error}");
    }
}

#[test]
fn every_error_is_told_at_once_and_a_secret_is_never_shown() {
    let error = gather(&[
        ("PORT", "x"),
        ("WORKERS", "0"),
        ("JWT_SECRET_KEY", "hunter2-hunter2-hunter2-hunter2-hunter2"),
        ("MCP_API_KEYS", "short"),
    ])
    .unwrap_err();
    for name in ["PORT", "WORKERS", "JWT_SECRET_KEY", "MCP_API_KEYS"] {
        assert!(error.contains(name), "{error}");
    }
    assert!(!error.contains("hunter2") && !error.contains("short\""), "{error}");
}

#[test]
fn production_without_a_credential_is_refused_at_once_where_no_stored_key_can_be_read() {
    let error = gather(&[("APP_ENV", "production")]).unwrap_err();
    assert!(error.contains("no credential is configured"), "{error}");
    let production = [("APP_ENV", "production"), ("DATA_ENCRYPTION_KEY", SECRET)];
    assert!(!gather(&production).unwrap().access.has_credentials(), "the start looks for a stored key");
    for credential in [("MCP_API_KEYS", "0123456789abcdef"), ("JWT_SECRET_KEY", SECRET)] {
        assert!(gather(&[&production[..], &[credential]].concat()).is_ok());
    }
}

#[test]
fn outside_development_data_needs_a_key_and_a_list_of_them_rotates() {
    for environment in ["production", "staging"] {
        let settings = [("APP_ENV", environment), ("MCP_API_KEYS", "0123456789abcdef")];
        let error = gather(&settings).unwrap_err();
        assert!(error.contains("DATA_ENCRYPTION_KEY is needed when APP_ENV is") && error.contains(environment), "{error}");
        let keys = format!("{SECRET}, q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQMTIzNDU2Nzg=");
        let settings = gather(&[&settings[..], &[("DATA_ENCRYPTION_KEY", &keys)]].concat()).unwrap();
        assert_eq!(settings.storage.data_keys.len(), 2);
    }
    assert!(gather(&[]).unwrap().storage.data_keys.is_empty());
    let error = gather(&[("DATA_ENCRYPTION_KEY", "hunter2-hunter2-hunter2-hunter2-hunter2")]).unwrap_err();
    assert!(error.contains("DATA_ENCRYPTION_KEY") && !error.contains("hunter2"), "{error}");
}

#[test]
fn auth_off_is_for_loopback_only_unless_it_is_said_to_be_insecure() {
    assert!(gather(&[("HOST", "0.0.0.0"), ("AUTH", "off")]).unwrap_err().contains("loopback"));
    // Somebody may have made a stored key: the start looks.
    assert_eq!(gather(&[("HOST", "0.0.0.0")]).unwrap().access.mode, AuthMode::Required);
    assert!(gather(&[("APP_ENV", "production")]).unwrap_err().contains("AUTH=required"), "there can be no stored key");
    assert!(gather(&[("HOST", "0.0.0.0"), ("AUTH", "insecure-off")]).is_ok());
}

#[test]
fn a_shared_key_serves_no_strangers_but_on_loopback() {
    let key = ("MASSIVE_API_KEY", "a-real-key-of-the-vendor");
    for mode in ["optional", "insecure-off"] {
        let open = [("HOST", "0.0.0.0"), ("AUTH", mode)];
        assert!(gather(&open).is_ok(), "the simulated market is for everyone");
        let error = gather(&[open[0], open[1], key]).unwrap_err();
        assert!(error.contains("quota on strangers") && error.contains("AUTH=required"), "{error}");
        assert!(gather(&[("AUTH", mode), key]).is_ok(), "whoever is on this machine is its owner");
    }
    assert!(gather(&[("HOST", "0.0.0.0"), ("MCP_API_KEYS", "a-key-of-one-user"), key]).is_ok());
}

#[test]
fn over_stdio_nobody_has_to_show_a_credential_and_logs_leave_stdout_alone() {
    for settings in [&[("AUTH", "required")][..], &[("HOST", "0.0.0.0")], &[("HOST", "0.0.0.0"), ("AUTH", "off")]] {
        let settings = gather(&[&[("MCP_TRANSPORT", "stdio")], settings].concat()).unwrap();
        assert!(settings.telemetry.log_to_stderr);
    }
    assert!(!gather(&[]).unwrap().telemetry.log_to_stderr);
    assert!(gather(&[("MCP_TRANSPORT", "stdio"), ("APP_ENV", "production")]).unwrap_err().contains("DATA_ENCRYPTION_KEY"));
}

#[test]
fn static_keys_have_scopes_and_users_and_blanks_are_skipped() {
    let settings = gather(&[("MCP_API_KEYS", " 0123456789abcdef , fedcba9876543210:read:ada,,")]).unwrap();
    let keys: Vec<_> = settings.access.static_keys.iter().map(|key| (key.scope, key.user.as_str())).collect();
    assert_eq!(keys, [(Scope::Write, "static"), (Scope::Read, "ada")]);
}

#[test]
fn weak_secrets_are_refused() {
    for secret in
        ["changeme", "passphrase that is rather long but not random at all", &"0".repeat(64), &"ab".repeat(32), "c2hvcnQ="]
    {
        assert!(gather(&[("JWT_SECRET_KEY", secret)]).is_err(), "{secret}");
    }
    assert!(gather(&[("JWT_SECRET_KEY", &format!("{SECRET},q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQMTIzNDU2Nzg="))]).is_ok());
}

#[test]
fn the_polygon_name_of_the_key_works_too_and_with_a_key_the_market_is_real_on_the_free_plan() {
    for name in ["MASSIVE_API_KEY", "POLYGON_API_KEY"] {
        let settings = gather(&[(name, "k")]).unwrap();
        assert!(matches!(settings.upstream.market, MarketSource::Real { .. }));
        assert_eq!((settings.upstream.plan, settings.upstream.per_minute), (Plan::Free, 5));
    }
    assert!(gather(&[("MASSIVE_API_BASE_URL", "https://api.example")]).unwrap_err().contains("MASSIVE_API_KEY"));
}

#[test]
fn a_recording_needs_no_key_and_any_key_is_not_for_it() {
    for key in [None, Some(("MASSIVE_API_KEY", "k"))] {
        let said: Vec<_> =
            [("MASSIVE_API_BASE_URL", "replay:a/b.jsonl"), ("REPLAY_SPEED", "2.5")].into_iter().chain(key).collect();
        let settings = gather(&said).unwrap();
        let MarketSource::Replay { file, speed } = &settings.upstream.market else { panic!("{:?}", settings.upstream.market) };
        assert_eq!((file.to_str(), *speed, settings.upstream.plan), (Some("a/b.jsonl"), 2.5, Plan::Advanced));
    }
    for (name, value) in [("MASSIVE_API_BASE_URL", "replay:"), ("MASSIVE_API_BASE_URL", "replay"), ("REPLAY_SPEED", "0")] {
        assert!(gather(&[(name, value)]).unwrap_err().contains(name), "{value}");
    }
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let mut sources = Sources::from_environment([("PORT".to_owned(), "2".to_owned()), ("WORKERS".to_owned(), "2".to_owned())]);
    sources
        .parse_file(
            "tickgate.toml",
            "port = 3\nworkers = 3\ndrain_secs = 3\nenable_streaming = false\nallowed_hosts = [\"a\", \"b\"]",
        )
        .unwrap();
    sources.set_flag("PORT", "1".to_owned());
    let settings = Settings::gather(&sources).unwrap();
    assert_eq!((settings.listen.port, settings.listen.workers, settings.listen.drain_secs), (1, 2, 3));
    assert!(!settings.sessions.streaming);
    assert_eq!(settings.access.allowed_hosts, ["a", "b"]);
}

#[test]
fn an_unknown_key_of_the_file_is_refused_with_the_nearest_known_one() {
    for (text, problem) in [
        ("prot = 1", "did you mean `port`"),
        ("port = { a = 1 }", "must be a text"),
        ("port = ", "tickgate.toml"),
        ("[http]\nport = 1", "unknown key `http`"),
    ] {
        let error = Sources::default().parse_file("tickgate.toml", text).unwrap_err().to_string();
        assert!(error.contains(problem), "{text}: {error}");
    }
}

#[test]
fn a_secret_can_come_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, "0123456789abcdef\n").unwrap();
    let settings = gather(&[("AUTH", "required"), ("MCP_API_KEYS_FILE", path.to_str().unwrap())]).unwrap();
    assert_eq!(settings.access.static_keys.len(), 1);
    assert!(gather(&[("MCP_API_KEYS_FILE", "/nosuch")]).unwrap_err().contains("MCP_API_KEYS_FILE"));
}

#[test]
fn the_printed_settings_show_no_secret() {
    let settings = gather(&[
        ("MCP_API_KEYS", "canary-canary-canary"),
        ("MASSIVE_API_KEY", "canary-upstream"),
        ("JWT_SECRET_KEY", SECRET),
        ("DATA_ENCRYPTION_KEY", SECRET),
    ])
    .unwrap();
    let printed = format!("{settings:#?}");
    assert!(!printed.contains("canary") && !printed.contains(SECRET), "{printed}");
}

#[test]
fn the_documented_settings_are_those_of_the_code() {
    let document = include_str!("../../docs/CONFIGURATION.md");
    for line in reference().lines() {
        assert!(document.contains(line), "docs/CONFIGURATION.md lacks: {line}");
    }
}

#[test]
fn the_feed_follows_key_and_plan_and_is_the_simulated_markets_own_only_when_that_is_said() {
    let feed = |settings: &[(&str, &str)]| gather(settings).unwrap().upstream.feed;
    assert_eq!(feed(&[]), FeedSource::Off);
    assert_eq!(feed(&[("MASSIVE_WS_URL", "simulated")]), FeedSource::Simulated);
    assert_eq!(feed(&[("MASSIVE_API_KEY", "k")]), FeedSource::Off);
    let paid = [("MASSIVE_API_KEY", "k"), ("UPSTREAM_PLAN", "starter")];
    assert_eq!(feed(&paid), FeedSource::At("wss://delayed.massive.com".parse().unwrap()));
    assert_eq!(feed(&[&paid[..], &[("MASSIVE_WS_URL", "off")]].concat()), FeedSource::Off);
    let own = FeedSource::At("ws://127.0.0.1:1/x".parse().unwrap());
    assert_eq!(feed(&[&paid[..], &[("MASSIVE_WS_URL", "ws://127.0.0.1:1/x")]].concat()), own);
}

#[test]
fn a_feed_that_cannot_be_is_refused_with_what_to_do() {
    for (settings, told) in [
        (&[("MASSIVE_WS_URL", "wss://feed.example")][..], "set MASSIVE_API_KEY"),
        (&[("MASSIVE_WS_URL", "wss://feed.example"), ("MASSIVE_API_KEY", "k")], "UPSTREAM_PLAN=free has none"),
        (&[("MASSIVE_WS_URL", "simulated"), ("UPSTREAM_PLAN", "free")], "UPSTREAM_PLAN=free has none"),
        (&[("MASSIVE_WS_URL", "simulated"), ("MASSIVE_API_KEY", "k")], "the market is real"),
        (&[("MASSIVE_WS_URL", "https://feed.example")], "not a ws or wss URL"),
        (&[("MASSIVE_WS_URL", "wss://key@feed.example")], "not a ws or wss URL"),
        (&[("MASSIVE_WS_URL", "wss://feed.example?apiKey=k")], "not a ws or wss URL"),
    ] {
        let error = gather(settings).unwrap_err();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn toolsets_are_named_one_by_one_or_all_and_every_one_is_said_to_be_allowed() {
    let toolsets = |text: &str| gather(&[("TOOLSETS", text)]).map(|settings| settings.sessions.toolsets);
    assert_eq!(gather(&[]).unwrap().sessions.toolsets, [Toolset::Standard]);
    assert_eq!(toolsets("crypto, standard").unwrap(), [Toolset::Standard, Toolset::Crypto]);
    assert_eq!(toolsets("stocks,all").unwrap(), Toolset::ALL);
    let error = toolsets("stocks,moon").unwrap_err();
    assert!(error.contains("moon") && Toolset::ALL.iter().all(|toolset| error.contains(toolset.as_str())), "{error}");
}
