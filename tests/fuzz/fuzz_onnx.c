// SPDX-License-Identifier: Apache-2.0
// Any bytes as an ONNX file: a graph whose layers hang together, or refused with a reason.
#define FUZZ_NAME "input.onnx"
#include "fuzz_arch.c"
