//! A chain before it is made.

use std::rc::Rc;

use chancery_softkey::SoftKey;
use chancery_x509::Certificate;

use crate::maker::{Maker, NOW, Party, new_rsa_key};

/// Numbers that look random and are the same for the same seed (splitmix64).
#[derive(Clone, Debug)]
pub struct Numbers(u64);

impl Numbers {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Gives a number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }
}

/// What else than a straight line the certificates form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Straight,
    /// The topmost CA has a second certificate, by the only root that is trusted.
    Crossed {
        good_first: bool,
    },
    /// The lowest CA certified a new key of its own, which signed the leaf.
    Rekeyed {
        path_len: Option<u8>,
    },
    /// Somebody of the lowest CA's name and another key comes first.
    Imposter {
        has_key_identifiers: bool,
    },
    /// The topmost CA and another certify each other as well.
    Loop,
    /// They do, and nobody else certifies them.
    LoopWithoutExit,
    /// One of the CAs is not at hand.
    Missing,
    /// The root is at hand and nobody trusts it.
    Untrusted,
}

/// Whose signature is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    Root,
    Ca(usize),
    Leaf,
}

/// Everything a feature can change.
#[derive(Debug)]
pub struct Plan {
    pub root: Maker,
    /// From the root down; at least one.
    pub cas: Vec<Maker>,
    pub leaf: Maker,
    pub shape: Shape,
    pub damage: Option<Damage>,
    /// Certificates of strangers among the candidates.
    pub noise: usize,
    /// The lowest CA's key is the one RSA key there is.
    pub rsa_issuer: bool,
}

/// Keys are made once and shared by all chains: whose they are does not matter between chains.
#[derive(Debug)]
pub struct Keys {
    pub rsa: Rc<SoftKey>,
    strangers: Vec<Party>,
}

impl Keys {
    pub fn new() -> Self {
        let stranger = |number| Maker::ca(&format!("CN=Stranger {number}")).self_signed();
        Self { rsa: new_rsa_key(), strangers: (0..6).map(stranger).collect() }
    }
}

/// The certificates of a chain that was made.
#[derive(Clone, Debug)]
pub struct Made {
    pub leaf: Certificate,
    pub candidates: Vec<Certificate>,
    pub anchor: Certificate,
}

fn ca_name(level: usize) -> String {
    format!("CN=CA {level},O=Example,C=GB")
}

impl Plan {
    pub fn new(cas: usize) -> Self {
        Self {
            root: Maker::ca("CN=Root,O=Example,C=GB"),
            cas: (0..cas).map(|level| Maker::ca(&ca_name(level))).collect(),
            leaf: Maker::leaf("CN=Leaf,O=Example,C=GB"),
            shape: Shape::Straight,
            damage: None,
            noise: 0,
            rsa_issuer: false,
        }
    }

    /// Adds CAs at the lower end until there are this many.
    pub fn lengthen(&mut self, cas: usize) {
        for level in self.cas.len()..cas {
            self.cas.push(Maker::ca(&ca_name(level)));
        }
    }

    /// Changes one of the CAs.
    pub fn change_ca(&mut self, numbers: &mut Numbers, change: impl FnOnce(Maker) -> Maker) {
        let index = numbers.below(self.cas.len());
        self.cas[index] = change(self.cas[index].clone());
    }

    pub fn change_leaf(&mut self, change: impl FnOnce(Maker) -> Maker) {
        self.leaf = change(self.leaf.clone());
    }

    pub fn change_root(&mut self, change: impl FnOnce(Maker) -> Maker) {
        self.root = change(self.root.clone());
    }

