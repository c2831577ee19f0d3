// SPDX-License-Identifier: Apache-2.0
// CSV out: a field is quoted only where a reader would otherwise take it for something else.
#include "common/csv/csv.h"

#include <csv.h>
#include <string.h>

void jc_csv_write_field(FILE *file, const char *text) {
    const size_t length = strlen(text);
    const bool has_edge_space =
        length > 0 && (strchr(" \t", text[0]) != NULL || strchr(" \t", text[length - 1]) != NULL);
    if (has_edge_space || strpbrk(text, ",\"\r\n") != NULL) {
        (void)csv_fwrite(file, text, length); // a failure shows in ferror
    } else {
        (void)fwrite(text, 1, length, file);
    }
}
