/* A TEST DOUBLE of ncrypt.dll, written from Microsoft's documentation. It is no evidence about Windows.
 *
 * Wine has neither keys that persist nor the calls that list them. This library has: over wine's bcrypt, for as long
 * as the process lives. It is loaded in ncrypt's place where it stands beside the program and WINEDLLOVERRIDES
 * says so. One provider, whose name says what it is.
 */

#include <windows.h>
#include <bcrypt.h>
#include <ncrypt.h>
#include <stdlib.h>
#include <wchar.h>

#define EXPORT __declspec(dllexport) SECURITY_STATUS WINAPI
#define PROVIDER L"Chancery Test Double"
#define MOST_KEYS 16

struct key {
    wchar_t name[128];
    wchar_t algorithm[32];
    DWORD length;
    int finished;
    BCRYPT_ALG_HANDLE provider;
    BCRYPT_KEY_HANDLE handle;
};

static struct key keys[MOST_KEYS];
static int a_provider;

static struct key *find(const wchar_t *name)
{
    for (int at = 0; at < MOST_KEYS; at++)
        if (keys[at].name[0] && !wcscmp(keys[at].name, name))
            return &keys[at];
    return NULL;
}

static int is_rsa(const struct key *key)
{
    return !wcscmp(key->algorithm, L"RSA");
}

EXPORT NCryptOpenStorageProvider(NCRYPT_PROV_HANDLE *provider, LPCWSTR name, DWORD flags)
{
    if (wcscmp(name, PROVIDER))
        return NTE_PROV_TYPE_NOT_DEF;
    *provider = (NCRYPT_PROV_HANDLE)&a_provider;
    return 0;
}

EXPORT NCryptEnumStorageProviders(DWORD *count, NCryptProviderName **list, DWORD flags)
{
    NCryptProviderName *found = calloc(1, sizeof *found + sizeof PROVIDER);
    wchar_t *name = (wchar_t *)(found + 1);

    wcscpy(name, PROVIDER);
    found->pszName = name;
    *count = 1;
    *list = found;
    return 0;
}

EXPORT NCryptEnumKeys(NCRYPT_PROV_HANDLE provider, LPCWSTR scope, NCryptKeyName **name,
                      PVOID *state, DWORD flags)
{
    int *at = *state ? *state : calloc(1, sizeof *at);

    *state = at;
    while (*at < MOST_KEYS && !(keys[*at].name[0] && keys[*at].finished))
        ++*at;
    if (*at == MOST_KEYS)
        return NTE_NO_MORE_ITEMS;
    NCryptKeyName *found = calloc(1, sizeof *found + sizeof keys[0].name);
    found->pszName = wcscpy((wchar_t *)(found + 1), keys[(*at)++].name);
    *name = found;
    return 0;
}

EXPORT NCryptFreeBuffer(PVOID buffer)
{
    free(buffer);
    return 0;
}

EXPORT NCryptFreeObject(NCRYPT_HANDLE object)
{
    return 0;
}

EXPORT NCryptOpenKey(NCRYPT_PROV_HANDLE provider, NCRYPT_KEY_HANDLE *key, LPCWSTR name,
                     DWORD spec, DWORD flags)
{
    struct key *found = find(name);

    *key = (NCRYPT_KEY_HANDLE)found;
    return found && found->finished ? 0 : NTE_BAD_KEYSET;
}

EXPORT NCryptCreatePersistedKey(NCRYPT_PROV_HANDLE provider, NCRYPT_KEY_HANDLE *key,
                                LPCWSTR algorithm, LPCWSTR name, DWORD spec, DWORD flags)
{
    if (!name || wcslen(name) >= 128 || wcslen(algorithm) >= 32)
        return NTE_INVALID_PARAMETER;
    if (find(name))
        return NTE_EXISTS;
    for (int at = 0; at < MOST_KEYS; at++)
        if (!keys[at].name[0]) {
            struct key *made = &keys[at];
            memset(made, 0, sizeof *made);
            if (BCryptOpenAlgorithmProvider(&made->provider, algorithm, NULL, 0))
                return NTE_NOT_SUPPORTED;
            wcscpy(made->name, name);
            wcscpy(made->algorithm, algorithm);
            made->length = 256;
            *key = (NCRYPT_KEY_HANDLE)made;
            return 0;
        }
    return NTE_NO_MEMORY;
}

