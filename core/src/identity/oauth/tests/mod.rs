//! The promises of the authorization server.
