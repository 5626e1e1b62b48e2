//! `chancery timestamp`

use std::path::Path;
use std::time::Duration;

use chancery::batch::{Listed, Stages};
use chancery::chain::TrustAnchors;
use chancery::timestamp::http::{HttpSettings, HttpTimestamper, TimestampServer};
use chancery::timestamp::{StampError, TimestampKind};
use chancery::{
    Error, ErrorKind, NewTimestamp, StampFileOptions, TimestampedFile, timestamp_file_in_stages,
};

use crate::args::{StampOptions, Timestamp};
use crate::batch::{self, Job};
use crate::commands::{certificates, now};
use crate::exit::Exit;
use crate::json;
use crate::settings;
use crate::shown::shown;
use crate::ui::Ui;

pub(crate) fn run(args: &Timestamp, ui: &mut Ui) -> Exit {
    let timestamper = match prepare(args) {
        Ok(timestamper) => timestamper,
        Err(error) => return ui.error(&error, None),
    };
    let limits = args.batch.limits(&args.files, None, args.timestamp_jobs);
    let stages = Stages::new(&limits);
    let job = StampJob { args, timestamper };
    batch::run(&job, &args.files, &args.batch, &stages, &limits, "timestamping", ui)
}

struct StampJob<'a> {
    args: &'a Timestamp,
    timestamper: HttpTimestamper,
}

impl Job for StampJob<'_> {
    type Done = Result<TimestampedFile, Error>;

    fn work(&self, file: &Listed, stages: &Stages) -> Self::Done {
        let mut options = StampFileOptions::default();
        options.index = self.args.index;
        options.output = self.args.output.path_for_listed(file)?;
        options.strip = self.args.output.strip;
        timestamp_file_in_stages(&file.path, &self.timestamper, now()?, &options, stages)
    }

    fn results(&self) -> Option<&Path> {
        self.args.output.out.as_deref()
    }

    fn written<'a>(&self, done: &'a Self::Done) -> Option<&'a Path> {
        done.as_ref().ok().map(|stamped| stamped.output.as_path())
    }

    fn show(&self, file: &Path, done: Self::Done, ui: &mut Ui) -> Exit {
        match done {
            Ok(stamped) => {
                show(file, &stamped, ui);
                Exit::Done
            }
            Err(error) => ui.error(&error, Some(file)),
        }
    }
}

fn prepare(args: &Timestamp) -> Result<HttpTimestamper, Error> {
    args.output.check_room_for(&args.files)?;
    timestamper(&args.stamp)?.ok_or_else(|| {
        Error::new(
            ErrorKind::Usage,
            "no server is named: --timestamp URL, --timestamp-legacy URL, or timestamp in chancery.toml",
        )
    })
}

/// Makes the client that the options describe, or the settings where they name no server; none where neither does.
pub(super) fn timestamper(options: &StampOptions) -> Result<Option<HttpTimestamper>, Error> {
    let failed = |error: StampError| {
        Error::new(ErrorKind::Usage, "cannot ask for timestamps").with_source(error)
    };
    let named = !(options.timestamp.is_empty() && options.timestamp_legacy.is_empty());
    let rfc3161 = if named { &options.timestamp } else { &settings::current().timestamp };
    let rfc3161 = rfc3161.iter().map(|url| (url, TimestampKind::Rfc3161));
    let legacy = options.timestamp_legacy.iter().map(|url| (url, TimestampKind::Legacy));
    let servers = rfc3161.chain(legacy).map(|(url, kind)| TimestampServer::new(url, kind));
    let servers: Vec<_> = servers.collect::<Result<_, _>>().map_err(failed)?;
    if servers.is_empty() {
        return Ok(None);
    }
    let mut anchors = Vec::new();
    for path in &options.tsa_roots {
        anchors.extend(certificates(path)?);
    }
    let mut how = HttpSettings::default();
    how.digest = options.timestamp_digest;
    how.anchors = TrustAnchors::new(anchors);
    how.environment_proxy = true;
    if let Some(seconds) = options.timestamp_timeout {
        how.request_timeout = Duration::from_secs(seconds);
        how.connect_timeout = how.connect_timeout.min(how.request_timeout);
    }
    HttpTimestamper::new(servers, how).map(Some).map_err(failed)
}

/// Says when signatures were timestamped, and by whom.
pub(super) fn timestamped(timestamps: &[NewTimestamp]) -> String {
    let one = |stamp: &NewTimestamp| format!("{} by {}", stamp.time, stamp.authority.subject());
    let all: Vec<_> = timestamps.iter().map(one).collect();
    format!("timestamped {}", all.join(" and "))
}

fn show(file: &Path, stamped: &TimestampedFile, ui: &mut Ui) {
    let object = json::Changed {
        schema: 1,
        r#type: "timestamped",
        file: json::FileName::new(file),
        output: json::OutputName::new(&stamped.output),
        signatures: None,
        timestamps: json::NewTimestamp::list(&stamped.timestamps),
        journal: None,
    };
    ui.success(&object, || {
        format!("{}: {}", shown(&stamped.output), timestamped(&stamped.timestamps))
    });
}
