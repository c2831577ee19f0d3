// SPDX-License-Identifier: Apache-2.0
// Dataset folders: what is written is read back to the bit, and damage is named by file and line.
#include <joulecast/dataset.h>

#include "tests/common/folder.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const jc_measurement unknown = {
    .runtime_s = (double)NAN,
    .runtime_rel_sd = (double)NAN,
    .power_w = (double)NAN,
    .energy_j = (double)NAN,
    .idle_power_w = (double)NAN,
    .iterations = (double)NAN,
    .window_s = (double)NAN,
};

static jc_row conv_row(void) {
    return (jc_row){
        .kernel = {.kind = JC_KERNEL_CONV2D,
                   .precision = JC_PRECISION_F32,
                   .size = {8, 3, 224, 224, 112, 112, 7, 7, 2, 2, 3, 3, 1, 1, 64, 1}},
        .measured = {.runtime_s = 0.1,
                     .runtime_rel_sd = 1.0 / 3,
                     .power_w = 42.000000000000007,
                     .energy_j = DBL_MIN,
                     .idle_power_w = 0,
                     .iterations = 1e9,
                     .window_s = 10,
                     .repetition = 3,
                     .meter = "rapl"},
    };
}

static bool same(double a, double b) {
    return a == b || (isnan(a) && isnan(b));
}

static void assert_same_measurement(const jc_measurement *a, const jc_measurement *b) {
    cr_assert(same(a->runtime_s, b->runtime_s));
    cr_assert(same(a->runtime_rel_sd, b->runtime_rel_sd));
    cr_assert(same(a->power_w, b->power_w));
    cr_assert(same(a->energy_j, b->energy_j));
    cr_assert(same(a->idle_power_w, b->idle_power_w));
    cr_assert(same(a->iterations, b->iterations));
    cr_assert(same(a->window_s, b->window_s));
    cr_assert_eq(a->repetition, b->repetition);
    cr_assert_str_eq(a->meter, b->meter);
}

Test(dataset, reuse_is_said_of_all_rows_of_a_kind_or_of_none) {
    const char *folder = folder_make();
    jc_row row = conv_row();
    jc_error err = {.status = JC_OK};
    jc_dataset_writer *writer = NULL;
    cr_assert_eq(jc_dataset_writer_open(folder, &writer, NULL), JC_OK);
    cr_assert_eq(jc_dataset_write_row(writer, &row, NULL), JC_OK);
    row.kernel.reuse_bytes = 1000;
    cr_assert_eq(jc_dataset_write_row(writer, &row, &err), JC_EINVAL);
    cr_expect(strstr(err.message, "reuse_bytes") != NULL, "%s", err.message);
    jc_dataset_writer_abandon(writer);
}

