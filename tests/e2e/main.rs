//! End-to-end tests: the built command, real files, and verifiers we did not write.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "everything here is part of a test, whose way to fail is a panic"
)]

mod audit;
mod authority;
mod bad_certificates;
mod bad_input;
mod batch;
mod certificates;
mod cms;
mod compat;
mod corpus;
mod disturbed;
mod doctor;
mod eddsa;
mod export;
mod faults;
mod fetch;
mod guard;
mod help;
mod hints;
mod journal;
mod journey;
mod killed;
mod machine;
mod memory;
mod names;
mod offline;
mod output;
mod pins;
mod pipes;
mod quickstart;
mod secrets;
mod settings;
mod show;
mod sign;
mod signatures;
mod store;
mod support;
mod timestamp_servers;
mod timestamps;
mod token;
mod traced;
mod usage;
mod verification;
