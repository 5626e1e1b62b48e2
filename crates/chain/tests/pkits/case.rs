//! One test of the PKITS document, as data.

use chancery_chain::Policy;
use chancery_x509::Time;
use const_oid::ObjectIdentifier;

/// A test of the document, or one of its parts with settings of its own.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The section's number and, after a second dot from the right, that of the part.
    pub number: &'static str,
    /// The end entity's certificate: the file's name without `.crt`.
    pub end_entity: &'static str,
    expected: Expected,
    initial: &'static [u8],
    explicit: bool,
    inhibit_mapping: bool,
    inhibit_any: bool,
}

/// What the document says of a path.
#[derive(Clone, Copy, Debug)]
pub enum Expected {
    /// It validates. For tests of policies, the user-constrained policy set: `n` is the n-th of NIST's test
    /// policies, [`ANY`] is anyPolicy.
    Valid(Option<&'static [u8]>),
    /// It does not, for the reason that we call so.
    Invalid(&'static str),
    /// It is about something that is deliberately not here, for this reason.
    NotApplicable(&'static str),
}

/// anyPolicy, in a list of policies.
pub const ANY: u8 = 0;

const fn case(number: &'static str, end_entity: &'static str, expected: Expected) -> Case {
    Case {
        number,
        end_entity,
        expected,
        initial: &[],
        explicit: false,
        inhibit_mapping: false,
        inhibit_any: false,
    }
}

pub const fn valid(number: &'static str, end_entity: &'static str) -> Case {
    case(number, end_entity, Expected::Valid(None))
}

/// Validates, with this user-constrained policy set.
pub const fn valid_for(
    number: &'static str,
    end_entity: &'static str,
    policies: &'static [u8],
) -> Case {
    case(number, end_entity, Expected::Valid(Some(policies)))
}

pub const fn invalid(number: &'static str, end_entity: &'static str, reason: &'static str) -> Case {
    case(number, end_entity, Expected::Invalid(reason))
}

pub const fn not_applicable(
    number: &'static str,
    end_entity: &'static str,
    why: &'static str,
) -> Case {
    case(number, end_entity, Expected::NotApplicable(why))
}

impl Case {
    /// Sets initial-policy-set.
    pub const fn initial(mut self, policies: &'static [u8]) -> Self {
        self.initial = policies;
        self
    }

    /// Sets initial-explicit-policy.
    pub const fn explicit(mut self) -> Self {
        self.explicit = true;
        self
    }

    /// Sets initial-policy-mapping-inhibit.
    pub const fn inhibit_mapping(mut self) -> Self {
        self.inhibit_mapping = true;
        self
    }

    /// Sets initial-inhibit-any-policy.
    pub const fn inhibit_any(mut self) -> Self {
        self.inhibit_any = true;
        self
    }

    pub fn expected(&self) -> Expected {
        self.expected
    }

    /// Makes the policy: RFC 5280 with the case's settings, at a time within the validity of the test data
    /// (2010 to 2030).
    pub fn policy(&self) -> Policy {
        let mut policy = Policy::rfc5280(Time::parse_rfc3339("2020-06-01").unwrap());
        policy.initial_policies = policies(self.initial);
        policy.require_explicit_policy = self.explicit;
        policy.inhibit_policy_mapping = self.inhibit_mapping;
        policy.inhibit_any_policy = self.inhibit_any;
        policy
    }
}

/// Looks up NIST's test policies by their numbers.
pub fn policies(numbers: &[u8]) -> Vec<ObjectIdentifier> {
    let arcs = |number: &u8| match *number {
        ANY => "2.5.29.32.0".to_owned(),
        number => format!("2.16.840.1.101.3.2.1.48.{number}"),
    };
    let mut oids: Vec<_> = numbers.iter().map(|number| arcs(number).parse().unwrap()).collect();
    oids.sort_unstable();
    oids
}
