//! Requests made from INF text.

#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::panic,
    clippy::print_stdout,
    reason = "clippy knows tests by their attribute, and these stand in their helpers"
)]

mod documentation;
mod extensions;
mod hostile;
mod mistakes;
mod openssl;
mod requests;
mod support;
