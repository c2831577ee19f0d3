// SPDX-License-Identifier: Apache-2.0
// What is asked of a program: see docs/EXECUTORS.md for the lines.
#include "request.h"

#include "common/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void put_text(FILE *out, const char *text) {
    (void)fputc('"', out);
    for (; *text != '\0'; ++text) {
        const unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f) {
            (void)fprintf(out, "\\u%04x", (unsigned)c);
        } else {
            (void)fputc(c, out);
        }
    }
    (void)fputc('"', out);
}

static void put_options(FILE *out, const jc_executor_options *options, jc_precision precision) {
    (void)fprintf(out, ",\"precision\":\"%s\",\"threads\":%d,\"weights\":\"%s\",\"seed\":%" PRIu64,
                  jc_precision_name(precision), options->threads,
                  options->weights == JC_WEIGHTS_WARM ? "warm" : "cold", options->seed);
}

static void put_sizes(FILE *out, const jc_kernel *kernel) {
    int n = 0;
    const char *const *columns = jc_kernel_columns(kernel->kind, &n);
    (void)fputs("\"sizes\":{", out);
    for (int c = 0; c < n; ++c) {
        (void)fprintf(out, "%s\"%s\":%" PRId64, c == 0 ? "" : ",", columns[c], kernel->size[c]);
    }
    (void)fputc('}', out);
}

static void put_param(FILE *out, const jc_param *param, const jc_value *value) {
    char text[JC_NUMBER_TEXT_SIZE];
    const int n = jc_param_slots(param->type);
    put_text(out, param->name);
    (void)fputc(':', out);
    switch (param->type) {
    case JC_PARAM_REAL:
        (void)fputs(jc_format_double(value[param->slot].real, text), out);
        return;
    case JC_PARAM_FLAG:
        (void)fputs(value[param->slot].i != 0 ? "true" : "false", out);
        return;
    case JC_PARAM_CHOICE:
        put_text(out, param->choices[value[param->slot].i]);
        return;
    case JC_PARAM_SIZE:
    case JC_PARAM_INTEGER:
        (void)fprintf(out, "%" PRId64, value[param->slot].i);
        return;
    case JC_PARAM_SIZES:
        (void)fputc('[', out);
        for (int64_t i = 0; i < value[param->slot].i && i + 1 < n; ++i) {
            (void)fprintf(out, "%s%" PRId64, i == 0 ? "" : ",", value[param->slot + 1 + i].i);
        }
        (void)fputc(']', out);
        return;
    case JC_PARAM_PAIR:
    case JC_PARAM_OFFSETS:
    case JC_PARAM_PADDING:
        (void)fputc('[', out);
        for (int i = 0; i < n; ++i) {
            (void)fprintf(out, "%s%" PRId64, i == 0 ? "" : ",", value[param->slot + i].i);
        }
        (void)fputc(']', out);
        return;
    }
}

static void put_step(FILE *out, const jc_network_step *step) {
    (void)fputs("{\"op\":", out);
    put_text(out, step->op == NULL ? "input" : step->op->name);
    (void)fputs(",\"params\":{", out);
    const jc_param *params = step->op == NULL ? NULL : step->op->params;
    for (const jc_param *p = params; p != NULL && p->name != NULL; ++p) {
        (void)fputs(p == params ? "" : ",", out);
        put_param(out, p, step->call.value);
    }
    (void)fputs("},\"inputs\":[", out);
    for (size_t i = 0; i < step->n_inputs; ++i) {
        (void)fprintf(out, "%s%" PRIu32, i == 0 ? "" : ",", step->inputs[i]);
    }
    (void)fputs("],\"output\":[", out);
    for (int d = 0; d < step->output.rank; ++d) {
        (void)fprintf(out, "%s%" PRId64, d == 0 ? "" : ",", step->output.dim[d]);
    }
    (void)fputc(']', out);
    if (step->kernel.kind != JC_KERNEL_NONE) {
        (void)fprintf(out, ",\"kernel\":\"%s\",", jc_kernel_name(step->kernel.kind));
        put_sizes(out, &step->kernel);
    }
    (void)fputc('}', out);
}

// The text, or NULL where memory did not suffice.
static char *finish(FILE *out, char **text) {
    const bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) {
        free(*text);
        return NULL;
    }
    return *text;
}

char *request_of_kernel(const jc_executor_options *options, const jc_kernel *kernel) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL) {
        return NULL;
    }
    (void)fprintf(out, "{\"kernel\":\"%s\"", jc_kernel_name(kernel->kind));
    put_options(out, options, kernel->precision);
    if (kernel->reuse_bytes > 0) {
        (void)fprintf(out, ",\"reuse_bytes\":%" PRId64, kernel->reuse_bytes);
    }
    (void)fputc(',', out);
    put_sizes(out, kernel);
    (void)fputs("}\n", out);
    return finish(out, &text);
}

char *request_of_network(const jc_executor_options *options, const jc_network *network) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL) {
        return NULL;
    }
    (void)fputs("{\"network\":", out);
    put_text(out, network->name);
    (void)fprintf(out, ",\"batch_size\":%" PRId64, network->batch_size);
    put_options(out, options, network->precision);
    (void)fputs(",\"steps\":[", out);
    for (size_t i = 0; i < network->n_steps; ++i) {
        (void)fputs(i == 0 ? "" : ",", out);
        put_step(out, &network->steps[i]);
    }
    (void)fputs("],\"outputs\":[", out);
    for (size_t i = 0; i < network->n_outputs; ++i) {
        (void)fprintf(out, "%s%" PRIu32, i == 0 ? "" : ",", network->outputs[i]);
    }
    (void)fputs("]}\n", out);
    return finish(out, &text);
}
