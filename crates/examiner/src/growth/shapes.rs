//! Files that somebody makes to keep a verifier busy.

use chancery_authenticode::nest;
use chancery_cms::add_unsigned_value;
use chancery_pe::Layout;
use chancery_testkit::pe_maker::{TinyPe, tiny_pe};
use chancery_x509::asn1;

use crate::forge::{ForgedCertificate, ForgedSignature, UNKNOWN, attribute};
use crate::pitfalls::World;
use crate::pitfalls::world::{embed, key};

/// A kind of file that can be made at any size.
#[derive(Debug)]
#[non_exhaustive]
pub struct Shape {
    /// What there is much of.
    pub name: &'static str,
    /// How much of it there is at the smallest of the three sizes.
    pub unit: usize,
    /// Makes the file.
    pub make: fn(&World, usize) -> Vec<u8>,
}

const KIB: usize = 1 << 10;

/// Every shape.
pub const SHAPES: [Shape; 16] = [
    Shape {
        name: "code",
        unit: 512 * KIB,
        make: |world, size| {
            let program = tiny_pe(&TinyPe { sections: vec![vec![7; size]], ..TinyPe::default() });
            embed(&program, &world.forged(&program).by(&world.signer))
        },
    },
    Shape {
        name: "overlay",
        unit: 512 * KIB,
        make: |world, size| {
            let program = tiny_pe(&TinyPe { overlay: vec![7; size], ..TinyPe::default() });
            embed(&program, &world.forged(&program).by(&world.signer))
        },
    },
    Shape {
        name: "sections",
        unit: 4_000,
        make: |world, count| {
            let program = tiny_pe(&TinyPe { sections: vec![vec![1]; count], ..TinyPe::default() });
            embed(&program, &world.forged(&program).by(&world.signer))
        },
    },
    Shape { name: "sections in one place", unit: 4_000, make: |_, count| overlapping(count) },
    Shape {
        name: "entries of the table",
        unit: 16 * KIB,
        make: |world, count| table(&world.program, &[8, 0, 0, 0, 0, 2, 2, 0].repeat(count)),
    },
    Shape {
        name: "data after the signature",
        unit: 512 * KIB,
        make: |world, size| world.with(&[world.signature(), vec![0x30; size]].concat()),
    },
    Shape {
        name: "nothing but lengths",
        unit: 512 * KIB,
        make: |world, size| world.with(&[0x30, 0x82].repeat(size / 2)),
    },
    Shape {
        name: "levels of nothing",
        unit: 8_000,
        make: |world, count| world.with(&unsigned(world, &levels(count))),
    },
    Shape {
        name: "an unsigned attribute",
        unit: 512 * KIB,
        make: |world, size| world.with(&unsigned(world, &asn1::octet_string(&vec![7; size]))),
    },
    Shape {
        name: "a signed attribute",
        unit: 512 * KIB,
        make: |world, size| {
            forged(world, |forged| {
                forged.signed = Some(attribute(&UNKNOWN, &asn1::octet_string(&vec![7; size])));
            })
        },
    },
    Shape {
        name: "attributes beyond the limit",
        unit: 8_000,
        make: |world, count| {
            forged(world, |forged| forged.unsigned = vec![(UNKNOWN, vec![vec![5, 0]]); count])
        },
    },
    Shape {
        name: "values beyond the limit",
        unit: 32_000,
        make: |world, count| {
            forged(world, |forged| forged.unsigned = vec![(UNKNOWN, vec![vec![5, 0]; count])])
        },
    },
    Shape {
        name: "signers beyond the limit",
        unit: 512,
        make: |world, count| forged(world, |forged| forged.signers = count),
    },
    Shape {
        name: "certificates of one name",
        unit: 15,
        make: |world, count| of_one_name(world, count),
    },
    Shape {
        name: "certificates beyond the limit",
        unit: 512,
        make: |world, count| of_one_name(world, count),
    },
    Shape {
        name: "nested signatures",
        unit: 16,
        make: |world, count| {
            let one = world.signature();
            let nested = |outer: Vec<u8>, _| nest(&outer, &one).unwrap();
            world.with(&(0..count).fold(one.clone(), nested))
        },
    },
];