Test(dataset, reads_back_what_was_written) {
    const char *folder = folder_make();
    jc_row conv = conv_row();
    conv.kernel.reuse_bytes = 44700000;
    const jc_row relu = {
        .kernel = {.kind = JC_KERNEL_RELU, .precision = JC_PRECISION_BF16, .size = {1, 1000}},
        .measured = unknown};
    const jc_network_row network = {.architecture = "a, \"quoted\" name",
                                    .batch_size = 16,
                                    .input = {.rank = 3, .dim = {3, 224, 224}},
                                    .precision = JC_PRECISION_INT8,
                                    .measured = conv.measured};
    const uint64_t fused = UINT64_C(1) << JC_KERNEL_BATCH_NORM | UINT64_C(1) << JC_KERNEL_GELU;
    const jc_device device = {
        .name = "board: 7",
        .machine = "CPU \"quoted\" #1",
        .governor = "performance",
        .conditions = "cores 1 of 0-7; 41 °C to 63 °C",
        .meter = "rapl",
        .meter_step_s = 0.001,
        .skips_inputs = 0.25,
        .date = "2024-05-01",
        .license = "MIT",
        .fuses = {.takes_in = {[JC_KERNEL_CONV2D] = fused, [JC_KERNEL_LINEAR] = fused}}};
    jc_dataset_writer *writer = NULL;
    cr_assert_eq(jc_dataset_writer_open(folder, &writer, NULL), JC_OK);
    cr_assert_eq(jc_dataset_write_device(writer, &device, NULL), JC_OK);
    cr_assert_eq(jc_dataset_write_row(writer, &relu, NULL), JC_OK);
    cr_assert_eq(jc_dataset_write_row(writer, &conv, NULL), JC_OK);
    cr_assert_eq(jc_dataset_write_row(writer, &conv, NULL), JC_OK);
    cr_assert_eq(jc_dataset_write_network(writer, &network, NULL), JC_OK);
    cr_assert_eq(jc_dataset_writer_close(writer, NULL), JC_OK);

    jc_dataset *dataset = NULL;
    jc_error err = {.status = JC_OK};
    cr_assert_eq(jc_dataset_load(folder, &dataset, &err), JC_OK, "%s", err.message);
    cr_assert_eq(dataset->n_rows, 3u);
    cr_assert_eq(dataset->rows[0].kernel.reuse_bytes, 44700000);
    cr_assert_eq(dataset->rows[2].kernel.reuse_bytes, 0);
    cr_assert(jc_kernel_equal(&dataset->rows[0].kernel, &conv.kernel), "grouped by kind");
    cr_assert(jc_kernel_equal(&dataset->rows[2].kernel, &relu.kernel));
    assert_same_measurement(&dataset->rows[1].measured, &conv.measured);
    assert_same_measurement(&dataset->rows[2].measured, &unknown);
    cr_assert_eq(dataset->n_networks, 1u);
    cr_assert_str_eq(dataset->networks[0].architecture, network.architecture);
    cr_assert_eq(dataset->networks[0].input.rank, 3);
    cr_assert_eq(dataset->networks[0].input.dim[2], 224);
    cr_assert_eq(dataset->networks[0].precision, JC_PRECISION_INT8);
    assert_same_measurement(&dataset->networks[0].measured, &network.measured);
    cr_assert_str_eq(dataset->device.name, device.name);
    cr_assert_str_eq(dataset->device.machine, device.machine);
    cr_assert_str_eq(dataset->device.governor, device.governor);
    cr_assert_str_eq(dataset->device.conditions, device.conditions);
    cr_assert_str_eq(dataset->device.date, device.date);
    cr_assert_str_eq(dataset->device.executor, "");
    cr_assert_eq(dataset->device.meter_step_s, 0.001);
    cr_assert_eq(dataset->device.skips_inputs, 0.25);
    cr_assert_eq(dataset->device.skips_weights, 0);
    cr_assert_arr_eq(&dataset->device.fuses, &device.fuses, sizeof device.fuses);
    jc_dataset_free(dataset);
}

Test(dataset, an_abandoned_writer_leaves_earlier_files_as_they_were) {
    const char *folder = folder_make();
    folder_put(folder, "relu.csv", "earlier\n");
    const jc_row relu = {.kernel = {.kind = JC_KERNEL_RELU, .size = {1, 1000}},
                         .measured = unknown};
    jc_dataset_writer *writer = NULL;
    cr_assert_eq(jc_dataset_writer_open(folder, &writer, NULL), JC_OK);
    cr_assert_eq(jc_dataset_write_row(writer, &relu, NULL), JC_OK);
    jc_dataset_writer_abandon(writer);
    cr_assert_str_eq(folder_get(folder, "relu.csv"), "earlier\n");
    cr_assert_eq(folder_count(folder), 1);
}

Test(dataset, an_abandoned_writer_removes_the_folder_it_made) {
    char path[300];
    (void)snprintf(path, sizeof path, "%s/new", folder_make());
    jc_dataset_writer *writer = NULL;
    cr_assert_eq(jc_dataset_writer_open(path, &writer, NULL), JC_OK);
    jc_dataset_writer_abandon(writer);
    cr_assert_eq(folder_count(path), -1);
}

Test(dataset, a_writer_refuses_values_that_cannot_be) {
    jc_dataset_writer *writer = NULL;
    cr_assert_eq(jc_dataset_writer_open(folder_make(), &writer, NULL), JC_OK);
    jc_row row = conv_row();
    row.measured.energy_j = -1;
    jc_error err = {.status = JC_OK};
    cr_assert_eq(jc_dataset_write_row(writer, &row, &err), JC_EINVAL);
    cr_assert_not_null(strstr(err.message, "energy_j is -1, which must be above 0"));
    jc_dataset_writer_abandon(writer);
}

