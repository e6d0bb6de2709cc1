/*
 * classify MODEL PICTURE...: prints the likeliest classes of PNG and JPEG files.
 *
 *     dotnet publish samples/Native -c Release -o artifacts/native
 *     cc samples/Native/classify.c -Iartifacts/native -Lartifacts/native -lxsepconv -Wl,-rpath,"$PWD/artifacts/native" -o artifacts/classify
 */
#include <stdio.h>
#include <stdlib.h>

#include "xsepconv.h"

#define MOST 5

/* A network, and what it needs to look at one picture at a time. */
typedef struct network {
    xsepconv_model *model;
    xsepconv_session *session;
    uint8_t *pixels;
    size_t pixel_count;
    int32_t classes;
} network;

static int complain(void)
{
    fprintf(stderr, "classify: %s\n", xsepconv_last_error());
    return 1;
}

static int open_network(network *net, const char *path)
{
    int32_t channels, height, width;
    if (xsepconv_load(path, &net->model) != XSEPCONV_OK
        || xsepconv_num_classes(net->model, &net->classes) != XSEPCONV_OK
        || xsepconv_create_session(net->model, 1, 1, 0, 0, &net->session) != XSEPCONV_OK
        || xsepconv_input_size(net->session, &channels, &height, &width) != XSEPCONV_OK) return complain();
    net->pixel_count = (size_t)channels * (size_t)height * (size_t)width;
    net->pixels = malloc(net->pixel_count);
    if (net->pixels == NULL) {
        fprintf(stderr, "classify: there is no memory for a picture\n");
        return 1;
    }
    return 0;
}

static void close_network(network *net)
{
    free(net->pixels);
    xsepconv_free(net->session);
    xsepconv_free(net->model);
}

static int print_class(const network *net, xsepconv_prediction one)
{
    size_t size;
    char *name;
    int result = 0;
    if (xsepconv_class_name(net->model, one.class_index, NULL, 0, &size) != XSEPCONV_OK) return complain();
    name = malloc(size);
    if (name == NULL || xsepconv_class_name(net->model, one.class_index, name, size, NULL) != XSEPCONV_OK) result = complain();
    else printf("  %6.2f %%  %s\n", 100.0 * one.probability, name);
    free(name);
    return result;
}

static int classify(const network *net, const char *path)
{
    xsepconv_prediction top[MOST];
    const size_t count = net->classes < MOST ? (size_t)net->classes : MOST;
    size_t i;
    if (xsepconv_decode_file(net->session, path, net->pixels, net->pixel_count) != XSEPCONV_OK
        || xsepconv_classify(net->session, net->pixels, net->pixel_count, top, count) != XSEPCONV_OK) return complain();
    printf("%s\n", path);
    for (i = 0; i < count; i++) {
        if (print_class(net, top[i]) != 0) return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    network net = {NULL, NULL, NULL, 0, 0};
    int result, i;
    if (argc < 3) {
        fprintf(stderr, "classify MODEL PICTURE...\n");
        return 2;
    }
    result = open_network(&net, argv[1]);
    if (result == 0) {
        for (i = 2; i < argc; i++) result |= classify(&net, argv[i]);
    }
    close_network(&net);
    return result;
}
