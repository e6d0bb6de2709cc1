/* Numbers in and out: the same from a path and from memory, on one thread and on more; NaN stays in its image and is said. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static void test_sources(const subject *s)
{
    const size_t classes = (size_t)s->classes;
    size_t size;
    void *file = read_file(s->model_path, &size);
    uint8_t *pixels = malloc(s->image);
    float *logits = malloc(classes * sizeof *logits), *others = malloc(classes * sizeof *others);
    xsepconv_prediction *top = malloc(classes * sizeof *top);
    xsepconv_model *model;
    xsepconv_session *first = open_session(s, 1, 1), *second;
    double total = 0;
    size_t i;
    EXPECT_OK(xsepconv_load_memory(file, size, &model));
    memset(file, 0, size);
    free(file);
    EXPECT_OK(xsepconv_create_session(model, 4, 3, 0, 0, &second));
    fill_noise(pixels, s->image, 1);
    EXPECT_OK(xsepconv_run_bytes(first, pixels, s->image, logits, classes));
    EXPECT_OK(xsepconv_run_bytes(second, pixels, s->image, others, classes));
    REQUIRE(memcmp(logits, others, classes * sizeof *logits) == 0);

    EXPECT_OK(xsepconv_classify(second, pixels, s->image, top, classes));
    for (i = 0; i < classes; i++) {
        total += top[i].probability;
        REQUIRE(top[i].class_index >= 0 && top[i].class_index < s->classes);
        REQUIRE(i == 0 || logits[top[i].class_index] <= logits[top[i - 1].class_index]);
        REQUIRE(i == 0 || fabs(log(top[i].probability / top[0].probability) - (logits[top[i].class_index] - logits[top[0].class_index])) < 1e-4);
    }
    REQUIRE(fabs(total - 1) < 1e-5);
    EXPECT_OK(xsepconv_free(second));
    EXPECT_OK(xsepconv_free(model));
    EXPECT_OK(xsepconv_free(first));
    free(pixels);
    free(logits);
    free(others);
    free(top);
}

static void test_not_finite(const subject *s)
{
    const size_t classes = (size_t)s->classes, bytes = classes * sizeof(float);
    const float bad[] = {NAN, INFINITY, -INFINITY};
    xsepconv_session *session = open_session(s, 3, 1);
    uint8_t *noise = malloc(3 * s->image);
    float *images = malloc(3 * s->image * sizeof *images), *expected = malloc(3 * bytes), *logits = malloc(3 * bytes);
    size_t i;
    fill_noise(noise, 3 * s->image, 2);
    for (i = 0; i < 3 * s->image; i++) images[i] = (float)noise[i] / 64 - 2;
    EXPECT_OK(xsepconv_run(session, images, 3 * s->image, expected, 3 * classes));
    for (i = 0; i < 3; i++) {
        const size_t at = s->image + 7 + i * 100;
        const float before = images[at];
        images[at] = bad[i];
        memset(logits, 0, 3 * bytes);
        EXPECT(XSEPCONV_NOT_FINITE, "Image 1 has logits that are not finite numbers: its value ",
            xsepconv_run(session, images, 3 * s->image, logits, 3 * classes));
        REQUIRE(memcmp(logits, expected, bytes) == 0 && memcmp(logits + 2 * classes, expected + 2 * classes, bytes) == 0);
        REQUIRE(!isfinite(logits[classes]));
        images[at] = before;
    }
    EXPECT_OK(xsepconv_run(session, images, 3 * s->image, logits, 3 * classes));
    REQUIRE(memcmp(logits, expected, 3 * bytes) == 0);
    EXPECT_OK(xsepconv_free(session));
    free(noise);
    free(images);
    free(expected);
    free(logits);
}

/* A checkpoint of the network alone runs, but does not say what a picture is to it. */
static void test_without_data(const subject *s)
{
    static const char key[] = "\"xsepconv.data\"";
    const size_t classes = (size_t)s->classes;
    size_t size, i, needed;
    char *file = read_file(s->model_path, &size);
    uint8_t *pixels = calloc(s->image, 1);
    float *values = calloc(s->image, sizeof *values), *logits = malloc(classes * sizeof *logits);
    xsepconv_prediction top;
    xsepconv_model *model;
    xsepconv_session *session;
    for (i = 8; i + sizeof key < size && memcmp(file + i, key, sizeof key - 1) != 0; i++) {}
    file[i + 1] = 'X';
    EXPECT_OK(xsepconv_load_memory(file, size, &model));
    EXPECT_OK(xsepconv_create_session(model, 1, 1, s->side, s->side, &session));
    EXPECT_OK(xsepconv_run(session, values, s->image, logits, classes));
    EXPECT(XSEPCONV_UNSUPPORTED, "call xsepconv_run", xsepconv_run_bytes(session, pixels, s->image, logits, classes));
    EXPECT(XSEPCONV_UNSUPPORTED, "call xsepconv_run", xsepconv_classify(session, pixels, s->image, &top, 1));
    EXPECT(XSEPCONV_UNSUPPORTED, "call xsepconv_run", xsepconv_decode_file(session, s->picture_path, pixels, s->image));
    EXPECT(XSEPCONV_UNSUPPORTED, "does not name its classes", xsepconv_class_name(model, 0, NULL, 0, &needed));
    EXPECT_OK(xsepconv_free(session));
    EXPECT_OK(xsepconv_free(model));
    free(file);
    free(pixels);
    free(values);
    free(logits);
}

