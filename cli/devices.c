// SPDX-License-Identifier: Apache-2.0
// Devices of a comparison: their options, loading them, and a sentence on each.
#include "devices.h"

#include "locate.h"
#include "prediction.h"

#include <stdio.h>

#define DEFAULT_ACCELERATOR "eyeriss"

static const char *parse_profile(cli_options *options, const char *text) {
    device_names *own = options->extra;
    if (text[0] == '\0') {
        return "a profile's file or name";
    }
    if (own->n_profiles == MAX_DEVICES) {
        return "one of at most 32 profiles";
    }
    own->profiles[own->n_profiles++] = text;
    return NULL;
}

static const char *parse_accelerator(cli_options *options, const char *text) {
    device_names *own = options->extra;
    if (text[0] == '\0') {
        return "an accelerator's file or name";
    }
    if (own->n_accelerators == MAX_DEVICES) {
        return "one of at most 32 accelerators";
    }
    own->accelerators[own->n_accelerators++] = text;
    return NULL;
}

static const char *parse_analytic(cli_options *options, const char *text) {
    (void)text;
    return parse_accelerator(options, DEFAULT_ACCELERATOR);
}

const cli_option cli_option_profiles = {
    'p', "profile", "PROFILE", "a device's profile, as for predict; again for more devices",
    parse_profile};

const cli_option cli_option_accelerators = {
    'a', "accelerator", "ACCELERATOR", "an accelerator's description: a file or a name; analytic",
    parse_accelerator};

const cli_option cli_option_analytic = {0, "analytic", NULL, "short for -a " DEFAULT_ACCELERATOR,
                                        parse_analytic};

static jc_status add_profile(device_list *list, const char *name, jc_error *err) {
    device *d = &list->items[list->n++];
    const jc_status status = locate_profile(name, NULL, &d->profile, err);
    if (status != JC_OK) {
        return status;
    }
    const jc_device *described = jc_profile_device(d->profile);
    d->name = described->name[0] == '\0' ? "the profile" : described->name;
    d->machine = described->machine;
    return jc_memo_create(d->profile, &d->source.memo) == JC_OK
               ? JC_OK
               : jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
}

static jc_status add_accelerator(device_list *list, const char *name, jc_error *err) {
    device *d = &list->items[list->n++];
    const jc_status status = locate_accelerator(name, &d->accelerator, err);
    if (status == JC_OK) {
        d->name = d->accelerator->name;
        d->machine = d->accelerator->machine == NULL ? "" : d->accelerator->machine;
        d->source.accelerator = d->accelerator;
    }
    return status;
}

// Of several profiles, those that were metered keep what was measured.
static jc_status declare_power(const cli_power *power, device_list *list, jc_error *err) {
    jc_status status = JC_OK;
    size_t n_declared = 0;
    for (size_t i = 0; i < list->n; ++i) {
        jc_profile *profile = list->items[i].profile;
        if (!jc_profile_has_power(profile)) {
            status = jc_profile_declare_power(profile, power->full_w, err);
            ++n_declared;
        }
    }
    return n_declared > 0 ? status
                          : jc_profile_declare_power(list->items[0].profile, power->full_w, err);
}

jc_status devices_load(const device_names *names, const cli_power *power, device_list *list,
                       jc_error *err) {
    jc_status status = JC_OK;
    if (names->n_profiles == 0 && names->n_accelerators == 0) {
        status = add_profile(list, NULL, err);
    }
    for (size_t i = 0; status == JC_OK && i < names->n_profiles; ++i) {
        status = add_profile(list, names->profiles[i], err);
    }
    if (status == JC_OK && power->is_declared && list->n > 0) {
        status = declare_power(power, list, err);
    }
    for (size_t i = 0; status == JC_OK && i < names->n_accelerators; ++i) {
        status = add_accelerator(list, names->accelerators[i], err);
    }
    return status;
}

void devices_clear(device_list *list) {
    for (size_t i = 0; i < list->n; ++i) {
        jc_memo_free(list->items[i].source.memo);
        jc_profile_free(list->items[i].profile);
        jc_accelerator_free(list->items[i].accelerator);
    }
    list->n = 0;
}

const char *device_energy_source(const device *d, const jc_totals *totals) {
    return d->accelerator != NULL ? "analytic"
                                  : prediction_energy_source(jc_profile_device(d->profile), totals);
}

void device_describe(const device *d, const jc_totals *baseline, char *buffer, size_t size) {
    char modelled[REPORT_QUANTITY_SIZE];
    const char *machine = d->machine[0] == '\0' ? "machine unknown" : d->machine;
    if (d->accelerator != NULL) {
        (void)snprintf(buffer, size,
                       "On %s (%.300s) all is analytic: counts of operations and accesses times "
                       "their energies, %d-bit words at most, without idle power.",
                       d->name, machine, d->accelerator->word_bits);
        return;
    }
    const char *source = device_energy_source(d, baseline);
    (void)report_format_quantity(baseline->runtime_modelled, REPORT_PERCENT, modelled);
    (void)snprintf(buffer, size,
                   "On %s (%.160s) %s of the baseline's time is modelled from rows like it; joules "
                   "from: %s.",
                   d->name, machine, modelled, source == NULL ? "nowhere" : source);
}
