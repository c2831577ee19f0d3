// SPDX-License-Identifier: Apache-2.0
// The journal's lines, after their checksum:
//
//     joulecast-journal 1
//     machine TEXT
//     plan DIGEST
//     row ITEM REPETITION RUNTIME REL_SD POWER ENERGY IDLE ITERATIONS WINDOW LOAD
//         [ENERGY_REL_SD TEMPERATURE THROTTLED THROTTLED_BY_HEAT ALGORITHM]
//     refused ITEM WHY
//     failed ITEM WHY
//     crashed ITEM
//     idle WATTS
//     lag SECONDS
//     nolag WHY
//     chosen KERNEL
//
// ITEM is the position in the order of measuring, from 0, which a chosen kernel, by its position in
// the plan, makes longer; what is not known is "-".
#include "state.h"

#include "common/digest.h"
#include "common/number.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char FIRST_LINE[] = "joulecast-journal 1";

// --- Items ----------------------------------------------------------------------------------

// Networks stand at even distances among the kernels, so that any first part has some.
static void fill_items(const jc_campaign_options *o, campaign_state *state) {
    size_t kernel = 0;
    size_t network = 0;
    state->n_items = state->n_first + o->n_networks;
    for (size_t i = 0; i < state->n_items; ++i) {
        const bool networks_turn = network * state->n_first < kernel * o->n_networks;
        if (kernel == state->n_first || (network < o->n_networks && networks_turn)) {
            state->items[i].network = &o->networks[network++];
        } else {
            state->is_item[kernel] = true;
            state->items[i].kernel = &o->kernels[kernel++];
        }
    }
}

static uint64_t digest_item(uint64_t digest, const campaign_item *item) {
    if (item->kernel != NULL) {
        return digest_add(digest, item->kernel, sizeof *item->kernel);
    }
    const jc_network *network = item->network;
    digest = digest_add(digest, network->name, strlen(network->name));
    digest = digest_add(digest, &network->batch_size, sizeof network->batch_size);
    digest = digest_add(digest, &network->precision, sizeof network->precision);
    for (size_t i = 0; i < network->n_steps; ++i) {
        digest = digest_add(digest, &network->steps[i].kernel, sizeof network->steps[i].kernel);
    }
    return digest;
}

static void digest_plan(const jc_campaign_options *o, campaign_state *state) {
    uint64_t digest = DIGEST_BEGIN;
    for (size_t i = 0; i < state->n_items; ++i) {
        digest = digest_item(digest, &state->items[i]);
    }
    for (size_t i = state->n_first; i < state->n_kernels; ++i) {
        digest = digest_add(digest, &state->kernels[i], sizeof state->kernels[i]);
    }
    digest = digest_add(digest, &state->n_to_choose, sizeof state->n_to_choose);
    digest = digest_add(digest, &o->plan->repetitions, sizeof o->plan->repetitions);
    digest = digest_add(digest, &o->plan->weights, sizeof o->plan->weights);
    digest = digest_add(digest, &o->plan->window_s, sizeof o->plan->window_s);
    digest = digest_add(digest, &o->plan->rel_error, sizeof o->plan->rel_error);
    if (o->plan->meter_steps != JC_METER_STEPS) { // journals without it are of the usual number
        digest = digest_add(digest, &o->plan->meter_steps, sizeof o->plan->meter_steps);
    }
    (void)digest_format(digest, state->plan, sizeof state->plan);
}

jc_status state_init(const jc_campaign_options *o, const jc_device *device,
                     campaign_state *out_state, jc_error *err) {
    const size_t n_rows = o->n_kernels < o->plan->rows ? o->n_kernels : o->plan->rows;
    const size_t n_adaptive = jc_plan_adaptive_rows(o->plan);
    const size_t n_most = n_rows + o->n_networks;
    campaign_state state = {.kernels = o->kernels,
                            .n_kernels = o->n_kernels,
                            .n_to_choose = n_adaptive < n_rows ? n_adaptive : n_rows,
                            .repetitions = o->plan->repetitions,
                            .max_load = o->max_load,
                            .idle_w = (double)NAN,
                            .lag_s = (double)NAN};
    state.n_first = n_rows - state.n_to_choose;
    state.items = calloc(n_most + 1, sizeof *state.items);
    state.results = calloc(n_most + 1, (size_t)state.repetitions * sizeof *state.results);
    state.is_item = calloc(o->n_kernels + 1, sizeof *state.is_item);
    if (state.items == NULL || state.results == NULL || state.is_item == NULL) {
        state_clear(&state);
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory for %zu configurations",
                            n_most);
    }
    fill_items(o, &state);
    digest_plan(o, &state);
    (void)snprintf(state.machine, sizeof state.machine, "%s; %s; %s", device->machine,
                   device->executor, device->meter);
    *out_state = state;
    return JC_OK;
}

