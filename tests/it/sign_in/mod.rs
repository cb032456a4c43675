//! Signing in with a browser: at a real provider over HTTP, with real cookies.

mod attacks;
mod cookies;
mod flow;
mod provider_faults;
mod tickets;
