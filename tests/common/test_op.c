// SPDX-License-Identifier: Apache-2.0
// Shape rules, parameter counts and kernels of the operators, against rows worked out by hand from
// PyTorch's documentation of each.
#include <joulecast/op.h>

#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

typedef struct given {
    const char *param; ///< name; "name.1" is the second slot
    int64_t value;
} given;

typedef struct op_case {
    const char *op;
    jc_shape inputs[3];
    given params[6];
    jc_shape output; ///< rank 0: refused
    int64_t n_params;
    int64_t macs;
    const char *message; ///< of a refusal
} op_case;

#define S(...)                                                                                     \
    {                                                                                              \
        .rank = (int)(sizeof(int64_t[]){__VA_ARGS__} / sizeof(int64_t)), .dim = { __VA_ARGS__ }    \
    }

static const op_case cases[] = {
    // Strides, rectangular kernels, dilation, groups.
    {"conv2d",
     {S(2, 3, 224, 224)},
     {{"out_channels", 64}, {"kernel_size", 7}, {"stride", 2}, {"padding", 3}},
     S(2, 64, 112, 112),
     64 * 3 * 49 + 64,
     INT64_C(2) * 64 * 112 * 112 * 147,
     0},
    {"conv2d",
     {S(1, 8, 10, 12)},
     {{"out_channels", 16}, {"kernel_size.0", 3}, {"kernel_size.1", 5}, {"bias", 0}},
     S(1, 16, 8, 8),
     16 * 8 * 15,
     16 * 8 * 8 * 8 * 15,
     0},
    {"conv2d",
     {S(1, 8, 9, 9)},
     {{"out_channels", 8}, {"kernel_size", 3}, {"dilation", 2}, {"groups", 8}},
     S(1, 8, 5, 5),
     8 * 9 + 8,
     8 * 25 * 9,
     0},
    {"conv2d",
     {S(1, 4, 6, 6)},
     {{"out_channels", 4}, {"kernel_size", 4}, {"padding.0", JC_PADDING_SAME}},
     S(1, 4, 6, 6),
     4 * 4 * 16 + 4,
     4 * 36 * 4 * 16,
     0},
    {"conv2d",
     {S(1, 3, 4, 4)},
     {{"out_channels", 8}, {"kernel_size", 7}, {"padding", 1}},
     {0},
     0,
     0,
     "kernel 7 exceeds padded input 6"},
    {"conv2d",
     {S(1, 3, 8, 8)},
     {{"out_channels", 8}, {"kernel_size", 3}, {"in_channels", 4}},
     {0},
     0,
     0,
     "in_channels is 4, but the input has 3 channels"},
    {"conv2d",
     {S(1, 6, 8, 8)},
     {{"out_channels", 8}, {"kernel_size", 3}, {"groups", 3}},
     {0},
     0,
     0,
     "groups 3 must divide"},
    {"conv2d",
     {S(1, 8, 8, 8)},
     {{"out_channels", 8}, {"kernel_size", 3}, {"stride", 2}, {"padding.0", JC_PADDING_SAME}},
     {0},
     0,
     0,
     "needs stride 1"},
    {"conv2d",
     {S(1, 512)},
     {{"out_channels", 8}, {"kernel_size", 3}},
     {0},
     0,
     0,
     "must be images [N, C, H, W], but is 1x512"},
    // (4 - 1) 2 - 2 + 3 + 1 = 8 with output padding.
    {"conv_transpose2d",
     {S(1, 16, 4, 4)},
     {{"out_channels", 8},
      {"kernel_size", 3},
      {"stride", 2},
      {"padding", 1},
      {"output_padding", 1}},
     S(1, 8, 8, 8),
     16 * 8 * 9 + 8,
     16 * 16 * 8 * 9,
     0},
    {"linear",
     {S(4, 197, 768)},
     {{"out_features", 2304}},
     S(4, 197, 2304),
     768 * 2304 + 2304,
     INT64_C(4) * 197 * 768 * 2304,
     0},
    {"linear",
     {S(1, 512, 7, 7)},
     {{"out_features", 10}, {"in_features", 25088}},
     {0},
     0,
     0,
     "in_features is 25088, but the input has 7 features"},
    // VGG, AlexNet, GoogLeNet (ceil), and the window that ceil mode must leave out.
    {"max_pool2d", {S(1, 64, 224, 224)}, {{"kernel_size", 2}}, S(1, 64, 112, 112), 0, 0, 0},
    {"max_pool2d",
     {S(1, 64, 55, 55)},
     {{"kernel_size", 3}, {"stride", 2}},
     S(1, 64, 27, 27),
     0,
     0,
     0},
    {"max_pool2d",
     {S(1, 64, 112, 112)},
     {{"kernel_size", 3}, {"stride", 2}, {"ceil_mode", 1}},
     S(1, 64, 56, 56),
     0,
     0,
     0},
    {"max_pool2d",
     {S(1, 1, 3, 3)},
     {{"kernel_size", 2}, {"stride", 2}, {"padding", 1}, {"ceil_mode", 1}},
     S(1, 1, 2, 2),
     0,
     0,
     0},
    {"avg_pool2d",
     {S(1, 8, 5, 5)},
     {{"kernel_size", 2}, {"padding", 2}},
     {0},
     0,
     0,
     "padding 2 is more than half of kernel 2"},
    {"adaptive_avg_pool2d", {S(1, 256, 13, 13)}, {{"output_size", 6}}, S(1, 256, 6, 6), 0, 0, 0},
    {"adaptive_avg_pool2d", {S(1, 256, 1, 1)}, {{"output_size", 6}}, S(1, 256, 6, 6), 0, 0, 0},
    {"global_avg_pool2d", {S(2, 2048, 7, 7)}, {{0}}, S(2, 2048, 1, 1), 0, 0, 0},
    {"batch_norm", {S(1, 64, 56, 56)}, {{0}}, S(1, 64, 56, 56), 128, 0, 0},
    {"batch_norm", {S(1, 64, 56, 56)}, {{"affine", 0}}, S(1, 64, 56, 56), 0, 0, 0},
    {"batch_norm", {S(1, 64)}, {{"num_features", 32}}, {0}, 0, 0, "num_features is 32"},
    {"layer_norm", {S(1, 197, 768)}, {{0}}, S(1, 197, 768), 1536, 0, 0},
    {"prelu", {S(1, 64, 8, 8)}, {{"num_parameters", 64}}, S(1, 64, 8, 8), 64, 0, 0},
    {"prelu", {S(1, 64, 8, 8)}, {{"num_parameters", 3}}, {0}, 0, 0, "num_parameters is 3"},
    {"softmax", {S(1, 12, 9)}, {{"dim", 3}}, {0}, 0, 0, "dim 3 is not an axis"},
    {"add", {S(2, 64, 8, 8), S(2, 64, 1, 1)}, {{0}}, S(2, 64, 8, 8), 0, 0, 0},
    {"mul", {S(2, 64, 8, 8), S(2, 64, 7, 7)}, {{0}}, {0}, 0, 0, "do not broadcast: 8 against 7"},
    {"concat", {S(1, 64, 8, 8), S(1, 32, 8, 8)}, {{0}}, S(1, 96, 8, 8), 0, 0, 0},
    {"concat", {S(1, 64, 8, 8), S(1, 32, 7, 8)}, {{0}}, {0}, 0, 0, "agree in every axis but 1"},
    {"flatten", {S(3, 512, 7, 7)}, {{0}}, S(3, 25088), 0, 0, 0},
    {"flatten", {S(3, 2, 5, 7)}, {{"start_dim", 2}}, S(3, 2, 35), 0, 0, 0},
    {"flatten", {S(3, 2, 5, 7)}, {{"start_dim", 1}, {"end_dim", 2}}, S(3, 10, 7), 0, 0, 0},
    {"reshape",
     {S(2, 197, 768)},
     {{"shape.0", 3}, {"shape.1", -1}, {"shape.2", 12}, {"shape.3", 64}},
     S(2, 197, 12, 64),
     0,
     0,
     0},
    {"reshape", {S(2, 10)}, {{"shape.0", 1}, {"shape.1", 11}}, {0}, 0, 0, "asks for 11 values"},
    {"reshape",
     {S(2, 10)},
     {{"shape.0", 2}, {"shape.1", 3}, {"shape.2", -1}},
     {0},
     0,
     0,
     "a multiple of 3"},
    {"transpose", {S(1, 12, 197, 64)}, {{"dim0", 1}, {"dim1", -2}}, S(1, 197, 12, 64), 0, 0, 0},
    {"transpose", {S(1, 12, 9)}, {{"dim0", 0}, {"dim1", 1}}, {0}, 0, 0, "stays in front"},
    {"channel_shuffle", {S(1, 116, 28, 28)}, {{"groups", 2}}, S(1, 116, 28, 28), 0, 0, 0},
    {"channel_shuffle", {S(1, 116, 28, 28)}, {{"groups", 3}}, {0}, 0, 0, "groups 3 must divide"},
    {"upsample", {S(1, 16, 7, 9)}, {{"size.0", 14}, {"size.1", 20}}, S(1, 16, 14, 20), 0, 0, 0},
    {"upsample", {S(1, 16, 7, 9)}, {{0}}, {0}, 0, 0, "exactly one of size and scale_factor"},
    {"matmul",
     {S(1, 12, 197, 64), S(1, 12, 64, 197)},
     {{0}},
     S(1, 12, 197, 197),
     0,
     INT64_C(12) * 197 * 64 * 197,
     0},
    {"matmul",
     {S(1, 12, 197, 64), S(1, 12, 65, 197)},
     {{0}},
     {0},
     0,
     0,
     "64 columns against 65 rows"},
    {"scaled_dot_product_attention",
     {S(2, 12, 197, 64), S(2, 12, 50, 64), S(2, 12, 50, 32)},
     {{0}},
     S(2, 12, 197, 32),
     0,
     INT64_C(2) * 12 * 197 * 50 * (64 + 32),
     0},
    {"embedding",
     {S(2, 128)},
     {{"num_embeddings", 30522}, {"embedding_dim", 768}},
     S(2, 128, 768),
     30522 * 768,
     0,
     0},
    {"narrow",
     {S(1, 116, 28, 28)},
     {{"dim", 1}, {"start", 58}, {"length", 58}},
     S(1, 58, 28, 28),
     0,
     0,
     0},
    {"narrow",
     {S(1, 116, 28, 28)},
     {{"dim", 1}, {"start", 60}, {"length", 58}},
     {0},
     0,
     0,
     "start 60 and length 58 leave axis 1, which has 116"},
    {"select", {S(2, 197, 768)}, {{"dim", 1}, {"index", 0}}, S(2, 768), 0, 0, 0},
    {"select",
     {S(2, 197, 768)},
     {{"dim", 1}, {"index", 197}},
     {0},
     0,
     0,
     "axis 1 has no index 197: they go from -197 to 196"},
    {"parameter",
     {{0}},
     {{"shape.0", 2}, {"shape.1", 197}, {"shape.2", 768}},
     S(5, 197, 768),
     197 * 768,
     0,
     0},
};

