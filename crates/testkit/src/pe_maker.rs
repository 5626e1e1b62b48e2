//! Small valid executables, made to order.

/// What the executable is to be like. The default is a PE32+ console program for x86-64 with one
/// section of code, sixteen data directories and no overlay.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests fill it in with `..Default::default()`")]
pub struct TinyPe {
    /// PE32+ (64-bit) or PE32.
    pub pe32_plus: bool,
    /// The processor (`Machine`); by default that of the word size.
    pub machine: Option<u16>,
    /// What runs it (`Subsystem`): 3 is the Windows console, 10 a UEFI application.
    pub subsystem: u16,
    /// The data of each section, padded here to the file alignment of 512 bytes.
    pub sections: Vec<Vec<u8>>,
    /// The number of data directories, 0 to 16, all empty.
    pub directories: u32,
    /// Bytes after the last section.
    pub overlay: Vec<u8>,
    /// A CLR header and empty metadata before the data of the first section, as .NET programs have them; needs
    /// all sixteen directories.
    pub clr: bool,
}

impl Default for TinyPe {
    fn default() -> Self {
        Self {
            pe32_plus: true,
            machine: None,
            subsystem: 3,
            // xor eax, eax; ret
            sections: vec![vec![0x31, 0xC0, 0xC3]],
            directories: 16,
            overlay: Vec::new(),
            clr: false,
        }
    }
}

/// Makes the executable. The checksum is left zero, as linkers leave it.
#[must_use]
pub fn tiny_pe(pe: &TinyPe) -> Vec<u8> {
    if pe.clr {
        return managed(pe);
    }
    let optional_len = if pe.pe32_plus { 112 } else { 96 } + 8 * pe.directories as usize;
    let headers_len = PE_OFFSET + 24 + optional_len + 40 * pe.sections.len();
    let raw_sizes: Vec<u32> = pe.sections.iter().map(|data| aligned(data.len(), 512)).collect();
    let size_of_headers = aligned(headers_len, 512);
    let image_end = pe.sections.iter().fold(aligned(headers_len, PAGE), |address, data| {
        address.saturating_add(aligned(data.len().max(1), PAGE))
    });

    let mut out = dos_header();
    // COFF header.
    out.extend(b"PE\0\0");
    let machine = pe.machine.unwrap_or(if pe.pe32_plus { 0x8664 } else { 0x14C });
    push16(&mut out, machine);
    push16(&mut out, u16::try_from(pe.sections.len()).expect("at most 65535 sections"));
    push32(&mut out, &[0, 0, 0]);
    push16(&mut out, u16::try_from(optional_len).expect("at most 16 directories"));
    push16(&mut out, if pe.pe32_plus { 0x0022 } else { 0x0102 });
    // Optional header.
    push16(&mut out, if pe.pe32_plus { 0x20B } else { 0x10B });
    push16(&mut out, 14);
    let first_address = aligned(headers_len, PAGE);
    push32(&mut out, &[raw_sizes.iter().sum(), 0, 0, first_address, first_address]);
    if pe.pe32_plus {
        out.extend(0x1_4000_0000u64.to_le_bytes());
    } else {
        push32(&mut out, &[0, 0x40_0000]);
    }
    push32(&mut out, &[PAGE as u32, 512]);
    for version in [6, 0, 0, 0, 6, 0] {
        push16(&mut out, version);
    }
    push32(&mut out, &[0, image_end, size_of_headers, 0]);
    push16(&mut out, pe.subsystem);
    push16(&mut out, 0x8160);
    for size in [0x10_0000u32, 0x1000, 0x10_0000, 0x1000] {
        if pe.pe32_plus {
            out.extend(u64::from(size).to_le_bytes());
        } else {
            out.extend(size.to_le_bytes());
        }
    }
    push32(&mut out, &[0, pe.directories]);
    out.resize(out.len() + 8 * pe.directories as usize, 0);
    // Section table.
    let mut address = first_address;
    let mut offset = size_of_headers;
    for (index, (data, raw_size)) in pe.sections.iter().zip(&raw_sizes).enumerate() {
        let mut name = format!(".s{index}").into_bytes();
        name.resize(8, 0);
        out.extend(&name);
        let len = u32::try_from(data.len()).expect("sections are smaller than 4 GiB");
        let raw_offset = if *raw_size == 0 { 0 } else { offset };
        push32(&mut out, &[len, address, *raw_size, raw_offset, 0, 0, 0, 0x6000_0020]);
        address += aligned(data.len().max(1), PAGE);
        offset += raw_size;
    }
    // Data.
    out.resize(size_of_headers as usize, 0);
    for (data, raw_size) in pe.sections.iter().zip(&raw_sizes) {
        let end = out.len() + *raw_size as usize;
        out.extend(data);
        out.resize(end, 0);
    }
    out.extend(&pe.overlay);
    out
}

/// Makes a .NET executable: the native one, with a CLR header (ECMA-335 section II.25.3.3) in its first section
/// and directory 14 pointing there.
fn managed(pe: &TinyPe) -> Vec<u8> {
    let mut native = TinyPe { clr: false, ..pe.clone() };
    let headers_len = {
        let optional_len = if pe.pe32_plus { 112 } else { 96 } + 8 * pe.directories as usize;
        PE_OFFSET + 24 + optional_len + 40 * pe.sections.len()
    };
    let address = aligned(headers_len, PAGE);
    let mut header = Vec::new();
    push32(&mut header, &[CLR_HEADER_LEN]);
    push16(&mut header, 2);
    push16(&mut header, 5);
    // Where the metadata is, that this is intermediate language alone, and eight things there are none of.
    push32(&mut header, &[address + CLR_HEADER_LEN, METADATA.len() as u32, 1]);
    header.resize(CLR_HEADER_LEN as usize, 0);
    header.extend(METADATA);
    native.sections.first_mut().expect("a section for the header").splice(..0, header);
    let mut out = tiny_pe(&native);
    let directories = PE_OFFSET + 24 + if pe.pe32_plus { 112 } else { 96 };
    let entry = directories + 8 * 14;
    out[entry..entry + 4].copy_from_slice(&address.to_le_bytes());
    out[entry + 4..entry + 8].copy_from_slice(&CLR_HEADER_LEN.to_le_bytes());
    out
}

const CLR_HEADER_LEN: u32 = 72;

/// A metadata root (ECMA-335 section II.24.2.1) of version 1.1 without streams.
const METADATA: &[u8; 32] = b"BSJB\x01\0\x01\0\0\0\0\0\x0c\0\0\0v4.0.30319\0\0\0\0\0\0";

const PE_OFFSET: usize = 64;
const PAGE: usize = 4096;

fn dos_header() -> Vec<u8> {
    let mut header = vec![0; PE_OFFSET];
    header[..2].copy_from_slice(b"MZ");
    header[0x3C] = PE_OFFSET as u8;
    header
}

fn aligned(len: usize, alignment: usize) -> u32 {
    u32::try_from(len.next_multiple_of(alignment)).expect("fixtures are smaller than 4 GiB")
}

fn push16(out: &mut Vec<u8>, value: u16) {
    out.extend(value.to_le_bytes());
}

fn push32(out: &mut Vec<u8>, values: &[u32]) {
    out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}
