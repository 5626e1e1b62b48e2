/* Asks Windows, or wine, what it thinks of signed files, and makes it trust roots.
 *
 * trust verify FILE... prints two codes and the name of each file: by WINTRUST_ACTION_GENERIC_VERIFY_V2,
 *                      and by WINTRUST_ACTION_GENERIC_CHAIN_VERIFY
 * trust root FILE      adds a certificate in DER, or those in a file of PEM, to the user's roots
 * trust bind FILE CONTAINER PROVIDER TYPE
 *                      adds it to the user's own certificates, bound to a key for signatures
 * trust store FILE     prints how a file of a store could be read, and what it says of its certificates and their
 *                      keys, in UTF-8
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <wintrust.h>
#include <softpub.h>
#include <wincrypt.h>

static const GUID authenticode =
    { 0x00aac56b, 0xcd44, 0x11d0, { 0x8c, 0xc2, 0x00, 0xc0, 0x4f, 0xc2, 0x95, 0xee } };
static const GUID chain =
    { 0xfc451c16, 0xac75, 0x11d1, { 0xb4, 0xb8, 0x00, 0xc0, 0x4f, 0xb6, 0x6e, 0xa0 } };

static LONG ask(const wchar_t *path, GUID policy)
{
    WINTRUST_FILE_INFO file = { .cbStruct = sizeof file, .pcwszFilePath = path };
    WINTRUST_DATA data = {
        .cbStruct = sizeof data,
        .dwUIChoice = WTD_UI_NONE,
        .fdwRevocationChecks = WTD_REVOKE_NONE,
        .dwUnionChoice = WTD_CHOICE_FILE,
        .pFile = &file,
        .dwStateAction = WTD_STATEACTION_VERIFY,
    };
    LONG answer = WinVerifyTrust(INVALID_HANDLE_VALUE, &policy, &data);

    data.dwStateAction = WTD_STATEACTION_CLOSE;
    WinVerifyTrust(INVALID_HANDLE_VALUE, &policy, &data);
    return answer;
}

/* The file, with a zero after it; NULL where it cannot be read. */
static char *read_file(const wchar_t *path, size_t *length)
{
    FILE *file = _wfopen(path, L"rb");
    char *bytes = NULL;
    long size;

    if (!file)
        return NULL;
    if (!fseek(file, 0, SEEK_END) && (size = ftell(file)) > 0 && !fseek(file, 0, SEEK_SET)
        && (bytes = calloc(1, (size_t)size + 1)))
        *length = fread(bytes, 1, (size_t)size, file);
    fclose(file);
    return bytes;
}

static BOOL add(HCERTSTORE store, const BYTE *der, DWORD length, const CRYPT_KEY_PROV_INFO *key)
{
    const CERT_CONTEXT *added = NULL;

    return CertAddEncodedCertificateToStore(store, X509_ASN_ENCODING, der, length,
                                            CERT_STORE_ADD_USE_EXISTING, &added)
        && (!key || CertSetCertificateContextProperty(added, CERT_KEY_PROV_INFO_PROP_ID, 0, key))
        && CertFreeCertificateContext(added);
}

/* Adds every certificate of a text. Those that crypt32 cannot read are left out, and
 * counted. */
static int add_pem(HCERTSTORE store, const char *text)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----";
    static BYTE der[1 << 16];
    int added = 0, refused = 0;

    for (text = strstr(text, begin); text; text = strstr(text + 1, begin)) {
        const char *end = strstr(text, "-----END");
        DWORD length = sizeof der;

        if (end && CryptStringToBinaryA(text + sizeof begin - 1, (DWORD)(end - text - sizeof begin + 1),
                                        CRYPT_STRING_BASE64, der, &length, NULL, NULL)
            && add(store, der, length, NULL))
            added++;
        else
            refused++;
    }
    printf("%d added, %d refused\n", added, refused);
    return added;
}

static int add_to(const wchar_t *name, const wchar_t *path, const CRYPT_KEY_PROV_INFO *key)
{
    size_t length = 0;
    char *bytes = read_file(path, &length);
    HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0,
                                     CERT_SYSTEM_STORE_CURRENT_USER, name);

    return bytes && store
        && (!key && strstr(bytes, "-----BEGIN") ? add_pem(store, bytes) > 0
                                                : add(store, (BYTE *)bytes, (DWORD)length, key))
        && CertControlStore(store, 0, CERT_STORE_CTRL_COMMIT, NULL)
        && CertCloseStore(store, 0) ? 0 : 1;
}

static void print(const char *title, const wchar_t *text)
{
    char utf8[1 << 12] = "";

    if (text)
        WideCharToMultiByte(CP_UTF8, 0, text, -1, utf8, sizeof utf8, NULL, NULL);
    printf("%s=%s\n", title, text ? utf8 : "(none)");
}