static void set_param(const jc_op *op, jc_op_call *call, given g) {
    char name[32];
    const char *dot = strchr(g.param, '.');
    const size_t n = dot == NULL ? strlen(g.param) : (size_t)(dot - g.param);
    memcpy(name, g.param, n);
    name[n] = '\0';
    const jc_param *param = jc_op_param(op, name);
    cr_assert_not_null(param, "%s.%s", op->name, name);
    const int first = dot == NULL ? 0 : dot[1] - '0';
    const int last = dot == NULL ? jc_param_slots(param->type) - 1 : first;
    for (int s = first; s <= last; ++s) {
        call->value[param->slot + s].i = g.value;
    }
}

static void check_case(const op_case *c) {
    const jc_op *op = jc_op_find(c->op);
    cr_assert_not_null(op, "%s", c->op);
    const jc_shape *inputs[3];
    jc_op_call call = {.batch_size = 5, .inputs = inputs};
    for (int i = 0; i < 3 && c->inputs[i].rank > 0; ++i) {
        inputs[call.n_inputs++] = &c->inputs[i];
    }
    jc_op_set_defaults(op, &call);
    for (int i = 0; i < 6 && c->params[i].param != NULL; ++i) {
        set_param(op, &call, c->params[i]);
    }
    jc_shape output = {0};
    jc_error err = {0};
    const jc_status status = op->infer(&call, &output, &err);
    if (c->output.rank == 0) {
        cr_expect_eq(status, JC_ESHAPE, "%s: %s", c->op, c->message);
        cr_expect(strstr(err.message, c->message) != NULL, "%s: %s", c->op, err.message);
        cr_expect_eq(output.rank, 0, "%s: output touched by a failure", c->op);
        return;
    }
    cr_assert_eq(status, JC_OK, "%s: %s", c->op, err.message);
    char text[JC_SHAPE_TEXT_SIZE];
    cr_expect(memcmp(&output, &c->output, sizeof output) == 0, "%s gave %s", c->op,
              jc_shape_format(&output, text));
    cr_expect_eq(op->count_params == NULL ? 0 : op->count_params(&call), c->n_params, "%s", c->op);
    if (op->kernel != JC_KERNEL_NONE) {
        jc_kernel kernel = {.kind = op->kernel};
        op->kernel_sizes(&call, &output, kernel.size);
        cr_expect_eq(jc_kernel_work(&kernel).macs, c->macs, "%s", c->op);
        jc_kernel completed = kernel;
        cr_expect_eq(jc_kernel_complete(&completed, &err), JC_OK, "%s: %s", c->op, err.message);
        cr_expect(jc_kernel_equal(&kernel, &completed), "%s: a layer's kernel is complete", c->op);
    }
}

