// SPDX-License-Identifier: Apache-2.0
// Algorithms of convolutions: chosen by cuDNN's heuristics, tried, run.
#include "conv.h"

#include "dnn.h"

#include <stdio.h>
#include <stdlib.h>

void conv_release(void *state) {
    conv_state *s = state;
    const cudnnTensorDescriptor_t tensors[] = {s->x, s->y, s->bias};
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; ++i) {
        if (tensors[i] != NULL) {
            (void)cudnnDestroyTensorDescriptor(tensors[i]);
        }
    }
    if (s->w != NULL) {
        (void)cudnnDestroyFilterDescriptor(s->w);
    }
    if (s->conv != NULL) {
        (void)cudnnDestroyConvolutionDescriptor(s->conv);
    }
    if (s->activation != NULL) {
        (void)cudnnDestroyActivationDescriptor(s->activation);
    }
    free(s);
}

// --- Choosing --------------------------------------------------------------------------------

// cuDNN fuses sums without an activation in this algorithm alone (cudnnConvolutionBiasActivation-
// Forward: CUDNN_ACTIVATION_IDENTITY).
static bool can_fuse(const conv_candidate *c, conv_fusion fusion) {
    return fusion == CONV_FUSE_RELU ||
           (fusion == CONV_FUSE_SUMS &&
            c->algorithm == (int)CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM);
}

size_t conv_order(const conv_candidate *known, size_t n, conv_fusion fusion, bool must_fuse,
                  conv_candidate *out_candidates) {
    size_t count = 0;
    for (size_t i = 0; i < n; ++i) {
        for (int fused = 1; fused >= 0; --fused) {
            const bool possible = fused == 1 ? can_fuse(&known[i], fusion) : !must_fuse;
            if (possible && count < MOST_CANDIDATES) {
                out_candidates[count] = known[i];
                out_candidates[count++].is_fused = fused == 1;
            }
        }
    }
    return count;
}

static size_t ask_forward(cu_program *p, const conv_state *s, conv_candidate *known) {
    cudnnConvolutionFwdAlgoPerf_t found[MOST_CANDIDATES];
    int n = 0;
    const cudnnStatus_t answer = cudnnGetConvolutionForwardAlgorithm_v7(
        p->gpu->dnn, s->x, s->w, s->conv, s->y, MOST_CANDIDATES / 2, &n, found);
    size_t count = 0;
    for (int i = 0; answer == CUDNN_STATUS_SUCCESS && i < n; ++i) {
        if (found[i].status == CUDNN_STATUS_SUCCESS) {
            known[count++] =
                (conv_candidate){(int)found[i].algo, found[i].mathType, found[i].memory, false};
        }
    }
    return count;
}

static size_t ask_backward(cu_program *p, const conv_state *s, conv_candidate *known) {
    cudnnConvolutionBwdDataAlgoPerf_t found[MOST_CANDIDATES];
    int n = 0;
    const cudnnStatus_t answer = cudnnGetConvolutionBackwardDataAlgorithm_v7(
        p->gpu->dnn, s->w, s->x, s->conv, s->y, MOST_CANDIDATES / 2, &n, found);
    size_t count = 0;
    for (int i = 0; answer == CUDNN_STATUS_SUCCESS && i < n; ++i) {
        if (found[i].status == CUDNN_STATUS_SUCCESS) {
            known[count++] =
                (conv_candidate){(int)found[i].algo, found[i].mathType, found[i].memory, false};
        }
    }
    return count;
}

// The heuristics know nothing of int8, which one algorithm computes.
static size_t take_usual(cu_program *p, const conv_state *s, cudnnMathType_t math,
                         conv_candidate *known) {
    const cudnnConvolutionFwdAlgo_t algorithm = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
    size_t bytes = 0;
    if (s->is_transposed ||
        cudnnGetConvolutionForwardWorkspaceSize(p->gpu->dnn, s->x, s->w, s->conv, s->y, algorithm,
                                                &bytes) != CUDNN_STATUS_SUCCESS) {
        return 0;
    }
    known[0] = (conv_candidate){(int)algorithm, math, bytes, false};
    return 1;
}