void state_clear(campaign_state *state) {
    free(state->items);
    free(state->results);
    free(state->is_item);
}

campaign_result *state_result(const campaign_state *state, size_t item, int repetition) {
    return &state->results[item * (size_t)state->repetitions + (size_t)repetition];
}

bool state_is_good(const campaign_state *state, const campaign_result *result) {
    return result->is_measured && !(result->window.load > state->max_load);
}

bool state_is_open(const campaign_state *state, size_t item, int repetition) {
    const campaign_item *it = &state->items[item];
    return !it->is_refused && !it->is_tried && it->n_failures < MOST_FAILURES &&
           !state_is_good(state, state_result(state, item, repetition));
}

size_t state_candidates(const campaign_state *state, size_t *out) {
    size_t n = 0;
    for (size_t i = 0; i < state->n_kernels; ++i) {
        if (!state->is_item[i]) {
            out[n++] = i;
        }
    }
    return n;
}

static bool may_be_chosen(const campaign_state *state, size_t kernel) {
    return state->n_to_choose > 0 && kernel < state->n_kernels && !state->is_item[kernel];
}

static void choose(campaign_state *state, size_t kernel) {
    --state->n_to_choose;
    state->is_item[kernel] = true;
    state->items[state->n_items++].kernel = &state->kernels[kernel];
}

void state_count(const campaign_state *state, jc_campaign_report *out_report) {
    memset(out_report->counts, 0, sizeof out_report->counts);
    jc_campaign_count *adaptive = &out_report->counts[JC_CAMPAIGN_ADAPTIVE];
    adaptive->planned = adaptive->left = state->n_to_choose;
    for (size_t i = 0; i < state->n_items; ++i) {
        const campaign_item *item = &state->items[i];
        const int which = item->kernel == NULL ? JC_CAMPAIGN_NETWORKS : (int)item->kernel->kind;
        jc_campaign_count *count = &out_report->counts[which];
        int n_good = 0;
        int n_measured = 0;
        for (int r = 0; r < state->repetitions; ++r) {
            const campaign_result *result = state_result(state, i, r);
            n_good += state_is_good(state, result);
            n_measured += result->is_measured;
        }
        ++count->planned;
        if (n_good == state->repetitions) {
            ++count->measured;
        } else if (item->is_refused) {
            ++count->refused;
        } else if (item->n_failures > 0) {
            ++count->failed;
        } else if (n_measured == state->repetitions) {
            ++count->disturbed;
        } else {
            ++count->left;
        }
    }
}

// --- Reading the journal --------------------------------------------------------------------

static jc_status report_other(const char *what, const char *theirs, const char *ours, int line,
                              jc_error *err) {
    return jc_error_set(err, JC_EFORMAT, JC_JOURNAL_NAME, line,
                        "the journal in this folder is of another %s: '%.150s', and this is "
                        "'%.150s'; take another folder",
                        what, theirs, ours);
}

static jc_status report_malformed(const char *text, int line, jc_error *err) {
    return jc_error_set(err, JC_EFORMAT, JC_JOURNAL_NAME, line,
                        "'%.60s' is no line of a journal, or of one with another plan", text);
}

// The next word, copied and terminated; false if there is none or it is too long.
static bool next_word(const char **at, char *word, size_t size) {
    const char *begin = *at + strspn(*at, " ");
    const size_t n = strcspn(begin, " ");
    if (n == 0 || n >= size) {
        return false;
    }
    memcpy(word, begin, n);
    word[n] = '\0';
    *at = begin + n;
    return true;
}

static bool next_number(const char **at, double *out_value) {
    char word[JC_NUMBER_TEXT_SIZE];
    *out_value = (double)NAN;
    return next_word(at, word, sizeof word) &&
           (strcmp(word, "-") == 0 || jc_parse_double(word, out_value));
}

static bool next_index(const char **at, size_t limit, size_t *out_value) {
    char word[JC_NUMBER_TEXT_SIZE];
    int64_t value = 0;
    if (!next_word(at, word, sizeof word) || !jc_parse_int64(word, &value) || value < 0 ||
        (uint64_t)value >= limit) {
        return false;
    }
    *out_value = (size_t)value;
    return true;
}

// The numbers of a row, in the order of a line.
#define ROW_NUMBERS(w)                                                                             \
    {                                                                                              \
        &(w)->measured.runtime_s, &(w)->measured.runtime_rel_sd, &(w)->measured.power_w,           \
            &(w)->measured.energy_j, &(w)->measured.idle_power_w, &(w)->measured.iterations,       \
            &(w)->measured.window_s, &(w)->load                                                    \
    }
enum { N_ROW_NUMBERS = 8 };

