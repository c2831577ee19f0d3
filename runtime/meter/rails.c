// SPDX-License-Identifier: Apache-2.0
// Rails: power read from files.
#include "rails.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

jc_status rail_open(int root_fd, power_rail *rail, jc_error *err) {
    rail->current_fd = -1;
    jc_status status = root_open(root_fd, rail->path, &rail->fd, err);
    if (status == JC_OK && rail->current_path[0] != '\0') {
        status = root_open(root_fd, rail->current_path, &rail->current_fd, err);
        if (status != JC_OK) {
            (void)close(rail->fd); // read only: nothing can be lost
        }
    }
    return status;
}

void rail_close(const power_rail *rail) {
    (void)close(rail->fd); // read only: nothing can be lost
    if (rail->current_fd >= 0) {
        (void)close(rail->current_fd);
    }
}

jc_status rail_read(const power_rail *rail, double *out_w, jc_error *err) {
    int64_t power = 0;
    int64_t current = 1;
    jc_status status = root_reread_integer(rail->fd, rail->path, &power, err);
    if (status == JC_OK && rail->current_fd >= 0) {
        status = root_reread_integer(rail->current_fd, rail->current_path, &current, err);
    }
    if (status == JC_OK) {
        *out_w = (double)power * (double)current / rail->per_watt;
    }
    return status;
}

static void free_rails(void *source) {
    power_rails *rails = source;
    for (size_t i = 0; i < rails->n; ++i) {
        rail_close(&rails->rails[i]);
    }
    free(rails);
}

power_rails *rails_create(jc_meter_handle *handle) {
    power_rails *rails = calloc(1, sizeof *rails);
    if (rails != NULL) {
        handle_own(handle, rails, free_rails);
    }
    return rails;
}

jc_status rails_add(power_rails *rails, int root_fd, const power_rail *rail, const char *name,
                    jc_error *err) {
    if (rails->n == MOST_RAILS) {
        return jc_error_set(err, JC_EUNSUPPORTED, NULL, 0,
                            "more than %d rails: such a machine is not known", MOST_RAILS);
    }
    power_rail *added = &rails->rails[rails->n];
    *added = *rail;
    const jc_status status = rail_open(root_fd, added, err);
    if (status != JC_OK) {
        return status;
    }
    rails->n++;
    const size_t used = strlen(rails->name);
    (void)snprintf(rails->name + used, sizeof rails->name - used, "%s%s", used == 0 ? "" : " + ",
                   name);
    return JC_OK;
}

jc_status rails_read(void *source, double *out_w, jc_error *err) {
    const power_rails *rails = source;
    double sum_w = 0;
    for (size_t i = 0; i < rails->n; ++i) {
        double power_w = 0;
        const jc_status status = rail_read(&rails->rails[i], &power_w, err);
        if (status != JC_OK) {
            return status;
        }
        sum_w += power_w;
    }
    *out_w = sum_w;
    return JC_OK;
}
