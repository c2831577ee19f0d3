// SPDX-License-Identifier: Apache-2.0
// joulecast batch: totals of many architectures, in the order given.
//
// The main thread cuts the stream of files into chunks and puts them in a ring; workers take the
// next chunk that is not taken. Whoever finishes the oldest chunk writes it, and those behind it
// that are finished too. So memory is bounded by the ring, and output comes in order and early.
#include "command.h"
#include "locate.h"
#include "output.h"
#include "paths.h"
#include "prediction.h"
#include "progress.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES_PER_CHUNK = 64, CHUNKS_PER_THREAD = 4 };

typedef struct chunk {
    text_buffer paths; // each ends with NUL
    size_t n_paths;
    text_buffer text;
    bool is_done;
} chunk;

typedef struct batch {
    const cli_options *options;
    report_layout layout;
    jc_profile *profile;
    output out;  // used by whoever has is_writing
    chunk *ring; // [n_ring]
    size_t n_ring;

    pthread_mutex_t lock; // guards all below, and is_done of the chunks
    pthread_cond_t has_work;
    pthread_cond_t has_room;
    size_t produced; // chunks so far; chunk k stands in ring[k % n_ring]
    size_t taken;
    size_t written;
    bool is_writing;
    bool is_complete; // no more chunks will come
    bool has_failed;  // some file could not be read
    bool is_broken;   // output or memory failed: stop
} batch;

// What a worker keeps between files.
typedef struct worker {
    batch *batch;
    jc_memo *memo;
    prediction_report report;
    pthread_t thread;
} worker;

// Appends the totals of one file to the text, or reports what is wrong with it.
static bool predict_file(worker *w, const char *path, text_buffer *text) {
    const cli_options *options = w->batch->options;
    const jc_graph_options graph_options = cli_graph_options(options);
    jc_error err = {0};
    jc_graph *graph = NULL;
    if (locate_graph(path, &graph_options, &graph, &err) != JC_OK) {
        (void)cli_report_error(&err);
        return false;
    }
    jc_totals totals;
    jc_analyze(w->memo, graph, &totals, NULL);
    const prediction_subject subject = {
        .graph = graph,
        .device = jc_profile_device(w->batch->profile),
        .totals = &totals,
    };
    prediction_report_totals(&subject, &w->report);
    options->format->document(text, &w->batch->layout, &w->report.document, false);
    jc_graph_free(graph);
    return true;
}

static bool predict_chunk(worker *w, chunk *c) {
    bool all_good = true;
    const char *path = c->paths.data;
    for (size_t i = 0; i < c->n_paths; ++i) {
        all_good = predict_file(w, path, &c->text) && all_good;
        path += strlen(path) + 1;
    }
    return all_good;
}

// Writes the finished chunks that are next in order. Called and returns with the lock held.
static void write_finished(batch *b) {
    if (b->is_writing) {
        return; // the writer will see this chunk too
    }
    b->is_writing = true;
    while (b->written < b->taken && b->ring[b->written % b->n_ring].is_done) {
        chunk *c = &b->ring[b->written % b->n_ring];
        (void)pthread_mutex_unlock(&b->lock);
        const bool good = !c->text.failed && output_write(&b->out, c->text.data, c->text.length);
        (void)pthread_mutex_lock(&b->lock);
        b->is_broken = b->is_broken || !good;
        c->is_done = false;
        ++b->written;
        (void)pthread_cond_signal(&b->has_room);
    }
    b->is_writing = false;
}

static void *work(void *argument) {
    worker *w = argument;
    batch *b = w->batch;
    (void)pthread_mutex_lock(&b->lock);
    for (;;) {
        while (b->taken == b->produced && !b->is_complete && !b->is_broken) {
            (void)pthread_cond_wait(&b->has_work, &b->lock);
        }
        if (b->taken == b->produced || b->is_broken) {
            break;
        }
        chunk *c = &b->ring[b->taken++ % b->n_ring];
        (void)pthread_mutex_unlock(&b->lock);
        const bool good = predict_chunk(w, c);
        (void)pthread_mutex_lock(&b->lock);
        b->has_failed = b->has_failed || !good;
        c->is_done = true;
        write_finished(b);
    }
    (void)pthread_cond_signal(&b->has_room);
    (void)pthread_mutex_unlock(&b->lock);
    return NULL;
}