// What follows them, where any of it is known; then the algorithm.
#define MORE_NUMBERS(w)                                                                            \
    {                                                                                              \
        &(w)->measured.energy_rel_sd, &(w)->measured.temperature_c, &(w)->measured.throttled,      \
            &(w)->measured.throttled_by_heat                                                       \
    }
enum { N_MORE_NUMBERS = 4 };

static bool read_more(const char *at, jc_window *window) {
    double *const numbers[N_MORE_NUMBERS] = MORE_NUMBERS(window);
    for (int i = 0; i < N_MORE_NUMBERS; ++i) {
        *numbers[i] = (double)NAN;
    }
    if (*at == '\0') {
        return true;
    }
    for (int i = 0; i < N_MORE_NUMBERS; ++i) {
        if (!next_number(&at, numbers[i])) {
            return false;
        }
    }
    at += strspn(at, " ");
    const bool fits = strlen(at) < sizeof window->measured.algorithm;
    (void)snprintf(window->measured.algorithm, sizeof window->measured.algorithm, "%s", at);
    return fits;
}

static bool read_row(campaign_state *state, const char *at) {
    size_t item = 0;
    size_t repetition = 0;
    jc_window window = {.load = (double)NAN};
    double *const numbers[N_ROW_NUMBERS] = ROW_NUMBERS(&window);
    if (!next_index(&at, state->n_items, &item) ||
        !next_index(&at, (size_t)state->repetitions, &repetition)) {
        return false;
    }
    for (int i = 0; i < N_ROW_NUMBERS; ++i) {
        if (!next_number(&at, numbers[i])) {
            return false;
        }
    }
    const bool ok = read_more(at, &window) && window.measured.runtime_s > 0;
    *state_result(state, item, (int)repetition) =
        (campaign_result){.is_measured = true, .window = window};
    return ok;
}

jc_status state_visit(void *context, const char *text, int line, jc_error *err) {
    campaign_state *state = context;
    char word[32];
    const char *at = text;
    size_t item = 0;
    ++state->header_lines;
    if (line == 1) {
        return strcmp(text, FIRST_LINE) == 0 ? JC_OK : report_malformed(text, line, err);
    }
    if (!next_word(&at, word, sizeof word)) {
        return report_malformed(text, line, err);
    }
    const char *rest = at + (*at == ' ');
    if (line == 2 && strcmp(word, "machine") == 0) {
        return strcmp(rest, state->machine) == 0
                   ? JC_OK
                   : report_other("machine, executor or meter", rest, state->machine, line, err);
    }
    if (line == 3 && strcmp(word, "plan") == 0) {
        return strcmp(rest, state->plan) == 0 ? JC_OK
                                              : report_other("plan", rest, state->plan, line, err);
    }
    bool ok = line > 3;
    if (ok && strcmp(word, "row") == 0) {
        ok = read_row(state, at);
        state->crashes_in_a_row = 0;
    } else if (ok && strcmp(word, "idle") == 0) {
        ok = next_number(&at, &state->idle_w);
    } else if (ok && strcmp(word, "lag") == 0) {
        ok = next_number(&at, &state->lag_s) && state->lag_s >= 0;
    } else if (ok && strcmp(word, "nolag") == 0) {
        ok = rest[0] != '\0';
        (void)snprintf(state->no_lag, sizeof state->no_lag, "%.*s", (int)sizeof state->no_lag - 1,
                       rest);
    } else if (ok && strcmp(word, "refused") == 0) {
        ok = next_index(&at, state->n_items, &item);
        state->items[item].is_refused = ok;
    } else if (ok && strcmp(word, "crashed") == 0) {
        ok = next_index(&at, state->n_items, &item);
        state->items[item].is_refused = ok;
        ++state->crashes_in_a_row;
    } else if (ok && strcmp(word, "failed") == 0) {
        ok = next_index(&at, state->n_items, &item);
        state->items[item].n_failures += ok;
    } else if (ok && strcmp(word, "chosen") == 0) {
        ok = next_index(&at, state->n_kernels, &item) && may_be_chosen(state, item);
        if (ok) {
            choose(state, item);
        }
    } else {
        ok = false;
    }
    return ok ? JC_OK : report_malformed(text, line, err);
}

// --- Writing it -----------------------------------------------------------------------------

jc_status state_begin_journal(campaign_state *state, journal *j, jc_error *err) {
    char text[600];
    // A journal that died within its header has the first lines of it already.
    jc_status status = state->header_lines > 0 ? JC_OK : journal_add(j, FIRST_LINE, err);
    if (status == JC_OK && state->header_lines < 2) {
        (void)snprintf(text, sizeof text, "machine %s", state->machine);
        status = journal_add(j, text, err);
    }
    if (status == JC_OK && state->header_lines < 3) {
        (void)snprintf(text, sizeof text, "plan %s", state->plan);
        status = journal_add(j, text, err);
    }
    return status;
}

