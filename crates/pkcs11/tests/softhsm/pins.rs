//! PIN sources that remember what they were asked.

use std::sync::{Arc, Mutex};

use chancery_key::{KeyError, Pin, PinRequest, PinSource};

/// Gives one PIN and counts how often.
#[derive(Debug)]
pub(crate) struct Pins {
    pin: Vec<u8>,
    requests: Mutex<Vec<PinRequest>>,
}

impl Pins {
    pub(crate) fn of(pin: &str) -> Arc<Self> {
        Arc::new(Self { pin: pin.into(), requests: Mutex::default() })
    }

    pub(crate) fn requests(&self) -> Vec<PinRequest> {
        self.requests.lock().unwrap().clone()
    }
}

impl PinSource for Pins {
    fn pin(&self, request: &PinRequest) -> Result<Pin, KeyError> {
        self.requests.lock().unwrap().push(request.clone());
        Ok(Pin::from_line(self.pin.clone()))
    }
}
