// SPDX-License-Identifier: Apache-2.0
#include "node.h"

#include <string.h>

bool node_is(const node *n, const char *name) {
    return n->op != NULL && strcmp(n->op->name, name) == 0;
}

int64_t node_integer(const node *n, const char *name, int64_t otherwise) {
    const jc_param *param = n->op == NULL ? NULL : jc_op_param(n->op, name);
    return param == NULL ? otherwise : n->call->value[param->slot].i;
}

double node_real(const node *n, const char *name, double otherwise) {
    const jc_param *param = n->op == NULL ? NULL : jc_op_param(n->op, name);
    return param == NULL ? otherwise : n->call->value[param->slot].real;
}