static void print_property(const CERT_CONTEXT *certificate, DWORD property, const char *title)
{
    static wchar_t text[1 << 11];
    DWORD size = sizeof text;
    BOOL there = CertGetCertificateContextProperty(certificate, property, text, &size);

    print(title, there ? text : NULL);
}

/* Opens a file of a store. Windows reads it as a whole; wine takes properties for those of the certificate before them,
 * and reads none that come first, but reads the elements one by one as Windows does. */
static HCERTSTORE open_file(const wchar_t *path, const char **how)
{
    static BYTE bytes[1 << 20];
    HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_FILENAME_W, X509_ASN_ENCODING, 0,
                                     CERT_STORE_READONLY_FLAG | CERT_STORE_OPEN_EXISTING_FLAG, path);
    FILE *file = _wfopen(path, L"rb");
    size_t length = file ? fread(bytes, 1, sizeof bytes, file) : 0, start = 8, at = 8;

    if (file)
        fclose(file);
    *how = "a store";
    if (!store || CertEnumCertificatesInStore(store, NULL))
        return store;
    CertCloseStore(store, 0);
    *how = "its elements";
    store = CertOpenStore(CERT_STORE_PROV_MEMORY, 0, 0, 0, NULL);
    while (length - at >= 12) {
        DWORD id, size;

        memcpy(&id, bytes + at, 4);
        memcpy(&size, bytes + at + 8, 4);
        at += 12;
        if (!id || size > length - at)
            break;
        at += size;
        /* A certificate, revocation list or trust list ends its element. */
        if (id >= 32 && id <= 34) {
            if (!CertAddSerializedElementToStore(store, bytes + start, (DWORD)(at - start),
                                                 CERT_STORE_ADD_NEW, 0, CERT_STORE_ALL_CONTEXT_FLAG,
                                                 NULL, NULL))
                return NULL;
            start = at;
        }
    }
    return store;
}

static int list(const wchar_t *path)
{
    const char *how;
    HCERTSTORE store = open_file(path, &how);
    const CERT_CONTEXT *certificate = NULL;

    if (!store) {
        fprintf(stderr, "crypt32: %08lx\n", (unsigned long)GetLastError());
        return 1;
    }
    printf("read as %s\n", how);
    while ((certificate = CertEnumCertificatesInStore(store, certificate))) {
        static wchar_t name[1 << 11];
        static union { BYTE bytes[1 << 13]; CRYPT_KEY_PROV_INFO info; } key;
        DWORD size = sizeof key;

        CertNameToStrW(X509_ASN_ENCODING, &certificate->pCertInfo->Subject,
                       CERT_X500_NAME_STR | CERT_NAME_STR_REVERSE_FLAG, name,
                       sizeof name / sizeof *name);
        print("certificate", name);
        print_property(certificate, CERT_FRIENDLY_NAME_PROP_ID, "friendly name");
        if (CertGetCertificateContextProperty(certificate, CERT_KEY_PROV_INFO_PROP_ID, &key, &size)) {
            print("container", key.info.pwszContainerName);
            print("provider", key.info.pwszProvName);
            printf("type=%lu\nflags=%lu\nkey spec=%lu\n", (unsigned long)key.info.dwProvType,
                   (unsigned long)key.info.dwFlags, (unsigned long)key.info.dwKeySpec);
        } else {
            puts("container=(none)");
        }
    }
    return CertCloseStore(store, CERT_CLOSE_STORE_CHECK_FLAG) ? 0 : 1;
}

int wmain(int argc, wchar_t **argv)
{
    if (argc > 2 && !wcscmp(argv[1], L"verify")) {
        for (int i = 2; i < argc; i++) {
            LONG first = ask(argv[i], authenticode);
            printf("%08lx %08lx %ls\n", (unsigned long)first,
                   (unsigned long)ask(argv[i], chain), argv[i]);
        }
        return 0;
    }
    if (argc == 3 && !wcscmp(argv[1], L"store"))
        return list(argv[2]);
    if (argc == 3 && !wcscmp(argv[1], L"root"))
        return add_to(L"Root", argv[2], NULL);
    if (argc == 6 && !wcscmp(argv[1], L"bind")) {
        CRYPT_KEY_PROV_INFO key = {
            .pwszContainerName = argv[3],
            .pwszProvName = argv[4],
            .dwProvType = wcstoul(argv[5], NULL, 10),
            .dwKeySpec = AT_SIGNATURE,
        };
        return add_to(L"My", argv[2], &key);
    }
    return 2;
}
