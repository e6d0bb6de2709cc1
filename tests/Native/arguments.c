/* NULL, wrong sizes, numbers out of range. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* Sizes that are not `right`; the last ones are right, or small, for whoever counts in 32 bits or multiplies without looking. */
static size_t wrong_size(size_t right, int i)
{
    const size_t sizes[] = {0, 1, right - 1, right + 1, 2 * right, SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2, SIZE_MAX / 4 + 1,
        (size_t)INT_MAX + 1, ((size_t)1 << 32) + right, ((size_t)1 << 63) + right};
    return i < (int)(sizeof sizes / sizeof *sizes) ? sizes[i] : right;
}

static void test_nulls(const subject *s, xsepconv_session *session)
{
    xsepconv_model *model;
    xsepconv_session *made;
    xsepconv_prediction top[1];
    size_t needed;
    int32_t number;
    float logits[1];
    uint8_t *pixels = calloc(s->image, 1);
    float *values = calloc(s->image, sizeof *values);

    EXPECT(XSEPCONV_INVALID_ARGUMENT, "path is NULL", xsepconv_load(NULL, &model));
    REQUIRE(model == NULL);
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "model is NULL", xsepconv_load(s->model_path, NULL));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "model is NULL", xsepconv_load(NULL, NULL));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "file is NULL", xsepconv_load_memory(NULL, 100, &model));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "file is NULL", xsepconv_load_memory(NULL, 0, &model));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "model is NULL", xsepconv_load_memory(pixels, s->image, NULL));
    EXPECT_OK(xsepconv_free(NULL));

    EXPECT(XSEPCONV_INVALID_HANDLE, "model is NULL", xsepconv_num_classes(NULL, &number));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "classes is NULL", xsepconv_num_classes(s->model, NULL));
    EXPECT(XSEPCONV_INVALID_HANDLE, "model is NULL", xsepconv_num_outputs(NULL, &number));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "outputs is NULL", xsepconv_num_outputs(s->model, NULL));
    EXPECT(XSEPCONV_INVALID_HANDLE, "model is NULL", xsepconv_class_name(NULL, 0, NULL, 0, &needed));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "name is NULL", xsepconv_class_name(s->model, 0, NULL, 0, NULL));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "name is NULL", xsepconv_class_name(s->model, 0, NULL, 100, &needed));

    EXPECT(XSEPCONV_INVALID_HANDLE, "model is NULL", xsepconv_create_session(NULL, 1, 1, 0, 0, &made));
    REQUIRE(made == NULL);
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "session is NULL", xsepconv_create_session(s->model, 1, 1, 0, 0, NULL));
    EXPECT(XSEPCONV_INVALID_HANDLE, "session is NULL", xsepconv_input_size(NULL, &number, &number, &number));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "channels is NULL", xsepconv_input_size(session, NULL, &number, &number));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "height is NULL", xsepconv_input_size(session, &number, NULL, &number));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "width is NULL", xsepconv_input_size(session, &number, &number, NULL));

    EXPECT(XSEPCONV_INVALID_HANDLE, "session is NULL", xsepconv_run(NULL, values, s->image, logits, 1));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "nchw is NULL", xsepconv_run(session, NULL, s->image, logits, (size_t)s->classes));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "logits is NULL", xsepconv_run(session, values, s->image, NULL, (size_t)s->classes));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "nchw_count is 0", xsepconv_run(session, NULL, 0, NULL, 0));
    EXPECT(XSEPCONV_INVALID_HANDLE, "session is NULL", xsepconv_run_bytes(NULL, pixels, s->image, logits, 1));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "nhwc is NULL", xsepconv_run_bytes(session, NULL, s->image, logits, (size_t)s->classes));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "logits is NULL", xsepconv_run_bytes(session, pixels, s->image, NULL, (size_t)s->classes));
    EXPECT(XSEPCONV_INVALID_HANDLE, "session is NULL", xsepconv_classify(NULL, pixels, s->image, top, 1));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "nhwc is NULL", xsepconv_classify(session, NULL, s->image, top, 1));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "top is NULL", xsepconv_classify(session, pixels, s->image, NULL, 1));

    EXPECT(XSEPCONV_INVALID_HANDLE, "session is NULL", xsepconv_decode_file(NULL, s->picture_path, pixels, s->image));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "path is NULL", xsepconv_decode_file(session, NULL, pixels, s->image));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "nhwc is NULL", xsepconv_decode_file(session, s->picture_path, NULL, s->image));
    EXPECT(XSEPCONV_INVALID_HANDLE, "session is NULL", xsepconv_decode_memory(NULL, pixels, 1, pixels, s->image));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "file is NULL", xsepconv_decode_memory(session, NULL, 1, pixels, s->image));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "nhwc is NULL", xsepconv_decode_memory(session, pixels, 1, NULL, s->image));
    free(pixels);
    free(values);
}

