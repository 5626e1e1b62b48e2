//! Section 4.13: name constraints.

use crate::case::{Case, invalid, valid};

const NOT_PERMITTED: &str = "name-not-permitted";
const EXCLUDED: &str = "name-excluded";

pub const CASES: &[Case] = &[
    valid("4.13.1", "ValidDNnameConstraintsTest1EE"),
    invalid("4.13.2", "InvalidDNnameConstraintsTest2EE", NOT_PERMITTED),
    invalid("4.13.3", "InvalidDNnameConstraintsTest3EE", NOT_PERMITTED),
    valid("4.13.4", "ValidDNnameConstraintsTest4EE"),
    valid("4.13.5", "ValidDNnameConstraintsTest5EE"),
    valid("4.13.6", "ValidDNnameConstraintsTest6EE"),
    invalid("4.13.7", "InvalidDNnameConstraintsTest7EE", EXCLUDED),
    invalid("4.13.8", "InvalidDNnameConstraintsTest8EE", EXCLUDED),
    invalid("4.13.9", "InvalidDNnameConstraintsTest9EE", EXCLUDED),
    invalid("4.13.10", "InvalidDNnameConstraintsTest10EE", EXCLUDED),
    valid("4.13.11", "ValidDNnameConstraintsTest11EE"),
    invalid("4.13.12", "InvalidDNnameConstraintsTest12EE", NOT_PERMITTED),
    invalid("4.13.13", "InvalidDNnameConstraintsTest13EE", NOT_PERMITTED),
    valid("4.13.14", "ValidDNnameConstraintsTest14EE"),
    invalid("4.13.15", "InvalidDNnameConstraintsTest15EE", EXCLUDED),
    invalid("4.13.16", "InvalidDNnameConstraintsTest16EE", EXCLUDED),
    invalid("4.13.17", "InvalidDNnameConstraintsTest17EE", EXCLUDED),
    valid("4.13.18", "ValidDNnameConstraintsTest18EE"),
    valid("4.13.19", "ValidDNnameConstraintsTest19EE"),
    invalid("4.13.20", "InvalidDNnameConstraintsTest20EE", NOT_PERMITTED),
    valid("4.13.21", "ValidRFC822nameConstraintsTest21EE"),
    invalid("4.13.22", "InvalidRFC822nameConstraintsTest22EE", NOT_PERMITTED),
    valid("4.13.23", "ValidRFC822nameConstraintsTest23EE"),
    invalid("4.13.24", "InvalidRFC822nameConstraintsTest24EE", NOT_PERMITTED),
    valid("4.13.25", "ValidRFC822nameConstraintsTest25EE"),
    invalid("4.13.26", "InvalidRFC822nameConstraintsTest26EE", EXCLUDED),
    valid("4.13.27", "ValidDNandRFC822nameConstraintsTest27EE"),
    invalid("4.13.28", "InvalidDNandRFC822nameConstraintsTest28EE", NOT_PERMITTED),
    invalid("4.13.29", "InvalidDNandRFC822nameConstraintsTest29EE", NOT_PERMITTED),
    valid("4.13.30", "ValidDNSnameConstraintsTest30EE"),
    invalid("4.13.31", "InvalidDNSnameConstraintsTest31EE", NOT_PERMITTED),
    valid("4.13.32", "ValidDNSnameConstraintsTest32EE"),
    invalid("4.13.33", "InvalidDNSnameConstraintsTest33EE", EXCLUDED),
    valid("4.13.34", "ValidURInameConstraintsTest34EE"),
    invalid("4.13.35", "InvalidURInameConstraintsTest35EE", NOT_PERMITTED),
    valid("4.13.36", "ValidURInameConstraintsTest36EE"),
    invalid("4.13.37", "InvalidURInameConstraintsTest37EE", EXCLUDED),
    invalid("4.13.38", "InvalidDNSnameConstraintsTest38EE", NOT_PERMITTED),
];
