// SPDX-License-Identifier: Apache-2.0
// A program of another project: ranks architectures through the installed library.
#include <joulecast/analyze.h>

#include <stdio.h>

static jc_status print_energy(const char *name, jc_memo *memo, jc_error *err) {
    char path[4096];
    jc_graph *graph = NULL;
    jc_status status = jc_zoo_find(name, path, sizeof path, err);
    if (status == JC_OK) {
        status = jc_graph_load(path, NULL, &graph, err);
    }
    if (status == JC_OK) {
        jc_totals totals;
        jc_analyze(memo, graph, &totals, NULL);
        (void)printf("%s: %g s, %g J\n", name, totals.runtime_s, totals.energy_j);
    }
    jc_graph_free(graph);
    return status;
}

int main(int argc, char **argv) {
    char path[4096];
    jc_error err = {JC_OK, 0, "", ""};
    jc_profile *profile = NULL;
    jc_memo *memo = NULL;
    jc_status status = jc_profile_find(NULL, path, sizeof path, &err);
    if (status == JC_OK) {
        status = jc_profile_load(path, &profile, &err);
    }
    if (status == JC_OK) {
        status = jc_memo_create(profile, &memo);
    }
    for (int i = 1; status == JC_OK && i < argc; ++i) {
        status = print_energy(argv[i], memo, &err);
    }
    jc_memo_free(memo);
    jc_profile_free(profile);
    if (status != JC_OK) {
        char text[1100];
        (void)fprintf(stderr, "%s\n", jc_error_format(&err, text, sizeof text));
        return 1;
    }
    return 0;
}
