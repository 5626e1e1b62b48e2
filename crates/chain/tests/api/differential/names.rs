//! Features of name constraints: each form, permitted and excluded, kept and broken.

use chancery_x509::asn1;

use crate::maker::{Maker, directory_name, general_name};

use super::feature::{Feature, Slot};
use super::plan::{Numbers, Plan};
use super::rule::Rule;

const MAIL: u8 = 1;
const DNS: u8 = 2;
const URI: u8 = 6;

fn network() -> Vec<u8> {
    asn1::tlv(0x87, &[&[10, 1, 0, 0, 255, 255, 0, 0]])
}

fn address(octets: [u8; 4]) -> Vec<u8> {
    asn1::tlv(0x87, &[&octets])
}

/// Constrains what is below one of the CAs and gives the leaf another name.
fn constrain(
    plan: &mut Plan,
    numbers: &mut Numbers,
    (permitted, excluded): (&[Vec<u8>], &[Vec<u8>]),
    name: Option<Vec<u8>>,
) {
    plan.change_ca(numbers, |ca| ca.constrains(permitted, excluded));
    call(plan, name);
}

fn call(plan: &mut Plan, name: Option<Vec<u8>>) {
    if let Some(name) = name {
        plan.change_leaf(|leaf: Maker| leaf.also_called(&[name]));
    }
}

macro_rules! constraint {
    ($name:literal, $permitted:expr, $excluded:expr, $called:expr) => {
        Feature::new($name, &[Slot::CaConstraints, Slot::LeafNames], |plan, numbers| {
            constrain(plan, numbers, (&$permitted, &$excluded), $called);
        })
    };
}

pub fn features() -> Vec<Feature> {
    let outside = "name-not-permitted";
    let inside = "name-excluded";
    let unknown = Rule::WebpkiNoSuchConstraint;
    vec![
        constraint!("permitted host", [host("example.com")], [], Some(host("www.example.com"))),
        constraint!("other host", [host("example.com")], [], Some(host("www.example.org")))
            .refused(outside),
        constraint!("excluded host", [], [host("example.com")], Some(host("www.example.com")))
            .refused(inside),
        constraint!("not excluded host", [], [host("example.com")], Some(host("myexample.com"))),
        constraint!("permitted address", [network()], [], Some(address([10, 1, 2, 3]))),
        constraint!("other address", [network()], [], Some(address([10, 2, 2, 3])))
            .refused(outside),
        constraint!("excluded address", [], [network()], Some(address([10, 1, 2, 3])))
            .refused(inside),
        constraint!("not excluded address", [], [network()], Some(address([10, 2, 2, 3]))),
        constraint!("permitted mailbox", [mail("example.com")], [], Some(mail("jo@example.com")))
            .webpki(unknown),
        constraint!("other mailbox", [mail("example.com")], [], Some(mail("jo@example.org")))
            .refused(outside),
        constraint!("excluded mailbox", [], [mail("example.com")], Some(mail("jo@example.com")))
            .refused(inside),
        constraint!("not excluded mailbox", [], [mail("example.com")], Some(mail("jo@x.org")))
            .webpki(unknown),
        constraint!("permitted URI", [uri(".example.com")], [], Some(uri("http://a.example.com/")))
            .webpki(unknown),
        constraint!("other URI", [uri(".example.com")], [], Some(uri("http://a.example.org/")))
            .refused(outside),
        constraint!("permitted directory name", [directory_name("O=Example,C=GB")], [], None)
            .webpki(unknown),
        constraint!("other directory name", [directory_name("O=Other,C=GB")], [], None)
            .refused(outside),
        constraint!("excluded directory name", [], [directory_name("O=Example,C=GB")], None)
            .refused(inside),
        constraint!("not excluded directory name", [], [directory_name("O=Other,C=GB")], None)
            .webpki(unknown),
        constraint!("constrained form not used", [mail("example.com")], [], None),
        Feature::new("root permits host", &[Slot::RootConstraints, Slot::LeafNames], |plan, _| {
            plan.change_root(|root| root.constrains(&[host("example.com")], &[]));
            call(plan, Some(host("www.example.com")));
        }),
        Feature::new(
            "root permits other host",
            &[Slot::RootConstraints, Slot::LeafNames],
            |plan, _| {
                plan.change_root(|root| root.constrains(&[host("example.com")], &[]));
                call(plan, Some(host("www.example.org")));
            },
        )
        .refused(outside),
    ]
}

fn host(name: &str) -> Vec<u8> {
    general_name(DNS, name)
}

fn mail(name: &str) -> Vec<u8> {
    general_name(MAIL, name)
}

fn uri(name: &str) -> Vec<u8> {
    general_name(URI, name)
}
