/* Threads that share what they may and what they may not. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"

#define THREADS 4

/* As xsepconv.h promises it. */
#define LEAST_STACK (128 * 1024)

/* What a thread does and finds. */
typedef struct worker {
    const subject *s;
    xsepconv_session *session;
    xsepconv_model *model;
    const float *values;
    const float *expected;
    pthread_barrier_t *barrier;
    int ok, busy, gone, others, different;
} worker;

static void count(worker *w, int32_t code)
{
    if (code == XSEPCONV_OK) w->ok++;
    else if (code == XSEPCONV_BUSY) w->busy++;
    else if (code == XSEPCONV_INVALID_HANDLE) w->gone++;
    else w->others++;
}

static int32_t run_once(worker *w, float *logits)
{
    const size_t classes = (size_t)w->s->classes;
    const int32_t code = xsepconv_run(w->session, w->values, w->s->image, logits, classes);
    count(w, code);
    if (code == XSEPCONV_OK && memcmp(logits, w->expected, classes * sizeof *logits) != 0) w->different++;
    return code;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* How often a thread was in another's way, all together. */
static int meetings(int more)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static int total;
    int now;
    pthread_mutex_lock(&lock);
    now = total += more;
    pthread_mutex_unlock(&lock);
    return now;
}

/* Runs until threads met, which happens soon even on one core; a minute is the most. */
static void *run_until_busy(void *argument)
{
    worker *w = argument;
    float *logits = malloc((size_t)w->s->classes * sizeof *logits);
    const double end = seconds() + 60;
    pthread_barrier_wait(w->barrier);
    while ((meetings(0) == 0 || w->ok < 20) && seconds() < end) meetings(run_once(w, logits) == XSEPCONV_BUSY);
    free(logits);
    return NULL;
}

static void *run_until_gone(void *argument)
{
    worker *w = argument;
    float *logits = malloc((size_t)w->s->classes * sizeof *logits);
    const double end = seconds() + 60;
    pthread_barrier_wait(w->barrier);
    while (w->gone == 0 && seconds() < end) run_once(w, logits);
    free(logits);
    return NULL;
}

static void *run_own_session(void *argument)
{
    worker *w = argument;
    float *logits = malloc((size_t)w->s->classes * sizeof *logits);
    int i;
    pthread_barrier_wait(w->barrier);
    for (i = 0; i < 20; i++) {
        if (xsepconv_create_session(w->s->model, 1, 1 + i % 2, 0, 0, &w->session) != XSEPCONV_OK) w->others++;
        run_once(w, logits);
        count(w, xsepconv_free(w->session));
    }
    free(logits);
    return NULL;
}

static void *free_once(void *argument)
{
    worker *w = argument;
    pthread_barrier_wait(w->barrier);
    count(w, xsepconv_free(w->session));
    count(w, xsepconv_free(w->model));
    return NULL;
}

/* An error of its own, seen by nobody else. */
static void *fail_alone(void *argument)
{
    worker *w = argument;
    w->others += xsepconv_last_error()[0] != '\0';
    w->others += xsepconv_load("a file of another thread", &w->model) != XSEPCONV_UNREADABLE;
    w->others += strstr(xsepconv_last_error(), "another thread") == NULL;
    return NULL;
}

/* All that there is, on a small stack. */
static void *do_everything(void *argument)
{
    worker *w = argument;
    uint8_t *pixels = malloc(w->s->image);
    float *logits = malloc((size_t)w->s->classes * sizeof *logits);
    xsepconv_prediction top;
    count(w, xsepconv_load(w->s->model_path, &w->model));
    count(w, xsepconv_create_session(w->model, 1, 2, 0, 0, &w->session));
    count(w, xsepconv_decode_file(w->session, w->s->picture_path, pixels, w->s->image));
    count(w, xsepconv_classify(w->session, pixels, w->s->image, &top, 1));
    run_once(w, logits);
    w->others += xsepconv_load(w->s->picture_path, &w->model) != XSEPCONV_INVALID_DATA;
    w->others += xsepconv_decode_file(w->session, w->s->model_path, pixels, w->s->image) != XSEPCONV_INVALID_DATA;
    count(w, xsepconv_free(w->session));
    free(pixels);
    free(logits);
    return NULL;
}

/* Runs as many threads with workers alike, and waits for them. */
static void run_threads(worker *workers, int threads, worker like, void *(*work)(void *), size_t stack)
{
    pthread_t ids[THREADS];
    pthread_attr_t attributes;
    pthread_barrier_t barrier;
    int i;
    pthread_barrier_init(&barrier, NULL, (unsigned)threads);
    pthread_attr_init(&attributes);
    if (stack > 0) pthread_attr_setstacksize(&attributes, stack);
    like.barrier = &barrier;
    for (i = 0; i < threads; i++) {
        workers[i] = like;
        REQUIRE(pthread_create(&ids[i], &attributes, work, &workers[i]) == 0);
    }
    for (i = 0; i < threads; i++) pthread_join(ids[i], NULL);
    pthread_barrier_destroy(&barrier);
    pthread_attr_destroy(&attributes);
}

