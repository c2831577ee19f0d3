// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The executor and the meter that a command line names: `-x onednn`, `-x 'command:python3
 * mine.py'`. What follows the colon is the program of executor or meter `command`.
 */
#ifndef JC_CLI_HARDWARE_H
#define JC_CLI_HARDWARE_H

#include "command.h"

#include <joulecast/executor.h>
#include <joulecast/meter.h>

/** What the options say. */
typedef struct hardware_choice {
    const char *executor; ///< NULL = the first that opens
    const char *meter;    ///< NULL = the first that opens
    jc_executor_options executor_options;
    cli_power power; ///< where declared, the meter is `declared` unless another is named
} hardware_choice;

/** Executor and meter, open. */
typedef struct hardware {
    const jc_executor *executor;
    jc_executor_handle *executor_handle;
    const jc_meter *meter;
    jc_meter_handle *meter_handle;
    int root_fd;
} hardware;

/** Their options, for commands whose `extra` begins with a hardware_choice. */
extern const cli_option hardware_option_executor, hardware_option_meter, hardware_option_threads,
    hardware_option_timeout;

/** @retval JC_ENOENT  no executor or meter of that name: err lists them
 *  @retval JC_EINVAL, JC_EUNSUPPORTED, JC_ENOMETER, JC_EPERM  err says what to do */
JC_MUST_USE jc_status hardware_open(const hardware_choice *choice, hardware *out_hardware,
                                    jc_error *err);
void hardware_close(hardware *h);

#endif
