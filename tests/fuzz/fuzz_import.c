// SPDX-License-Identifier: Apache-2.0
// Any bytes as a mapping and, after a line "%%%", as the CSV file of each of its sections: rows
// come out that a dataset may hold, or a reason why not.
#include "fuzz.h"

#include "common/import/rows.h"

#include <math.h>
#include <string.h>

static void check_failure(jc_status status, const jc_error *err) {
    FUZZ_REQUIRE(status == JC_OK || (err->status == status && err->message[0] != '\0'));
}

static void check_measured(const jc_measurement *measured) {
    for (int c = 0; c < N_MEASURED_COLUMNS; ++c) {
        FUZZ_REQUIRE(measured_is_text(c) || measured_check(c, measured_get(measured, c)) == NULL);
    }
    FUZZ_REQUIRE(strlen(measured->meter) < sizeof measured->meter);
}

static void check_row(const mapping_file *file, const row_result *result) {
    if (result->rule >= 0) {
        FUZZ_REQUIRE(result->rule <= (int)file->n_rules);
        return;
    }
    if (file->is_network) {
        FUZZ_REQUIRE(result->network.batch_size > 0 && result->network.architecture[0] != '\0');
        check_measured(&result->network.measured);
        return;
    }
    jc_kernel again = result->row.kernel;
    FUZZ_REQUIRE(jc_kernel_complete(&again, NULL) == JC_OK);
    FUZZ_REQUIRE(jc_kernel_equal(&again, &result->row.kernel));
    check_measured(&result->row.measured);
}

static void convert(const mapping *m, const mapping_file *file, jc_csv *csv, jc_arena *arena) {
    static jc_import_rule rules[MAPPING_MAX_RULES + 1];
    row_source source;
    jc_error err = {.status = JC_OK};
    jc_status status = rows_bind(m, file, csv, arena, &source, &err);
    bool more = status == JC_OK;
    while (more) {
        row_result result;
        status = jc_csv_next(csv, &more, &err);
        if (status == JC_OK && more) {
            status = rows_convert(&source, rules, &result);
        }
        if (status == JC_OK && more) {
            check_row(file, &result);
        }
        more = more && status == JC_OK;
    }
    check_failure(status, &err);
}

static void import_text(const mapping *m, const char *text, size_t size, jc_arena *arena) {
    for (size_t f = 0; f < m->n_files; ++f) {
        FILE *file = tmpfile();
        FUZZ_REQUIRE(file != NULL);
        FUZZ_REQUIRE(fwrite(text, 1, size, file) == size);
        rewind(file);
        jc_csv *csv = NULL;
        jc_error err = {.status = JC_OK};
        const jc_status status =
            jc_csv_open_stream(file, m->files[f].name, m->files[f].separator, &csv, &err);
        check_failure(status, &err);
        if (status == JC_OK) {
            convert(m, &m->files[f], csv, arena);
            jc_csv_close(csv);
        }
    }
}

static size_t find_split(const char *text, size_t size) {
    static const char mark[] = "\n%%%\n";
    size_t at = 0;
    while (at + sizeof mark - 1 <= size && memcmp(text + at, mark, sizeof mark - 1) != 0) {
        ++at;
    }
    return at + sizeof mark - 1 <= size ? at : size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    const size_t split = find_split(text, size);
    const size_t rows = split + 5 < size ? split + 5 : size;
    jc_arena arena = {0};
    jc_yaml *root = NULL;
    mapping m;
    jc_error err = {.status = JC_OK};
    jc_status status = jc_yaml_parse(text, split, "mapping", &arena, &root, &err);
    if (status == JC_OK) {
        status = mapping_compile(root, "mapping", &arena, &m, &err);
    }
    check_failure(status, &err);
    if (status == JC_OK) {
        import_text(&m, text + rows, size - rows, &arena);
    }
    jc_arena_clear(&arena);
    return 0;
}