/** How an operator moves what it is given, by hand. */
typedef struct move_case {
    const char *op;
    jc_shape inputs[2];
    given params[4];
    int64_t size[5];
} move_case;

static const move_case moves[] = {
    // Channels of images: blocks of a sample, 96 channels of a plane of 64.
    {"concat", {S(2, 64, 8, 8), S(2, 32, 8, 8)}, {{"dim", 1}}, {2, 96 * 64, 96, 2}},
    // A token before others, and features beside others: each operand is written in one piece.
    {"concat", {S(2, 1, 768), S(2, 196, 768)}, {{"dim", 1}}, {2, 197 * 768, 197 * 768, 2}},
    {"concat", {S(2, 196, 64), S(2, 196, 32)}, {{"dim", -1}}, {2 * 196, 96, 96, 2}},
    // Pieces of rows of an image are rows for each channel.
    {"concat", {S(2, 3, 4, 5), S(2, 3, 2, 5)}, {{"dim", 2}}, {2 * 3, 30, 30, 2}},
    // 3 groups of 8 channels at 42 positions.
    {"channel_shuffle", {S(2, 24, 7, 6)}, {{"groups", 3}}, {2, 24 * 42, 3, 1, 42}},
    // Patches behind channels; rows and columns are told by what comes first.
    {"transpose", {S(2, 768, 196)}, {{"dim0", 1}, {"dim1", 2}}, {2, 768 * 196, 768, 1, 1}},
    {"transpose", {S(2, 5, 6, 7)}, {{"dim0", 3}, {"dim1", 2}}, {2 * 5, 42, 6, 1, 1}},
    {"transpose", {S(2, 5, 6, 7)}, {{"dim0", 1}, {"dim1", 1}}, {2, 210, 1, 42, 1}},
    // Heads before tokens: 197 rows of 12 heads of 64.
    {"permute",
     {S(2, 197, 12, 64)},
     {{"dims.0", 3}, {"dims.1", 2}, {"dims.2", 1}, {"dims.3", 3}},
     {2, 197 * 768, 197, 64, 1}},
    {"permute",
     {S(2, 3, 8, 9)},
     {{"dims.0", 3}, {"dims.1", 1}, {"dims.2", 2}, {"dims.3", 3}},
     {2, 216, 1, 216, 1}},
    // Channels behind the plane, and before it.
    {"permute",
     {S(2, 3, 8, 9)},
     {{"dims.0", 3}, {"dims.1", 2}, {"dims.2", 3}, {"dims.3", 1}},
     {2, 216, 3, 1, 1}},
    {"permute",
     {S(2, 8, 9, 3)},
     {{"dims.0", 3}, {"dims.1", 3}, {"dims.2", 1}, {"dims.3", 2}},
     {2, 216, 72, 1, 1}},
};

