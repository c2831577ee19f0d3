// SPDX-License-Identifier: Apache-2.0
/** @file Fusion as files tell it: `fuses: {conv2d: [batch_norm, add, activation]}`. */
#ifndef JC_KERNEL_FUSION_H
#define JC_KERNEL_FUSION_H

#include "common/yaml/yaml.h"

#include <joulecast/kernel.h>

/**
 * Read a mapping of kinds to lists of kinds. `activation` stands for all activations but PReLU.
 *
 * @param file  for messages.
 * @retval JC_EPARSE  no such mapping, an unknown kind, or one that cannot be taken in
 */
JC_MUST_USE jc_status fusion_parse(const jc_yaml *node, const char *file, jc_fusion *out_fusion,
                                   jc_error *err);

/** Write the key `fuses` and its value; nothing where no kernel takes in another. */
void fusion_write(jc_yaml_writer *w, const jc_fusion *fusion);

#endif
