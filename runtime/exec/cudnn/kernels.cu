// SPDX-License-Identifier: Apache-2.0
// What neither cuDNN nor cuBLAS computes, compiled at run time (gpu.c) for the types and functions
// that a kernel or network asks for. Those are told by macros:
//
//     KERNEL_...            which of the kernels below
//     INDEX               type of indices: unsigned, where all fit, or long long
//     X0 ... X4, Y          types of operands and result: f32, f16, bf16, s8, s32
//
// All take the same arguments: pointers, whole numbers, real numbers; what they are is said at each.

struct kernel_args {
    void *p[8];
    long long n[28];
    float f[12];
};

#ifdef __cplusplus
#define KERNEL extern "C" __global__ void
#else
#define KERNEL __global__ void
#endif

typedef INDEX index_t;

// --- Types -----------------------------------------------------------------------------------

typedef float storage_f32;
typedef unsigned short storage_f16;
typedef unsigned short storage_bf16;
typedef signed char storage_s8;
typedef int storage_s32;

#ifndef HALF_TO_FLOAT
static __device__ float half_to_float(unsigned short v) {
    float f;
    asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(v));
    return f;
}
static __device__ unsigned short float_to_half(float f) {
    unsigned short v;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(v) : "f"(f));
    return v;
}
static __device__ unsigned bits_of(float f) {
    return __float_as_uint(f);
}
static __device__ float float_of(unsigned bits) {
    return __uint_as_float(bits);
}
#endif

static __device__ float load_f32(storage_f32 v) {
    return v;
}
static __device__ float load_f16(storage_f16 v) {
    return half_to_float(v);
}
static __device__ float load_bf16(storage_bf16 v) {
    return float_of((unsigned)v << 16);
}
static __device__ float load_s8(storage_s8 v) {
    return (float)v;
}
static __device__ float load_s32(storage_s32 v) {
    return (float)v;
}

static __device__ storage_f32 store_f32(float v) {
    return v;
}
static __device__ storage_f16 store_f16(float v) {
    return float_to_half(v);
}
// To the nearest, ties to even; a NaN stays one.
static __device__ storage_bf16 store_bf16(float v) {
    const unsigned bits = bits_of(v);
    return v != v ? 0x7fc0 : (storage_bf16)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}
static __device__ storage_s8 store_s8(float v) {
    return (storage_s8)rintf(fminf(fmaxf(v, -128.0f), 127.0f));
}
static __device__ storage_s32 store_s32(float v) {
    return (storage_s32)rintf(v);
}

#define PASTE_(a, b)    a##b
#define PASTE(a, b)     PASTE_(a, b)
#define STORAGE(T)      PASTE(storage_, T)
#define LOAD(T, p, i)   PASTE(load_, T)(((const STORAGE(T) *)(p))[i])
#define STORE(T, p, i, v) (((STORAGE(T) *)(p))[i] = PASTE(store_, T)(v))

static __device__ long long thread_number(void) {
    return (long long)blockIdx.x * blockDim.x + threadIdx.x;
}
static __device__ long long thread_count(void) {
    return (long long)gridDim.x * blockDim.x;
}

// --- Functions of values -----------------------------------------------------------------------

static __device__ float clip(float x, float low, float high) {
    return fminf(fmaxf(x, low), high);
}
static __device__ float logistic(float x) {
    return 1.0f / (1.0f + expf(-x));
}