static void test_sizes(const subject *s)
{
    const int32_t batch = 3;
    const size_t classes = (size_t)s->classes;
    xsepconv_session *session = open_session(s, batch, 1);
    guarded values = guard(s->image * sizeof(float)), pixels = guard(s->image);
    guarded logits = guard(classes * sizeof(float)), top = guard(classes * sizeof(xsepconv_prediction));
    int i;

    memset(values.memory, 0, values.size);
    for (i = 0; wrong_size(s->image, i) != s->image; i++) {
        const size_t size = wrong_size(s->image, i);
        /* Two images are possible, but want other logits. */
        const char *what = size == 2 * s->image ? "_count is" : "an image of";
        EXPECT(XSEPCONV_INVALID_ARGUMENT, what, xsepconv_run(session, values.memory, size, logits.memory, classes));
        EXPECT(XSEPCONV_INVALID_ARGUMENT, what, xsepconv_run_bytes(session, pixels.memory, size, logits.memory, classes));
        EXPECT(XSEPCONV_INVALID_ARGUMENT, what, xsepconv_classify(session, pixels.memory, size, top.memory, 1 + 2 * (size == 2 * s->image)));
        EXPECT(XSEPCONV_INVALID_ARGUMENT, "nhwc_size is", xsepconv_decode_file(session, s->picture_path, pixels.memory, size));
    }
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "takes 1 to 3 of them",
        xsepconv_run(session, values.memory, (size_t)(batch + 1) * s->image, logits.memory, (size_t)(batch + 1) * classes));
    for (i = 0; wrong_size(classes, i) != classes; i++) {
        const size_t count = wrong_size(classes, i);
        EXPECT(XSEPCONV_INVALID_ARGUMENT, "logits_count is", xsepconv_run(session, values.memory, s->image, logits.memory, count));
        EXPECT(XSEPCONV_INVALID_ARGUMENT, "logits_count is", xsepconv_run_bytes(session, pixels.memory, s->image, logits.memory, count));
        if (count == 0 || count > classes) {
            EXPECT(XSEPCONV_INVALID_ARGUMENT, "top_count is", xsepconv_classify(session, pixels.memory, s->image, top.memory, count));
        }
    }
    REQUIRE(intact(&logits, 1) && intact(&top, 1) && intact(&pixels, 1));

    /* What is right fills what it says and nothing else. */
    EXPECT_OK(xsepconv_decode_file(session, s->picture_path, pixels.memory, s->image));
    EXPECT_OK(xsepconv_run(session, values.memory, s->image, logits.memory, classes));
    EXPECT_OK(xsepconv_run_bytes(session, pixels.memory, s->image, logits.memory, classes));
    EXPECT_OK(xsepconv_classify(session, pixels.memory, s->image, top.memory, classes));
    REQUIRE(intact(&logits, 0) && intact(&top, 0) && intact(&pixels, 0) && intact(&values, 0));
    EXPECT_OK(xsepconv_free(session));
    unguard(&values);
    unguard(&pixels);
    unguard(&logits);
    unguard(&top);
}

static void test_session_numbers(const subject *s)
{
    const int32_t wrong[] = {0, -1, INT32_MIN};
    xsepconv_session *session;
    int i;
    for (i = 0; i < 3; i++) {
        session = (xsepconv_session *)&session;
        EXPECT(XSEPCONV_INVALID_ARGUMENT, "max_batch is", xsepconv_create_session(s->model, wrong[i], 1, 0, 0, &session));
        REQUIRE(session == NULL);
        EXPECT(XSEPCONV_INVALID_ARGUMENT, "threads is", xsepconv_create_session(s->model, 1, wrong[i], 0, 0, &session));
        EXPECT(XSEPCONV_INVALID_ARGUMENT, " is ", xsepconv_create_session(s->model, 1, 1, wrong[i], 32, &session));
        EXPECT(XSEPCONV_INVALID_ARGUMENT, " is ", xsepconv_create_session(s->model, 1, 1, 32, wrong[i], &session));
    }
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "1 to 1,024", xsepconv_create_session(s->model, 1, 1025, 0, 0, &session));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "1 to 1,024", xsepconv_create_session(s->model, 1, INT32_MAX, 0, 0, &session));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "too large", xsepconv_create_session(s->model, INT32_MAX, 1, 0, 0, &session));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "height is", xsepconv_create_session(s->model, 1, 1, INT32_MAX, INT32_MAX, &session));
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "too large", xsepconv_create_session(s->model, 1, 1, 65536, 65536, &session));
    REQUIRE(session == NULL);

    /* Another size is possible, but a picture is a square. */
    EXPECT_OK(xsepconv_create_session(s->model, 1, 1, 40, 50, &session));
    EXPECT(XSEPCONV_UNSUPPORTED, "square", xsepconv_decode_file(session, s->picture_path, NULL, 0));
    EXPECT_OK(xsepconv_free(session));
}

static void test_names(const subject *s)
{
    const int32_t wrong[] = {-1, INT32_MIN, INT32_MAX, s->classes};
    size_t needed = 0, other = 77;
    guarded name;
    int i;
    EXPECT_OK(xsepconv_class_name(s->model, 0, NULL, 0, &needed));
    REQUIRE(needed > 1);
    name = guard(needed);
    for (i = 0; i < 4; i++) {
        EXPECT(XSEPCONV_INVALID_ARGUMENT, "class_index is", xsepconv_class_name(s->model, wrong[i], name.memory, needed, &other));
    }
    REQUIRE(other == 77);
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "size is 0", xsepconv_class_name(s->model, 0, name.memory, 0, &other));
    REQUIRE(other == needed);
    EXPECT(XSEPCONV_INVALID_ARGUMENT, "takes", xsepconv_class_name(s->model, 0, name.memory, needed - 1, NULL));
    REQUIRE(intact(&name, 1));
    EXPECT_OK(xsepconv_class_name(s->model, 0, name.memory, needed, NULL));
    REQUIRE(intact(&name, 0) && strlen(name.memory) == needed - 1);
    unguard(&name);
}

void test_arguments(const subject *s)
{
    xsepconv_session *session = open_session(s, 1, 1);
    test_nulls(s, session);
    EXPECT_OK(xsepconv_free(session));
    test_sizes(s);
    test_session_numbers(s);
    test_names(s);
}
