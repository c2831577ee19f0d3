// SPDX-License-Identifier: Apache-2.0
// Shipped files by name: order of the folders, both layouts, close names.
#include "common/search_path.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];

static const char *const suffixes[] = {".yaml", "/profile.yaml", NULL};
static const jc_search_path place = {
    .noun = "profile",
    .environment = "JOULECAST_TEST_PATH",
    .source_folder = "tests/no-such-folder",
    .installed_folder = "no-such-folder",
    .suffixes = suffixes,
};

static void make_file(const char *name) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *slash = strchr(path + strlen(root) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    cr_assert_eq(fclose(file), 0);
}

static void set_up(void) {
    (void)strcpy(root, "/tmp/jc_search_XXXXXX");
    cr_assert_not_null(mkdtemp(root));
    make_file("first/both.yaml");
    make_file("first/alpha/profile.yaml");
    make_file("first/.hidden.yaml");
    make_file("first/beta/other.yaml");
    make_file("second/both.yaml");
    make_file("second/gamma.yaml");
    char path[256];
    (void)snprintf(path, sizeof path, "%s/missing::%s/first:%s/second", root, root, root);
    cr_assert_eq(setenv("JOULECAST_TEST_PATH", path, 1), 0);
}

static void tear_down(void) {
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", root);
    cr_assert_eq(system(command), 0);
}

TestSuite(search_path, .init = set_up, .fini = tear_down);

static void assert_found(const char *name, const char *expected) {
    char found[512];
    char path[512];
    jc_error err = {0};
    cr_assert_eq(jc_search_find(&place, name, found, sizeof found, &err), JC_OK, "%s", err.message);
    (void)snprintf(path, sizeof path, "%s/%s", root, expected);
    cr_assert_str_eq(found, path);
}

Test(search_path, finds_a_file_and_a_file_in_a_folder) {
    assert_found("gamma", "second/gamma.yaml");
    assert_found("alpha", "first/alpha/profile.yaml");
}

Test(search_path, the_earlier_folder_wins) {
    assert_found("both", "first/both.yaml");
}

Test(search_path, an_unknown_name_gets_a_close_one) {
    char found[512] = "untouched";
    jc_error err = {0};
    cr_assert_eq(jc_search_find(&place, "gama", found, sizeof found, &err), JC_ENOENT);
    cr_assert_str_eq(err.message, "there is no profile 'gama'; did you mean 'gamma'?");
    cr_assert_str_eq(found, "untouched");
}

Test(search_path, a_name_is_no_path) {
    char found[512];
    cr_assert_eq(jc_search_find(&place, "../first/both", found, sizeof found, NULL), JC_ENOENT);
    cr_assert_eq(jc_search_find(&place, "", found, sizeof found, NULL), JC_ENOENT);
}

Test(search_path, a_short_buffer_is_an_error) {
    char found[4];
    cr_assert_eq(jc_search_find(&place, "both", found, sizeof found, NULL), JC_ERANGE);
}

Test(search_path, lists_each_name_once_in_order) {
    jc_arena arena = {0};
    jc_search_entry *entries = NULL;
    size_t n = 0;
    cr_assert_eq(jc_search_list(&place, &arena, &entries, &n), JC_OK);
    static const char *const expected[] = {"alpha", "both", "gamma"};
    cr_assert_eq(n, 3);
    for (size_t i = 0; i < n; ++i) {
        char path[512];
        cr_assert_str_eq(entries[i].name, expected[i]);
        cr_assert_eq(jc_search_find(&place, expected[i], path, sizeof path, NULL), JC_OK);
        cr_assert_str_eq(entries[i].path, path);
    }
    jc_arena_clear(&arena);
}
