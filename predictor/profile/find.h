// SPDX-License-Identifier: Apache-2.0
/** @file Where shipped profiles are. */
#ifndef JC_PROFILE_FIND_H
#define JC_PROFILE_FIND_H

#include "common/search_path.h"

/** The profile that is taken when none is named, if it is there. */
#define PROFILE_DEFAULT "jetson-pytorch"

/** For jc_search_list; jc_profile_find is the way to one profile. */
extern const jc_search_path profile_search_path;

#endif
