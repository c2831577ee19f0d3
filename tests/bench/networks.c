// SPDX-License-Identifier: Apache-2.0
// Times whole networks by several executors in turns: networks BATCH THREADS ROUNDS EXECUTOR... --
// ARCH...; THREADS 0 = all cores.
// EXECUTOR is a name, or command:PROGRAM. Prints a line a network: its name, then the smallest
// seconds of each executor. In turns, because what else the machine does changes with time.
#include "cli/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_EXECUTORS = 8 };

static const double ROUND_S = 0.1; // passes of one executor before the next one's turn

/** An executor and its task of the network at hand. */
typedef struct runner {
    const jc_executor *executor;
    jc_executor_handle *handle;
    jc_task *task;
    uint64_t passes; ///< in a round
    double best_s;   ///< of one pass
} runner;

static jc_status open_runner(runner *r, const char *name, int threads, jc_error *err) {
    static const char command[] = "command:";
    jc_executor_options options = {.threads = threads, .seed = 1};
    if (strncmp(name, command, sizeof command - 1) == 0) {
        options.command = name + sizeof command - 1;
        name = "command";
    }
    r->executor = jc_executor_find(name);
    if (r->executor == NULL) {
        return jc_error_set(err, JC_ENOENT, NULL, 0, "there is no executor '%s'", name);
    }
    return r->executor->open(&options, &r->handle, err);
}

// The first passes tell how many fill a round; then one is not timed any more.
static jc_status warm_up(runner *r, jc_error *err) {
    double seconds = 0;
    jc_status status = r->executor->run(r->task, 2, &seconds, err);
    if (status == JC_OK) {
        status = r->executor->run(r->task, 1, &seconds, err);
    }
    r->passes = seconds < ROUND_S ? (uint64_t)(ROUND_S / seconds) + 1 : 1;
    r->best_s = seconds;
    return status;
}

static jc_status time_network(runner *runners, int n, int rounds, const jc_network *network,
                              jc_error *err) {
    jc_status status = JC_OK;
    for (int i = 0; i < n && status == JC_OK; ++i) {
        runner *r = &runners[i];
        status = r->executor->prepare_network(r->handle, network, &r->task, err);
        if (status == JC_OK) {
            status = warm_up(r, err);
        }
    }
    for (int turn = 0; turn < rounds * n && status == JC_OK; ++turn) {
        runner *r = &runners[turn % n];
        double seconds = 0;
        status = r->executor->run(r->task, r->passes, &seconds, err);
        const double pass_s = seconds / (double)r->passes;
        r->best_s = pass_s < r->best_s ? pass_s : r->best_s;
    }
    for (int i = 0; i < n; ++i) {
        runners[i].executor->release(runners[i].task);
        runners[i].task = NULL;
    }
    return status;
}

static jc_status time_file(runner *runners, int n, int rounds, int64_t batch_size, const char *path,
                           jc_error *err) {
    const jc_graph_options options = {.batch_size = batch_size};
    jc_graph *graph = NULL;
    jc_network *network = NULL;
    jc_status status = jc_graph_load(path, &options, &graph, err);
    if (status == JC_OK) {
        status = cli_network_create(graph, &network, err);
    }
    if (status == JC_OK) {
        status = time_network(runners, n, rounds, network, err);
    }
    if (status == JC_OK) {
        (void)printf("%s", network->name);
        for (int i = 0; i < n; ++i) {
            (void)printf(" %.6f", runners[i].best_s);
        }
        (void)printf("\n");
        (void)fflush(stdout);
    }
    cli_network_free(network);
    jc_graph_free(graph);
    return status;
}

int main(int argc, char **argv) {
    runner runners[MOST_EXECUTORS] = {0};
    jc_error err = {0};
    jc_status status = JC_OK;
    int n = 0;
    int arg = 4;
    if (argc < arg) {
        return 1;
    }
    for (; arg < argc && strcmp(argv[arg], "--") != 0 && n < MOST_EXECUTORS && status == JC_OK;
         ++arg) {
        status = open_runner(&runners[n++], argv[arg], atoi(argv[2]), &err);
    }
    for (++arg; arg < argc && status == JC_OK; ++arg) {
        status = time_file(runners, n, atoi(argv[3]), atoi(argv[1]), argv[arg], &err);
    }
    for (int i = 0; i < n; ++i) {
        if (runners[i].executor != NULL) {
            runners[i].executor->close(runners[i].handle);
        }
    }
    char text[sizeof err.file + sizeof err.message + 32];
    if (status != JC_OK) {
        (void)fprintf(stderr, "%s\n", jc_error_format(&err, text, sizeof text));
    }
    return status == JC_OK ? 0 : 1;
}
