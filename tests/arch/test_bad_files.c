// SPDX-License-Identifier: Apache-2.0
// Architectures that must be refused. Each file in tests/fixtures/arch says in its second line
// (`# expect: …`) what the formatted error must contain, from the line number on where it is known.
#include <joulecast/graph.h>

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

static const char fixture_folder[] = JC_TEST_SOURCE_ROOT "/tests/fixtures/arch";

static bool is_fixture(const char *file) {
    const char *dot = strrchr(file, '.');
    return strncmp(file, "bad-", 4) == 0 && dot != NULL && strcmp(dot, ".yaml") == 0;
}

// The text after `# expect: ` in the second line.
static void read_expectation(const char *path, char *buffer, int size) {
    static const char prefix[] = "# expect: ";
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s", path);
    for (int line = 0; line < 2; ++line) {
        cr_assert_not_null(fgets(buffer, size, file), "%s", path);
    }
    (void)fclose(file);
    cr_assert_eq(strncmp(buffer, prefix, sizeof prefix - 1), 0, "%s has no `# expect:`", path);
    memmove(buffer, buffer + sizeof prefix - 1, strlen(buffer) - sizeof prefix + 2);
    buffer[strcspn(buffer, "\n")] = '\0';
    cr_assert_gt(strlen(buffer), 10, "%s", path);
}

static void expect_refused(const char *path) {
    char expected[512];
    read_expectation(path, expected, sizeof expected);
    jc_graph *graph = NULL;
    jc_error err = {0};
    const jc_status status = jc_graph_load(path, NULL, &graph, &err);
    char text[JC_ERROR_FILE_SIZE + JC_ERROR_MESSAGE_SIZE];
    cr_expect(status == JC_EPARSE || status == JC_ESHAPE, "%s: %s", path, jc_status_name(status));
    cr_expect_eq(err.status, status, "%s", path);
    cr_expect_null(graph, "%s", path);
    cr_expect_not_null(strstr(jc_error_format(&err, text, sizeof text), expected),
                       "\nexpected %s\ngot      %s", expected, text);
}

// The time limit is part of what is tested: some files ask for 10^9 layers and more.
Test(bad_files, each_is_refused_with_the_message_it_expects, .timeout = 60) {
    DIR *folder = opendir(fixture_folder);
    cr_assert_not_null(folder);
    int n_files = 0;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (is_fixture(entry->d_name)) {
            char path[1024];
            (void)snprintf(path, sizeof path, "%s/%s", fixture_folder, entry->d_name);
            expect_refused(path);
            ++n_files;
        }
    }
    (void)closedir(folder);
    cr_expect_gt(n_files, 100);
}

static void expect_text_refused(const char *text, size_t length, const char *expected) {
    jc_graph *graph = NULL;
    jc_error err = {0};
    cr_expect_eq(jc_graph_parse(text, length, "text.yaml", NULL, &graph, &err), JC_EPARSE);
    cr_expect_null(graph);
    cr_expect_not_null(strstr(err.message, expected), "%s", err.message);
}

// What no file with a comment in its second line can be.
Test(bad_files, nothing_and_bytes_are_refused) {
    expect_text_refused("", 0, "an architecture must be a mapping");
    expect_text_refused("\n\n", 2, "an architecture must be a mapping");
    expect_text_refused("\0\0\0\0", 4, "not valid YAML");
    expect_text_refused("\xff\xfe\x00\x00", 4, "not valid YAML");
    expect_text_refused("\x89PNG\r\n\x1a\n", 8, "not valid YAML");
    expect_text_refused("x", 1, "an architecture must be a mapping");
    expect_text_refused("{", 1, "not valid YAML");
}

// Every beginning of a good file: most are bad, none may do anything but say so.
Test(bad_files, a_file_cut_short_anywhere_is_read_or_refused) {
    static const char path[] = JC_TEST_SOURCE_ROOT "/architectures/mobilenet_v2.yaml";
    static char text[16384];
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    const size_t length = fread(text, 1, sizeof text, file);
    (void)fclose(file);
    cr_assert_lt(length, sizeof text);
    for (size_t n = 0; n < length; ++n) {
        jc_graph *graph = NULL;
        jc_error err = {0};
        const jc_status status = jc_graph_parse(text, n, "cut.yaml", NULL, &graph, &err);
        if (status == JC_OK) {
            jc_graph_free(graph);
        } else {
            cr_assert_null(graph);
            cr_assert(status == JC_EPARSE || status == JC_ESHAPE, "%zu bytes: %s", n, err.message);
            cr_assert_neq(err.message[0], '\0');
        }
    }
}

Test(bad_files, a_folder_and_a_missing_file_are_refused) {
    jc_graph *graph = NULL;
    jc_error err = {0};
    cr_expect_eq(jc_graph_load("/nowhere/net.yaml", NULL, &graph, &err), JC_ENOENT);
    cr_expect_neq(jc_graph_load(fixture_folder, NULL, &graph, &err), JC_OK);
    cr_expect_null(graph);
}
