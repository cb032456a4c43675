//! A browser as far as signing in needs one: it keeps cookies by name and path and goes where it is sent.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use url::Url;

use super::oidc_provider::{CLIENT, OidcProvider};
use super::{Answer, Request, TestGateway, get, post};

/// Settings of a gateway at which people can sign in.
pub(crate) fn signing_in<'a>(issuer: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let own = [
        ("AUTH", "required"),
        ("MCP_API_KEYS", "a-key-for-the-tests-1"),
        ("GOOGLE_ISSUER", issuer),
        ("GOOGLE_CLIENT_ID", CLIENT.0),
        ("GOOGLE_CLIENT_SECRET", CLIENT.1),
        ("RATE_LIMIT_AUTH", "0"),
    ];
    [&own[..], more].concat()
}

pub(crate) struct Browser {
    gateway: SocketAddr,
    host: Option<String>,
    /// Name to value and path.
    pub(crate) cookies: BTreeMap<String, (String, String)>,
    /// Every `Set-Cookie` that came.
    pub(crate) set: Vec<String>,
}

impl Browser {
    pub(crate) fn of(gateway: &TestGateway) -> Self {
        Self { gateway: gateway.address, host: None, cookies: BTreeMap::new(), set: Vec::new() }
    }

    /// One that reaches the gateway under its public name.
    pub(crate) fn named(gateway: &TestGateway, host: &str) -> Self {
        Self { host: Some(host.to_owned()), ..Self::of(gateway) }
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send(get(path), path)
    }

    /// A write as a page of the gateway makes it.
    pub(crate) fn post(&mut self, path: &str, body: &str) -> Answer {
        self.send(post(path, body).header("Sec-Fetch-Site", "same-origin").header("Content-Type", "application/json"), path)
    }

    pub(crate) fn send(&mut self, mut request: Request, path: &str) -> Answer {
        let path = path.split('?').next().unwrap();
        let fits = self.cookies.iter().filter(|(_, (_, at))| at == "/" || at == path);
        let cookies: Vec<String> = fits.map(|(name, (value, _))| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header("Cookie", &cookies.join("; "));
        }
        if let Some(host) = &self.host {
            request = request.header("Host", host);
        }
        let answer = request.send(self.gateway);
        for set in answer.all("set-cookie") {
            self.set.push(set.to_owned());
            let (pair, rest) = set.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            let path = rest.split(';').find_map(|part| part.trim().strip_prefix("Path=")).unwrap().to_owned();
            if rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), (value.to_owned(), path));
            }
        }
        answer
    }

    /// Begins a sign-in and goes to the provider; answers the path of the callback to which that sends the browser.
    pub(crate) fn reach_provider(&mut self, provider: &OidcProvider, login: &str) -> String {
        let away = self.get(login);
        assert_eq!(away.status, 302, "{login}");
        let back = get(&path_of(away.header("location").unwrap())).send(provider.address);
        assert_eq!(back.status, 302);
        path_of(back.header("location").unwrap())
    }

    /// Signs in; answers the callback's answer.
    pub(crate) fn sign_in(&mut self, provider: &OidcProvider) -> Answer {
        let callback = self.reach_provider(provider, "/auth/login");
        self.get(&callback)
    }
}

/// Path and query of an address.
pub(crate) fn path_of(address: &str) -> String {
    let url = Url::parse(address).unwrap();
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}
