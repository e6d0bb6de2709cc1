/* Files that are missing, damaged, hostile, or no files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static unsigned random_state = 12345;

static size_t draw(size_t below)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (size_t)(random_state >> 4) % below;
}

/* A path in the folder of the test; one at a time. */
static const char *path_of(const subject *s, const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", s->folder, name);
    return path;
}

static void expect_no_file(xsepconv_session *session, const subject *s, const char *path, int32_t code, const char *text)
{
    xsepconv_model *model = (xsepconv_model *)&path;
    guarded pixels = guard(s->image);
    EXPECT(code, text, xsepconv_load(path, &model));
    REQUIRE(model == NULL);
    EXPECT(code, text, xsepconv_decode_file(session, path, pixels.memory, pixels.size));
    REQUIRE(intact(&pixels, 1));
    unguard(&pixels);
}

static void test_paths(const subject *s, xsepconv_session *session)
{
    char longest[10001];
    const char *path;
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    expect_no_file(session, s, "", XSEPCONV_INVALID_ARGUMENT, "path is empty");
    expect_no_file(session, s, "caf\xE9.safetensors", XSEPCONV_INVALID_ARGUMENT, "path is not UTF-8");
    expect_no_file(session, s, longest, XSEPCONV_UNREADABLE, "xxx");
    expect_no_file(session, s, path_of(s, "missing"), XSEPCONV_UNREADABLE, "missing");
    expect_no_file(session, s, path_of(s, "no/such/folder"), XSEPCONV_UNREADABLE, "folder");
    expect_no_file(session, s, s->folder, XSEPCONV_INVALID_DATA, "directory");
    expect_no_file(session, s, "/dev/zero", XSEPCONV_INVALID_DATA, "device");

    path = path_of(s, "fifo");
    REQUIRE(mkfifo(path, 0600) == 0);
    expect_no_file(session, s, path, XSEPCONV_INVALID_DATA, "FIFO");
    path = path_of(s, "nowhere");
    REQUIRE(symlink("nothing", path) == 0);
    expect_no_file(session, s, path, XSEPCONV_UNREADABLE, "leads to no file");
    path = path_of(s, "loop");
    REQUIRE(symlink("loop", path) == 0);
    expect_no_file(session, s, path, XSEPCONV_UNREADABLE, "loop");
    path = path_of(s, "empty");
    fclose(fopen(path, "wb"));
    expect_no_file(session, s, path, XSEPCONV_INVALID_DATA, "empty");
}

/* Each is taken for the other. */
static void test_kinds_of_file(const subject *s, xsepconv_session *session)
{
    xsepconv_model *model;
    guarded pixels = guard(s->image);
    EXPECT(XSEPCONV_INVALID_DATA, "picture", xsepconv_load(s->picture_path, &model));
    EXPECT(XSEPCONV_INVALID_DATA, "neither a PNG nor a JPEG", xsepconv_decode_file(session, s->model_path, pixels.memory, pixels.size));
    REQUIRE(intact(&pixels, 1));
    unguard(&pixels);
}

/* The bytes are loaded from memory that ends with them. Damage may hit what nothing is asked of: then they load. */
static void expect_damage(const void *bytes, size_t size, int certain)
{
    xsepconv_model *model;
    guarded copy = guard(size);
    int32_t code;
    memcpy(copy.memory, bytes, size);
    code = xsepconv_load_memory(copy.memory, size, &model);
    if (certain || code != XSEPCONV_OK) EXPECT(XSEPCONV_INVALID_DATA, "The file in memory", code);
    REQUIRE((code == XSEPCONV_OK) == (model != NULL));
    EXPECT_OK(xsepconv_free(model));
    unguard(&copy);
}

