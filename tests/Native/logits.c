/* logits MODEL IMAGES: from images of floats on the standard input, as they lie in memory, to their logits on the standard output. */
#include <stdio.h>
#include <stdlib.h>

#include "xsepconv.h"

static int complain(void)
{
    fprintf(stderr, "logits: %s\n", xsepconv_last_error());
    return 1;
}

int main(int argc, char **argv)
{
    xsepconv_model *model;
    xsepconv_session *session;
    int32_t channels, height, width, outputs;
    size_t images, values, results;
    float *nchw, *logits;
    if (argc != 3) return 2;
    images = (size_t)atoi(argv[2]);
    if (xsepconv_load(argv[1], &model) != XSEPCONV_OK || xsepconv_num_outputs(model, &outputs) != XSEPCONV_OK
        || xsepconv_create_session(model, (int32_t)images, 1, 0, 0, &session) != XSEPCONV_OK
        || xsepconv_input_size(session, &channels, &height, &width) != XSEPCONV_OK) return complain();
    values = images * (size_t)channels * (size_t)height * (size_t)width;
    results = images * (size_t)outputs;
    nchw = malloc(values * sizeof *nchw);
    logits = malloc(results * sizeof *logits);
    if (nchw == NULL || logits == NULL || fread(nchw, sizeof *nchw, values, stdin) != values) return 1;
    if (xsepconv_run(session, nchw, values, logits, results) != XSEPCONV_OK) return complain();
    fwrite(logits, sizeof *logits, results, stdout);
    free(nchw);
    free(logits);
    return xsepconv_free(session) != XSEPCONV_OK || xsepconv_free(model) != XSEPCONV_OK;
}
