//! `DATABASE_URL`: where the server is, who we are there, whether the way there is encrypted.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long a server may take to let us in, unless the URL says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);
/// A connection on which nothing has been acknowledged for this long is dead: a server that was cut off says no goodbye.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);
/// A silent connection is asked after this long whether it is still there.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);

/// The address of a PostgreSQL database. It can hold a password, so that its `Debug` shows only where the database is.
#[derive(Clone)]
pub struct DatabaseUrl {
    config: Config,
    tls: Tls,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Tls {
    Off,
    /// The server shows a certificate for its name, from an authority of this file, or one that browsers trust.
    Verified {
        authorities: Option<PathBuf>,
    },
}

/// Why it is no address. The text shows nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DatabaseUrlError(Cow<'static, str>);

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |problem: &'static str| DatabaseUrlError(problem.into());
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(wrong("it does not begin with postgres:// or postgresql://"));
        }
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let (mut mode, mut authorities, mut others) = (String::new(), None, Vec::new());
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let decoded = percent_decode_str(value).decode_utf8().map_err(|_| wrong("a parameter is no UTF-8"))?;
            match name {
                "sslmode" => mode = decoded.into_owned(),
                "sslrootcert" => authorities = Some(decoded.into_owned()).filter(|file| file != "system").map(PathBuf::from),
                _ => others.push(parameter),
            }
        }
        let tls = match mode.as_str() {
            "" | "disable" => Tls::Off,
            "require" | "verify-full" => Tls::Verified { authorities },
            _ => return Err(wrong("its sslmode is none of disable, require, verify-full")),
        };
        // What the parser says of a parameter names it, and shows no value.
        let mut config: Config = [base, &others.join("&")].join("?").parse().map_err(|error: tokio_postgres::Error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            DatabaseUrlError(cause.unwrap_or_else(|| error.to_string()).into())
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(wrong("it names no host"));
        }
        config.ssl_mode(if tls == Tls::Off { SslMode::Disable } else { SslMode::Require });
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_application_name().is_none() {
            config.application_name("tickgate");
        }
        config.keepalives_idle(KEEPALIVE_IDLE).tcp_user_timeout(TCP_USER_TIMEOUT);
        Ok(Self { config, tls })
    }
}

impl DatabaseUrl {
    pub(super) const fn config(&self) -> &Config {
        &self.config
    }

    /// Whether what is said to the server can be heard on a network.
    pub(super) fn is_open_to_listeners(&self) -> bool {
        let is_local = |host: &Host| match host {
            Host::Unix(_) => true,
            Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback()),
        };
        self.tls == Tls::Off && !self.config.get_hosts().iter().all(is_local)
    }

    /// What encrypts the connections, if they are.
    pub(super) fn tls(&self) -> Result<MakeRustlsConnect, String> {
        let mut roots = RootCertStore::empty();
        match &self.tls {
            Tls::Verified { authorities: Some(file) } => {
                let unusable = |error: &dyn fmt::Display| format!("sslrootcert: {} cannot be used: {error}", file.display());
                for certificate in CertificateDer::pem_file_iter(file).map_err(|error| unusable(&error))? {
                    roots.add(certificate.map_err(|error| unusable(&error))?).map_err(|error| unusable(&error))?;
                }
                if roots.is_empty() {
                    return Err(unusable(&"there is no certificate in it"));
                }
            }
            Tls::Verified { authorities: None } | Tls::Off => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = builder.map_err(|error| error.to_string())?.with_root_certificates(roots).with_no_client_auth();
        Ok(MakeRustlsConnect::new(config))
    }
}

/// The database and where it is; no user, no password, no parameter.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.config.get_dbname().or(self.config.get_user()).unwrap_or("postgres"))?;
        for (host, place) in self.config.get_hosts().iter().zip(0..) {
            let port = self.config.get_ports().get(place).or(self.config.get_ports().first()).unwrap_or(&5432);
            match host {
                Host::Tcp(name) => write!(f, "{}{name}:{port}", if place == 0 { " on " } else { ", " })?,
                Host::Unix(path) => write!(f, "{}{}", if place == 0 { " on " } else { ", " }, path.display())?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> DatabaseUrl {
        text.parse().unwrap()
    }

    #[test]
    fn only_where_it_is_is_shown() {
        let url = parsed("postgres://ada:hunter2-canary@db.example:5433/gateway?sslmode=verify-full&options=-c%20a%3Dcanary");
        for shown in [url.to_string(), format!("{url:?}")] {
            assert!(
                shown.contains("gateway on db.example:5433") && !shown.contains("canary") && !shown.contains("ada"),
                "{shown}"
            );
        }
    }

    #[test]
    fn what_is_no_address_of_a_server_is_refused_and_not_shown() {
        for (text, problem) in [
            ("mysql://ada:canary@db/gateway", "postgres://"),
            ("host=db password=canary", "postgres://"),
            ("postgres://ada:canary@db/gateway?sslmode=prefer", "sslmode"),
            ("postgres://ada:canary@db:canary/gateway", "port"),
            ("postgres://ada:canary@db/gateway?canary_option", ""),
            ("postgres:///gateway", "names no host"),
        ] {
            let refusal = text.parse::<DatabaseUrl>().unwrap_err().to_string();
            assert!(refusal.contains(problem) && !refusal.contains(":canary"), "{text}: {refusal}");
        }
    }

    #[test]
    fn tls_is_asked_for_by_name_and_always_verified() {
        for (parameters, tls) in [
            ("", Tls::Off),
            ("?sslmode=disable", Tls::Off),
            ("?sslmode=require", Tls::Verified { authorities: None }),
            ("?connect_timeout=3&sslmode=verify-full&sslrootcert=system", Tls::Verified { authorities: None }),
            ("?sslmode=require&sslrootcert=%2Fetc%2Fca.pem", Tls::Verified { authorities: Some("/etc/ca.pem".into()) }),
        ] {
            let url = parsed(&format!("postgresql://db.example/gateway{parameters}"));
            assert_eq!(url.tls, tls, "{parameters}");
            assert_eq!(url.is_open_to_listeners(), tls == Tls::Off);
        }
        assert!(!parsed("postgres://localhost/gateway").is_open_to_listeners());
        assert!(!parsed("postgres://ada@%2Frun%2Fpostgresql/gateway").is_open_to_listeners());
        let lost = parsed("postgres://db/gateway?sslmode=require&sslrootcert=/nowhere/ca.pem").tls().err().unwrap();
        assert!(lost.contains("sslrootcert") && lost.contains("/nowhere/ca.pem"), "{lost}");
    }
}
