/* Handles that were freed, are of the other kind, or never were. */
#include <stdlib.h>

#include "check.h"

/* Every function that takes the handle refuses it. */
static void expect_no_handle(const subject *s, void *handle, const char *text)
{
    xsepconv_session *session;
    int32_t number;
    size_t needed;
    float logits[1];
    uint8_t *pixels = calloc(s->image, sizeof(float));
    xsepconv_prediction top[1];
    EXPECT(XSEPCONV_INVALID_HANDLE, text, xsepconv_num_classes(handle, &number));
    EXPECT(XSEPCONV_INVALID_HANDLE, text, xsepconv_num_outputs(handle, &number));
    EXPECT(XSEPCONV_INVALID_HANDLE, text, xsepconv_class_name(handle, 0, NULL, 0, &needed));
    EXPECT(XSEPCONV_INVALID_HANDLE, text, xsepconv_create_session(handle, 1, 1, 0, 0, &session));
    REQUIRE(session == NULL);
    EXPECT(XSEPCONV_INVALID_HANDLE, text, xsepconv_input_size(handle, &number, &number, &number));
    EXPECT(XSEPCONV_INVALID_HANDLE, text, xsepconv_run(handle, (float *)(void *)pixels, s->image, logits, 1));
    EXPECT(XSEPCONV_INVALID_HANDLE, text, xsepconv_run_bytes(handle, pixels, s->image, logits, 1));
    EXPECT(XSEPCONV_INVALID_HANDLE, text, xsepconv_classify(handle, pixels, s->image, top, 1));
    EXPECT(XSEPCONV_INVALID_HANDLE, text, xsepconv_decode_file(handle, s->picture_path, pixels, s->image));
    EXPECT(XSEPCONV_INVALID_HANDLE, text, xsepconv_decode_memory(handle, pixels, 1, pixels, s->image));
    EXPECT(XSEPCONV_INVALID_HANDLE, text, xsepconv_free(handle));
    free(pixels);
}

static void test_kinds(const subject *s)
{
    xsepconv_session *session = open_session(s, 1, 1);
    void *handle = session;
    int32_t number;
    EXPECT(XSEPCONV_INVALID_HANDLE, "handle of a session; give that of a model", xsepconv_num_classes(handle, &number));
    handle = s->model;
    EXPECT(XSEPCONV_INVALID_HANDLE, "handle of a model; give that of a session", xsepconv_input_size(handle, &number, &number, &number));
    EXPECT_OK(xsepconv_free(session));
}

static void test_freed(const subject *s)
{
    xsepconv_model *model, *next;
    xsepconv_session *session;
    float *values = calloc(s->image, sizeof *values), *logits = calloc((size_t)s->classes, sizeof *logits);
    int i;
    EXPECT_OK(xsepconv_load(s->model_path, &model));
    EXPECT_OK(xsepconv_create_session(model, 1, 2, 0, 0, &session));
    EXPECT_OK(xsepconv_free(model));
    expect_no_handle(s, model, "was freed already");

    /* Its session lives on. */
    EXPECT_OK(xsepconv_run(session, values, s->image, logits, (size_t)s->classes));
    EXPECT_OK(xsepconv_free(session));
    expect_no_handle(s, session, "was freed already");

    /* Those that come later are others. */
    for (i = 0; i < 20; i++) {
        EXPECT_OK(xsepconv_load(s->model_path, &next));
        REQUIRE(next != model && (void *)next != (void *)session);
        EXPECT(XSEPCONV_INVALID_HANDLE, "was freed already", xsepconv_free(model));
        EXPECT_OK(xsepconv_free(next));
    }
    free(values);
    free(logits);
}

static void test_garbage(const subject *s)
{
    xsepconv_session *session = open_session(s, 1, 1);
    const uintptr_t near[] = {1, 2, 0xFF, 0xDEADBEEF, UINTPTR_MAX, (uintptr_t)session + 1, (uintptr_t)session - 1, (uintptr_t)session >> 1};
    const char text[] = "not a handle, but text that lies in memory";
    uint64_t random = 88172645463325252u;
    int32_t number;
    int i, met = 0;
    for (i = 0; i < (int)(sizeof near / sizeof *near); i++) expect_no_handle(s, (void *)near[i], "is no handle");
    expect_no_handle(s, &session, "is no handle");
    expect_no_handle(s, (void *)(uintptr_t)text, "is no handle");
    for (i = 0; i < 20000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        met += xsepconv_num_classes((xsepconv_model *)(uintptr_t)random, &number) != XSEPCONV_INVALID_HANDLE;
        met += xsepconv_free((void *)(uintptr_t)random) != XSEPCONV_INVALID_HANDLE;
    }
    REQUIRE(met == 0);
    EXPECT_OK(xsepconv_free(session));
}

void test_handles(const subject *s)
{
    test_kinds(s);
    test_freed(s);
    test_garbage(s);
}
