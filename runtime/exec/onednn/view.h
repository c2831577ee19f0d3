// SPDX-License-Identifier: Apache-2.0
/** @file Private to runtime/exec/onednn: steps that only look at a tensor in another way. */
#ifndef JC_EXEC_ONEDNN_VIEW_H
#define JC_EXEC_ONEDNN_VIEW_H

#include "emit.h"

/** The result of a step without work: its input under another shape, a part of it, a constant. */
tensor_id emit_view(program *p, const node *n);

#endif
