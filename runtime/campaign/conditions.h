// SPDX-License-Identifier: Apache-2.0
/** @file What a machine was like while it was measured: read and recorded, never changed. */
#ifndef JC_CAMPAIGN_CONDITIONS_H
#define JC_CAMPAIGN_CONDITIONS_H

#include <joulecast/status.h>

#include <stddef.h>

/** The machine at a moment. NaN = it does not tell. */
typedef struct conditions {
    double clock_hz;      ///< of a core, just now
    double temperature_c; ///< of the hottest sensor
    double stolen_s;      ///< processor time that a hypervisor gave to others, since the start
    double total_s;       ///< processor time, since the start
} conditions;

conditions conditions_now(void);

/** Share of the processor time between two moments that a hypervisor gave to others; NaN. */
double conditions_steal(const conditions *begin, const conditions *end);

/**
 * Describe a campaign's conditions in words: "cores 1 of 0-1; 2.25 GHz to 2.45 GHz; 41 °C to 63 °C;
 * 0.3 % of the processor time stolen". What the machine does not tell is left out.
 */
void conditions_describe(const conditions *begin, const conditions *end, char *text, size_t size);

/** Append a part to such a text, with a semicolon before it where it is not the first. */
void conditions_add(char *text, size_t size, const char *format, ...) JC_PRINTF(3, 4);

#endif
