//! The gateway from outside: real sockets, the real simulated upstream, the official clients, a real browser.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on panics, and its seed is printed")]

mod support;

mod access;
mod account;
mod account_page;
mod api_keys;
mod canary;
mod client_library;
mod clients;
mod command_line;
mod conformance;
mod doctor;
mod edge;
mod fan_in;
mod health;
mod honesty;
mod hostile_market;
mod leaks;
mod oauth;
mod own_key;
mod people;
mod reports;
mod rest_tools;
mod resume;
mod sessions;
mod sign_in;
mod soak;
mod stateless;
mod storage;
mod streams;
mod tools;
mod transports;