    /// Makes the certificates and puts them into an order of no meaning.
    pub fn make(mut self, keys: &Keys, numbers: &mut Numbers) -> Made {
        if self.rsa_issuer {
            let lowest = self.cas.pop().unwrap();
            self.cas.push(lowest.key(&keys.rsa));
        }
        let mut root = self.root.clone().self_signed();
        let mut line: Vec<Party> = Vec::new();
        for maker in &self.cas {
            let issuer = line.last().unwrap_or(&root);
            line.push(maker.clone().issued_by(issuer));
        }
        let stranger = &keys.strangers[numbers.below(keys.strangers.len())];
        let mut anchor = root.certificate.clone();
        let mut first = Vec::new();
        let mut last = Vec::new();
        let mut issuer = line.last().unwrap().clone();
        let topmost = &self.cas[0];
        match self.shape {
            Shape::Straight => {}
            Shape::Crossed { good_first } => {
                anchor = stranger.certificate.clone();
                let cross = topmost.clone().key(&line[0].key).issued_by(stranger).certificate;
                last.push(root.certificate.clone());
                if good_first { first.push(cross) } else { last.push(cross) }
            }
            Shape::Rekeyed { path_len } => {
                let above = line.len().checked_sub(2).map_or(&root, |index| &line[index]).clone();
                let maker = self.cas.last().unwrap().clone();
                let old = maker.clone().basic_constraints(path_len).key_identifiers(b"old", b"up");
                let old = old.issued_by(&above);
                let new = Maker::ca(&old.certificate.subject().to_string());
                issuer = new.key_identifiers(b"new", b"old").issued_by(&old);
                self.leaf = self.leaf.key_identifiers(b"leaf", b"new");
                line.pop();
                line.push(old);
                last.push(issuer.certificate.clone());
            }
            Shape::Imposter { has_key_identifiers } => {
                let name = issuer.certificate.subject().to_string();
                let mut imposter = Maker::ca(&name);
                if has_key_identifiers {
                    imposter = imposter.key_identifiers(b"imposter", b"nobody");
                    self.leaf = self.leaf.key_identifiers(b"leaf", b"issuer");
                    let above = line.len().checked_sub(2).map_or(&root, |index| &line[index]);
                    let maker = self.cas.last().unwrap().clone();
                    issuer = maker.key_identifiers(b"issuer", b"up").issued_by(above);
                    line.pop();
                    line.push(issuer.clone());
                }
                first.push(imposter.issued_by(stranger).certificate);
            }
            Shape::Loop | Shape::LoopWithoutExit => {
                let other = Maker::ca("CN=Other CA").issued_by(&line[0]);
                let back = topmost.clone().key(&line[0].key).issued_by(&other);
                if self.shape == Shape::LoopWithoutExit {
                    line[0] = back;
                } else {
                    last.push(back.certificate);
                }
                last.push(other.certificate);
            }
            Shape::Missing => {
                let index = numbers.below(line.len());
                if index + 1 == line.len() {
                    line.pop();
                } else {
                    line.remove(index);
                }
            }
            Shape::Untrusted => {
                last.push(root.certificate.clone());
                anchor = stranger.certificate.clone();
            }
        }
        let mut leaf = self.leaf.issued_by(&issuer);
        match self.damage {
            Some(Damage::Leaf) => damage(&mut leaf),
            Some(Damage::Ca(index)) => damage(&mut line[index]),
            Some(Damage::Root) => {
                damage(&mut root);
                anchor = root.certificate;
            }
            None => {}
        }
        let mut middle: Vec<Certificate> =
            line.into_iter().map(|party| party.certificate).collect();
        middle.extend(keys.strangers.iter().take(self.noise).map(|one| one.certificate.clone()));
        for end in (1..middle.len()).rev() {
            middle.swap(end, numbers.below(end + 1));
        }
        Made { leaf: leaf.certificate, candidates: [first, middle, last].concat(), anchor }
    }
}

/// Changes the last octet, which is of the signature.
fn damage(party: &mut Party) {
    let mut der = party.certificate.as_der().to_vec();
    *der.last_mut().unwrap() ^= 1;
    party.certificate = Certificate::from_der(&der).unwrap();
}

/// Somewhen before all certificates end, and after this one did.
pub const EXPIRED: (&str, &str) = (crate::maker::BEGIN, "2025-05-31");
pub const NOT_YET: (&str, &str) = ("2025-06-02", crate::maker::END);
pub const UNTIL_NOW: (&str, &str) = (crate::maker::BEGIN, NOW);