#define F_identity(x, a, b)    (x)
#define F_relu(x, a, b)        fmaxf(x, 0.0f)
#define F_relu6(x, a, b)       clip(x, 0.0f, 6.0f)
#define F_leaky_relu(x, a, b)  ((x) < 0.0f ? (a) * (x) : (x))
#define F_sigmoid(x, a, b)     logistic(x)
#define F_tanh(x, a, b)        tanhf(x)
#define F_gelu(x, a, b)        ((x)*0.5f * (1.0f + erff((x)*0.70710678f)))
#define F_silu(x, a, b)        ((x)*logistic(x))
#define F_hardswish(x, a, b)   ((x)*clip((x) + 3.0f, 0.0f, 6.0f) * (1.0f / 6.0f))
#define F_hardsigmoid(x, a, b) (clip((x) + 3.0f, 0.0f, 6.0f) * (1.0f / 6.0f))
#define F_abs(x, a, b)         fabsf(x)
#define F_add_scalar(x, a, b)  ((x) + (a))
#define F_ceil(x, a, b)        ceilf(x)
#define F_clamp(x, a, b)       clip(x, a, b)
#define F_cos(x, a, b)         cosf(x)
#define F_elu(x, a, b)         ((x) < 0.0f ? (a)*expm1f(x) : (x))
#define F_erf(x, a, b)         erff(x)
#define F_exp(x, a, b)         expf(x)
#define F_floor(x, a, b)       floorf(x)
#define F_log(x, a, b)         logf(x)
#define F_mish(x, a, b)        ((x)*tanhf(log1pf(expf(x))))
#define F_mul_scalar(x, a, b)  ((x) * (a))
#define F_neg(x, a, b)         (-(x))
#define F_pow_scalar(x, a, b)  powf(x, a)
#define F_reciprocal(x, a, b)  (1.0f / (x))
#define F_round(x, a, b)       rintf(x)
#define F_selu(x, a, b)        (1.0507010f * ((x) < 0.0f ? 1.6732632f * expm1f(x) : (x)))
#define F_sign(x, a, b)        (((x) > 0.0f) - ((x) < 0.0f))
#define F_sin(x, a, b)         sinf(x)
#define F_softplus(x, a, b)    ((x) > 20.0f ? (x) : log1pf(expf(x)))
#define F_softsign(x, a, b)    ((x) / (1.0f + fabsf(x)))
#define F_sqrt(x, a, b)        sqrtf(x)

#define F_add(x, y)     ((x) + (y))
#define F_sub(x, y)     ((x) - (y))
#define F_mul(x, y)     ((x) * (y))
#define F_div(x, y)     ((x) / (y))
#define F_maximum(x, y) fmaxf(x, y)
#define F_minimum(x, y) fminf(x, y)
#define F_pow(x, y)     powf(x, y)

// --- elementwise -------------------------------------------------------------------------------
// y[i] = BODY of x0 ... x4, a and b, over N dense tensors. Operand k is as wide as the result where
// FULLk is 1; else its index is the map's (layout.h), the same one for all such operands. PACK
// elements are moved at once; MAP tells how the map's indices lie within a pack: 0 anywhere, 1 all
// alike, 2 one after the other.
// p: X0, ..., Y at 7; n: elements, outer_div, outer_mul, inner, period; f: a, b
#ifdef KERNEL_elementwise

#define ALIGNMENT(T) (PACK * sizeof(STORAGE(T)) < 16 ? PACK * sizeof(STORAGE(T)) : 16)

#define DECLARE(k, T)                                                                              \
    struct pack##k {                                                                               \
        STORAGE(T) v[PACK];                                                                        \
    } __attribute__((aligned(ALIGNMENT(T))));

DECLARE(_y, Y)
DECLARE(0, X0)
#if N > 1
DECLARE(1, X1)
#endif
#if N > 2
DECLARE(2, X2)
#endif
#if N > 3
DECLARE(3, X3)
#endif
#if N > 4
DECLARE(4, X4)
#endif

static __device__ index_t mapped(const struct kernel_args *a, index_t i) {
    return i / (index_t)a->n[1] * (index_t)a->n[2] + i / (index_t)a->n[3] % (index_t)a->n[4];
}

#if MAP == 0
#define MAPPED(i, j) mapped(&a, (i) + (index_t)(j))
#elif MAP == 1
#define MAPPED(i, j) first
#else
#define MAPPED(i, j) (first + (index_t)(j))
#endif

#define FETCH(k, T)                                                                                \
    struct pack##k in##k;                                                                          \
    if (FULL##k) {                                                                                 \
        in##k = ((const struct pack##k *)a.p[k])[at];                                              \
    } else {                                                                                       \
        for (int j = 0; j < PACK; ++j) {                                                           \
            in##k.v[j] = ((const STORAGE(T) *)a.p[k])[MAPPED(i, j)];                               \
        }                                                                                          \
    }

