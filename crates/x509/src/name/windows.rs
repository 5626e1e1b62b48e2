//! Names as Windows prints them: CertNameToStr with CERT_X500_NAME_STR, and certutil over it.

use core::fmt;

use super::{Attribute, Name};

/// How certutil and the functions under it write a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WindowsForm {
    /// CERT_X500_NAME_STR in reverse, as certutil and the certificate dialogue have it: the most specific attribute
    /// first, `CN=Example, O="Smith, Jones", C=GB`.
    X500,
    /// What `certutil -dump` writes below `Subject:`: the same, an attribute a line.
    Lines,
}

/// Shows a [`Name`] in a form of Windows; made by [`Name::windows`].
#[derive(Clone, Copy, Debug)]
pub struct WindowsName<'a> {
    name: &'a Name,
    form: WindowsForm,
}

impl Name {
    /// Shows the name as certutil prints it.
    ///
    /// Unlike Windows, control characters and marks that turn text around are written as `\` and hex pairs, so that
    /// a hostile name cannot rewrite the terminal it is shown on.
    ///
    /// ```
    /// use chancery_x509::{Name, WindowsForm};
    ///
    /// let name: Name = r"CN=Smith\, Jones,ST=Essex,C=GB".parse()?;
    /// assert_eq!(name.windows(WindowsForm::X500).to_string(), r#"CN="Smith, Jones", S=Essex, C=GB"#);
    /// # Ok::<(), chancery_x509::NameError>(())
    /// ```
    #[must_use]
    pub const fn windows(&self, form: WindowsForm) -> WindowsName<'_> {
        WindowsName { name: self, form }
    }
}

/// The X.500 names of wincrypt.h; other types are written as `OID.` and the number.
const NAMES: [(&str, &str); 17] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.7", "L"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("1.2.840.113549.1.9.1", "E"),
    ("2.5.4.6", "C"),
    ("2.5.4.8", "S"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.12", "T"),
    ("2.5.4.42", "G"),
    ("2.5.4.43", "I"),
    ("2.5.4.4", "SN"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("2.5.4.5", "SERIALNUMBER"),
    ("2.5.4.13", "Description"),
    ("2.5.4.17", "PostalCode"),
    ("2.5.4.20", "Phone"),
];

impl fmt::Display for WindowsName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = match self.form {
            WindowsForm::X500 => ", ",
            WindowsForm::Lines => "\n",
        };
        for (index, rdn) in self.name.rdns.iter().rev().enumerate() {
            if index > 0 {
                f.write_str(separator)?;
            }
            for (index, attribute) in rdn.iter().enumerate() {
                if index > 0 {
                    f.write_str(" + ")?;
                }
                write_attribute(f, attribute)?;
            }
        }
        Ok(())
    }
}

fn write_attribute(f: &mut fmt::Formatter<'_>, attribute: &Attribute) -> fmt::Result {
    let arcs = attribute.oid.to_string();
    match NAMES.iter().find(|(known, _)| *known == arcs) {
        Some((_, name)) => write!(f, "{name}=")?,
        None => write!(f, "OID.{arcs}=")?,
    }
    let Some(text) = attribute.text() else {
        // What is no string is written in the hex of its DER.
        f.write_str("#")?;
        let der = crate::asn1::tlv(attribute.tag, &[&attribute.contents]);
        return der.iter().try_for_each(|octet| write!(f, "{octet:02x}"));
    };
    let quoted = text.is_empty()
        || text.starts_with(char::is_whitespace)
        || text.ends_with(char::is_whitespace)
        || text.contains([',', '+', '=', '"', '\n', '\r', '<', '>', '#', ';']);
    let mark = if quoted { "\"" } else { "" };
    f.write_str(mark)?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\"\"")?,
            c if c.is_control() || super::is_bidi_control(c) => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    write!(f, "\\{byte:02X}")?;
                }
            }
            c => write!(f, "{c}")?,
        }
    }
    f.write_str(mark)
}
