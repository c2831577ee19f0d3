// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Datasets: measured rows of kernels, and the machine they were measured on.
 *
 * A dataset is a folder: `device.yaml`, one `<kernel>.csv` per kind of kernel, `networks.csv` for
 * whole networks measured in one piece. A row file has the kernel's columns (jc_kernel_columns),
 * `precision`, and then `runtime_s, runtime_rel_sd, power_w, energy_j, idle_power_w, iterations,
 * window_s, meter, repetition`, and, where they are known, `energy_rel_sd, temperature_c,
 * throttled, throttled_by_heat, algorithm`. An empty cell is unknown: NaN here, never 0.
 *
 * Ownership: what a `load` or `open` returns, the caller frees or closes; all else is borrowed.
 */
#ifndef JC_DATASET_H
#define JC_DATASET_H

#include <joulecast/kernel.h>
#include <joulecast/status.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { JC_METER_NAME_SIZE = 24, JC_ALGORITHM_SIZE = 96 };

/** What was measured, of a kernel or a whole network. NaN = unknown. */
typedef struct jc_measurement {
    double runtime_s;      ///< one forward pass of the batch
    double runtime_rel_sd; ///< standard deviation of that mean over repetitions, fraction of it
    double power_w;        ///< mean while running, idle included
    double energy_j;       ///< one forward pass of the batch, idle included
    double idle_power_w;
    double iterations;              ///< passes in the measuring window
    double window_s;                ///< length of the measuring window
    int repetition;                 ///< 1-based; 0 = unknown
    char meter[JC_METER_NAME_SIZE]; ///< "rapl", "nvml", …; "" = unknown, "none" = runtime only
    double energy_rel_sd;     ///< standard deviation of the reading of energy, by steps and gaps of
                              ///< the meter, fraction of it
    double temperature_c;     ///< of what was measured, at the end of the window
    double throttled;         ///< share of the window in which clocks were held down, 0 to 1
    double throttled_by_heat; ///< the part of it that heat was the reason of
    char algorithm[JC_ALGORITHM_SIZE]; ///< that the library chose, all of a network's; "" = unknown
} jc_measurement;

/** One measured configuration of a kernel. */
typedef struct jc_row {
    jc_kernel kernel;
    jc_measurement measured;
} jc_row;

/** One whole network measured in one piece. */
typedef struct jc_network_row {
    char architecture[64];
    int64_t batch_size;
    jc_shape input; ///< one sample; rank 0 = the architecture's own
    jc_precision precision;
    jc_measurement measured;
} jc_network_row;

/** The machine, as in device.yaml. Texts are "" where unknown. */
typedef struct jc_device {
    char name[64];     ///< short name, the folder's: "raptorlake-pytorch"
    char machine[128]; ///< CPU or GPU, in words
    char executor[64]; ///< software that ran the kernels, with version
    char clocks[64];   ///< frequencies of the cores, in words
    char governor[48]; ///< of the clocks
    char memory[64];   ///< size and kind, in words
    char meter[JC_METER_NAME_SIZE];
    double meter_step_s;  ///< time between updates of the meter's counter; NaN = unknown
    double meter_lag_s;   ///< mean delay of its answers; 0 = not measured, or none
    char date[16];        ///< ISO 8601 day of the measurement, or of its publication
    char protocol[256];   ///< how a row was measured, in words
    char conditions[512]; ///< cores, clocks, temperature, steal, power at rest, in words
    char source[256];     ///< where the rows come from
    char license[32];     ///< SPDX identifier of the rows
    /** What the owner of the machine declares, for rows are dense: the shares of a product's
     * runtime and energy that fall away where all weights or all inputs are 0, and of any kernel's
     * where no output is active. 0 = zeros cost as much as other values, the default. */
    double skips_weights, skips_inputs, skips_outputs;
    jc_fusion fuses; ///< what the executor does within another kernel, in networks
} jc_device;

typedef struct jc_dataset {
    jc_device device;
    jc_row *rows; ///< [n_rows], grouped by kernel kind, file order within
    size_t n_rows;
    jc_network_row *networks; ///< [n_networks]
    size_t n_networks;
} jc_dataset;

/**
 * Read a dataset folder. Absent row files are no error; a folder without any is. Without a
 * device.yaml the device's name is the folder's and the rest of it unknown.
 *
 * @retval JC_EPARSE, JC_ESHAPE  err names file, line and column
 * @retval JC_ENOENT, JC_EPERM, JC_EIO, JC_ENOMEM
 */
JC_MUST_USE jc_status jc_dataset_load(const char *folder, jc_dataset **out_dataset, jc_error *err);

/** Free a dataset; NULL is allowed. */
void jc_dataset_free(jc_dataset *dataset);

/** Writer of a dataset folder: rows go straight to their files, nothing is kept. */
typedef struct jc_dataset_writer jc_dataset_writer;

/**
 * Create (or empty) the row files of a dataset folder as rows arrive; the folder is created.
 * Files are written beside their final name and renamed by a successful close.
 */
JC_MUST_USE jc_status jc_dataset_writer_open(const char *folder, jc_dataset_writer **out_writer,
                                             jc_error *err);
JC_MUST_USE jc_status jc_dataset_write_device(jc_dataset_writer *writer, const jc_device *device,
                                              jc_error *err);
JC_MUST_USE jc_status jc_dataset_write_row(jc_dataset_writer *writer, const jc_row *row,
                                           jc_error *err);
JC_MUST_USE jc_status jc_dataset_write_network(jc_dataset_writer *writer, const jc_network_row *row,
                                               jc_error *err);
/** Finish and free the writer; on failure earlier files of the folder stay as they were. */
JC_MUST_USE jc_status jc_dataset_writer_close(jc_dataset_writer *writer, jc_error *err);

/** Throw away what was written and free the writer; NULL is allowed. */
void jc_dataset_writer_abandon(jc_dataset_writer *writer);

#ifdef __cplusplus
}
#endif

#endif
