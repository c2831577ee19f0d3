// SPDX-License-Identifier: Apache-2.0
// The prediction of one architecture in words: what to know first, then the totals.
#include "prediction.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// Below this share of the MACs or of the time the answer rests mostly on what was not measured.
#define MOSTLY_INSIDE 0.5

// A text of the report's own storage.
static const char *format_text(prediction_report *r, const char *format, ...) JC_PRINTF(2, 3);

static const char *format_text(prediction_report *r, const char *format, ...) {
    char *text = r->texts[r->n_texts++];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, PREDICTION_TEXT_SIZE, format, args);
    va_end(args);
    return text;
}

typedef struct quantity_text {
    char text[REPORT_QUANTITY_SIZE];
} quantity_text;

static quantity_text quantity(double value, report_unit unit) {
    quantity_text q;
    (void)report_format_quantity(value, unit, q.text);
    return q;
}

// The same, filled up so that what follows stands in one column.
static quantity_text padded(double value, report_unit unit) {
    enum { WIDEST = 8 };
    quantity_text q = quantity(value, unit);
    for (size_t width = text_width(q.text); width < WIDEST; ++width) {
        strcat(q.text, " ");
    }
    return q;
}

static const char *profile_name(const jc_device *device) {
    return device->name[0] == '\0' ? "the profile" : device->name;
}

static bool is_mostly_outside(const jc_totals *t) {
    const double macs = t->macs_modelled + t->macs_extrapolated + t->macs_fallback;
    const double runtime = t->runtime_modelled + t->runtime_extrapolated + t->runtime_fallback;
    return t->macs_modelled < MOSTLY_INSIDE * macs || t->runtime_modelled < MOSTLY_INSIDE * runtime;
}

static const char *describe_coverage(const prediction_subject *subject, prediction_report *r) {
    const jc_totals *t = subject->totals;
    return format_text(r,
                       "%s of %s lies outside the rows of %s, so read the figures as rough: "
                       "of its MACs %s are modelled, %s extrapolated and %s a fallback; "
                       "of its time %s, %s and %s.",
                       t->macs_modelled >= MOSTLY_INSIDE ? "By time, most" : "Most",
                       jc_graph_name(subject->graph), profile_name(subject->device),
                       quantity(t->macs_modelled, REPORT_PERCENT).text,
                       quantity(t->macs_extrapolated, REPORT_PERCENT).text,
                       quantity(t->macs_fallback, REPORT_PERCENT).text,
                       quantity(t->runtime_modelled, REPORT_PERCENT).text,
                       quantity(t->runtime_extrapolated, REPORT_PERCENT).text,
                       quantity(t->runtime_fallback, REPORT_PERCENT).text);
}

static const char *describe_result(const prediction_subject *subject, prediction_report *r) {
    const jc_totals *t = subject->totals;
    const int64_t batch_size = jc_graph_batch_size(subject->graph);
    const char *machine = subject->device->machine[0] == '\0' ? profile_name(subject->device)
                                                              : subject->device->machine;
    char energy[64] = "an unknown energy (the profile has no meter)";
    if (isfinite(t->energy_j)) {
        (void)snprintf(energy, sizeof energy, "%s", quantity(t->energy_j, REPORT_JOULES).text);
    }
    return format_text(r, "%s takes %s and %s for a forward pass of %" PRId64 " sample%s on %s.",
                       jc_graph_name(subject->graph), quantity(t->runtime_s, REPORT_SECONDS).text,
                       energy, batch_size, batch_size == 1 ? "" : "s", machine);
}

static const char *describe_source(const prediction_subject *subject, prediction_report *r) {
    const char *source = prediction_energy_source(subject->device, subject->totals);
    if (source == NULL) {
        return "nowhere: the profile has no meter";
    }
    if (strcmp(source, "declared") == 0) {
        return "declared: a wattage the user gave, not measured";
    }
    if (strcmp(source, "analytic") == 0) {
        return "analytic: computed from published figures, not measured";
    }
    const char *meter = subject->device->meter;
    return strcmp(source, meter) == 0 ? format_text(r, "%s: rows measured with it", source)
                                      : format_text(r, "%s: rows measured with %s", source, meter);
}