static int add_numbers(char *text, size_t size, int at, double *const *numbers, int n) {
    char number[JC_NUMBER_TEXT_SIZE];
    for (int i = 0; i < n; ++i) {
        at += snprintf(text + at, size - (size_t)at, " %s",
                       isfinite(*numbers[i]) ? jc_format_double(*numbers[i], number) : "-");
    }
    return at;
}

jc_status state_add_result(campaign_state *state, journal *j, size_t item, int repetition,
                           const jc_window *window, jc_error *err) {
    jc_window copy = *window;
    double *const numbers[N_ROW_NUMBERS] = ROW_NUMBERS(&copy);
    double *const more[N_MORE_NUMBERS] = MORE_NUMBERS(&copy);
    char text[128 + JC_ALGORITHM_SIZE + (N_ROW_NUMBERS + N_MORE_NUMBERS) * JC_NUMBER_TEXT_SIZE];
    bool has_more = copy.measured.algorithm[0] != '\0';
    int n = snprintf(text, sizeof text, "row %zu %d", item, repetition);
    for (int i = 0; i < N_MORE_NUMBERS; ++i) {
        has_more = has_more || isfinite(*more[i]);
    }
    n = add_numbers(text, sizeof text, n, numbers, N_ROW_NUMBERS);
    if (has_more) {
        n = add_numbers(text, sizeof text, n, more, N_MORE_NUMBERS);
        (void)snprintf(text + n, sizeof text - (size_t)n, " %s", copy.measured.algorithm);
    }
    const jc_status status = journal_add(j, text, err);
    if (status == JC_OK) {
        *state_result(state, item, repetition) =
            (campaign_result){.is_measured = true, .window = copy};
        state->crashes_in_a_row = 0;
    }
    return status;
}

// One line, whatever is in it.
static jc_status add_words(journal *j, char *text, jc_error *err) {
    for (char *c = text; *c != '\0'; ++c) {
        if ((unsigned char)*c < 0x20) {
            *c = ' ';
        }
    }
    return journal_add(j, text, err);
}

static jc_status add_reason(journal *j, const char *word, size_t item, const char *why,
                            jc_error *err) {
    char text[JC_ERROR_MESSAGE_SIZE + 64];
    (void)snprintf(text, sizeof text, "%s %zu %s", word, item, why);
    return add_words(j, text, err);
}

jc_status state_add_refusal(campaign_state *state, journal *j, size_t item, const char *why,
                            jc_error *err) {
    const jc_status status = add_reason(j, "refused", item, why, err);
    state->items[item].is_refused = status == JC_OK;
    return status;
}

jc_status state_add_failure(campaign_state *state, journal *j, size_t item, const char *why,
                            jc_error *err) {
    const jc_status status = add_reason(j, "failed", item, why, err);
    state->items[item].is_tried = true;
    ++state->items[item].n_failures;
    return status;
}

void state_prepare_crash(journal *j, size_t item) {
    char text[64];
    (void)snprintf(text, sizeof text, "crashed %zu", item);
    journal_prepare(j, text);
}

jc_status state_add_choice(campaign_state *state, journal *j, size_t kernel, jc_error *err) {
    char text[64];
    if (!may_be_chosen(state, kernel)) {
        return jc_error_set(err, JC_EINVAL, NULL, 0, "kernel %zu is not to be chosen", kernel);
    }
    (void)snprintf(text, sizeof text, "chosen %zu", kernel);
    const jc_status status = journal_add(j, text, err);
    if (status == JC_OK) {
        choose(state, kernel);
    }
    return status;
}

jc_status state_add_idle(campaign_state *state, journal *j, double idle_w, jc_error *err) {
    char text[64];
    char number[JC_NUMBER_TEXT_SIZE];
    state->idle_w = idle_w;
    (void)snprintf(text, sizeof text, "idle %s", jc_format_double(idle_w, number));
    return journal_add(j, text, err);
}

jc_status state_add_lag(campaign_state *state, journal *j, double lag_s, jc_error *err) {
    char text[64];
    char number[JC_NUMBER_TEXT_SIZE];
    state->lag_s = lag_s;
    (void)snprintf(text, sizeof text, "lag %s", jc_format_double(lag_s, number));
    return journal_add(j, text, err);
}

jc_status state_add_no_lag(campaign_state *state, journal *j, const char *why, jc_error *err) {
    char text[sizeof state->no_lag + 8];
    (void)snprintf(state->no_lag, sizeof state->no_lag, "%s", why);
    (void)snprintf(text, sizeof text, "nolag %s", state->no_lag);
    return add_words(j, text, err);
}