Test(op, what_moves_is_described_as_it_moves) {
    for (size_t m = 0; m < sizeof moves / sizeof moves[0]; ++m) {
        const jc_op *op = jc_op_find(moves[m].op);
        const jc_shape *inputs[] = {&moves[m].inputs[0], &moves[m].inputs[1]};
        jc_op_call call = {
            .batch_size = 2, .inputs = inputs, .n_inputs = inputs[1]->rank > 0 ? 2 : 1};
        jc_op_set_defaults(op, &call);
        for (int i = 0; i < 4 && moves[m].params[i].param != NULL; ++i) {
            set_param(op, &call, moves[m].params[i]);
        }
        jc_shape output = {0};
        cr_assert_eq(op->infer(&call, &output, NULL), JC_OK, "case %zu", m);
        jc_kernel kernel = {.kind = op->kernel};
        op->kernel_sizes(&call, &output, kernel.size);
        for (int c = 0; c < 5; ++c) {
            cr_expect_eq(kernel.size[c], moves[m].size[c], "case %zu, %s: size %d is %" PRId64, m,
                         op->name, c, kernel.size[c]);
        }
        cr_expect_eq(jc_kernel_complete(&kernel, NULL), JC_OK, "case %zu", m);
    }
}

Test(op, shapes_parameters_and_macs_by_hand) {
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        check_case(&cases[i]);
    }
}

