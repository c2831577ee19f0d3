// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The prediction of one architecture as a report: DESIGN's names for machines, words for people.
 *
 * Everything that goes in is borrowed and must outlive the report.
 */
#ifndef JC_CLI_PREDICTION_H
#define JC_CLI_PREDICTION_H

#include "report/report.h"

#include "common/arena.h"

#include <joulecast/analyze.h>

enum {
    PREDICTION_HEAD_COLUMNS = 4,
    PREDICTION_TOTALS_COLUMNS = 14,
    PREDICTION_MAX_NOTES = 4,
    PREDICTION_MAX_FACTS = 16,
    PREDICTION_TEXT_SIZE = 512,
};

/** What is predicted, and by what. */
typedef struct prediction_subject {
    const jc_graph *graph;
    const jc_device *device; ///< the profile's
    const jc_totals *totals;
    const jc_layer_cost *costs; ///< [n_costs], or NULL: without layers
    size_t n_costs;
} prediction_subject;

/** Storage of a report on one architecture. */
typedef struct prediction_report {
    report_document document;
    report_value head[PREDICTION_HEAD_COLUMNS];
    report_value totals[PREDICTION_TOTALS_COLUMNS];
    report_value *layers; ///< NULL without layers
    jc_arena arena;       ///< of prediction_report_kernels
    char (*names)[JC_LAYER_NAME_SIZE];
    char (*places)[JC_LAYER_NAME_SIZE]; ///< names as the table shows them
    const char *notes[PREDICTION_MAX_NOTES + 1];
    report_fact facts[PREDICTION_MAX_FACTS + 1];
    char texts[PREDICTION_MAX_NOTES + PREDICTION_MAX_FACTS][PREDICTION_TEXT_SIZE];
    size_t n_texts;
} prediction_report;

/** A document with the columns but without values, for the header of a format. */
report_document prediction_prototype(bool with_layers);

/** Fill in `head` and `totals` and point the document at them; no words for people. */
void prediction_report_totals(const prediction_subject *subject, prediction_report *out_report);

/**
 * Fill in everything.
 *
 * @retval JC_ENOMEM
 */
JC_MUST_USE jc_status prediction_report_init(const prediction_subject *subject,
                                             prediction_report *out_report);

/**
 * Show kernels instead of layers: each with the layers whose work it does, and at the end those
 * that have none to do.
 *
 * @retval JC_ENOMEM
 */
JC_MUST_USE jc_status prediction_report_kernels(const prediction_subject *subject,
                                                prediction_report *report);

void prediction_report_clear(prediction_report *report);

/** Add the notes and facts for people. */
void prediction_describe(const prediction_subject *subject, prediction_report *report);

/** A status short enough for a column of the table. */
const char *prediction_status_word(jc_confidence confidence);

/** Where joules come from: a meter's name, "declared", "analytic", or NULL where there are none. */
const char *prediction_energy_source(const jc_device *device, const jc_totals *totals);

#endif
