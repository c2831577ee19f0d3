// SPDX-License-Identifier: Apache-2.0
// YAML trees: structure with lines, and the bounds that libyaml does not have.
#include "common/yaml/yaml.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static jc_status parse(const char *text, jc_arena *arena, jc_yaml **out_root, jc_error *err) {
    return jc_yaml_parse(text, strlen(text), "test.yaml", arena, out_root, err);
}

static void expect_refused(const char *text, const char *message, int line) {
    jc_arena arena = {0};
    jc_yaml *root = NULL;
    jc_error err = {0};
    cr_expect_eq(parse(text, &arena, &root, &err), JC_EPARSE, "%.40s", text);
    cr_expect(strstr(err.message, message) != NULL, "%.40s: %s", text, err.message);
    cr_expect_eq(err.line, line, "%.40s: line %d", text, err.line);
    cr_expect_null(root);
    jc_arena_clear(&arena);
}

Test(yaml, keeps_structure_and_lines) {
    jc_arena arena = {0};
    jc_yaml *root = NULL;
    cr_assert_eq(parse("a: 1\nb:\n  - x\n  - {c: 'true', d: true}\ne:\n", &arena, &root, NULL),
                 JC_OK);
    cr_assert_eq(root->kind, JC_YAML_MAPPING);
    cr_expect_eq(root->n, 3);
    const jc_yaml *b = jc_yaml_get(root, "b");
    cr_assert_eq(b->kind, JC_YAML_SEQUENCE);
    cr_expect_eq(b->key_line, 2);
    cr_expect_str_eq(b->child->text, "x");
    const jc_yaml *mapping = b->child->next;
    cr_expect_eq(mapping->line, 4);
    bool flag = false;
    cr_expect(!jc_yaml_flag(jc_yaml_get(mapping, "c"), &flag), "a quoted word is a text");
    cr_expect(jc_yaml_flag(jc_yaml_get(mapping, "d"), &flag) && flag);
    cr_expect(jc_yaml_is_null(jc_yaml_get(root, "e")));
    cr_expect_null(jc_yaml_get(root, "f"));
    cr_expect_null(jc_yaml_get(b, "a"));
    int64_t n = 0;
    cr_expect(jc_yaml_int64(jc_yaml_get(root, "a"), &n) && n == 1);
    jc_arena_clear(&arena);
}

Test(yaml, an_empty_text_is_null) {
    jc_arena arena = {0};
    jc_yaml *root = NULL;
    cr_assert_eq(parse("# only a comment\n", &arena, &root, NULL), JC_OK);
    cr_expect(jc_yaml_is_null(root));
    jc_arena_clear(&arena);
}

Test(yaml, refuses_what_it_does_not_read) {
    expect_refused("a: &x 1\n", "anchors", 1);
    expect_refused("a: 1\nb: *x\n", "anchors", 2);
    expect_refused("- &x [*x]\n", "anchors", 1);
    expect_refused("a: !!str 1\n", "tags", 1);
    expect_refused("a: 1\nb: 2\na: 3\n", "'a' stands twice", 3);
    expect_refused("a: 1\n---\nb: 2\n", "second document", 2);
    expect_refused("a: [1, 2\n", "not valid YAML", 2);
    expect_refused("a:\n\t- b\n", "not valid YAML", 2);
    expect_refused("? [a, b]\n: c\n", "a key must be a plain word", 1);
    expect_refused("a: \"x\\0y\"\n", "NUL", 1);
}

// libyaml itself takes quadratic time over these; the bound stops it early.
Test(yaml, deep_nesting_is_refused_at_once, .timeout = 20) {
    enum { DEPTH = 1000000 };
    char *text = malloc(DEPTH + 1);
    memset(text, '[', DEPTH);
    text[DEPTH] = '\0';
    expect_refused(text, "nested deeper", 1);
    free(text);
}

Test(yaml, a_file_that_is_not_there_says_so) {
    jc_arena arena = {0};
    jc_yaml *root = NULL;
    jc_error err = {0};
    cr_expect_eq(jc_yaml_load("/nonexistent/x.yaml", &arena, &root, &err), JC_ENOENT);
    cr_expect_str_eq(err.file, "/nonexistent/x.yaml");
    cr_expect_eq(jc_yaml_load("/", &arena, &root, &err), JC_EIO);
    jc_arena_clear(&arena);
}
