// SPDX-License-Identifier: Apache-2.0
// Any bytes as a profile, as they are and with a digest that fits: predictions that are above 0, or
// refused with a reason.
#include "fuzz.h"

#include "common/digest.h"
#include "predictor/profile/load.h"

#include <string.h>

// Room for the line of a digest.
enum { DIGEST_LINE_BYTES = 64 };

static void check_predictions(const jc_profile *profile) {
    for (size_t i = 0; i < jc_profile_n_kernels(profile); ++i) {
        jc_coverage coverage;
        jc_profile_coverage(profile, i, &coverage);
        jc_kernel kernel = {.kind = coverage.kind, .precision = coverage.precision};
        int n_sizes = 0;
        (void)jc_kernel_columns(kernel.kind, &n_sizes);
        for (int s = 0; s < n_sizes; ++s) {
            kernel.size[s] = 1;
        }
        jc_prediction prediction;
        jc_profile_predict(profile, &kernel, &prediction);
        FUZZ_REQUIRE(prediction.runtime_s > 0);
        FUZZ_REQUIRE(!coverage.has_power || prediction.power_w > 0);
    }
}

static void load(const char *text, size_t length) {
    jc_profile *profile = NULL;
    jc_error err = {.status = JC_OK};
    const jc_status status = profile_parse(text, length, "input.yaml", &profile, &err);
    FUZZ_REQUIRE(status == JC_OK || (err.status == status && err.message[0] != '\0'));
    FUZZ_REQUIRE((status == JC_OK) == (profile != NULL));
    if (profile != NULL) {
        check_predictions(profile);
    }
    jc_profile_free(profile);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + DIGEST_LINE_BYTES);
    FUZZ_REQUIRE(text != NULL);
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    load(text, size);
    // In place of the digest's line, where there is one, the line that fits.
    const char *line = strstr(text, "\ndigest: ");
    const size_t body = line == NULL ? strlen(text) : (size_t)(line + 1 - text);
    char digest[32];
    digest_format(digest_add(DIGEST_BEGIN, text, body), digest, sizeof digest);
    const int added = snprintf(text + body, DIGEST_LINE_BYTES, "digest: %s\n", digest);
    load(text, body + (size_t)added);
    free(text);
    return 0;
}
