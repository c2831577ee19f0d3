// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Campaigns: which kernels and networks are measured, how, and the dataset that comes of it.
 *
 * A plan says what is measured. A campaign measures it with an executor and a meter, notes each
 * measurement in a journal, and writes the dataset from that. It can be ended at any time, by its
 * budget, a signal or a power cut, and goes on where it was. docs/PLAN.md has the grammar of plans,
 * docs/METHOD.md the protocol.
 *
 * Ownership: what a `load` returns, the caller frees; every other pointer is borrowed for the call.
 */
#ifndef JC_CAMPAIGN_H
#define JC_CAMPAIGN_H

#include <joulecast/dataset.h>
#include <joulecast/executor.h>
#include <joulecast/kernel.h>
#include <joulecast/meter.h>
#include <joulecast/status.h>

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// --- Plans ----------------------------------------------------------------------------------

/** Names and numbers that a plan lists. NULL = the list is not given. */
typedef struct jc_plan_names {
    const char *const *name; ///< [n]
    size_t n;
} jc_plan_names;

typedef struct jc_plan_sizes {
    const int64_t *size; ///< [n]
    size_t n;
} jc_plan_sizes;

/** What is measured, and how carefully. */
typedef struct jc_plan {
    uint64_t seed;
    size_t rows;                          ///< configurations of kernels
    double precision[JC_PRECISION_COUNT]; ///< share of the rows, any scale
    double kernel[JC_KERNEL_COUNT];       ///< share of the rows, any scale; 0 = none
    double exact;                ///< share of rows that are kernels of networks as they are
    double boundaries;           ///< share of rows beside the thresholds of libraries
    double adaptive;             ///< share of rows chosen by what the others have taught
    int64_t max_macs;            ///< larger kernels are left out
    int64_t max_bytes;           ///< of input, output and weights together
    jc_plan_names architectures; ///< their kernels are the pattern; NULL = all of the zoo
    jc_plan_sizes batch_sizes;
    jc_plan_names networks; ///< measured in one piece; NULL = the default ones
    jc_plan_sizes network_batch_sizes;
    double network_precision[JC_PRECISION_COUNT]; ///< each above 0 is measured

    jc_weight_state weights;
    int repetitions; ///< of each configuration, some time apart
    double window_s; ///< shortest measuring window; meter_steps of the meter if that is longer
    int meter_steps;
    double rel_error; ///< standard error of the runtime at which a window may end, fraction
    struct jc_plan_memory *memory; ///< holds the lists
} jc_plan;

/**
 * Read a plan.
 *
 * @param path  NULL for the default one.
 * @retval JC_EPARSE  err names file, line and what would be right
 * @retval JC_ERANGE  it asks for more rows than can be measured; err says how long they would take
 * @retval JC_ENOENT, JC_EPERM, JC_EIO, JC_ENOMEM
 */
JC_MUST_USE jc_status jc_plan_load(const char *path, jc_plan **out_plan, jc_error *err);

/** Free a plan; NULL is allowed. */
void jc_plan_free(jc_plan *plan);

/**
 * The kernels that a plan measures, the order such that any first part of them is spread evenly,
 * and three more for each adaptive row, so that there is something to choose from.
 *
 * @param seen         [n_seen] kernels of the plan's architectures, batch size 1; doubles allowed.
 * @param out_kernels  [*out_n] to free with free(); fewer where no more different ones were found.
 */
JC_MUST_USE jc_status jc_plan_kernels(const jc_plan *plan, const jc_kernel *seen, size_t n_seen,
                                      jc_kernel **out_kernels, size_t *out_n, jc_error *err);

/** How many of them are adaptive rows: the last ones of plan->rows. */
size_t jc_plan_adaptive_rows(const jc_plan *plan);

// --- One measurement ------------------------------------------------------------------------

/** A window that was measured. */
typedef struct jc_window {
    jc_measurement measured; ///< without idle_power_w, meter and repetition
    double load;             ///< share of the window in which something waited for a core, 0 to 1;
                             ///< NaN = this machine does not tell
    double clock_hz;         ///< of what the meter measures, at the end; NaN = it does not tell
    bool is_energy_lost;     ///< the meter answered nonsense each time: power and energy are NaN
    bool is_stopped;         ///< there is no measurement, for the work was to end
} jc_window;

/** Both ends of a window are known to a step of the meter: so many make that an error of 1 %. */
enum { JC_METER_STEPS = 100 };