Test(dataset, a_writer_says_why_a_folder_cannot_be_made) {
    char path[300];
    const char *folder = folder_make();
    folder_put(folder, "file", "");
    (void)snprintf(path, sizeof path, "%s/file", folder);
    jc_dataset_writer *writer = NULL;
    jc_error err = {.status = JC_OK};
    cr_assert_eq(jc_dataset_writer_open(path, &writer, &err), JC_EIO);
    cr_assert_str_eq(err.message, "exists and is no folder");
    (void)snprintf(path, sizeof path, "%s/a/b", folder);
    cr_assert_eq(jc_dataset_writer_open(path, &writer, &err), JC_ENOENT);
}

Test(dataset, fills_in_sizes_that_follow) {
    const char *folder = folder_make();
    folder_put(folder, "max_pool2d.csv",
               "batch_size,in_channels,in_height,in_width,kernel_h,kernel_w,stride_h,precision,"
               "runtime_s\n1,8,9,7,3,3,2,f32,0.5\n");
    jc_dataset *dataset = NULL;
    jc_error err = {.status = JC_OK};
    cr_assert_eq(jc_dataset_load(folder, &dataset, &err), JC_OK, "%s", err.message);
    const int64_t *size = dataset->rows[0].kernel.size;
    cr_assert_eq(size[JC_WINDOW_OUT_HEIGHT], 4);
    cr_assert_eq(size[JC_WINDOW_OUT_WIDTH], 5);
    cr_assert(isnan(dataset->rows[0].measured.power_w));
    cr_assert_str_eq(dataset->device.name, strrchr(folder, '/') + 1);
    jc_dataset_free(dataset);
}

Test(dataset, says_when_there_is_nothing) {
    jc_dataset *dataset = NULL;
    jc_error err = {.status = JC_OK};
    cr_assert_eq(jc_dataset_load(folder_make(), &dataset, &err), JC_ENOENT);
    cr_assert_not_null(strstr(err.message, "no folder with rows"));
    cr_assert_eq(jc_dataset_load("/nonexistent", &dataset, &err), JC_ENOENT);
}

Test(dataset, reads_what_an_executor_fuses) {
    const char *folder = folder_make();
    folder_put(folder, "relu.csv", "batch_size,elements,precision\n1,2,f32\n");
    folder_put(folder, "device.yaml",
               "fuses:\n  conv2d: [batch_norm, add, activation]\n  linear: [relu]\n");
    jc_dataset *dataset = NULL;
    jc_error err = {.status = JC_OK};
    cr_assert_eq(jc_dataset_load(folder, &dataset, &err), JC_OK, "%s", err.message);
    const jc_fusion *f = &dataset->device.fuses;
    cr_expect(jc_fusion_takes(f, JC_KERNEL_CONV2D, JC_KERNEL_BATCH_NORM));
    cr_expect(jc_fusion_takes(f, JC_KERNEL_CONV2D, JC_KERNEL_HARDSWISH));
    cr_expect_not(jc_fusion_takes(f, JC_KERNEL_CONV2D, JC_KERNEL_PRELU), "it has weights");
    cr_expect(jc_fusion_takes(f, JC_KERNEL_LINEAR, JC_KERNEL_RELU));
    cr_expect_not(jc_fusion_takes(f, JC_KERNEL_LINEAR, JC_KERNEL_GELU));
    cr_expect_not(jc_fusion_takes(f, JC_KERNEL_MATMUL, JC_KERNEL_RELU));
    jc_dataset_free(dataset);
}

// --- Damage ---------------------------------------------------------------------------------