/// The program with a signature of the honest signer, changed before it is signed.
fn forged(world: &World, change: impl FnOnce(&mut ForgedSignature)) -> Vec<u8> {
    let mut forged = world.forged(&world.program);
    change(&mut forged);
    world.with(&forged.by(&world.signer))
}

/// An honest signature with an attribute that nobody signed.
fn unsigned(world: &World, value: &[u8]) -> Vec<u8> {
    add_unsigned_value(&world.signature(), UNKNOWN, value).unwrap()
}

/// One SEQUENCE in another, this many times.
fn levels(count: usize) -> Vec<u8> {
    // From the inside to the outside, and turned round in the end, so that nothing is moved to put more in front.
    let mut turned: Vec<u8> = Vec::new();
    for _ in 0..count {
        let len = turned.len();
        if len < 128 {
            turned.push(u8::try_from(len).unwrap());
        } else {
            let octets = (usize::BITS - len.leading_zeros()).div_ceil(8);
            turned.extend(len.to_le_bytes().into_iter().take(octets as usize));
            turned.push(0x80 | u8::try_from(octets).unwrap());
        }
        turned.push(0x30);
    }
    turned.reverse();
    turned
}

/// Certificates that could all have issued each other, and the signer's: none of them leads to the root.
fn of_one_name(world: &World, count: usize) -> Vec<u8> {
    let issuer = key();
    let issued = |serial: usize| {
        let serial = u8::try_from(serial % 127).unwrap() + 1;
        let ca = ForgedCertificate::ca("CN=One Of Many", "CN=One Of Many", &issuer);
        // Told apart by what is in them, and by nothing that is looked at first.
        ca.numbered(serial).with(UNKNOWN, false, &asn1::octet_string(&[serial; 64])).der_by(&issuer)
    };
    let leaf = key();
    let certificate = ForgedCertificate::leaf("CN=One Of Many", &leaf).by(&issuer);
    let signer = chancery_x509::Identity::new(leaf, certificate, &[]).unwrap();
    let digest =
        crate::pitfalls::world::digest(&world.program, chancery_key::DigestAlgorithm::Sha256);
    let mut forged = ForgedSignature::new(&signer, &digest);
    forged.certificates.extend((0..count).map(issued));
    world.with(&forged.by(&signer))
}

/// A program whose sections all cover the whole of it.
fn overlapping(count: usize) -> Vec<u8> {
    let mut file = tiny_pe(&TinyPe { sections: vec![Vec::new(); count], ..TinyPe::default() });
    let layout = Layout::parse(&mut file.as_slice()).unwrap();
    let len = u32::try_from(file.len()).unwrap();
    // The checksum is 64 bytes into the optional header, which is 240 long in a PE32+ file with all directories.
    let first = usize::try_from(layout.checksum_offset()).unwrap() - 64 + 240;
    for number in 0..count {
        let header = first + number * 40;
        file[header + 16..header + 20].copy_from_slice(&len.to_le_bytes());
        file[header + 20..header + 24].copy_from_slice(&0_u32.to_le_bytes());
    }
    file
}

/// The program with these bytes for its certificate table.
fn table(program: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut file = program.to_vec();
    let layout = Layout::parse(&mut file.as_slice()).unwrap();
    let entry = layout.certificate_directory().unwrap().entry_offset;
    let entry = usize::try_from(entry).unwrap();
    let offset = u32::try_from(file.len()).unwrap();
    file[entry..entry + 4].copy_from_slice(&offset.to_le_bytes());
    let size = u32::try_from(bytes.len()).unwrap();
    file[entry + 4..entry + 8].copy_from_slice(&size.to_le_bytes());
    file.extend(bytes);
    file
}