// The near edge's padding and the output say all there is: an even `same` kernel pads 1 and 2.
Test(op, same_padding_puts_the_odd_cell_at_the_end) {
    const jc_op *op = jc_op_find("conv2d");
    const jc_shape input = S(1, 4, 6, 6);
    const jc_shape *inputs[] = {&input};
    jc_op_call call = {.n_inputs = 1, .inputs = inputs};
    jc_op_set_defaults(op, &call);
    set_param(op, &call, (given){"out_channels", 4});
    set_param(op, &call, (given){"kernel_size", 4});
    set_param(op, &call, (given){"padding.0", JC_PADDING_SAME});
    jc_shape output;
    cr_assert_eq(op->infer(&call, &output, NULL), JC_OK);
    jc_kernel kernel = {.kind = op->kernel};
    op->kernel_sizes(&call, &output, kernel.size);
    cr_expect_eq(kernel.size[JC_WINDOW_PADDING_H], 1);
    cr_expect_eq(kernel.size[JC_WINDOW_OUT_HEIGHT], 6);
}

Test(op, the_table_is_sorted_and_every_row_complete) {
    size_t n = 0;
    const jc_op *const *ops = jc_ops(&n);
    for (size_t i = 0; i < n; ++i) {
        cr_expect(i == 0 || strcmp(ops[i - 1]->name, ops[i]->name) < 0, "%s", ops[i]->name);
        cr_expect_eq(jc_op_find(ops[i]->name), ops[i]);
        cr_expect_not_null(ops[i]->summary);
        cr_expect_not_null(ops[i]->infer);
        cr_expect_eq(ops[i]->kernel == JC_KERNEL_NONE, ops[i]->kernel_sizes == NULL, "%s",
                     ops[i]->name);
        for (const jc_param *p = ops[i]->params; p->name != NULL; ++p) {
            cr_expect(p->slot + jc_param_slots(p->type) <= JC_OP_MAX_SLOTS, "%s.%s", ops[i]->name,
                      p->name);
        }
    }
    cr_expect_null(jc_op_find("conv3d"));
}
