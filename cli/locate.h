// SPDX-License-Identifier: Apache-2.0
/** @file Profiles and architectures as they are named on a command line: a file, or a known name.
 */
#ifndef JC_CLI_LOCATE_H
#define JC_CLI_LOCATE_H

#include "command.h"

#include <joulecast/accelerator.h>
#include <joulecast/graph.h>
#include <joulecast/profile.h>

#include <stdbool.h>

/** True for what is named as a YAML file is. */
bool locate_is_yaml(const char *text);

/** True for what is named as an architecture's file is: YAML or ONNX. */
bool locate_is_architecture(const char *text);

/** Load the profile that -p names; NULL = the default one. @param power  of --power-declared, for a
 *  profile without measured power; NULL = none */
JC_MUST_USE jc_status locate_profile(const char *file_or_name, const cli_power *power,
                                     jc_profile **out_profile, jc_error *err);

/** Load an architecture that an ARCH argument names, and name on stderr its operators that are not
 *  known. */
JC_MUST_USE jc_status locate_graph(const char *file_or_name, const jc_graph_options *options,
                                   jc_graph **out_graph, jc_error *err);

/** Load the accelerator's description that -a names. */
JC_MUST_USE jc_status locate_accelerator(const char *file_or_name, jc_accelerator **out_accelerator,
                                         jc_error *err);

#endif