// An empty chunk of the ring, waiting for one; NULL where the run is broken.
static chunk *wait_for_room(batch *b) {
    (void)pthread_mutex_lock(&b->lock);
    while (b->produced - b->written == b->n_ring && !b->is_broken) {
        (void)pthread_cond_wait(&b->has_room, &b->lock);
    }
    chunk *c = b->is_broken ? NULL : &b->ring[b->produced % b->n_ring];
    (void)pthread_mutex_unlock(&b->lock);
    if (c != NULL) {
        text_reset(&c->paths);
        text_reset(&c->text);
        c->n_paths = 0;
    }
    return c;
}

static void hand_over(batch *b) {
    (void)pthread_mutex_lock(&b->lock);
    ++b->produced;
    (void)pthread_cond_signal(&b->has_work);
    (void)pthread_mutex_unlock(&b->lock);
}

// Fills a chunk; false at the end of the stream.
static bool fill_chunk(batch *b, paths *p, chunk *c) {
    while (c->n_paths < FILES_PER_CHUNK && !(c->n_paths > 0 && paths_would_wait(p))) {
        jc_error err = {0};
        const char *path = NULL;
        if (paths_next(p, &path, &err) != JC_OK) {
            (void)cli_report_error(&err);
            (void)pthread_mutex_lock(&b->lock);
            b->has_failed = true;
            (void)pthread_mutex_unlock(&b->lock);
            continue;
        }
        if (path == NULL) {
            return false;
        }
        text_append_bytes(&c->paths, path, strlen(path) + 1);
        ++c->n_paths;
    }
    return true;
}

static void produce(batch *b, paths *p) {
    // Rows that scroll by on the terminal are progress enough, and a bar would run through them.
    const bool shows_progress = b->options->output != NULL || !isatty(STDOUT_FILENO);
    progress shown = progress_begin("batch");
    bool more = true;
    while (more) {
        if (shows_progress) {
            progress_update(&shown, paths_share(p));
        }
        chunk *c = wait_for_room(b);
        if (c == NULL) {
            break;
        }
        more = fill_chunk(b, p, c);
        if (c->paths.failed) {
            (void)pthread_mutex_lock(&b->lock);
            b->is_broken = true;
            (void)pthread_mutex_unlock(&b->lock);
            break;
        }
        if (c->n_paths > 0) {
            hand_over(b);
        }
    }
    progress_end(&shown);
    (void)pthread_mutex_lock(&b->lock);
    b->is_complete = true;
    (void)pthread_cond_broadcast(&b->has_work);
    (void)pthread_mutex_unlock(&b->lock);
}

static size_t choose_threads(const cli_options *options) {
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (options->threads > 0) {
        return (size_t)options->threads;
    }
    return cores < 1 ? 1 : (size_t)cores;
}

// Starts the workers, feeds them, and waits for them. @return JC_ENOMEM where none could start.
static jc_status run_workers(batch *b, paths *p, worker *workers, size_t n_workers) {
    size_t n_started = 0;
    while (n_started < n_workers) {
        worker *w = &workers[n_started];
        w->batch = b;
        if (jc_memo_create(b->profile, &w->memo) != JC_OK) {
            break;
        }
        if (pthread_create(&w->thread, NULL, work, w) != 0) {
            jc_memo_free(w->memo);
            break;
        }
        ++n_started;
    }
    if (n_started > 0) {
        produce(b, p);
    }
    for (size_t i = 0; i < n_started; ++i) {
        (void)pthread_join(workers[i].thread, NULL);
        jc_memo_free(workers[i].memo);
    }
    return n_started > 0 ? JC_OK : JC_ENOMEM;
}

