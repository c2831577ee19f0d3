// SPDX-License-Identifier: Apache-2.0
// The table of executors.
#include <joulecast/executor.h>

#include <string.h>

extern const jc_executor executor_onednn, executor_cudnn, executor_command;

static const jc_executor *const executors[] = {&executor_onednn, &executor_cudnn, &executor_command,
                                               NULL};

const jc_executor *const *jc_executors(void) {
    return executors;
}

const char *jc_weight_state_name(jc_weight_state state) {
    static const char *const names[JC_WEIGHTS_COUNT] = {
        [JC_WEIGHTS_COLD] = "cold",
        [JC_WEIGHTS_WARM] = "warm",
        [JC_WEIGHTS_VARIED] = "varied",
    };
    return names[state];
}

const jc_executor *jc_executor_find(const char *name) {
    const jc_executor *const *row = executors;
    while (*row != NULL && strcmp((*row)->name, name) != 0) {
        ++row;
    }
    return *row;
}
