//! A program small enough to write by hand.

/// Machine code for x86-64: `xor eax, eax; ret`. The process ends with exit code 0.
const CODE: [u8; 3] = [0x31, 0xc0, 0xc3];

const FILE_ALIGNMENT: u32 = 0x200;
const SECTION_ALIGNMENT: u32 = 0x1000;
const PE_OFFSET: u32 = 0x80;

/// Makes a PE32+ console program of one section that ends at once (PE/COFF, "PE Format").
pub(super) fn hello() -> Vec<u8> {
    let mut image = Vec::with_capacity(0x400);
    image.extend(b"MZ");
    image.resize(0x3c, 0);
    image.extend(PE_OFFSET.to_le_bytes());
    image.resize(0x80, 0);

    image.extend(b"PE\0\0");
    // COFF: x86-64, one section, no symbols, optional header of 240 bytes, executable and large-address aware.
    push16(&mut image, &[0x8664, 1, 0, 0, 0, 0, 0, 0, 240, 0x22]);
    // Optional header: PE32+, linker 14.0.
    push16(&mut image, &[0x20b, 14]);
    push32(&mut image, &[FILE_ALIGNMENT, 0, 0, SECTION_ALIGNMENT, SECTION_ALIGNMENT]);
    image.extend(0x1_4000_0000_u64.to_le_bytes());
    push32(&mut image, &[SECTION_ALIGNMENT, FILE_ALIGNMENT]);
    push16(&mut image, &[6, 0, 0, 0, 6, 0]);
    // Size of image and headers, checksum; console; dynamic base, NX compatible, terminal-server aware.
    push32(&mut image, &[0, 2 * SECTION_ALIGNMENT, FILE_ALIGNMENT, 0]);
    push16(&mut image, &[3, 0x8160]);
    for size in [0x10_0000_u64, 0x1000, 0x10_0000, 0x1000] {
        image.extend(size.to_le_bytes());
    }
    push32(&mut image, &[0, 16]);
    image.resize(image.len() + 16 * 8, 0);

    image.extend(b".text\0\0\0");
    push32(&mut image, &[3, SECTION_ALIGNMENT, FILE_ALIGNMENT, FILE_ALIGNMENT, 0, 0, 0]);
    // Code, readable, executable.
    push32(&mut image, &[0x6000_0020]);
    image.resize(0x200, 0);

    image.extend(CODE);
    image.resize(0x400, 0);
    image
}

fn push16(image: &mut Vec<u8>, values: &[u16]) {
    image.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

fn push32(image: &mut Vec<u8>, values: &[u32]) {
    image.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}