/* Sets all values of a tensor in a checkpoint: "NAME":{…,"data_offsets":[FROM,TO]} in a header that an 8-byte length precedes. */
static void set_floats(char *file, const char *name, float value)
{
    const char *entry = strstr(file + 8, name);
    size_t header = 0, from, to;
    char *next;
    int i;
    REQUIRE(entry != NULL);
    if (entry == NULL) return;
    for (i = 7; i >= 0; i--) header = header << 8 | (unsigned char)file[i];
    from = strtoull(strstr(entry, "\"data_offsets\":[") + sizeof "\"data_offsets\":[" - 1, &next, 10);
    to = strtoull(next + 1, NULL, 10);
    for (; from < to; from += sizeof value) memcpy(file + 8 + header + from, &value, sizeof value);
}

/* Weights so large that no logit of any picture is a number. The buffer of the classes is as it was, that of the logits is written. */
static void test_overflow(const subject *s)
{
    const size_t classes = (size_t)s->classes;
    size_t size, i;
    char *file = read_file(s->model_path, &size);
    uint8_t *pixels = malloc(s->image);
    float *logits = malloc(classes * sizeof *logits);
    guarded top = guard(classes * sizeof(xsepconv_prediction));
    xsepconv_model *model;
    xsepconv_session *session;
    set_floats(file, "\"bn2.bias\"", 3e38f);
    set_floats(file, "\"linear4.bias\"", 3e38f);
    EXPECT_OK(xsepconv_load_memory(file, size, &model));
    EXPECT_OK(xsepconv_create_session(model, 1, 1, 0, 0, &session));
    fill_noise(pixels, s->image, 3);
    EXPECT(XSEPCONV_NOT_FINITE, "logits that are not finite numbers", xsepconv_run_bytes(session, pixels, s->image, logits, classes));
    for (i = 0; i < classes; i++) REQUIRE(!isfinite(logits[i]));
    EXPECT(XSEPCONV_NOT_FINITE, "weights are far too large", xsepconv_classify(session, pixels, s->image, top.memory, classes));
    REQUIRE(intact(&top, 1));
    EXPECT_OK(xsepconv_free(session));
    EXPECT_OK(xsepconv_free(model));
    unguard(&top);
    free(file);
    free(pixels);
    free(logits);
}

void test_values(const subject *s)
{
    test_overflow(s);
    test_without_data(s);
    test_sources(s);
    test_not_finite(s);
}
