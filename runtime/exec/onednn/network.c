// SPDX-License-Identifier: Apache-2.0
// Whole networks.
#include "network.h"

void build_network(program *p, const jc_network *network) {
    program_fail(p, JC_EUNSUPPORTED, "'%.80s': whole networks are not run yet", network->name);
}
