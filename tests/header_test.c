// SPDX-License-Identifier: Apache-2.0
// A public header by itself: compiled once for each.
#include JC_TEST_HEADER

#include JC_TEST_HEADER // and once more: its guard holds

int jc_header_test(void);

int jc_header_test(void) {
    return 0;
}
