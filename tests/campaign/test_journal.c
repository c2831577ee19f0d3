// SPDX-License-Identifier: Apache-2.0
// Journals: what is added is there again, torn ends are cut, damage is told.
#include "runtime/campaign/journal.h"

#include "tests/common/folder.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MOST_LINES = 64 };

typedef struct lines {
    char text[MOST_LINES][128];
    int n;
} lines;

static jc_status keep(void *context, const char *text, int line, jc_error *err) {
    (void)err;
    lines *l = context;
    cr_assert_eq(line, l->n + 1);
    (void)snprintf(l->text[l->n++], sizeof l->text[0], "%s", text);
    return JC_OK;
}

static char path[600];

static const char *journal_in(const char *folder) {
    (void)snprintf(path, sizeof path, "%s/j", folder);
    return path;
}

static journal *open_journal(lines *out_lines) {
    journal *j = NULL;
    jc_error err = {.message = ""};
    out_lines->n = 0;
    cr_assert_eq(journal_open(path, keep, out_lines, &j, &err), JC_OK, "%s", err.message);
    return j;
}

static void add(journal *j, const char *text) {
    cr_assert_eq(journal_add(j, text, NULL), JC_OK);
}

Test(journal, what_is_added_is_there_again) {
    lines l;
    (void)journal_in(folder_make());
    journal *j = open_journal(&l);
    cr_expect_eq(l.n, 0);
    add(j, "one");
    add(j, "");
    add(j, "three and more");
    cr_expect_eq(journal_close(j, NULL), JC_OK);
    j = open_journal(&l);
    cr_assert_eq(l.n, 3);
    cr_expect_str_eq(l.text[0], "one");
    cr_expect_str_eq(l.text[1], "");
    cr_expect_str_eq(l.text[2], "three and more");
    add(j, "four");
    cr_expect_eq(journal_close(j, NULL), JC_OK);
    j = open_journal(&l);
    cr_assert_eq(l.n, 4);
    cr_expect_eq(journal_close(j, NULL), JC_OK);
}

// The checksum is FNV-1a, 64 bits, whose value for "foobar" is published with it.
Test(journal, a_line_has_the_checksum_of_its_text) {
    lines l;
    const char *folder = folder_make();
    (void)journal_in(folder);
    journal *j = open_journal(&l);
    add(j, "foobar");
    cr_expect_eq(journal_close(j, NULL), JC_OK);
    cr_expect_str_eq(folder_get(folder, "j"), "85944171f73967e8 foobar\n");
}

Test(journal, a_prepared_line_is_there_when_it_was_added) {
    lines l;
    (void)journal_in(folder_make());
    journal *j = open_journal(&l);
    journal_prepare(j, "crashed at one");
    add(j, "one");
    journal_prepare(j, "crashed at two");
    journal_add_prepared(j);
    cr_expect_eq(journal_close(j, NULL), JC_OK);
    j = open_journal(&l);
    cr_assert_eq(l.n, 2);
    cr_expect_str_eq(l.text[0], "one");
    cr_expect_str_eq(l.text[1], "crashed at two");
    cr_expect_eq(journal_close(j, NULL), JC_OK);
}

Test(journal, a_line_torn_anywhere_is_cut_off_and_those_before_stay) {
    lines l;
    const char *folder = folder_make();
    (void)journal_in(folder);
    journal *j = open_journal(&l);
    add(j, "first");
    add(j, "second");
    cr_expect_eq(journal_close(j, NULL), JC_OK);
    char whole[256];
    (void)snprintf(whole, sizeof whole, "%s", folder_get(folder, "j"));
    const size_t first = strcspn(whole, "\n") + 1;
    for (size_t cut = first; cut < strlen(whole); ++cut) {
        char torn[256];
        (void)snprintf(torn, sizeof torn, "%.*s", (int)cut, whole);
        folder_put(folder, "j", torn);
        j = open_journal(&l);
        cr_expect_eq(l.n, 1, "%zu", cut);
        add(j, "third");
        cr_expect_eq(journal_close(j, NULL), JC_OK);
        j = open_journal(&l);
        cr_expect_eq(l.n, 2, "%zu", cut);
        cr_expect_str_eq(l.text[1], "third");
        cr_expect_eq(journal_close(j, NULL), JC_OK);
    }
}

Test(journal, damage_before_the_last_line_is_told_and_nothing_is_changed) {
    lines l;
    const char *folder = folder_make();
    (void)journal_in(folder);
    journal *j = open_journal(&l);
    add(j, "first");
    add(j, "second");
    add(j, "third");
    cr_expect_eq(journal_close(j, NULL), JC_OK);
    char whole[256];
    (void)snprintf(whole, sizeof whole, "%s", folder_get(folder, "j"));
    char *second = strstr(whole, "second");
    *second = 'S';
    folder_put(folder, "j", whole);
    jc_error err = {.message = ""};
    l.n = 0;
    cr_expect_eq(journal_open(path, keep, &l, &j, &err), JC_EFORMAT);
    cr_expect_eq(err.line, 2);
    cr_expect_str_eq(folder_get(folder, "j"), whole);
}

Test(journal, has_one_writer) {
    lines l;
    (void)journal_in(folder_make());
    journal *j = open_journal(&l);
    journal *other = NULL;
    jc_error err = {.message = ""};
    cr_expect_eq(journal_open(path, keep, &l, &other, &err), JC_EPERM);
    cr_expect_not_null(strstr(err.message, "another process"), "%s", err.message);
    cr_expect_eq(journal_close(j, NULL), JC_OK);
    j = open_journal(&l);
    cr_expect_eq(journal_close(j, NULL), JC_OK);
}

// A limit on the size of files stands for a disk that is full.
Test(journal, a_full_disk_is_an_error_and_leaves_whole_lines) {
    lines l;
    (void)journal_in(folder_make());
    journal *j = open_journal(&l);
    (void)signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit = {100, RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    int n = 0;
    jc_error err = {.message = ""};
    jc_status status = JC_OK;
    while (n < MOST_LINES && (status = journal_add(j, "thirty bytes a line", &err)) == JC_OK) {
        ++n;
    }
    cr_expect_eq(status, JC_EIO);
    cr_expect_not_null(strstr(err.message, "cannot be written"), "%s", err.message);
    cr_expect_eq(n, 2); // 37 bytes each
    cr_expect_eq(journal_close(j, NULL), JC_OK);
    const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
    j = open_journal(&l);
    cr_expect_eq(l.n, 2);
    cr_expect_eq(journal_close(j, NULL), JC_OK);
}

Test(journal, a_folder_that_is_not_there_is_told) {
    lines l;
    journal *j = NULL;
    jc_error err = {.message = ""};
    cr_expect_eq(journal_open("/no/such/folder/j", keep, &l, &j, &err), JC_ENOENT);
    cr_expect_str_eq(err.file, "/no/such/folder/j");
}
