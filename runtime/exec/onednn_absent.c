// SPDX-License-Identifier: Apache-2.0
// The executor `onednn` of a build without oneDNN: it says what to do about it.
#include <joulecast/executor.h>

#include <stddef.h>

static jc_status open_nothing(const jc_executor_options *options, jc_executor_handle **out_handle,
                              jc_error *err) {
    (void)options;
    (void)out_handle;
    return jc_error_set(err, JC_EUNSUPPORTED, NULL, 0,
                        "this build is without oneDNN: install its version 2 (Debian: libdnnl-dev) "
                        "and build with -Donednn=enabled");
}

extern const jc_executor executor_onednn;

// Nothing but `open` is called where it fails.
const jc_executor executor_onednn = {
    .name = "onednn",
    .summary = "oneDNN, what PyTorch and TensorFlow run on processors",
    .open = open_nothing,
};