static void add_fact(prediction_report *r, const char *label, const char *text) {
    size_t n = 0;
    while (r->facts[n].label != NULL) {
        ++n;
    }
    r->facts[n] = (report_fact){label, text};
}

// "1.23 J, 90 % between 1.10 J and 1.40 J"
static const char *describe_interval(prediction_report *r, const double value[3],
                                     report_unit unit) {
    if (!isfinite(value[1]) || !isfinite(value[2])) {
        return format_text(r, "%s", quantity(value[0], unit).text);
    }
    return format_text(r, "%s  (90 %%: %s to %s)", padded(value[0], unit).text,
                       quantity(value[1], unit).text, quantity(value[2], unit).text);
}

static void add_quantities(const prediction_subject *subject, prediction_report *r) {
    const jc_totals *t = subject->totals;
    const double runtime[3] = {t->runtime_s, t->runtime_low_s, t->runtime_high_s};
    const double energy[3] = {t->energy_j, t->energy_low_j, t->energy_high_j};
    add_fact(r, "runtime", describe_interval(r, runtime, REPORT_SECONDS));
    add_fact(r, "power", format_text(r, "%s", quantity(t->power_w, REPORT_WATTS).text));
    add_fact(r, "energy", describe_interval(r, energy, REPORT_JOULES));
    add_fact(r, "per sample",
             format_text(r, "%s", quantity(t->energy_per_sample_j, REPORT_JOULES).text));
    add_fact(r, "joules from", describe_source(subject, r));
    add_fact(r, "params", format_text(r, "%s", quantity((double)t->params, REPORT_COUNT).text));
    add_fact(r, "MACs",
             format_text(r, "%s  (1 MAC = 2 FLOP)", padded((double)t->macs, REPORT_COUNT).text));
    add_fact(r, "bytes",
             format_text(r, "%s of weights, %s of activations read and written",
                         quantity(t->weight_bytes, REPORT_BYTES).text,
                         quantity(t->activation_bytes, REPORT_BYTES).text));
}

static void add_coverage(const prediction_subject *subject, prediction_report *r) {
    const jc_totals *t = subject->totals;
    add_fact(r, "of the MACs",
             format_text(r, "%s modelled, %s extrapolated, %s fallback",
                         quantity(t->macs_modelled, REPORT_PERCENT).text,
                         quantity(t->macs_extrapolated, REPORT_PERCENT).text,
                         quantity(t->macs_fallback, REPORT_PERCENT).text));
    add_fact(r, "of the time",
             format_text(r, "%s modelled, %s extrapolated, %s fallback",
                         quantity(t->runtime_modelled, REPORT_PERCENT).text,
                         quantity(t->runtime_extrapolated, REPORT_PERCENT).text,
                         quantity(t->runtime_fallback, REPORT_PERCENT).text));
    add_fact(r, "layers",
             format_text(r, "%zu, of which %zu extrapolated and %zu without a model", t->layers,
                         t->layers_extrapolated, t->layers_unmodelled));
}

static void add_conditions(const prediction_subject *subject, prediction_report *r) {
    const jc_device *device = subject->device;
    add_fact(r, "device", device->machine[0] == '\0' ? "unknown" : device->machine);
    add_fact(r, "software", device->executor[0] == '\0' ? "unknown" : device->executor);
    add_fact(r, "profile", profile_name(device));
    add_fact(r, "run",
             format_text(r, "batch size %" PRId64 ", %s", jc_graph_batch_size(subject->graph),
                         jc_precision_name(jc_graph_precision(subject->graph))));
}

void prediction_describe(const prediction_subject *subject, prediction_report *report) {
    size_t n = 0;
    if (is_mostly_outside(subject->totals)) {
        report->notes[n++] = describe_coverage(subject, report);
    }
    report->notes[n++] = describe_result(subject, report);
    report->document.notes = report->notes;
    add_quantities(subject, report);
    add_coverage(subject, report);
    add_conditions(subject, report);
    report->document.facts = report->facts;
}