static void test_one_session(worker like)
{
    worker workers[THREADS];
    int i;
    like.session = open_session(like.s, 1, 2);
    run_threads(workers, 2, like, run_until_busy, 0);
    for (i = 0; i < 2; i++) {
        REQUIRE(workers[i].ok >= 20);
        REQUIRE(workers[i].gone == 0 && workers[i].others == 0 && workers[i].different == 0);
    }
    REQUIRE(workers[0].busy + workers[1].busy > 0);
    EXPECT_OK(xsepconv_free(like.session));
}

static void test_own_sessions(worker like)
{
    worker workers[THREADS];
    int i;
    run_threads(workers, THREADS, like, run_own_session, 0);
    for (i = 0; i < THREADS; i++) REQUIRE(workers[i].ok == 40 && workers[i].different == 0);
}

/* A session that runs is not freed; one that was freed runs no more. */
static void test_free_while_running(worker like)
{
    int round;
    for (round = 0; round < 20; round++) {
        worker runner = like;
        pthread_t id;
        pthread_barrier_t barrier;
        int32_t code;
        pthread_barrier_init(&barrier, NULL, 2);
        runner.barrier = &barrier;
        runner.session = open_session(like.s, 1, 1 + round % 2);
        REQUIRE(pthread_create(&id, NULL, run_until_gone, &runner) == 0);
        pthread_barrier_wait(&barrier);
        do {
            code = xsepconv_free(runner.session);
        } while (code == XSEPCONV_BUSY);
        REQUIRE(code == XSEPCONV_OK);
        pthread_join(id, NULL);
        REQUIRE(runner.gone == 1 && runner.others == 0 && runner.busy == 0 && runner.different == 0);
        pthread_barrier_destroy(&barrier);
    }
}

static void test_two_frees(worker like)
{
    int round;
    for (round = 0; round < 50; round++) {
        worker workers[THREADS];
        int i, ok = 0, gone = 0;
        EXPECT_OK(xsepconv_load(like.s->model_path, &like.model));
        EXPECT_OK(xsepconv_create_session(like.model, 1, 1, 0, 0, &like.session));
        run_threads(workers, THREADS, like, free_once, 0);
        for (i = 0; i < THREADS; i++) {
            ok += workers[i].ok;
            gone += workers[i].gone;
        }
        REQUIRE(ok == 2 && gone == 2 * THREADS - 2);
    }
}

static void test_last_errors(worker like)
{
    worker workers[THREADS];
    const char *mine;
    int round;
    EXPECT(XSEPCONV_INVALID_HANDLE, "session is NULL", xsepconv_run(NULL, NULL, 0, NULL, 0));
    mine = xsepconv_last_error();
    for (round = 0; round < 200; round++) {
        int i;
        run_threads(workers, THREADS, like, fail_alone, 0);
        for (i = 0; i < THREADS; i++) REQUIRE(workers[i].others == 0);
    }
    REQUIRE(mine == xsepconv_last_error() && strstr(mine, "session is NULL") != NULL);
}

static void test_small_stacks(worker like)
{
    worker workers[THREADS];
    int i;
    run_threads(workers, THREADS, like, do_everything, LEAST_STACK);
    for (i = 0; i < THREADS; i++) REQUIRE(workers[i].ok == 6 && workers[i].others == 0 && workers[i].different == 0);
}

/* What is freed is given back in the end. */
static void test_memory(const subject *s)
{
    long before = 0;
    int round;
    for (round = 0; round < 300; round++) {
        xsepconv_model *model;
        xsepconv_session *session;
        EXPECT_OK(xsepconv_load(s->model_path, &model));
        EXPECT_OK(xsepconv_create_session(model, 8, 2, 0, 0, &session));
        EXPECT_OK(xsepconv_free(session));
        EXPECT_OK(xsepconv_free(model));
        if (round == 100) before = resident_megabytes();
    }
    REQUIRE(resident_megabytes() < before + 100);
}

void test_threads(const subject *s)
{
    const size_t classes = (size_t)s->classes;
    float *values = malloc(s->image * sizeof *values), *expected = malloc(classes * sizeof *expected);
    xsepconv_session *session = open_session(s, 1, 1);
    worker like;
    size_t i;
    for (i = 0; i < s->image; i++) values[i] = (float)(i % 17) / 8 - 1;
    EXPECT_OK(xsepconv_run(session, values, s->image, expected, classes));
    EXPECT_OK(xsepconv_free(session));
    memset(&like, 0, sizeof like);
    like.s = s;
    like.values = values;
    like.expected = expected;
    test_one_session(like);
    test_own_sessions(like);
    test_free_while_running(like);
    test_two_frees(like);
    test_last_errors(like);
    test_small_stacks(like);
    test_memory(s);
    free(values);
    free(expected);
}
