/* ProcessPrng for a wine that has no bcryptprimitives.dll, over the generator that it has. */

__declspec(dllimport) unsigned char __stdcall SystemFunction036(void *buffer, unsigned length);

__declspec(dllexport) int ProcessPrng(unsigned char *buffer, unsigned long long length)
{
    const unsigned most = 1u << 30;

    while (length > 0) {
        unsigned part = length > most ? most : (unsigned)length;
        if (!SystemFunction036(buffer, part))
            return 0;
        buffer += part;
        length -= part;
    }
    return 1;
}
