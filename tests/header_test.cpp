// SPDX-License-Identifier: Apache-2.0
// A public header by itself, for callers in C++: compiled once for each.
#include JC_TEST_HEADER

#include JC_TEST_HEADER // and once more: its guard holds
