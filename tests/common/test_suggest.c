// SPDX-License-Identifier: Apache-2.0
// Suggestions: a slip is recognised, another word is not.
#include "common/suggest.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *suggest(const char *wanted, const char *const *names) {
    jc_suggestion suggestion = {.wanted = wanted};
    for (; *names != NULL; ++names) {
        jc_suggestion_offer(&suggestion, *names);
    }
    return suggestion.best;
}

static const char *const zoo[] = {"alexnet", "resnet18", "resnet50", "vgg16", NULL};

Test(suggest, offers_the_closest_name) {
    cr_assert_str_eq(suggest("resnet5", zoo), "resnet50");
    cr_assert_str_eq(suggest("alexnte", zoo), "alexnet");
    cr_assert_str_eq(suggest("vgg-16", zoo), "vgg16");
}

Test(suggest, the_first_of_equally_close_names_wins) {
    cr_assert_str_eq(suggest("resnet", zoo), "resnet18");
}

Test(suggest, offers_nothing_for_another_word) {
    cr_assert_null(suggest("transformer", zoo));
    cr_assert_null(suggest("", zoo));
}

Test(suggest, leaves_overlong_names_alone) {
    char text[4096];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    const char *const names[] = {text, "a", NULL};
    cr_assert_null(suggest(text, names));
}

Test(suggest, formats_a_question) {
    char buffer[JC_SUGGESTION_TEXT_SIZE];
    const jc_suggestion one = {.wanted = "x", .best = "vgg16"};
    const jc_suggestion none = {.wanted = "x"};
    cr_assert_str_eq(jc_suggestion_format(&one, buffer), "; did you mean 'vgg16'?");
    cr_assert_str_eq(jc_suggestion_format(&none, buffer), "");
}
