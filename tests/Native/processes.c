/* A child that was forked after the library was used: of the library's threads none came along. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static int refuses(const subject *s, xsepconv_session *session)
{
    xsepconv_model *model;
    xsepconv_session *made;
    int32_t number;
    return xsepconv_load(s->model_path, &model) == XSEPCONV_FORKED && model == NULL
        && strstr(xsepconv_last_error(), "forked") != NULL
        && xsepconv_create_session(s->model, 1, 2, 0, 0, &made) == XSEPCONV_FORKED && made == NULL
        && xsepconv_input_size(session, &number, &number, &number) == XSEPCONV_FORKED
        && xsepconv_run(session, NULL, 0, NULL, 0) == XSEPCONV_FORKED
        && xsepconv_free(session) == XSEPCONV_FORKED;
}

void test_processes(const subject *s)
{
    xsepconv_session *session = open_session(s, 1, 2);
    int round;
    for (round = 0; round < 20; round++) {
        int status = -1;
        const pid_t child = fork();
        if (child == 0) {
            /* Whoever waits for a thread that is not there is ended. */
            alarm(60);
            _exit(refuses(s, session) ? 0 : 1);
        }
        REQUIRE(child > 0 && waitpid(child, &status, 0) == child);
        REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    EXPECT_OK(xsepconv_free(session));
}
