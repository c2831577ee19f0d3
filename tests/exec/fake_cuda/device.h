// SPDX-License-Identifier: Apache-2.0
/** @file What kernels.cu finds on a GPU, for a compiler of this processor: included in front of it.
 */
#ifndef JC_TEST_FAKE_DEVICE_H
#define JC_TEST_FAKE_DEVICE_H

#include <math.h>
#include <string.h>

#define __global__
#define __device__
#define __shared__ static

typedef struct fake_dim {
    unsigned x, y, z;
} fake_dim;

// Set before each call; the kernel is a library of its own.
fake_dim fake_thread, fake_block, fake_block_size, fake_grid_size;
void (*fake_sync)(void);

#define threadIdx       fake_thread
#define blockIdx        fake_block
#define blockDim        fake_block_size
#define gridDim         fake_grid_size
#define __syncthreads() fake_sync()

#include "half.h"

#define HALF_TO_FLOAT
#define half_to_float fake_half_to_float
#define float_to_half fake_float_to_half

static unsigned bits_of(float f) {
    unsigned bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static float float_of(unsigned bits) {
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

#endif