KERNEL elementwise(const struct kernel_args args) {
    const struct kernel_args a = args;
    const long long packs = a.n[0] / PACK;
    for (long long at = thread_number(); at < packs; at += thread_count()) {
        const index_t i = (index_t)at * PACK;
        const index_t first = mapped(&a, i);
        struct pack_y out;
        (void)i;
        (void)first;
        FETCH(0, X0)
#if N > 1
        FETCH(1, X1)
#endif
#if N > 2
        FETCH(2, X2)
#endif
#if N > 3
        FETCH(3, X3)
#endif
#if N > 4
        FETCH(4, X4)
#endif
        for (int j = 0; j < PACK; ++j) {
            const float x0 = LOAD(X0, in0.v, j);
#if N > 1
            const float x1 = LOAD(X1, in1.v, j);
#endif
#if N > 2
            const float x2 = LOAD(X2, in2.v, j);
#endif
#if N > 3
            const float x3 = LOAD(X3, in3.v, j);
#endif
#if N > 4
            const float x4 = LOAD(X4, in4.v, j);
#endif
            STORE(Y, out.v, j, BODY);
        }
        ((struct pack_y *)a.p[7])[at] = out;
    }
}
#endif

// --- strided -----------------------------------------------------------------------------------
// y[i] = BODY of x0 and x1 over tensors that lie in any way; a stride of 0 repeats an operand.
// p: X0, X1, Y at 7; n: elements, 6 sizes, 6 strides of y, of x0, of x1; f: a, b
#ifdef KERNEL_strided
KERNEL strided(const struct kernel_args args) {
    const struct kernel_args a = args;
    for (long long at = thread_number(); at < a.n[0]; at += thread_count()) {
        index_t rest = (index_t)at;
        index_t y = 0;
        index_t i0 = 0;
        index_t i1 = 0;
        for (int axis = 5; axis >= 0; --axis) {
            const index_t size = (index_t)a.n[1 + axis];
            const index_t index = rest % size;
            rest /= size;
            y += index * (index_t)a.n[7 + axis];
            i0 += index * (index_t)a.n[13 + axis];
            i1 += index * (index_t)a.n[19 + axis];
        }
        const float x0 = LOAD(X0, a.p[0], i0);
        const float x1 = LOAD(X1, a.p[1], i1);
        (void)x1;
        STORE(Y, a.p[7], y, BODY);
    }
}
#endif

// --- images ------------------------------------------------------------------------------------
// All: p: X0, Y at 7; n: elements of y, its 4 sizes, its 4 strides, 4 strides of x, height and width
// of x, then what is said.
#if defined KERNEL_pad || defined KERNEL_pool || defined KERNEL_upsample

#define IMAGE_POSITION                                                                             \
    index_t rest = (index_t)at;                                                                    \
    const index_t ow = rest % (index_t)a.n[4];                                                     \
    rest /= (index_t)a.n[4];                                                                       \
    const index_t oh = rest % (index_t)a.n[3];                                                     \
    rest /= (index_t)a.n[3];                                                                       \
    const index_t c = rest % (index_t)a.n[2];                                                      \
    const index_t sample = rest / (index_t)a.n[2];                                                 \
    const index_t y = sample * (index_t)a.n[5] + c * (index_t)a.n[6] + oh * (index_t)a.n[7] +      \
                      ow * (index_t)a.n[8];                                                        \
    const index_t x = sample * (index_t)a.n[9] + c * (index_t)a.n[10]

#define PIXEL(h, w) LOAD(X0, a.p[0], x + (index_t)(h) * (index_t)a.n[11] + (index_t)(w) * (index_t)a.n[12])
#define HEIGHT      ((int)a.n[13])
#define WIDTH       ((int)a.n[14])

#endif

// n: rows above, columns to the left; f: what is around the image
#ifdef KERNEL_pad
KERNEL pad(const struct kernel_args args) {
    const struct kernel_args a = args;
    for (long long at = thread_number(); at < a.n[0]; at += thread_count()) {
        IMAGE_POSITION;
        const int h = (int)oh - (int)a.n[15];
        const int w = (int)ow - (int)a.n[16];
        const float value = h >= 0 && h < HEIGHT && w >= 0 && w < WIDTH ? PIXEL(h, w) : a.f[0];
        STORE(Y, a.p[7], y, value);
    }
}
#endif

