/*
 * XSepConv for C and C++: networks that `xsepconv train` made, run on the CPU without Torch.
 *
 *     xsepconv_model *model;
 *     xsepconv_session *session;
 *     xsepconv_load("best.safetensors", &model);             what a checkpoint holds
 *     xsepconv_create_session(model, 1, 1, 0, 0, &session);  the memory for running it
 *     xsepconv_decode_file(session, "photo.jpg", pixels, pixel_count);
 *     xsepconv_classify(session, pixels, pixel_count, top, top_count);
 *     xsepconv_free(session);
 *     xsepconv_free(model);
 *
 * classify.c, beside this file, is a whole program.
 *
 * Errors. A function that returns int32_t returns XSEPCONV_OK, which is 0, or another code below; xsepconv_last_error() then says what
 * was wrong and what would be right. Nothing is thrown, and no signal is raised over a bad argument or a bad file.
 *
 * Handles. A model and a session are numbers in the dress of pointers: there is nothing to read behind them. One that was freed, that was
 * never given out or that is of the other kind is refused with XSEPCONV_INVALID_HANDLE.
 *
 * Buffers. They are the caller's, before, while and after a call. Every one comes with its size, and one of a wrong size is refused, not
 * filled halfway. Those of one call do not overlap. Unless it is said otherwise, a function that fails has written nothing.
 *
 * Threads. A model may be used by any number of threads at once. A session serves one thread at a time, whichever it is: a second one gets
 * XSEPCONV_BUSY. Give every thread a session of its own. The last error is one for each thread. A thread needs 128 KiB of stack.
 *
 * Processes. Where fork() makes a child after the library was used, the child gets XSEPCONV_FORKED: let it call exec, or let it be the
 * first to use the library. The library stays in the process once it is loaded; dlclose() does nothing. It handles SIGSEGV, SIGFPE and a
 * real-time signal; what is not its own goes on to the handler that was there before. As it is built here, it needs a processor with
 * AVX2 or an Arm of 64 bits; elsewhere the process ends with a message.
 *
 * All text is UTF-8 and ends with a zero byte.
 */
#ifndef XSEPCONV_H
#define XSEPCONV_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    XSEPCONV_OK = 0,
    XSEPCONV_INVALID_ARGUMENT = 1, /* NULL, a size or a number that does not fit */
    XSEPCONV_INVALID_HANDLE = 2,   /* a handle that was freed, is of the other kind, or was never given out */
    XSEPCONV_UNREADABLE = 3,       /* a file that is missing or can't be read */
    XSEPCONV_INVALID_DATA = 4,     /* a file that is damaged, or no checkpoint, or no picture */
    XSEPCONV_UNSUPPORTED = 5,      /* what this model or this machine can't do */
    XSEPCONV_BUSY = 6,             /* another thread is using the session */
    XSEPCONV_NOT_FINITE = 7,       /* logits that are not finite numbers: see xsepconv_run and _classify */
    XSEPCONV_OUT_OF_MEMORY = 8,
    XSEPCONV_FORKED = 9,           /* the library was used before this process was forked */
    XSEPCONV_INTERNAL = 10         /* a mistake of the library; please report it with xsepconv_last_error() */
};

/* A network with its weights. Nothing changes it. */
typedef struct xsepconv_model xsepconv_model;

/* The memory for running a model, for one thread at a time. */
typedef struct xsepconv_session xsepconv_session;

typedef struct xsepconv_prediction {
    int32_t class_index; /* its place among the logits, from 0 */
    float probability;   /* by softmax over all classes, 0 to 1 */
} xsepconv_prediction;

/* The version of XSepConv, such as "0.1.0". The text stays where it is. */
const char *xsepconv_version(void);

/*
 * What was wrong in the last call of this thread that failed; "" if none did. The text is the library's, and stays until the next call of
 * this thread that fails, or until the thread ends.
 */
const char *xsepconv_last_error(void);

/*
 * Reads a checkpoint.
 *   path   a .safetensors file of `xsepconv train`, `import` or `convert`. Only regular files are read: no directory, no FIFO.
 *   model  gets the model, to be freed with xsepconv_free; NULL if this fails.
 * Returns XSEPCONV_UNREADABLE or XSEPCONV_INVALID_DATA over the file.
 */
int32_t xsepconv_load(const char *path, xsepconv_model **model);

/*
 * The same of a checkpoint in memory.
 *   file, size  its bytes; no longer needed afterwards.
 */
int32_t xsepconv_load_memory(const void *file, size_t size, xsepconv_model **model);

/*
 * Frees a model or a session. NULL is XSEPCONV_OK, and nothing happens. A session that is running is not freed: XSEPCONV_BUSY. A model may
 * be freed before its sessions: they keep what they need. The memory goes back when .NET next collects, not at once.
 */
int32_t xsepconv_free(void *handle);

