// SPDX-License-Identifier: Apache-2.0
// Printing a table of records, as every command that lists something does.
#include "command.h"

#include "output.h"

#include <sys/ioctl.h>
#include <unistd.h>

enum { DEFAULT_WIDTH = 80, LEAST_WIDTH = 60 };

size_t cli_width(void) {
    struct winsize size = {0};
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 ||
        size.ws_col == 0) {
        return DEFAULT_WIDTH;
    }
    return size.ws_col < LEAST_WIDTH ? LEAST_WIDTH : size.ws_col;
}

// Notes and table as one document, in a format for people.
static void print_document(text_buffer *text, const report_format *format,
                           const report_layout *layout, const char *const *notes,
                           const report_plot *plot, const report_table *table) {
    static const report_fact no_facts[] = {{NULL, NULL}};
    const report_document document = {
        .title = layout->title, .notes = notes, .facts = no_facts, .layers = *table, .plot = plot};
    format->begin(text, layout, &document);
    format->document(text, layout, &document, true);
    format->end(text, layout);
}

cli_exit cli_print_table(const cli_options *options, const char *title, const report_table *table) {
    return cli_print_notes(options, title, NULL, NULL, table);
}

cli_exit cli_print_notes(const cli_options *options, const char *title, const char *const *notes,
                         const report_plot *plot, const report_table *table) {
    jc_error err = {0};
    output out;
    if (output_open(options->output, &out, &err) != JC_OK) {
        return cli_report_error(&err);
    }
    const report_layout layout = {.title = title, .width = cli_width()};
    text_buffer text = {0};
    if (notes != NULL && options->format->is_for_people) {
        print_document(&text, options->format, &layout, notes, plot, table);
    } else {
        options->format->table(&text, &layout, table);
    }
    jc_status status = JC_OK;
    if (text.failed) {
        status = jc_error_set(&err, JC_ENOMEM, NULL, 0, "out of memory");
    } else {
        (void)output_write(&out, text.data, text.length); // a failure is reported by the close
    }
    jc_error close_err = {0};
    const jc_status close_status = output_close(&out, status == JC_OK, &close_err);
    text_clear(&text);
    if (status != JC_OK) {
        return cli_report_error(&err);
    }
    return close_status == JC_OK ? CLI_OK : cli_report_error(&close_err);
}
