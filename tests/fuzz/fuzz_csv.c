// SPDX-License-Identifier: Apache-2.0
// Any bytes as a CSV file: read to the end, or refused with a reason.
#include "fuzz.h"

#include "common/csv/csv.h"

#include <string.h>

// Every field can be read, and is within its limit.
static void check_record(const jc_csv *csv) {
    size_t bytes = 0;
    for (size_t c = 0; c < jc_csv_n_columns(csv); ++c) {
        const size_t length = strlen(jc_csv_field(csv, c));
        FUZZ_REQUIRE(length <= JC_CSV_MAX_FIELD_BYTES);
        bytes += length + 1;
    }
    FUZZ_REQUIRE(bytes <= JC_CSV_MAX_RECORD_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    FILE *file = tmpfile();
    FUZZ_REQUIRE(file != NULL);
    FUZZ_REQUIRE(fwrite(data, 1, size, file) == size);
    rewind(file);
    jc_csv *csv = NULL;
    jc_error err = {.status = JC_OK};
    jc_status status = jc_csv_open_stream(file, "input", ',', &csv, &err);
    bool more = true;
    int line = 0;
    while (status == JC_OK && more) {
        status = jc_csv_next(csv, &more, &err);
        if (status == JC_OK && more) {
            check_record(csv);
            FUZZ_REQUIRE(jc_csv_line(csv) > line);
            line = jc_csv_line(csv);
        }
    }
    FUZZ_REQUIRE(status == JC_OK || (err.status == status && err.message[0] != '\0'));
    FUZZ_REQUIRE(status != JC_OK || jc_csv_position_bytes(csv) == (int64_t)size);
    jc_csv_close(csv);
    return 0;
}