void conv_choose(cu_program *p, conv_state *s, conv_fusion fusion, bool must_fuse,
                 size_t most_bytes) {
    conv_candidate known[MOST_CANDIDATES];
    conv_candidate fit[MOST_CANDIDATES];
    cudnnMathType_t math = CUDNN_DEFAULT_MATH;
    if (p->status != JC_OK ||
        !dnn_ok(p, cudnnGetConvolutionMathType(s->conv, &math), "this convolution")) {
        return;
    }
    size_t n = s->is_transposed ? ask_backward(p, s, known) : ask_forward(p, s, known);
    if (n == 0) {
        n = take_usual(p, s, math, known);
    }
    size_t n_fit = 0;
    for (size_t i = 0; i < n; ++i) {
        if (known[i].bytes <= most_bytes) {
            fit[n_fit] = known[i];
            // What was asked for is not to be relaxed: exact f32 stays exact.
            fit[n_fit].math = math == CUDNN_FMA_MATH ? math : known[i].math;
            ++n_fit;
        }
    }
    s->n = conv_order(fit, n_fit, fusion, must_fuse, s->candidates);
    if (s->n == 0) {
        cu_fail(p, JC_EUNSUPPORTED, "cuDNN has no algorithm for this convolution in %s",
                jc_precision_name(p->precision));
    }
}

size_t conv_work_bytes(const conv_state *s) {
    size_t most = 0;
    for (size_t i = 0; i < s->n; ++i) {
        most = s->candidates[i].bytes > most ? s->candidates[i].bytes : most;
    }
    return most;
}

// --- Running ---------------------------------------------------------------------------------

static cudnnStatus_t try_candidate(const cu_program *p, const conv_state *s,
                                   const conv_candidate *c, void *const *data) {
    const float zero = 0;
    const float sum = data[CONV_ADDEND] != NULL ? 1 : 0;
    const cudnnHandle_t dnn = p->gpu->dnn;
    const cudnnStatus_t set = cudnnSetConvolutionMathType(s->conv, c->math);
    if (set != CUDNN_STATUS_SUCCESS) {
        return set;
    }
    if (s->is_transposed) {
        return cudnnConvolutionBackwardData(dnn, &s->scale, s->w, data[CONV_W], s->x, data[CONV_X],
                                            s->conv, (cudnnConvolutionBwdDataAlgo_t)c->algorithm,
                                            data[CONV_WORK], c->bytes, &zero, s->y, data[CONV_Y]);
    }
    const cudnnConvolutionFwdAlgo_t algorithm = (cudnnConvolutionFwdAlgo_t)c->algorithm;
    if (!c->is_fused) {
        return cudnnConvolutionForward(dnn, &s->scale, s->x, data[CONV_X], s->w, data[CONV_W],
                                       s->conv, algorithm, data[CONV_WORK], c->bytes, &zero, s->y,
                                       data[CONV_Y]);
    }
    const void *addend = data[CONV_ADDEND] != NULL ? data[CONV_ADDEND] : data[CONV_Y];
    return cudnnConvolutionBiasActivationForward(
        dnn, &s->scale, s->x, data[CONV_X], s->w, data[CONV_W], s->conv, algorithm, data[CONV_WORK],
        c->bytes, &sum, s->y, addend, s->bias, data[CONV_BIAS], s->activation, s->y, data[CONV_Y]);
}

static void note_algorithm(cu_program *p, const conv_state *s) {
    static const char *const forward[] = {
        "implicit_gemm", "implicit_precomp_gemm", "gemm", "direct", "fft", "fft_tiling",
        "winograd",      "winograd_nonfused"};
    static const char *const backward[] = {"data_0",        "data_1",
                                           "data_fft",      "data_fft_tiling",
                                           "data_winograd", "data_winograd_nonfused"};
    const conv_candidate *c = &s->candidates[s->chosen];
    const size_t n = s->is_transposed ? sizeof backward / sizeof backward[0]
                                      : sizeof forward / sizeof forward[0];
    const char *name = (size_t)c->algorithm >= n ? "other"
                       : s->is_transposed        ? backward[c->algorithm]
                                                 : forward[c->algorithm];
    char text[48];
    (void)snprintf(text, sizeof text, "%s%s", name, c->is_fused ? ", fused" : "");
    cu_note(p, text);
}

jc_status conv_run(cu_program *p, void *state, void *const *data, jc_error *err) {
    conv_state *s = state;
    cudnnStatus_t answer = try_candidate(p, s, &s->candidates[s->chosen], data);
    // Some combinations are refused only when they are run. That is found out in the first pass.
    while (answer != CUDNN_STATUS_SUCCESS && !p->is_settled && s->chosen + 1 < s->n) {
        answer = try_candidate(p, s, &s->candidates[++s->chosen], data);
    }
    if (answer == CUDNN_STATUS_SUCCESS && !p->is_settled) {
        note_algorithm(p, s);
    }
    s->is_complete = s->candidates[s->chosen].is_fused;
    return gpu_check_dnn(
        answer, s->is_transposed ? "this transposed convolution" : "this convolution", err);
}
