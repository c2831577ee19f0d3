// SPDX-License-Identifier: Apache-2.0
// What was measured as a dataset.
#include "dataset.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void describe_protocol(const jc_campaign_options *o, jc_device *device) {
    const jc_plan *plan = o->plan;
    (void)snprintf(device->protocol, sizeof device->protocol,
                   "warm-up; windows of %g s or %d meter steps, until the mean is known to %g %%; "
                   "%d repetitions in random order; %s weights; windows with more than %g %% of "
                   "other load measured again",
                   plan->window_s, plan->meter_steps, 100 * plan->rel_error, plan->repetitions,
                   jc_weight_state_name(plan->weights), 100 * o->max_load);
}

// The last part of the path, however many slashes follow it.
static void name_by_folder(const char *folder, jc_device *device) {
    size_t end = strlen(folder);
    while (end > 0 && folder[end - 1] == '/') {
        --end;
    }
    size_t begin = end;
    while (begin > 0 && folder[begin - 1] != '/') {
        --begin;
    }
    (void)snprintf(device->name, sizeof device->name, "%.*s", (int)(end - begin), folder + begin);
}

void dataset_describe(const jc_campaign_options *o, jc_device *out_device) {
    jc_device device = {.meter_step_s = (double)NAN};
    jc_executor_info executor = {.threads = 0};
    jc_meter_info meter = {.step_s = (double)NAN};
    o->executor->describe(o->executor_handle, &executor);
    o->meter->describe(o->meter_handle, &meter);
    jc_device_describe(&device);
    if (executor.machine[0] != '\0') { // a GPU, before what it stands in
        char host[sizeof device.machine];
        (void)snprintf(host, sizeof host, "%s", device.machine);
        (void)snprintf(device.machine, sizeof device.machine, "%.60s, in %.60s", executor.machine,
                       host);
    }
    if (o->executor->is_gpu) {
        (void)snprintf(device.clocks, sizeof device.clocks, "%s", meter.clocks);
        (void)snprintf(device.governor, sizeof device.governor, "%s", meter.limits);
        (void)snprintf(device.memory, sizeof device.memory, "%s", meter.memory);
    }
    name_by_folder(o->folder, &device);
    char threads[24] = "";
    if (executor.threads > 0) {
        (void)snprintf(threads, sizeof threads, ", %d threads", executor.threads);
    }
    (void)snprintf(device.executor, sizeof device.executor, "%.28s%s%.18s%.15s", executor.software,
                   executor.implementation[0] == '\0' ? "" : ", ", executor.implementation,
                   threads);
    (void)snprintf(device.meter, sizeof device.meter, "%s", o->meter->source);
    device.meter_step_s = meter.step_s;
    device.fuses = executor.fuses;
    describe_protocol(o, &device);
    (void)snprintf(device.source, sizeof device.source, "measured by joulecast measure");
    *out_device = device;
}

static jc_status write_result(jc_dataset_writer *writer, const jc_campaign_options *o,
                              const campaign_item *item, const jc_measurement *measured,
                              jc_error *err) {
    if (item->kernel != NULL) {
        const jc_row row = {.kernel = *item->kernel, .measured = *measured};
        return jc_dataset_write_row(writer, &row, err);
    }
    jc_network_row row = {.batch_size = item->network->batch_size,
                          .precision = item->network->precision,
                          .measured = *measured};
    (void)o;
    (void)snprintf(row.architecture, sizeof row.architecture, "%s", item->network->name);
    return jc_dataset_write_network(writer, &row, err);
}

static jc_status write_all(jc_dataset_writer *writer, const jc_campaign_options *o,
                           const campaign_state *state, jc_error *err) {
    jc_status status = JC_OK;
    for (size_t i = 0; status == JC_OK && i < state->n_items; ++i) {
        for (int r = 0; status == JC_OK && r < state->repetitions; ++r) {
            const campaign_result *result = state_result(state, i, r);
            if (state_is_good(state, result)) {
                jc_measurement measured = result->window.measured;
                measured.repetition = r + 1;
                (void)snprintf(measured.meter, sizeof measured.meter, "%s",
                               isnan(measured.energy_j) ? "none" : o->meter->source);
                status = write_result(writer, o, &state->items[i], &measured, err);
            }
        }
    }
    return status;
}

jc_status dataset_write(const jc_campaign_options *o, const campaign_state *state,
                        const jc_device *device, jc_error *err) {
    size_t n = 0;
    for (size_t i = 0; i < state->n_items * (size_t)state->repetitions; ++i) {
        n += state_is_good(state, &state->results[i]);
    }
    if (n == 0) {
        return JC_OK;
    }
    jc_dataset_writer *writer = NULL;
    jc_status status = jc_dataset_writer_open(o->folder, &writer, err);
    if (status != JC_OK) {
        return status;
    }
    status = jc_dataset_write_device(writer, device, err);
    if (status == JC_OK) {
        status = write_all(writer, o, state, err);
    }
    if (status != JC_OK) {
        jc_dataset_writer_abandon(writer);
        return status;
    }
    return jc_dataset_writer_close(writer, err);
}

jc_status dataset_check_folder(const char *folder, const char *path, jc_error *err) {
    DIR *entries = opendir(folder);
    if (entries == NULL || access(path, F_OK) == 0) {
        if (entries != NULL) {
            (void)closedir(entries);
        }
        return JC_OK; // what else is wrong with the folder is found when it is written to
    }
    jc_status status = JC_OK;
    for (const struct dirent *e = readdir(entries); status == JC_OK && e != NULL;
         e = readdir(entries)) {
        const size_t n = strlen(e->d_name);
        if (n > 4 && strcmp(e->d_name + n - 4, ".csv") == 0) {
            status = jc_error_set(err, JC_EFORMAT, folder, 0,
                                  "has %.80s but no " JC_JOURNAL_NAME
                                  ": its rows would be lost; take another folder",
                                  e->d_name);
        }
    }
    (void)closedir(entries);
    return status;
}
