//! Writes the seeds of every target, and removes those that are made no longer.

use std::{fs, io};

use chancery_fuzz::{TARGETS, seeds};

fn main() -> io::Result<()> {
    for target in TARGETS {
        let folder = seeds::folder(target.name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let made = seeds::of(target.name);
        for (name, bytes) in &made {
            fs::write(folder.join(name), bytes)?;
        }
        println!("{}: {} seeds", target.name, made.len());
    }
    Ok(())
}
