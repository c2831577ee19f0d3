// SPDX-License-Identifier: Apache-2.0
/** @file Where the networks of the zoo are. */
#ifndef JC_ARCH_ZOO_H
#define JC_ARCH_ZOO_H

#include "common/search_path.h"

/** For jc_search_list; jc_zoo_find is the way to one network. */
extern const jc_search_path zoo_search_path;

#endif
