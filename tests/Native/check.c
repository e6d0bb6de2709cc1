#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int done, failed;

void expect(int32_t code, const char *text, int32_t result, const char *call, const char *file, int line)
{
    const char *said = xsepconv_last_error();
    done++;
    if (result == code && (code == XSEPCONV_OK || (strstr(said, text) != NULL && said[0] != '\0'))) return;
    failed++;
    fprintf(stderr, "%s:%d: %s returned %d and says \"%s\"; expected are %d and \"%s\"\n", file, line, call, result, said, code, text);
}

void require(int holds, const char *condition, const char *file, int line)
{
    done++;
    if (holds) return;
    failed++;
    fprintf(stderr, "%s:%d: it does not hold that %s\n", file, line, condition);
}

int checks_done(void)
{
    if (failed > 0) {
        fprintf(stderr, "%d of %d checks failed\n", failed, done);
        exit(1);
    }
    return done;
}

guarded guard(size_t size)
{
    guarded buffer;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    buffer.size = size;
    buffer.page_size = (size + page - 1) / page * page + page;
    buffer.pages = mmap(NULL, buffer.page_size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffer.pages == MAP_FAILED || mprotect(buffer.pages + buffer.page_size, page, PROT_NONE) != 0) {
        perror("mmap");
        exit(1);
    }
    buffer.memory = buffer.pages + buffer.page_size - size;
    refill(&buffer);
    return buffer;
}

void refill(guarded *buffer)
{
    memset(buffer->pages, FILL, buffer->page_size);
}

int intact(const guarded *buffer, int untouched)
{
    const size_t end = untouched ? buffer->page_size : buffer->page_size - buffer->size;
    size_t i;
    for (i = 0; i < end; i++) {
        if (buffer->pages[i] != FILL) return 0;
    }
    return 1;
}

void unguard(guarded *buffer)
{
    munmap(buffer->pages, buffer->page_size + (size_t)sysconf(_SC_PAGESIZE));
}

void *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    void *bytes;
    long length;
    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (length = ftell(file)) < 0) {
        perror(path);
        exit(1);
    }
    rewind(file);
    *size = (size_t)length;
    bytes = malloc(*size);
    if (bytes == NULL || fread(bytes, 1, *size, file) != *size) {
        perror(path);
        exit(1);
    }
    fclose(file);
    return bytes;
}

long resident_megabytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL) return 0;
    if (fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE) / (1 << 20);
}

xsepconv_session *open_session(const subject *s, int32_t max_batch, int32_t threads)
{
    xsepconv_session *session;
    EXPECT_OK(xsepconv_create_session(s->model, max_batch, threads, 0, 0, &session));
    if (session == NULL) checks_done();
    return session;
}

void fill_noise(uint8_t *bytes, size_t size, unsigned seed)
{
    size_t i;
    for (i = 0; i < size; i++) {
        seed = seed * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(seed >> 24);
    }
}