// n: window, stride, padding, dilation, each of both axes; MAX, COUNT_PADDING: 0 or 1
#ifdef KERNEL_pool
KERNEL pool(const struct kernel_args args) {
    const struct kernel_args a = args;
    for (long long at = thread_number(); at < a.n[0]; at += thread_count()) {
        IMAGE_POSITION;
        float result = MAX ? -3.4e38f : 0.0f;
        int count = 0;
        for (int i = 0; i < (int)a.n[15]; ++i) {
            const int h = (int)oh * (int)a.n[17] - (int)a.n[19] + i * (int)a.n[21];
            for (int j = 0; j < (int)a.n[16]; ++j) {
                const int w = (int)ow * (int)a.n[18] - (int)a.n[20] + j * (int)a.n[22];
                if (h >= 0 && h < HEIGHT && w >= 0 && w < WIDTH) {
                    const float value = PIXEL(h, w);
                    result = MAX ? fmaxf(result, value) : result + value;
                    ++count;
                }
            }
        }
        count = COUNT_PADDING ? (int)a.n[15] * (int)a.n[16] : count;
        STORE(Y, a.p[7], y, MAX ? result : result / (float)count);
    }
}
#endif

// f: pixels of x for one of y, along both axes, and what is added along each; BILINEAR: 0 or 1
#ifdef KERNEL_upsample
KERNEL upsample(const struct kernel_args args) {
    const struct kernel_args a = args;
    for (long long at = thread_number(); at < a.n[0]; at += thread_count()) {
        IMAGE_POSITION;
        const float fh = fmaxf((float)oh * a.f[0] + a.f[2], 0.0f);
        const float fw = fmaxf((float)ow * a.f[1] + a.f[3], 0.0f);
        const int h = (int)fh < HEIGHT - 1 ? (int)fh : HEIGHT - 1;
        const int w = (int)fw < WIDTH - 1 ? (int)fw : WIDTH - 1;
#if BILINEAR
        const int below = h < HEIGHT - 1 ? h + 1 : h;
        const int right = w < WIDTH - 1 ? w + 1 : w;
        const float dh = fh - (float)h;
        const float dw = fw - (float)w;
        const float value = (1.0f - dh) * ((1.0f - dw) * PIXEL(h, w) + dw * PIXEL(h, right)) +
                            dh * ((1.0f - dw) * PIXEL(below, w) + dw * PIXEL(below, right));
#else
        const float value = PIXEL(h, w);
#endif
        STORE(Y, a.p[7], y, value);
    }
}
#endif

// --- rows --------------------------------------------------------------------------------------

// p: indices, table, y at 7; n: elements, width of a row
#ifdef KERNEL_look_up
KERNEL look_up(const struct kernel_args args) {
    const struct kernel_args a = args;
    for (long long at = thread_number(); at < a.n[0]; at += thread_count()) {
        const index_t width = (index_t)a.n[1];
        const index_t row = (index_t)((const int *)a.p[0])[(index_t)at / width];
        ((STORAGE(Y) *)a.p[7])[at] =
            ((const STORAGE(Y) *)a.p[1])[row * width + (index_t)at % width];
    }
}
#endif

// What a query may not see: keys after it. p: x, y at 7; n: elements, queries, keys
#ifdef KERNEL_mask
KERNEL mask(const struct kernel_args args) {
    const struct kernel_args a = args;
    for (long long at = thread_number(); at < a.n[0]; at += thread_count()) {
        const index_t key = (index_t)at % (index_t)a.n[2];
        const index_t query = (index_t)at / (index_t)a.n[2] % (index_t)a.n[1];
        const float value = key > query ? -1e30f : LOAD(X0, a.p[0], at);
        STORE(Y, a.p[7], at, value > -6e4f ? value : -6e4f);
    }
}
#endif

#if defined KERNEL_normalise || defined KERNEL_reduce_rows
// One value of all threads of a block, by halves. BLOCK is a power of two.
#define OVER_BLOCK(part, value, combine)                                                           \
    part[threadIdx.x] = value;                                                                     \
    __syncthreads();                                                                               \
    for (int half = BLOCK / 2; half > 0; half /= 2) {                                              \
        if ((int)threadIdx.x < half) {                                                             \
            part[threadIdx.x] = combine(part[threadIdx.x], part[threadIdx.x + half]);              \
        }                                                                                          \
        __syncthreads();                                                                           \
    }
#endif