/* How many classes the model tells apart; 0 for a network without a classifier. */
int32_t xsepconv_num_classes(xsepconv_model *model, int32_t *classes);

/* How many floats xsepconv_run writes for an image: the logits of the classes, or the features of a network without a classifier. */
int32_t xsepconv_num_outputs(xsepconv_model *model, int32_t *outputs);

/*
 * The name of a class.
 *   class_index  0 to the number of classes - 1.
 *   name, size   gets the name with its zero byte. NULL and 0 ask for the size alone.
 *   needed       gets the bytes that the name takes with its zero byte, also where size is too small; may be NULL.
 * Returns XSEPCONV_INVALID_ARGUMENT if size is too small, XSEPCONV_UNSUPPORTED if the checkpoint does not name its classes, or has no
 * classifier.
 */
int32_t xsepconv_class_name(xsepconv_model *model, int32_t class_index, char *name, size_t size, size_t *needed);

/*
 * Makes the memory for running a model.
 *   max_batch      the most images of one run, from 1.
 *   threads        threads that share a run, the caller's included, from 1 to 1024. More than the machine has cores slow it down. The
 *                  results are the same. A program with many requests at once does better with many sessions of one thread.
 *   height, width  of the images in pixels. 0 for both: that of the training data, of which an image has at most 2^24 values.
 *   session        gets the session, to be freed with xsepconv_free; NULL if this fails.
 */
int32_t xsepconv_create_session(
    xsepconv_model *model, int32_t max_batch, int32_t threads, int32_t height, int32_t width, xsepconv_session **session);

/* The size of an image: it has channels * height * width values. */
int32_t xsepconv_input_size(xsepconv_session *session, int32_t *channels, int32_t *height, int32_t *width);

/*
 * From images to logits.
 *   nchw, nchw_count      N images of floats [N, channels, height, width], normalised as for training. nchw_count is that of all floats, N
 *                         times that of an image; N goes from 1 to max_batch.
 *   logits, logits_count  gets [N, outputs] floats; logits_count is N times xsepconv_num_outputs.
 * Returns XSEPCONV_NOT_FINITE if a logit is not a finite number, because a pixel is NaN, infinite or far too large. All logits are written
 * then: those of that image are NaN or infinite, those of the others are right.
 */
int32_t xsepconv_run(xsepconv_session *session, const float *nchw, size_t nchw_count, float *logits, size_t logits_count);

/*
 * From pictures to logits.
 *   nhwc, nhwc_size  N pictures of bytes [N, height, width, channels], as decoders give them; channels are red, green and blue, or grey.
 *                    They are normalised as the checkpoint says. nhwc_size is that of all bytes.
 *   logits           as in xsepconv_run.
 * Returns XSEPCONV_UNSUPPORTED if the checkpoint does not say how to normalise: then do it, and call xsepconv_run. Returns
 * XSEPCONV_NOT_FINITE as xsepconv_run does, because the network's weights are far too large.
 */
int32_t xsepconv_run_bytes(xsepconv_session *session, const uint8_t *nhwc, size_t nhwc_size, float *logits, size_t logits_count);

/*
 * From pictures to the likeliest classes.
 *   nhwc, nhwc_size  as in xsepconv_run_bytes.
 *   top, top_count   gets the likeliest classes of each picture, likeliest first: top_count is N times 1 to the number of classes.
 * Returns XSEPCONV_UNSUPPORTED as xsepconv_run_bytes does, or for a network without a classifier, and XSEPCONV_NOT_FINITE if a
 * probability is not a finite number, because the network's weights are far too large: nothing is written then.
 */
int32_t xsepconv_classify(
    xsepconv_session *session, const uint8_t *nhwc, size_t nhwc_size, xsepconv_prediction *top, size_t top_count);

/*
 * Reads a picture as in training: turned upright, its middle cut out and scaled to the session's size.
 *   path             a PNG or JPEG file of at most 64 MiB and 64 million pixels. Only regular files are read.
 *   nhwc, nhwc_size  gets the bytes of one picture [height, width, channels]; nhwc_size is height * width * channels.
 * Returns XSEPCONV_UNREADABLE or XSEPCONV_INVALID_DATA over the file, XSEPCONV_UNSUPPORTED if the session's images are not square, have
 * neither 1 nor 3 channels or a side above 16,384, or the checkpoint does not say what data it was trained on. Any number of threads may
 * do it with one session, also while it runs.
 */
int32_t xsepconv_decode_file(xsepconv_session *session, const char *path, uint8_t *nhwc, size_t nhwc_size);

/*
 * The same of a picture in memory.
 *   file, size  its bytes.
 */
int32_t xsepconv_decode_memory(xsepconv_session *session, const void *file, size_t size, uint8_t *nhwc, size_t nhwc_size);

#ifdef __cplusplus
}
#endif

#endif
