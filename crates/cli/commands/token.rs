//! `chancery token`

mod cert;
mod doctor;

use std::path::PathBuf;

use chancery::key::KeyErrorKind;
use chancery::pkcs11::{Module, TokenInfo};
use chancery::{Error, ErrorKind};

use crate::args::Token;
use crate::exit::Exit;
use crate::json;
use crate::shown::{one_line, shown};
use crate::ui::Ui;

pub(crate) fn run(args: &Token, ui: &mut Ui) -> Result<Exit, Error> {
    match args {
        Token::List { module } => list(module.as_ref(), ui),
        Token::Cert(args) => cert::run(args, ui),
        Token::Doctor(args) => doctor::run(args, ui),
    }
}

fn list(module: Option<&PathBuf>, ui: &mut Ui) -> Result<Exit, Error> {
    let places: Vec<PathBuf> = match module {
        Some(path) => vec![path.clone()],
        None => Module::known_places(),
    };
    if places.is_empty() {
        return Err(Error::new(
            ErrorKind::Key(KeyErrorKind::Unavailable),
            "no PKCS#11 module given, and none in the usual places",
        ));
    }
    let (mut answered, mut failed) = (false, Vec::new());
    for place in places {
        match Module::load(&place).and_then(|module| module.tokens()) {
            Ok(tokens) => {
                answered = true;
                tokens.iter().for_each(|token| show(&place, token, ui));
            }
            // One broken module must not hide the tokens of the others.
            Err(error) => failed.push((place, Error::from(error))),
        }
    }
    if !answered {
        let exits = failed.iter().map(|(_, error)| ui.error(error, None));
        return Ok(exits.fold(Exit::Done, Exit::graver));
    }
    // Nobody asked for these: they are installed, and their devices may well not be here.
    for (place, error) in &failed {
        ui.warn(&error.to_string());
        if ui.is_json() {
            let object = serde_json::json!({
                "schema": 1, "type": "warning", "module": json::shown(place),
                "kind": error.kind().name(), "message": error.to_string(),
            });
            ui.result(&object, String::new);
        }
    }
    Ok(Exit::Done)
}

fn show(module: &std::path::Path, token: &TokenInfo, ui: &mut Ui) {
    let object = json::Token {
        schema: 1,
        r#type: "token",
        module: json::shown(module),
        uri: token.uri().to_string(),
        slot: token.slot_id,
        label: token.label.clone(),
        manufacturer: token.manufacturer.clone(),
        model: token.model.clone(),
        serial: token.serial.clone(),
        initialized: token.initialized,
        login_required: token.login_required,
        pin_locked: token.pin_locked,
        pin_final_try: token.pin_final_try,
    };
    ui.result(&object, || {
        let state = match token {
            token if !token.initialized => "not initialised",
            token if token.pin_locked => "PIN locked",
            token if token.pin_final_try => "one last try for the PIN",
            token if token.pin_count_low => "a wrong PIN was given lately",
            _ => "ready",
        };
        format!(
            "{}  slot {}  {} {}  serial {}  {state}\n  --module {}",
            if token.initialized { token.uri().to_string() } else { "(no token)".to_owned() },
            token.slot_id,
            one_line(&token.manufacturer),
            one_line(&token.model),
            one_line(&token.serial),
            shown(module)
        )
    });
}
