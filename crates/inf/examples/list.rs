//! Prints every key and value of a file: `cargo run -p chancery-inf --example list REQUEST.inf`

#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use chancery_inf::Document;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("which file?")?;
    let inf = Document::from_bytes(&std::fs::read(path)?)?;
    for section in inf.sections() {
        for entry in section.entries() {
            println!("[{}] {} = {}", section.name(), entry.key().unwrap_or("-"), entry.value());
        }
    }
    Ok(())
}
