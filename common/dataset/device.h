// SPDX-License-Identifier: Apache-2.0
/** @file device.yaml: the machine of a dataset, in and out. */
#ifndef JC_DATASET_DEVICE_H
#define JC_DATASET_DEVICE_H

#include "common/yaml/yaml.h"

#include <joulecast/dataset.h>

/** A device of which nothing is known. */
jc_device device_unknown(void);

/**
 * Read the keys of jc_device from a mapping; those that are absent or null stay unknown.
 *
 * @param file  for messages.
 * @retval JC_EPARSE  no mapping, an unknown key, a text that is too long, no number
 */
JC_MUST_USE jc_status device_parse(const jc_yaml *node, const char *file, jc_device *out_device,
                                   jc_error *err);

/** Read device.yaml. @retval JC_ENOENT, … or as device_parse. */
JC_MUST_USE jc_status device_load(const char *path, jc_device *out_device, jc_error *err);

/** Write device.yaml; what is unknown is left out. @param path  for messages. */
JC_MUST_USE jc_status device_write(FILE *file, const char *path, const jc_device *device,
                                   jc_error *err);

#endif
