/*
 * misuse MODEL PICTURE FOLDER: does with samples/Native's library all that xsepconv.h forbids, and looks whether it is refused with the
 * right code and a message, without a crash and without a byte written beyond a buffer.
 */
#include <stdio.h>
#include <stdlib.h>

#include "check.h"

int main(int argc, char **argv)
{
    subject s;
    xsepconv_session *session;
    int32_t height;
    if (argc != 4) {
        fprintf(stderr, "misuse MODEL PICTURE FOLDER\n");
        return 2;
    }
    s.model_path = argv[1];
    s.picture_path = argv[2];
    s.folder = argv[3];
    REQUIRE(xsepconv_last_error()[0] == '\0');
    EXPECT_OK(xsepconv_load(s.model_path, &s.model));
    EXPECT_OK(xsepconv_num_classes(s.model, &s.classes));
    session = open_session(&s, 1, 1);
    EXPECT_OK(xsepconv_input_size(session, &s.channels, &height, &s.side));
    REQUIRE(height == s.side && s.classes > 1);
    s.image = (size_t)s.channels * (size_t)s.side * (size_t)s.side;
    EXPECT_OK(xsepconv_free(session));

    test_arguments(&s);
    test_handles(&s);
    test_files(&s);
    test_values(&s);
    test_threads(&s);
    test_processes(&s);
    EXPECT_OK(xsepconv_free(s.model));
    printf("XSepConv %s: %d checks passed\n", xsepconv_version(), checks_done());
    return 0;
}
