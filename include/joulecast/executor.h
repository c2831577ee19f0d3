// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Executors: what runs a kernel, or a whole network, on this machine.
 *
 * An executor is a row of a table (runtime/exec/executor.c), one file or folder each. It knows
 * nothing of meters or of what is done with the times.
 *
 * Ownership: what an `open` or `prepare` returns, the caller closes or releases; every other
 * pointer is borrowed for the call. A handle and its tasks are used by one thread at a time.
 */
#ifndef JC_EXECUTOR_H
#define JC_EXECUTOR_H

#include <joulecast/kernel.h>
#include <joulecast/op.h>
#include <joulecast/shape.h>
#include <joulecast/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Whether a kernel finds its weights in cache. In a network it mostly does not. */
typedef enum jc_weight_state {
    JC_WEIGHTS_COLD,   ///< sets of weights take turns, enough of them to leave the caches
    JC_WEIGHTS_WARM,   ///< the same weights each time
    JC_WEIGHTS_VARIED, ///< each kernel says its reuse_bytes; those that do not are cold
    JC_WEIGHTS_COUNT,
} jc_weight_state;

/** Name of a state, as in plans: "cold"; static storage. */
const char *jc_weight_state_name(jc_weight_state state);

typedef struct jc_executor_options {
    int threads; ///< 0 = all cores this process may use
    jc_weight_state weights;
    uint64_t seed;               ///< of the random data
    const char *command;         ///< what follows its name and a colon: of `command` program and
                                 ///< arguments, of `cudnn` the layout of images; NULL = nothing
    uint64_t memory_limit_bytes; ///< 0 = three quarters of what is free
    double timeout_s;            ///< executor `command`: longest wait for an answer; 0 = 120 s
} jc_executor_options;           ///< safe at {0}

/** What ran the kernels, for device.yaml. Texts are "" where unknown. */
typedef struct jc_executor_info {
    char software[64];       ///< name and version: "oneDNN 2.6.3, OpenMP"
    char implementation[64]; ///< "avx512_core_bf16", …
    int threads;             ///< 0 = unknown
    char gpu[32];            ///< PCI address of the GPU it runs on, "0000:01:00.0"; "" = none
    char machine[96];        ///< name of that GPU
    jc_fusion fuses;         ///< what it does within another kernel, in networks
} jc_executor_info;

/** One step of a whole network. Its output is the tensor of the same index. */
typedef struct jc_network_step {
    const jc_op *op;  ///< NULL for an input of the network
    jc_op_call call;  ///< parameters of the operator as inferred; `inputs` of it are not used
    jc_kernel kernel; ///< what it asks of a machine; kind JC_KERNEL_NONE = no work
    size_t n_inputs;
    const uint32_t *inputs; ///< [n_inputs] indices of earlier steps
    jc_shape output;        ///< batch in front
} jc_network_step;

/** A whole network: steps in an order of execution. */
typedef struct jc_network {
    const char *name;
    int64_t batch_size;
    jc_precision precision;
    const jc_network_step *steps; ///< [n_steps]
    size_t n_steps;
    const uint32_t *outputs; ///< [n_outputs] indices of steps
    size_t n_outputs;
} jc_network;

typedef struct jc_executor_handle jc_executor_handle; ///< an open executor
typedef struct jc_task jc_task;                       ///< a kernel or network ready to run

/** A row of the executor table. */
typedef struct jc_executor {
    const char *name;    ///< "onednn"
    const char *summary; ///< one line
    bool is_gpu;         ///< it runs on a GPU: a meter of the processor would not see its work

    /**
     * Open it. No work is done before a task is prepared.
     *
     * @retval JC_EUNSUPPORTED  not on this machine or in this build; err says why and what to do
     */
    jc_status (*open)(const jc_executor_options *options, jc_executor_handle **out_handle,
                      jc_error *err);
    void (*close)(jc_executor_handle *handle); ///< NULL is allowed
    void (*describe)(const jc_executor_handle *handle, jc_executor_info *out_info);

    /**
     * Make a kernel ready: memory allocated and filled with random data, weights reordered.
     *
     * @retval JC_EUNSUPPORTED  the library refuses it; asking again is of no use
     * @retval JC_ENOMEM        it needs more than memory_limit_bytes (found out before allocating)
     */
    jc_status (*prepare_kernel)(jc_executor_handle *handle, const jc_kernel *kernel,
                                jc_task **out_task, jc_error *err);

    /** As prepare_kernel, for a whole network. Weights are the network's own, once. */
    jc_status (*prepare_network)(jc_executor_handle *handle, const jc_network *network,
                                 jc_task **out_task, jc_error *err);

    /**
     * Run a task's forward pass `n` times, one after the other.
     *
     * @param out_seconds  elapsed time of all n, on the executor's own clock (CLOCK_MONOTONIC, GPU
     *                     events, the child's).
     */
    jc_status (*run)(jc_task *task, uint64_t n, double *out_seconds, jc_error *err);

    /**
     * Processor time that whoever does the work has used so far, in s; NaN = unknown. NULL where
     * the calling thread does it.
     */
    double (*worked_s)(const jc_task *task);
    void (*release)(jc_task *task); ///< NULL is allowed

    /** The algorithm that the library chose for a task, in a few words, "" if it does not tell;
     *  NULL = it never does. */
    void (*explain)(const jc_task *task, char *text, size_t size);
} jc_executor;

/** All executors of this build, NULL-terminated, the preferred ones first. */
const jc_executor *const *jc_executors(void);

/** Find an executor by name; NULL if there is none of that name. */
const jc_executor *jc_executor_find(const char *name);

#ifdef __cplusplus
}
#endif

#endif
