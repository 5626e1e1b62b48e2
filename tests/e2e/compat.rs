//! The command lines of other tools, typed unchanged: their grammar, their answers, their exit codes.

pub(crate) mod machine;

mod articles;
mod documentation;
mod files;
mod migration;
mod page;
mod pkcs7;
mod refusals;
mod requests;
mod revocation;
mod scripts;