static const struct {
    const char *file;
    const char *text;
    int line;
    const char *message;
} damaged[] = {
    {"relu.csv", "batch_size,elements,precision,runtime\n", 1,
     "rows of relu have no column 'runtime'; did you mean 'runtime_s'?"},
    {"relu.csv", "batch_size,elements,elements,precision\n", 1, "two columns are called"},
    {"relu.csv", "batch_size,elements\n1,2\n", 1, "the column 'precision' is missing"},
    {"relu.csv", "batch_size,elements,precision\n1,2,f32\n1,2.5,f32\n", 3,
     "elements is '2.5', which must be a whole number"},
    {"relu.csv", "batch_size,elements,precision\n1,-2,f32\n", 2, "must be a whole number"},
    {"relu.csv", "batch_size,elements,precision\n1,99999999999999999999,f32\n", 2,
     "must be a whole number"},
    {"relu.csv", "batch_size,elements,precision\n1,,f32\n", 2, "elements is missing or 0"},
    {"relu.csv", "batch_size,precision\n1,f32\n", 2, "elements is missing or 0"},
    {"relu.csv", "batch_size,elements,precision\n1,2,f64\n", 2,
     "precision is 'f64', which must be f32, tf32, f16, bf16 or int8"},
    {"relu.csv", "batch_size,elements,precision,runtime_s\n1,2,f32,0\n", 2,
     "runtime_s is '0', which must be above 0"},
    {"relu.csv", "batch_size,elements,precision,energy_j\n1,2,f32,nan\n", 2,
     "energy_j is 'nan', which must be a number"},
    {"relu.csv", "batch_size,elements,precision,repetition\n1,2,f32,1.5\n", 2,
     "repetition is '1.5', which must be a whole number"},
    {"relu.csv", "batch_size,elements,precision,meter\n1,2,f32,a_meter_of_a_very_long_name\n", 2,
     "meter is 'a_meter_of_a_very_long_name', which must be a name"},
    {"relu.csv", "batch_size,elements,precision\n1,2\n", 2, "2 fields"},
    {"max_pool2d.csv",
     "batch_size,in_channels,in_height,in_width,kernel_h,kernel_w,precision\n1,1,2,2,3,3,f32\n", 2,
     "exceeds the padded input"},
    {"networks.csv", "architecture,batch_size,precision\n,1,f32\n", 2,
     "architecture is '', which must be a name"},
    {"networks.csv", "architecture,precision\na,f32\n", 2, "batch_size is missing or 0"},
    {"networks.csv", "architecture,batch_size,precision,input_shape\na,1,f32,3x\n", 2,
     "input_shape is '3x', which must be sizes such as 3x224x224"},
    {"networks.csv", "architecture,batch_size,precision,input_shape\na,1,f32,1x1x1x1x1x1x1\n", 2,
     "must be sizes"},
    {"networks.csv", "architecture,batch_size,precision,elements\na,1,f32,1\n", 1,
     "rows of networks have no column 'elements'"},
    {"device.yaml", "name: x\nmachin: y\n", 2,
     "a device has no key 'machin'; did you mean 'machine'?"},
    {"device.yaml", "meter_step_s: fast\n", 1, "meter_step_s is 'fast'; must be a number"},
    {"device.yaml", "skips_weights: 1.5\n", 1, "skips_weights is '1.5'; must be a share from 0"},
    {"device.yaml", "license: [MIT]\n", 1, "license is a list; must be a text"},
    {"device.yaml", "date: 2024-05-01T12:00:00Z\n", 1, "must be a text of up to 15 bytes"},
    {"device.yaml", "- name\n", 1, "a device is a list; must be a mapping"},
    {"device.yaml", "fuses: conv2d\n", 1, "fuses is 'conv2d'; must be a mapping"},
    {"device.yaml", "fuses:\n  conv2: [add]\n", 2, "no kernel; did you mean 'conv2d'?"},
    {"device.yaml", "fuses: {conv2d: add}\n", 1, "conv2d is 'add'; must be a list"},
    {"device.yaml", "fuses: {conv2d: [softmax]}\n", 1, "no kernel that can be taken in"},
    {"device.yaml", "fuses: {conv2d: [[add]]}\n", 1, "a list' is no kernel"},
};

Test(dataset, names_file_line_and_column_of_every_damage) {
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; ++i) {
        const char *folder = folder_make();
        folder_put(folder, damaged[i].file, damaged[i].text);
        jc_dataset *dataset = NULL;
        jc_error err = {.status = JC_OK};
        const jc_status status = jc_dataset_load(folder, &dataset, &err);
        cr_assert(status == JC_EPARSE || status == JC_ESHAPE, "%s", damaged[i].text);
        cr_assert_not_null(strstr(err.message, damaged[i].message), "'%s' does not say '%s'",
                           err.message, damaged[i].message);
        cr_assert_eq(err.line, damaged[i].line, "%s", damaged[i].text);
        cr_assert_not_null(strstr(err.file, damaged[i].file));
        cr_assert_null(dataset);
    }
}