typedef struct jc_window_options {
    double window_s;                   ///< shortest
    double rel_error;                  ///< standard error of the runtime at which it may end
    double max_load;                   ///< a window with more is measured again, up to three times
    int meter_steps;                   ///< that a window is long at least; 0 = JC_METER_STEPS
    double warm_up_s;                  ///< shortest: what the meter's answers lag behind
    const volatile sig_atomic_t *stop; ///< NULL, or not 0 when the work is to end
} jc_window_options;

/**
 * Warm a task up and measure a window of it.
 *
 * @retval JC_ENOMETER, JC_EPERM  the meter is gone
 * @retval JC_EIO, …              as the executor's run
 */
JC_MUST_USE jc_status jc_window_measure(const jc_executor *executor, jc_task *task,
                                        const jc_meter *meter, jc_meter_handle *meter_handle,
                                        const jc_window_options *options, jc_window *out_window,
                                        jc_error *err);

/** Describe this machine; what an executor or meter knows is left alone. */
void jc_device_describe(jc_device *out_device);

// --- Campaigns ------------------------------------------------------------------------------

/** Name of the journal in a dataset's folder. */
#define JC_JOURNAL_NAME "campaign.journal"

/** What is told while a campaign runs. */
typedef struct jc_campaign_listener {
    void (*progress)(void *context, double share); ///< of the work or the budget; NULL = nobody
    void (*note)(void *context, const char *text); ///< something a person should know; NULL
    /** The executor's library has crashed (or something else while it was at work), and the journal
     *  has it that this configuration is not to be tried again. Called in the handler of the
     * signal, so by async-signal-safe means: it begins the program anew, which goes on from there;
     * where it returns, the process ends by the signal. NULL = crashes are not handled.
     *  @param n_in_a_row  crashes since the last window that was measured, with this one */
    void (*crashed)(void *context, int n_in_a_row);
    void *context;
} jc_campaign_listener;

/**
 * Who chooses adaptive rows. The dataset so far is in the campaign's folder.
 *
 * @param candidates  [n_candidates] indices of kernels that are not measured yet.
 * @param out_chosen  [n] of these, n <= n_candidates, to be measured next.
 */
typedef struct jc_campaign_chooser {
    jc_status (*choose)(void *context, const size_t *candidates, size_t n_candidates,
                        size_t *out_chosen, size_t n, jc_error *err); ///< NULL = in their order
    void *context;
} jc_campaign_chooser;

typedef struct jc_campaign_options {
    const char *folder; ///< of the dataset
    const jc_plan *plan;
    const jc_kernel *kernels; ///< [n_kernels] of jc_plan_kernels
    size_t n_kernels;
    jc_campaign_chooser chooser;
    const jc_network *networks; ///< [n_networks]
    size_t n_networks;
    const jc_executor *executor;
    jc_executor_handle *executor_handle;
    const jc_meter *meter;
    jc_meter_handle *meter_handle;
    double budget_s; ///< 0 = until all is measured
    double max_load; ///< see jc_window_options
    const volatile sig_atomic_t *stop;
    jc_campaign_listener listener;
} jc_campaign_options;

/** Fate of the configurations of one kind. */
typedef struct jc_campaign_count {
    size_t planned;
    size_t measured;  ///< all repetitions
    size_t refused;   ///< by the executor, for good
    size_t failed;    ///< the executor failed, ran out of memory, or answered nonsense
    size_t disturbed; ///< something else ran each time: not in the dataset
    size_t left;
} jc_campaign_count;

typedef enum jc_campaign_end {
    JC_CAMPAIGN_FINISHED,
    JC_CAMPAIGN_OUT_OF_BUDGET,
    JC_CAMPAIGN_STOPPED, ///< by options->stop
} jc_campaign_end;

enum {
    JC_CAMPAIGN_NETWORKS = JC_KERNEL_COUNT,
    JC_CAMPAIGN_ADAPTIVE, ///< rows that are still to be chosen, of any kind
    JC_CAMPAIGN_COUNTS
};

typedef struct jc_campaign_report {
    jc_campaign_count counts[JC_CAMPAIGN_COUNTS]; ///< by kernel kind; then the others
    jc_campaign_end end;
} jc_campaign_report;

/**
 * Measure what is not measured yet, and write the dataset.
 *
 * @retval JC_EPERM    another process measures into the folder, or it is not writable
 * @retval JC_EFORMAT  the folder's journal is damaged, or of another machine or plan, or there are
 *                     rows and no journal; err says which
 * @retval JC_ENOMETER, JC_EIO, JC_ENOMEM  what was measured before is in the journal and the
 * dataset
 */
JC_MUST_USE jc_status jc_campaign_run(const jc_campaign_options *options,
                                      jc_campaign_report *out_report, jc_error *err);

#ifdef __cplusplus
}
#endif

#endif
