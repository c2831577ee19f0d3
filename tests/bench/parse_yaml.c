// SPDX-License-Identifier: Apache-2.0
// Yardstick of scripts/bench: reads files and parses them with libyaml, event by event, and no
// more. It stands for the least that any reader of these files costs.
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

// Number of events, or -1 where the file cannot be read or parsed.
static long parse_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return -1;
    }
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        (void)fclose(file);
        return -1;
    }
    yaml_parser_set_input_file(&parser, file);
    long n = 0;
    int more = 1;
    while (more) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            n = -1;
            break;
        }
        more = event.type != YAML_STREAM_END_EVENT;
        ++n;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    (void)fclose(file);
    return n;
}

int main(int argc, char **argv) {
    long total = 0;
    for (int i = 1; i < argc; ++i) {
        const long n = parse_file(argv[i]);
        if (n < 0) {
            (void)fprintf(stderr, "%s: cannot be parsed\n", argv[i]);
            return 1;
        }
        total += n;
    }
    (void)printf("%ld events\n", total);
    return 0;
}
