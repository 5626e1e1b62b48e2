//! Whether time and memory grow no faster than the file, whatever is in it.
//!
//! Nothing is timed. Valgrind counts the instructions of a process that verifies one file, and the bytes it has from
//! the allocator at most; both are the same in every run but for the keys.

mod shapes;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use chancery_x509::to_pem;
use serde_json::Value;

pub use self::shapes::{SHAPES, Shape};
use crate::pitfalls::World;

/// How much faster than the file a count may grow: what a signature costs to verify differs a little.
const TOLERANCE: f64 = 1.15;

/// How many instructions or bytes are no growth.
const SLACK: f64 = 131_072.0;

/// What one file costs.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Cost {
    /// The file's length, in bytes.
    pub len: usize,
    /// Instructions of the whole process.
    pub instructions: u64,
    /// The most that was allocated at one time, in bytes.
    pub peak: u64,
}

/// A shape at three sizes, each twice the one before.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Growth {
    /// The shape's name.
    pub name: &'static str,
    /// What it costs at each size.
    pub costs: [Cost; 3],
}

impl Growth {
    /// Tells whether neither count grows faster than the file: what the second doubling adds is to what the first
    /// one added as their bytes are.
    #[must_use]
    pub fn is_linear(&self) -> bool {
        let [one, two, four] = &self.costs;
        let is_linear = |of: fn(&Cost) -> f64| {
            let added = |more: &Cost, less: &Cost| of(more) - of(less);
            let lengths = (four.len - two.len) as f64 / (two.len - one.len) as f64;
            added(four, two) <= added(two, one).max(0.0) * lengths * TOLERANCE + SLACK
        };
        is_linear(|cost| cost.instructions as f64) && is_linear(|cost| cost.peak as f64)
    }
}

/// Makes every shape at its three sizes and has each verified under Valgrind by this very program.
///
/// # Errors
/// Where a file cannot be written, or Valgrind cannot be run.
pub fn measure() -> Result<Vec<Growth>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let world = World::new();
    let roots = folder.path().join("roots.pem");
    write(&roots, to_pem("CERTIFICATE", world.root.as_der()).as_bytes())?;
    let cost = |file: &[u8]| {
        let path = folder.path().join("file.exe");
        write(&path, file)?;
        count(&path, &roots, folder.path()).map(|found| Cost { len: file.len(), ..found })
    };
    let grown = |shape: &Shape| {
        let mut costs = [Cost::default(); 3];
        for (factor, slot) in [1, 2, 4].into_iter().zip(&mut costs) {
            *slot = cost(&(shape.make)(&world, shape.unit * factor))?;
        }
        Ok(Growth { name: shape.name, costs })
    };
    SHAPES.iter().map(grown).collect()
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}

/// Counts what `examiner judge` costs.
fn count(file: &Path, roots: &Path, folder: &Path) -> Result<Cost, String> {
    let profile = folder.join("dhat.json");
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut out = std::ffi::OsString::from("--dhat-out-file=");
    out.push(&profile);
    let output = Command::new("valgrind")
        .args(["--tool=dhat".as_ref(), out.as_os_str(), program.as_os_str(), "judge".as_ref()])
        .args([file, roots])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run valgrind: {error}; run `cargo xtask growth`"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("valgrind ended with {}: {said}", output.status));
    }
    let text = fs::read_to_string(&profile).map_err(|error| error.to_string())?;
    let counted: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let instructions = counted["te"].as_u64().ok_or("valgrind counted no instructions")?;
    let peak = peak(&said).ok_or_else(|| format!("valgrind names no peak: {said}"))?;
    Ok(Cost { instructions, peak, ..Cost::default() })
}

/// Reads `At t-gmax: 1,234 bytes in 5 blocks`.
fn peak(said: &str) -> Option<u64> {
    let (_, rest) = said.split_once("At t-gmax:")?;
    rest.split_whitespace().next()?.replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read() {
        assert_eq!(peak("==1== At t-gmax: 1,234,567 bytes in 5 blocks\n"), Some(1_234_567));
        assert_eq!(peak("valgrind: no such tool"), None);
    }

    #[test]
    fn what_grows_with_the_square_is_seen() {
        let growth = |instructions: [u64; 3], peak: [u64; 3]| {
            let mut costs = [Cost::default(); 3];
            for (number, cost) in costs.iter_mut().enumerate() {
                let len = 1_000_000 << number;
                *cost = Cost { len, instructions: instructions[number], peak: peak[number] };
            }
            Growth { name: "made up", costs }
        };
        let million = [1_000_000, 2_000_000, 4_000_000];
        assert!(growth(million, million).is_linear());
        assert!(growth(million, [500_000; 3]).is_linear());
        assert!(!growth([1_000_000, 4_000_000, 16_000_000], million).is_linear());
        assert!(!growth(million, [1_000_000, 2_000_000, 8_000_000]).is_linear());
    }
}
