//! Writes the inputs to begin with that are not kept here: seeds of other targets, and files of the corpus.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use chancery_fuzz::{TARGETS, Target, seeds};
use chancery_pe::{Layout, certificates};
use chancery_testkit::corpus::corpus;

/// The largest inputs, in bytes: larger ones would set the pace for all.
const MAX_LEN: usize = 16 << 10;

fn main() -> Result<(), Box<dyn Error>> {
    let out = env::args_os().nth(1).map(PathBuf::from).ok_or("usage: more-seeds FOLDER")?;
    for target in TARGETS {
        let folder = out.join(target.name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let count = write(&target, &folder)?;
        if count > 0 {
            println!("{}: {count} more seeds", target.name);
        }
    }
    Ok(())
}

fn write(target: &Target, folder: &Path) -> Result<usize, Box<dyn Error>> {
    let mut inputs: Vec<Vec<u8>> = Vec::new();
    for other in target.also {
        inputs.extend(seeds::of(other).into_values());
    }
    for file in corpus().filter(|_| target.corpus).iter().flat_map(|corpus| &corpus.files) {
        let bytes = fs::read(&file.path)?;
        if let Ok(layout) = Layout::parse(&mut bytes.as_slice()) {
            let table = layout.read_table(&mut bytes.as_slice())?;
            inputs.extend(certificates(&table).0.iter().map(|entry| entry.body.to_vec()));
        }
        inputs.push(bytes);
    }
    inputs.retain(|input| input.len() <= MAX_LEN);
    for (number, input) in inputs.iter().enumerate() {
        fs::write(folder.join(number.to_string()), input)?;
    }
    Ok(inputs.len())
}
