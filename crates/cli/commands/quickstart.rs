//! `chancery quickstart`

use chancery::quickstart::{Quickstart, run as go};
use chancery::{Error, shell_word};

use crate::args::Quickstart as Arguments;
use crate::commands::now;
use crate::exit::Exit;
use crate::json;
use crate::shown::{one_line, shown};
use crate::ui::Ui;

pub(crate) fn run(args: &Arguments, ui: &mut Ui) -> Result<Exit, Error> {
    let keyring = args.access.keyring(false);
    let mut quickstart = Quickstart::new(args.out.clone());
    quickstart.program.clone_from(&args.file);
    quickstart.key.clone_from(&args.key);
    let mut number = 0;
    let journey = go(&quickstart, &keyring, now()?, &mut |step| {
        number += 1;
        let object = json::Step {
            schema: 1,
            r#type: "step",
            title: step.title.clone(),
            command: step.command.clone(),
        };
        ui.success(&object, || match step.command.as_str() {
            "" => format!("{number}. {}", one_line(&step.title)),
            command => {
                format!("{number}. {}\n     chancery {}", one_line(&step.title), one_line(command))
            }
        });
    })?;
    let object = serde_json::json!({
        "schema": 1,
        "type": "quickstart",
        "signed": json::shown(&journey.signed),
        "ca": json::shown(&journey.ca),
        "signer": json::shown(&journey.signer),
        "key": journey.key.to_string(),
    });
    let file = args.file.as_ref().map(|file| shell_word(&shown(file)) + " ");
    let file = file.unwrap_or_default();
    ui.success(&object, || {
        let token = "The same with a key that never leaves a token:";
        let authority = "An authority of your own, which issues more than one certificate:\n     \
                         chancery ca init --help";
        match args.key {
            Some(_) => format!("\nDone: {}", shown(&journey.signed)),
            None => format!(
                "\nDone: {}\n{token}\n     chancery token list\n     \
                 chancery quickstart {file}--key 'pkcs11:token=TOKEN;object=release' --pin-file PIN\n\
                 {authority}",
                shown(&journey.signed)
            ),
        }
    });
    Ok(Exit::Done)
}