// Each block a row: less its mean, divided by its deviation; AFFINE: times a scale, plus a shift.
// p: x, scale, shift, y at 7; n: rows, length, rows with parameters of their own, elements that
// share one; f: eps
#ifdef KERNEL_normalise
KERNEL normalise(const struct kernel_args args) {
    __shared__ float part[BLOCK];
    const struct kernel_args a = args;
    const index_t length = (index_t)a.n[1];
    for (long long row = blockIdx.x; row < a.n[0]; row += gridDim.x) {
        const index_t begin = (index_t)row * length;
        float sum = 0.0f;
        for (index_t i = threadIdx.x; i < length; i += BLOCK) {
            sum += LOAD(X0, a.p[0], begin + i);
        }
        OVER_BLOCK(part, sum, F_add)
        const float mean = part[0] / (float)length;
        __syncthreads();
        sum = 0.0f;
        for (index_t i = threadIdx.x; i < length; i += BLOCK) {
            const float d = LOAD(X0, a.p[0], begin + i) - mean;
            sum += d * d;
        }
        OVER_BLOCK(part, sum, F_add)
        const float factor = 1.0f / sqrtf(part[0] / (float)length + a.f[0]);
        __syncthreads();
        const index_t first = (index_t)(row % a.n[2]) * length;
        for (index_t i = threadIdx.x; i < length; i += BLOCK) {
            const index_t k = (first + i) / (index_t)a.n[3];
            const float value = (LOAD(X0, a.p[0], begin + i) - mean) * factor;
            STORE(Y, a.p[7], begin + i,
                  AFFINE ? value * LOAD(X1, a.p[1], k) + LOAD(X1, a.p[2], k) : value);
        }
    }
}
#endif

// Each block a row to one value. p: x, y at 7; n: rows, length; f: what begins, a factor at the end
#ifdef KERNEL_reduce_rows
KERNEL reduce_rows(const struct kernel_args args) {
    __shared__ float part[BLOCK];
    const struct kernel_args a = args;
    const index_t length = (index_t)a.n[1];
    for (long long row = blockIdx.x; row < a.n[0]; row += gridDim.x) {
        float value = a.f[0];
        for (index_t i = threadIdx.x; i < length; i += BLOCK) {
            value = COMBINE(value, LOAD(X0, a.p[0], (index_t)row * length + i));
        }
        OVER_BLOCK(part, value, COMBINE)
        if (threadIdx.x == 0) {
            STORE(Y, a.p[7], row, part[0] * a.f[1]);
        }
        __syncthreads();
    }
}
#endif

// Each thread a column to one value. p: x, y at 7; n: values, length, values in a row; f as above
#ifdef KERNEL_reduce_columns
KERNEL reduce_columns(const struct kernel_args args) {
    const struct kernel_args a = args;
    for (long long at = thread_number(); at < a.n[0]; at += thread_count()) {
        const index_t inner = (index_t)a.n[2];
        const index_t length = (index_t)a.n[1];
        const index_t begin = (index_t)at / inner * inner * length + (index_t)at % inner;
        float value = a.f[0];
        for (index_t i = 0; i < length; ++i) {
            value = COMBINE(value, LOAD(X0, a.p[0], begin + i * inner));
        }
        STORE(Y, a.p[7], at, value * a.f[1]);
    }
}
#endif

// --- Random data: the same numbers as random_uniform of runtime/exec/shared/random.c --------------
// p: Y at 7; n: elements, 6 sizes, 6 strides, state, FOLD: 4 states of the normalisation, elements of
// a channel; f: lowest value, step, FOLD: eps, then lowest value and step of its four
#ifdef KERNEL_fill
static __device__ float drawn(unsigned long long state, unsigned long long i, float low,
                              float step) {
    unsigned long long z = state + (i / 2 + 1) * 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    z ^= z >> 31;
    return low + step * (float)(unsigned)(i % 2 == 0 ? z : z >> 32);
}

KERNEL fill(const struct kernel_args args) {
    const struct kernel_args a = args;
    for (long long at = thread_number(); at < a.n[0]; at += thread_count()) {
        long long rest = at;
        long long y = 0;
        for (int axis = 5; axis >= 0; --axis) {
            y += rest % a.n[1 + axis] * a.n[7 + axis];
            rest /= a.n[1 + axis];
        }
        float value = drawn((unsigned long long)a.n[13], (unsigned long long)at, a.f[0], a.f[1]);
#if FOLD
        float norm[4];
        for (int k = 0; k < 4; ++k) {
            norm[k] = drawn((unsigned long long)a.n[14 + k], (unsigned long long)(at / a.n[18]),
                            a.f[3 + 2 * k], a.f[4 + 2 * k]);
        }
        const float factor = norm[2] / sqrtf(norm[1] + a.f[2]);
        value = FOLD == 1 ? value * factor : (value - norm[0]) * factor + norm[3];
#endif
        STORE(Y, a.p[7], y, value);
    }
}
#endif