EXPORT NCryptSetProperty(NCRYPT_HANDLE object, LPCWSTR property, PBYTE value, DWORD length,
                         DWORD flags)
{
    struct key *key = (struct key *)object;

    if (key->finished || length != sizeof(DWORD))
        return NTE_INVALID_PARAMETER;
    if (!wcscmp(property, NCRYPT_LENGTH_PROPERTY))
        memcpy(&key->length, value, length);
    return 0;
}

EXPORT NCryptFinalizeKey(NCRYPT_KEY_HANDLE object, DWORD flags)
{
    struct key *key = (struct key *)object;

    if (wcsstr(key->algorithm, L"P384"))
        key->length = 384;
    if (BCryptGenerateKeyPair(key->provider, &key->handle, key->length, 0)
        || BCryptFinalizeKeyPair(key->handle, 0))
        return NTE_FAIL;
    key->finished = 1;
    return 0;
}

EXPORT NCryptDeleteKey(NCRYPT_KEY_HANDLE object, DWORD flags)
{
    struct key *key = (struct key *)object;

    BCryptDestroyKey(key->handle);
    BCryptCloseAlgorithmProvider(key->provider, 0);
    memset(key, 0, sizeof *key);
    return 0;
}

EXPORT NCryptGetProperty(NCRYPT_HANDLE object, LPCWSTR property, PBYTE value, DWORD room,
                         DWORD *length, DWORD flags)
{
    const wchar_t *group = is_rsa((struct key *)object) ? L"RSA" : L"ECDSA";

    if (wcscmp(property, NCRYPT_ALGORITHM_GROUP_PROPERTY))
        return NTE_NOT_SUPPORTED;
    *length = (wcslen(group) + 1) * sizeof *group;
    if (!value)
        return 0;
    if (room < *length)
        return NTE_BUFFER_TOO_SMALL;
    memcpy(value, group, *length);
    return 0;
}

EXPORT NCryptExportKey(NCRYPT_KEY_HANDLE object, NCRYPT_KEY_HANDLE with, LPCWSTR form,
                       NCryptBufferDesc *parameters, PBYTE output, DWORD room, DWORD *length,
                       DWORD flags)
{
    struct key *key = (struct key *)object;

    if (wcscmp(form, is_rsa(key) ? BCRYPT_RSAPUBLIC_BLOB : BCRYPT_ECCPUBLIC_BLOB))
        return NTE_NOT_SUPPORTED;
    return BCryptExportKey(key->handle, NULL, form, output, room, length, 0) ? NTE_FAIL : 0;
}

EXPORT NCryptSignHash(NCRYPT_KEY_HANDLE object, VOID *padding, PBYTE hash, DWORD hash_length,
                      PBYTE output, DWORD room, DWORD *length, DWORD flags)
{
    struct key *key = (struct key *)object;
    DWORD kind = flags & (NCRYPT_PAD_PKCS1_FLAG | NCRYPT_PAD_PSS_FLAG);

    /* RSA has one padding, ECDSA none, and nobody may be asked anything. */
    if (is_rsa(key) != (kind != 0) || (kind != 0) != (padding != NULL)
        || !(flags & NCRYPT_SILENT_FLAG))
        return NTE_BAD_FLAGS;
    /* Two numbers of the curve's length: wine's bcrypt says half of it. */
    if (!output && !is_rsa(key)) {
        *length = 2 * ((key->length + 7) / 8);
        return 0;
    }
    return BCryptSignHash(key->handle, padding, hash, hash_length, output, room, length, kind)
        ? NTE_FAIL : 0;
}