static jc_status run_ring(batch *b, jc_error *err) {
    const size_t n_workers = choose_threads(b->options);
    b->n_ring = n_workers * CHUNKS_PER_THREAD;
    b->ring = calloc(b->n_ring, sizeof *b->ring);
    worker *workers = calloc(n_workers, sizeof *workers);
    paths *p = paths_open(b->options->operands, b->options->n_operands);
    jc_status status = b->ring == NULL || workers == NULL || p == NULL ? JC_ENOMEM : JC_OK;
    if (status == JC_OK) {
        status = run_workers(b, p, workers, n_workers);
    }
    if (p != NULL) {
        paths_close(p);
    }
    free(workers);
    for (size_t i = 0; b->ring != NULL && i < b->n_ring; ++i) {
        text_clear(&b->ring[i].paths);
        text_clear(&b->ring[i].text);
    }
    free(b->ring);
    if (status == JC_OK && b->is_broken && b->out.error == 0) {
        status = JC_ENOMEM; // what else breaks a run
    }
    return status == JC_OK ? JC_OK : jc_error_set(err, status, NULL, 0, "out of memory");
}

static jc_status write_header(batch *b, jc_error *err) {
    const report_document prototype = prediction_prototype(false);
    text_buffer text = {0};
    b->options->format->begin(&text, &b->layout, &prototype);
    const bool failed = text.failed;
    if (!failed) {
        (void)output_write(&b->out, text.data, text.length); // the close reports failures
    }
    text_clear(&text);
    return failed ? jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory") : JC_OK;
}

static jc_status run_output(batch *b, jc_error *err) {
    jc_status status = output_open(b->options->output, &b->out, err);
    if (status != JC_OK) {
        return status;
    }
    status = write_header(b, err);
    if (status == JC_OK) {
        status = run_ring(b, err);
    }
    jc_error close_err = {0};
    const jc_status close_status = output_close(&b->out, status == JC_OK, &close_err);
    if (status == JC_OK && close_status != JC_OK) {
        *err = close_err;
        status = close_status;
    }
    return status;
}

static cli_exit run_batch(const cli_command *self, int argc, char **argv) {
    cli_options options = {0};
    cli_exit code = CLI_OK;
    if (!cli_parse(self, argc, argv, &options, &code)) {
        return code;
    }
    batch b = {
        .options = &options,
        .layout = {.title = "Joulecast", .width = cli_width(), .several = true},
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .has_work = PTHREAD_COND_INITIALIZER,
        .has_room = PTHREAD_COND_INITIALIZER,
    };
    jc_error err = {0};
    jc_status status = locate_profile(options.profile, &options.power, &b.profile, &err);
    if (status == JC_OK) {
        status = run_output(&b, &err);
    }
    jc_profile_free(b.profile);
    if (status != JC_OK) {
        return cli_report_error(&err);
    }
    return b.has_failed ? CLI_INPUT : CLI_OK;
}

static const cli_option *const options_of_batch[] = {
    &cli_option_profile,        &cli_option_batch_size,
    &cli_option_precision,      &cli_option_input,
    &cli_option_strict,         &cli_option_threads,
    &cli_option_power_declared, &cli_option_format,
    &cli_option_output,         NULL,
};

extern const cli_command cli_batch;

const cli_command cli_batch = {
    .name = "batch",
    .summary = "Predict the totals of many architectures, in the order given",
    .operands = "PATH...",
    .help =
        "A PATH is a file, a folder (its *.yaml, *.yml and *.onnx files, recursively, in order),\n"
        "or - for a list of paths on standard input. A file that cannot be read is reported, and\n"
        "the rest goes on; the exit code then is 2. Formats are csv (the default) and jsonl.\n",
    .min_operands = 1,
    .max_operands = -1,
    .options = options_of_batch,
    .default_format = &report_csv_format,
    .streams = true,
    .run = run_batch,
};
