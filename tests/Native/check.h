/* What the tests of samples/Native have in common. Only the first thread checks. */
#ifndef CHECK_H
#define CHECK_H

#include <stddef.h>

#include "xsepconv.h"

/* The call returns the code, and xsepconv_last_error() has the text in it. */
#define EXPECT(code, text, call) expect((code), (text), (call), #call, __FILE__, __LINE__)
#define EXPECT_OK(call) EXPECT(XSEPCONV_OK, "", call)
#define REQUIRE(condition) require((condition), #condition, __FILE__, __LINE__)

void expect(int32_t code, const char *text, int32_t result, const char *call, const char *file, int line);
void require(int holds, const char *condition, const char *file, int line);

/* How many checks there were; ends the process if one failed. */
int checks_done(void);

/* Memory that ends where a page begins that may not be touched. Filled with FILL, and so is what lies before it. */
#define FILL 0xA5
typedef struct guarded {
    void *memory;
    size_t size;
    unsigned char *pages;
    size_t page_size;
} guarded;

guarded guard(size_t size);
void refill(guarded *buffer);
/* Nothing before it was written; nor in it, if it is to be untouched. */
int intact(const guarded *buffer, int untouched);
void unguard(guarded *buffer);

/* A whole file, to be freed. */
void *read_file(const char *path, size_t *size);

/* Megabytes of memory that the process has. */
long resident_megabytes(void);

/* What is tested. */
typedef struct subject {
    const char *model_path;
    const char *picture_path;
    const char *folder; /* for files */
    xsepconv_model *model;
    size_t image; /* values of an image */
    int32_t side, channels, classes;
} subject;

void test_arguments(const subject *s);
void test_handles(const subject *s);
void test_files(const subject *s);
void test_values(const subject *s);
void test_threads(const subject *s);
void test_processes(const subject *s);

/* A session for as many images, which must be made. */
xsepconv_session *open_session(const subject *s, int32_t max_batch, int32_t threads);

/* Pictures of reproducible noise. */
void fill_noise(uint8_t *bytes, size_t size, unsigned seed);

#endif