static void test_checkpoints(const subject *s)
{
    size_t size, i;
    unsigned char *file = read_file(s->model_path, &size), *damaged = malloc(size);
    const size_t header = 8 + (size_t)(file[0] | file[1] << 8 | file[2] << 16);
    const uint64_t claims[] = {0, 1, size - 7, 99999999, 100000001, (uint64_t)1 << 60, (uint64_t)1 << 63, UINT64_MAX};
    REQUIRE(header < size && file[8] == '{');
    for (i = 1; i < 60; i++) expect_damage(file, i, 1);
    for (i = 0; i < 60; i++) expect_damage(file, 1 + draw(size - 1), 1);
    expect_damage(file, size - 1, 1);
    for (i = 0; i < sizeof claims / sizeof *claims; i++) {
        memcpy(damaged, file, size);
        memcpy(damaged, &claims[i], sizeof claims[i]);
        expect_damage(damaged, size, 1);
    }
    for (i = 0; i < 200; i++) {
        size_t changes = 1 + draw(3);
        memcpy(damaged, file, size);
        while (changes-- > 0) damaged[draw(header)] = (unsigned char)draw(256);
        expect_damage(damaged, size, 0);
    }
    for (i = 0; i < 50; i++) {
        /* Weights that are NaN or infinite. */
        memcpy(damaged, file, size);
        memset(damaged + header + draw(size - header - 4), 0xFF, 4);
        expect_damage(damaged, size, 0);
    }
    free(damaged);
    free(file);
}

/* JSON so deep that whoever follows it runs out of stack. */
static void test_deep_header(void)
{
    const size_t depth = 1000000, size = 8 + 5 * depth;
    const uint64_t length = size - 8;
    char *bytes = malloc(size);
    size_t i;
    memcpy(bytes, &length, sizeof length);
    for (i = 0; i < depth; i++) memcpy(bytes + 8 + 5 * i, "{\"a\":", 5);
    expect_damage(bytes, size, 1);
    free(bytes);
}

static void expect_damaged_picture(xsepconv_session *session, const subject *s, const void *bytes, size_t size)
{
    guarded copy = guard(size), pixels = guard(s->image);
    int32_t code;
    memcpy(copy.memory, bytes, size);
    code = xsepconv_decode_memory(session, copy.memory, size, pixels.memory, pixels.size);
    if (code != XSEPCONV_OK) EXPECT(XSEPCONV_INVALID_DATA, "The file in memory", code);
    REQUIRE(intact(&pixels, code != XSEPCONV_OK));
    unguard(&copy);
    unguard(&pixels);
}

static void test_pictures(const subject *s, xsepconv_session *session)
{
    /* A PNG that claims 2^31 - 1 pixels each way. */
    static const unsigned char bomb[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R', 0x7F, 0xFF, 0xFF,
        0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 8, 6, 0, 0, 0, 0, 0, 0, 0};
    size_t size, i;
    unsigned char *file = read_file(s->picture_path, &size), *damaged = malloc(size);
    uint8_t *pixels = malloc(s->image);
    EXPECT_OK(xsepconv_decode_memory(session, file, size, pixels, s->image));
    EXPECT(XSEPCONV_INVALID_DATA, "The file in memory", xsepconv_decode_memory(session, bomb, sizeof bomb, pixels, s->image));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "size is 0", xsepconv_decode_memory(session, file, 0, pixels, s->image));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "at most 67,108,864", xsepconv_decode_memory(session, file, SIZE_MAX / 2, pixels, s->image));
    for (i = 1; i < 40; i++) expect_damaged_picture(session, s, file, i);
    for (i = 0; i < 200; i++) expect_damaged_picture(session, s, file, 1 + draw(size));
    for (i = 0; i < 300; i++) {
        size_t changes = 1 + draw(5);
        memcpy(damaged, file, size);
        while (changes-- > 0) damaged[draw(size)] = (unsigned char)draw(256);
        expect_damaged_picture(session, s, damaged, size);
    }
    free(pixels);
    free(damaged);
    free(file);
}

void test_files(const subject *s)
{
    xsepconv_session *session = open_session(s, 1, 1);
    test_paths(s, session);
    test_kinds_of_file(s, session);
    test_checkpoints(s);
    test_deep_header();
    test_pictures(s, session);
    EXPECT_OK(xsepconv_free(session));
}
