// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Accelerator descriptions: a second source of energies, beside profiles of measured rows.
 *
 * Energy = multiply-accumulates × energy of one + accesses of each level of memory × energy of one
 * (Yang, Chen and Sze, CVPR 2017, Sec. 3, after Chen et al., Eyeriss, ISCA 2016). Counts of
 * accesses follow from a dataflow and the sizes of the memories: accelerators/README.md has the
 * equations. What comes of it is analytic; it is never mixed with what was measured.
 *
 * Ownership: what a `load` returns, the caller frees. A description is read-only after loading and
 * may be shared by threads.
 */
#ifndef JC_ACCELERATOR_H
#define JC_ACCELERATOR_H

#include <joulecast/analyze.h>
#include <joulecast/status.h>

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What stays in a processing element while other operands pass. */
typedef enum jc_dataflow {
    JC_DATAFLOW_ROW_STATIONARY,
    JC_DATAFLOW_WEIGHT_STATIONARY,
    JC_DATAFLOW_OUTPUT_STATIONARY,
    JC_DATAFLOW_COUNT,
} jc_dataflow;

/** A description. Energies are of one access of a word, or of one multiply-accumulate of words. */
struct jc_accelerator {
    const char *name;
    const char *machine; ///< one line on what it is; NULL = not said
    double technology_nm;
    double clock_hz;
    int64_t rows; ///< of processing elements
    int64_t columns;
    int word_bits;
    jc_dataflow dataflow;
    double buffer_bytes;     ///< global buffer, shared by all elements
    int64_t register_inputs; ///< words in each element
    int64_t register_weights;
    int64_t register_sums;
    double dram_bytes_per_s;
    double mac_j;
    double register_j;
    double array_j; ///< from one element to the next, or from the buffer into an element
    double buffer_j;
    double dram_j;
    bool skips_inputs;       ///< no energy is spent on a multiplication by an input of 0
    bool skips_weights;      ///< nor by a weight of 0
    bool skips_outputs;      ///< nor at positions or units that are not active
    bool saves_time;         ///< what is skipped takes no time either
    bool compresses_inputs;  ///< activations cross to memory without their zeros
    bool compresses_weights; ///< so do weights
};

/** What a kernel asks of an accelerator. Accesses are of words of the kernel's own widths. */
typedef struct jc_accesses {
    double macs;
    double registers;
    double array;
    double buffer;
    double dram_bytes;
    double cycles;
} jc_accesses;

/** Read a description. @retval JC_EPARSE (err names file and line), JC_ENOENT, JC_EPERM, JC_EIO,
 * JC_ENOMEM */
JC_MUST_USE jc_status jc_accelerator_load(const char *path, jc_accelerator **out_accelerator,
                                          jc_error *err);

void jc_accelerator_free(jc_accelerator *accelerator);

/**
 * Find the file of a shipped description by name: in the folders of JOULECAST_ACCELERATOR_PATH,
 * beside the source tree of an uninstalled build, then where descriptions are installed.
 *
 * @param name  NULL for the default one.
 * @retval JC_ENOENT (err names a close name), JC_ERANGE
 */
JC_MUST_USE jc_status jc_accelerator_find(const char *name, char *buffer, size_t size,
                                          jc_error *err);

/** Accesses of a kernel under a setting. */
jc_accesses jc_accelerator_count(const jc_accelerator *accelerator, const jc_kernel *kernel,
                                 const jc_setting *setting);

#ifdef __cplusplus
}
#endif

#endif
