// SPDX-License-Identifier: Apache-2.0
// Numbers as text: whole tokens only, round trips exactly, saturation at the limits.
#include "common/number.h"

#include <criterion/criterion.h>
#include <float.h>
#include <string.h>

Test(number, reads_whole_tokens_only) {
    double d = 0;
    cr_expect(jc_parse_double("1e-3", &d) && d == 1e-3);
    cr_expect(jc_parse_double("-.5", &d) && d == -.5);
    static const char *const bad[] = {"",    " 1", "1 ",    "1x",  "0x10", "nan",  "inf",
                                      "1,5", "1e", "1e999", "--1", ".",    "1_000"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        cr_expect(!jc_parse_double(bad[i], &d), "%s", bad[i]);
    }
    int64_t n = 0;
    cr_expect(jc_parse_int64("-9223372036854775808", &n) && n == INT64_MIN);
    cr_expect(!jc_parse_int64("9223372036854775808", &n));
    cr_expect(!jc_parse_int64("1.0", &n));
    cr_expect(!jc_parse_int64("", &n));
}

Test(number, shortest_text_reads_back_exactly) {
    static const double values[] = {0,       0.1,     1.0 / 3, 1e-300, DBL_MAX,
                                    DBL_MIN, -2.5e-7, 4089184, 1e22,   5e-324};
    char text[JC_NUMBER_TEXT_SIZE];
    for (size_t i = 0; i < sizeof values / sizeof values[0]; ++i) {
        double back = -1;
        cr_expect(jc_parse_double(jc_format_double(values[i], text), &back));
        cr_expect_eq(back, values[i], "%s", text);
    }
    cr_expect_str_eq(jc_format_double(0.1, text), "0.1");
}

Test(number, saturates_instead_of_overflowing) {
    cr_expect_eq(jc_mul_saturating(3, 4), 12);
    cr_expect_eq(jc_mul_saturating(0, INT64_MAX), 0);
    cr_expect_eq(jc_mul_saturating(INT64_MAX, 2), INT64_MAX);
    cr_expect_eq(jc_mul_saturating(INT64_C(1) << 32, INT64_C(1) << 31), INT64_MAX);
    cr_expect_eq(jc_add_saturating(INT64_MAX - 1, 1), INT64_MAX);
    cr_expect_eq(jc_add_saturating(INT64_MAX, INT64_MAX), INT64_MAX);
}
