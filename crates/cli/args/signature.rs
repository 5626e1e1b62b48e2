//! The arguments of the commands over signatures that are there already.

use std::path::{Path, PathBuf};

use chancery::batch::{FileList, Listed};
use chancery::{Error, ErrorKind};
use clap::Args;

use super::{BatchOptions, IfSigned};

#[derive(Args, Debug)]
pub(crate) struct Remove {
    /// The files; patterns, `@LIST` with a name a line, and with --recursive folders
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Only this signature, counted from 0 as `verify` counts; what is nested in it stays
    #[arg(long, value_name = "N", conflicts_with = "unsigned_attributes")]
    pub(crate) index: Option<usize>,
    /// Only timestamps and whatever else nobody signed, of every signature
    #[arg(long)]
    pub(crate) unsigned_attributes: bool,
    /// Leave a checksum of zero, as most linkers do, and not the right one
    #[arg(long)]
    pub(crate) zero_checksum: bool,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
    #[command(flatten)]
    pub(crate) batch: BatchOptions,
}

#[derive(Args, Debug)]
pub(crate) struct Extract {
    /// The file
    pub(crate) file: PathBuf,
    /// Which signature, counted from 0 as `verify` counts
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) index: usize,
    /// Write here: PEM where the name ends in .pem, else DER [default: PEM to stdout]
    #[arg(long, value_parser = super::output_path(), value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Attach {
    /// The file the signature was made for
    pub(crate) file: PathBuf,
    /// The signature: PKCS#7 in DER, PEM or Base64; with --value, what was prepared
    pub(crate) signature: PathBuf,
    /// The bare signature value that completes it, raw or in Base64: SignTool's .dig.signed, or what a key signed by
    /// hand
    #[arg(long, value_name = "FILE")]
    pub(crate) value: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) if_signed: IfSigned,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

// How a signature is prepared for a key that is elsewhere.
#[derive(Args, Debug)]
pub(crate) struct ForSigning {
    /// Prepare a signature, to be signed where the key is by `sign --digest-file`
    #[arg(long, requires = "cert", help_heading = "Signing elsewhere")]
    pub(crate) for_signing: bool,
    /// The signer's certificate, and any others in the same file as its chain
    #[arg(long, value_name = "FILE", requires = "for_signing", help_heading = "Signing elsewhere")]
    pub(crate) cert: Option<PathBuf>,
    /// More certificates for the chain
    #[arg(long, value_name = "FILE", requires = "for_signing", help_heading = "Signing elsewhere")]
    pub(crate) chain: Vec<PathBuf>,
    /// Write here [default: FILE.chancery-digest]
    #[arg(long, value_parser = super::output_path(), value_name = "PATH", requires = "for_signing", help_heading = "Signing elsewhere")]
    pub(crate) out: Option<PathBuf>,
    /// Write SignTool's FILE.dig and FILE.p7u into this folder instead
    #[arg(
        long,
        value_name = "FOLDER",
        conflicts_with = "out",
        requires = "for_signing",
        help_heading = "Signing elsewhere"
    )]
    pub(crate) signtool: Option<PathBuf>,
    /// Also prepare a hash of every page
    #[arg(long, requires = "for_signing", help_heading = "Signing elsewhere")]
    pub(crate) page_hashes: bool,
    /// Prepare a signature to append to those there are
    #[arg(long, requires = "for_signing", help_heading = "Signing elsewhere")]
    pub(crate) append: bool,
    /// Go on in spite of what can be survived
    #[arg(long, requires = "for_signing", help_heading = "Signing elsewhere")]
    pub(crate) force: bool,
}

// Where a changed file goes.
#[derive(Args, Debug)]
pub(crate) struct OutputOptions {
    /// Write here, a file or a folder, and leave the original alone
    #[arg(long, value_parser = super::output_path(), value_name = "PATH")]
    pub(crate) out: Option<PathBuf>,
    /// Drop data that follows the signatures
    #[arg(long)]
    pub(crate) strip: bool,
}

impl OutputOptions {
    /// Returns where the new version of a file goes.
    pub(crate) fn path_for(&self, file: &Path) -> Option<PathBuf> {
        self.out.as_ref().map(|out| match file.file_name() {
            Some(name) if out.is_dir() => out.join(name),
            _ => out.clone(),
        })
    }

    /// Returns where the new version of a listed file would go: below a folder as it was below the one it was found
    /// in.
    pub(crate) fn place_for_listed(&self, file: &Listed) -> Option<PathBuf> {
        self.out.as_ref().map(|out| if out.is_dir() { out.join(&file.name) } else { out.clone() })
    }

    /// Returns where the new version of a listed file goes, in a folder that is there.
    ///
    /// # Errors
    /// Where the folder for it cannot be made.
    pub(crate) fn path_for_listed(&self, file: &Listed) -> Result<Option<PathBuf>, Error> {
        let place = self.place_for_listed(file);
        if let (Some(folder), Some(out)) = (place.as_deref().and_then(Path::parent), &self.out)
            && folder.starts_with(out)
        {
            std::fs::create_dir_all(folder).map_err(|error| Error::io("make", folder, error))?;
        }
        Ok(place)
    }

    /// Refuses one name for the results of several files.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`].
    pub(crate) fn check_room_for(&self, files: &[PathBuf]) -> Result<(), Error> {
        let Some(out) = self.out.as_deref().filter(|_| self.is_too_narrow_for(files)) else {
            return Ok(());
        };
        let what = if out.exists() { "is none" } else { "is not there" };
        let text =
            format!("--out must be a folder for several files, and {} {what}", out.display());
        Err(Error::new(ErrorKind::Usage, text))
    }

    /// Tells whether the arguments may name several files, and one name is given for the result.
    fn is_too_narrow_for(&self, files: &[PathBuf]) -> bool {
        !FileList::is_one_file(files) && self.out.as_ref().is_some_and(|out| !out.is_dir())
    }
}
