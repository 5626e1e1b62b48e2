//! Libraries that are no modules, or hardly: compiled here from a few lines of C, by the compiler that Rust links with.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use chancery_key::{KeyError, KeyErrorKind};
use chancery_pkcs11::{Module, Token, Uri};
use tempfile::TempDir;

/// The layout of `CK_FUNCTION_LIST`, and a module that has no slots. Where a second call asks for none of them, it
/// answers `CKR_BUFFER_TOO_SMALL` for ever, as p11-kit does.
const EMPTY_MODULE: &str = r#"
    #include <string.h>
    typedef unsigned long rv;
    struct list { unsigned char version[2]; void *f[68]; };
    static rv ok(void) { return 0; }
    static rv info(unsigned char *out) {
        memset(out, ' ', 96);
        return 0;
    }
    static rv slots(unsigned char present, unsigned long *out, unsigned long *count) {
        (void)present;
        if (out) return 0x150;
        *count = SLOTS;
        return 0;
    }
    static rv listed(unsigned char present, unsigned long *out, unsigned long *count) {
        (void)present;
        if (out) out[0] = 7;
        *count = 1;
        return 0;
    }
    static rv slot_info(unsigned long slot, unsigned char *out) {
        (void)slot;
        memset(out, 'S', 96);
        return 0;
    }
    /* Texts that are neither padded nor UTF-8, and a clock as opencryptoki writes it. */
    static rv token_info(unsigned long slot, unsigned char *out) {
        (void)slot;
        memset(out, 0xff, 208);
        memcpy(out, "label", 5);
        memcpy(out + 192, "12:34:56", 8);
        return 0;
    }
    static struct list functions;
    static struct list *made(void) {
        functions.version[0] = MAJOR; functions.version[1] = 40;
        functions.f[0] = ok; functions.f[2] = info;
        functions.f[4] = SLOTS ? (void *)listed : (void *)slots;
        functions.f[5] = slot_info; functions.f[6] = token_info;
        return &functions;
    }
"#;

const GIVES_LIST: &str = "rv C_GetFunctionList(struct list **l) { *l = made(); return 0; }";

/// Compiles a module with these macros and ends.
fn compile(dir: &TempDir, macros: &[&str], end: &str) -> PathBuf {
    let (source, module) = (dir.path().join("module.c"), dir.path().join("module.so"));
    fs::write(&source, [EMPTY_MODULE, end].concat()).unwrap();
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-w", "-o"]).arg(&module).args(macros).arg(&source);
    let output = compiler.output().expect("Rust itself links with cc");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    module
}

fn load(macros: &[&str], end: &str) -> Result<std::sync::Arc<Module>, KeyError> {
    let dir = tempfile::tempdir().unwrap();
    Module::load(compile(&dir, macros, end))
}

#[test]
fn a_module_that_does_not_give_its_functions_is_named_with_the_call() {
    for (end, says, cause) in [
        (
            "rv C_GetFunctionList(struct list **l) { (void)l; return 5; }",
            "does not give its functions",
            "C_GetFunctionList: CKR_GENERAL_ERROR (0x5)",
        ),
        (
            "rv C_GetInterface(char *n, void *v, void **i, rv f) { (void)n;(void)v;(void)i;(void)f; return 6; }",
            "does not give its functions",
            "C_GetInterface: CKR_FUNCTION_FAILED (0x6)",
        ),
        ("", "it has no C_GetFunctionList", "undefined symbol"),
    ] {
        let error = load(&["-DMAJOR=2", "-DSLOTS=0"], end).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::Unavailable);
        let message = error.to_string();
        assert!(message.contains(says) && message.contains("module.so"), "{message}");
        let source = error.source().unwrap().to_string();
        assert!(source.contains(cause), "{source}");
    }
}

#[test]
fn an_empty_list_and_a_foreign_version_are_refused() {
    for (major, end, says) in [
        ("-DMAJOR=2", "rv C_GetFunctionList(struct list **l) { *l = 0; return 0; }", "empty list"),
        (
            "-DMAJOR=2",
            "rv C_GetInterface(char *n, void *v, void **i, rv f) { *i = 0; return 0; }",
            "empty list",
        ),
        ("-DMAJOR=9", GIVES_LIST, "speaks PKCS#11 9.40"),
    ] {
        let error = load(&[major, "-DSLOTS=0"], end).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::Unavailable);
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn a_module_of_version_three_that_has_interfaces_alone_is_loaded() {
    let end = "struct interface { char *name; void *functions; rv flags; };
        rv C_GetInterface(char *n, void *v, struct interface **i, rv f) {
            static struct interface it;
            if (strcmp(n, \"PKCS 11\") || v || f) return 7;
            it.functions = made();
            *i = &it;
            return 0;
        }";
    let module = load(&["-DMAJOR=3", "-DSLOTS=0"], end).unwrap();
    assert!(module.tokens().unwrap().is_empty());
}

#[test]
fn a_module_without_slots_has_no_tokens_and_says_so() {
    let module = load(&["-DMAJOR=2", "-DSLOTS=0"], GIVES_LIST).unwrap();
    assert!(module.tokens().unwrap().is_empty());
    let error = Token::open(&module, &Uri::new()).unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::NotFound);
    assert!(error.to_string().contains("there is none"), "{error}");
    let calls = module.statistics().calls_of("C_GetSlotList");
    assert_eq!(calls, 2, "a count of zero is not asked about again");
}

#[test]
fn token_information_that_keeps_no_rules_is_shown_as_far_as_it_goes() {
    let module = load(&["-DMAJOR=2", "-DSLOTS=1"], GIVES_LIST).unwrap();
    let tokens = module.tokens().unwrap();
    assert_eq!(tokens.len(), 1);
    assert_eq!((tokens[0].slot_id, tokens[0].label.starts_with("label\u{fffd}")), (7, true));
    assert_eq!(tokens[0].max_sessions, None);
    // Its address can be written and read again.
    assert_eq!(tokens[0].uri().to_string().parse::<Uri>().unwrap(), tokens[0].uri());
    // Functions it leaves out are errors by name, not crashes.
    let error = module.mechanisms(7).unwrap_err();
    let source = error.source().unwrap().to_string();
    assert!(source.contains("C_GetMechanismList: CKR_FUNCTION_NOT_SUPPORTED"), "{source}");
}
