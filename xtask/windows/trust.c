/* Asks Windows, or wine, what it thinks of a signed file, and makes it trust a root.
 *
 * trust verify FILE    prints two codes: of the Authenticode policy, and of the chain policy
 * trust root FILE      adds a certificate in DER to the user's roots
 * trust bind FILE CONTAINER PROVIDER TYPE
 *                      adds it to the user's own certificates, bound to a key for signatures
 */

#include <stdio.h>
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

static int add(const wchar_t *path, const wchar_t *name, const CRYPT_KEY_PROV_INFO *key)
{
    static BYTE der[1 << 16];
    FILE *file = _wfopen(path, L"rb");
    size_t length = file ? fread(der, 1, sizeof der, file) : 0;
    HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0,
                                     CERT_SYSTEM_STORE_CURRENT_USER, name);
    const CERT_CONTEXT *added = NULL;

    if (file)
        fclose(file);
    return store && length
        && CertAddEncodedCertificateToStore(store, X509_ASN_ENCODING, der, (DWORD)length,
                                            CERT_STORE_ADD_USE_EXISTING, &added)
        && (!key || CertSetCertificateContextProperty(added, CERT_KEY_PROV_INFO_PROP_ID, 0, key))
        && CertControlStore(store, 0, CERT_STORE_CTRL_COMMIT, NULL)
        && CertFreeCertificateContext(added)
        && CertCloseStore(store, 0) ? 0 : 1;
}

int wmain(int argc, wchar_t **argv)
{
    if (argc == 3 && !wcscmp(argv[1], L"verify")) {
        LONG first = ask(argv[2], authenticode);
        printf("%08lx %08lx\n", (unsigned long)first, (unsigned long)ask(argv[2], chain));
        return 0;
    }
    if (argc == 3 && !wcscmp(argv[1], L"root"))
        return add(argv[2], L"Root", NULL);
    if (argc == 6 && !wcscmp(argv[1], L"bind")) {
        CRYPT_KEY_PROV_INFO key = {
            .pwszContainerName = argv[3],
            .pwszProvName = argv[4],
            .dwProvType = wcstoul(argv[5], NULL, 10),
            .dwKeySpec = AT_SIGNATURE,
        };
        return add(argv[2], L"My", &key);
    }
    return 2;
}
