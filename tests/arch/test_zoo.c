// SPDX-License-Identifier: Apache-2.0
// The zoo against what is published of it: parameters exactly, multiply-accumulates, shapes.
#include <joulecast/graph.h>

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char zoo_folder[] = JC_TEST_SOURCE_ROOT "/architectures";

/** What is known of a network from outside this project. */
typedef struct network {
    const char *name;
    int64_t params;   ///< torchvision's counts, auxiliary heads left out; those marked are ours
    double giga_macs; ///< torchvision's `_ops`, rounded to 1e-3 as there
    int64_t channels; ///< of the last plane larger than 1x1; 0 = not asked
    int64_t side;     ///< height and width of that plane
} network;

static const network networks[] = {
    {"alexnet", 61100840, 0.714, 256, 6},
    {"densenet121", 7978856, 2.834, 1024, 7},
    {"efficientnet_b0", 5288548, 0.386, 1280, 7},
    {"googlenet", 6624904, 1.498, 1024, 7},
    {"inception_v3", 23834568, 5.713, 2048, 8},
    // 6·(25+1) + 16·(150+1) + 120·(400+1) + 84·(120+1) + 10·(84+1) parameters;
    // 784·6·25 + 100·16·150 + 120·400 + 84·120 + 10·84 = 416520 MACs.
    {"lenet5", 61706, 0.000, 16, 5},
    // 20·(25+1) + 50·(500+1) + 500·(800+1) + 10·(500+1) parameters;
    // 576·20·25 + 64·50·500 + 800·500 + 500·10 = 2293000 MACs.
    {"lenet_caffe", 431080, 0.002, 50, 4},
    {"mnasnet1_0", 4383312, 0.314, 1280, 7},
    // Stem 32·27; depthwise 9·c and pointwise c·d for c → d in 32 64 128 128 256 256 512 512 512
    // 512 512 512 1024 1024: 44640 + 3139584; batch norms 2·(32 + 4960 + 5952); 1024·1000 + 1000.
    // The paper's table 8 says 4.2 million, and 569 million MACs.
    {"mobilenet_v1", 864 + 44640 + 3139584 + 2 * (32 + 4960 + 5952) + 1025000, 0.569, 1024, 7},
    {"mobilenet_v2", 3504872, 0.301, 1280, 7},
    {"mobilenet_v3_large", 5483032, 0.217, 960, 7},
    {"mobilenet_v3_small", 2542856, 0.057, 576, 7},
    // Four stages of an n·n convolution and two 1x1, biases included: 11·11·3 → 96, 5·5·96 → 256,
    // 3·3·256 → 384, 3·3·384 → 1024, the last 1x1 to 1000. Sides 54, 27, 13, 6:
    // 2916·(363 + 2·96)·96 + 729·(2400 + 2·256)·256 + 169·(2304 + 2·384)·384
    //   + 36·((3456 + 1024)·1024 + 1024·1000) = 1100188800 MACs.
    {"nin",
     96 * (363 + 1) + 2 * 96 * (96 + 1) + 256 * (2400 + 1) + 2 * 256 * (256 + 1) +
         384 * (2304 + 1) + 2 * 384 * (384 + 1) + 1024 * (3456 + 1) + 1024 * (1024 + 1) +
         1000 * (1024 + 1),
     1.100, 1000, 6},
    // The paper's table 3: 145 million parameters, 2810 million connections (biases included).
    {"overfeat",
     96 * (363 + 1) + 256 * (2400 + 1) + 512 * (2304 + 1) + 1024 * (4608 + 1) + 1024 * (9216 + 1) +
         3072 * (36864 + 1) + 4096 * (3072 + 1) + 1000 * (4096 + 1),
     2.801, 1024, 6},
    {"resnet101", 44549160, 7.801, 2048, 7},
    {"resnet152", 60192808, 11.514, 2048, 7},
    {"resnet18", 11689512, 1.814, 512, 7},
    // The paper's table 6 says 0.27 million. With 3·3 windows 9·(3·16 + 6·16² + 16·32 + 5·32² +
    // 32·64 + 5·64²) weights, batch norms 2·(7·16 + 6·32 + 6·64), 64·10 + 10; MACs are
    // 9·(1024·(3·16 + 6·16²) + 256·(16·32 + 5·32²) + 64·(32·64 + 5·64²)) + 640 = 40551040.
    {"resnet20", 269722, 0.041, 64, 8},
    {"resnet34", 21797672, 3.664, 512, 7},
    {"resnet50", 25557032, 4.089, 2048, 7},
    {"shufflenet_v2_x1_0", 2278604, 0.145, 1024, 7},
    {"squeezenet1_0", 1248424, 0.819, 1000, 13},
    {"squeezenet1_1", 1235496, 0.349, 1000, 13},
    {"vgg11", 132863336, 7.609, 512, 7},
    {"vgg13", 133047848, 11.308, 512, 7},
    {"vgg16", 138357544, 15.470, 512, 7},
    {"vgg19", 143667240, 19.632, 512, 7},
    {"vit_b_16", 86567656, 17.564, 0, 0},
};

enum { N_NETWORKS = sizeof networks / sizeof networks[0] };

static jc_graph *load(const char *name, int64_t batch_size) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s.yaml", zoo_folder, name);
    const jc_graph_options options = {.batch_size = batch_size};
    jc_graph *graph = NULL;
    jc_error err = {0};
    const jc_status status = jc_graph_load(path, &options, &graph, &err);
    cr_assert_eq(status, JC_OK, "%s:%d: %s", err.file, err.line, err.message);
    return graph;
}

// MACs of convolutions and linear layers, and of all layers.
static void count(const jc_graph *graph, int64_t *out_params, int64_t *out_classic_macs,
                  int64_t *out_all_macs) {
    size_t n = 0;
    const jc_layer *layers = jc_graph_layers(graph, &n);
    *out_params = *out_classic_macs = *out_all_macs = 0;
    for (size_t i = 0; i < n; ++i) {
        const bool is_classic =
            layers[i].kernel.kind == JC_KERNEL_CONV2D || layers[i].kernel.kind == JC_KERNEL_LINEAR;
        *out_params += layers[i].params;
        *out_all_macs += layers[i].work.macs;
        *out_classic_macs += is_classic ? layers[i].work.macs : 0;
    }
}

Test(zoo, parameters_agree_with_the_published_counts) {
    for (size_t i = 0; i < N_NETWORKS; ++i) {
        jc_graph *graph = load(networks[i].name, 1);
        int64_t params = 0;
        int64_t classic_macs = 0;
        int64_t macs = 0;
        count(graph, &params, &classic_macs, &macs);
        cr_expect_eq(params, networks[i].params, "%s has %lld parameters", networks[i].name,
                     (long long)params);
        const double off = (double)macs / 1e9 - networks[i].giga_macs;
        cr_expect(off > -0.000501 && off < 0.000501, "%s has %lld MACs", networks[i].name,
                  (long long)macs);
        cr_expect_str_eq(jc_graph_name(graph), networks[i].name);
        jc_graph_free(graph);
    }
}

Test(zoo, macs_agree_with_the_exact_counts_that_are_known) {
    static const struct {
        const char *name;
        int64_t macs; ///< of convolutions and linear layers, one image
    } known[] = {{"alexnet", 714188480},
                 {"lenet5", 416520},
                 {"lenet_caffe", 2293000},
                 {"mobilenet_v2", 300774272},
                 {"nin", 1100188800},
                 {"resnet20", 40551040},
                 {"resnet50", INT64_C(4089184256)},
                 {"vgg16", INT64_C(15470264320)}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; ++i) {
        jc_graph *graph = load(known[i].name, 1);
        int64_t params = 0;
        int64_t macs = 0;
        int64_t all_macs = 0;
        count(graph, &params, &macs, &all_macs);
        cr_expect_eq(macs, known[i].macs, "%s has %lld MACs", known[i].name, (long long)macs);
        cr_expect_eq(all_macs, macs);
        jc_graph_free(graph);
    }
}

Test(zoo, last_planes_have_their_published_sizes) {
    for (size_t i = 0; i < N_NETWORKS; ++i) {
        if (networks[i].channels == 0) {
            continue;
        }
        jc_graph *graph = load(networks[i].name, 1);
        size_t n = 0;
        const jc_layer *layers = jc_graph_layers(graph, &n);
        const jc_layer *last = NULL;
        for (size_t l = 0; l < n; ++l) {
            const jc_shape *s = &layers[l].output;
            last = s->rank == 4 && s->dim[2] > 1 ? &layers[l] : last;
        }
        cr_assert_not_null(last);
        char shape[JC_SHAPE_TEXT_SIZE];
        cr_expect(last->output.dim[1] == networks[i].channels &&
                      last->output.dim[2] == networks[i].side &&
                      last->output.dim[3] == networks[i].side,
                  "%s: %s", networks[i].name, jc_shape_format(&last->output, shape));
        jc_graph_free(graph);
    }
}

// Sizes from tables of the papers.
Test(zoo, layers_in_the_middle_have_the_sizes_of_the_papers) {
    static const struct {
        const char *network;
        const char *layer;
        const char *shape;
    } places[] = {
        {"lenet5", "conv2d_2", "1x16x10x10"},
        {"alexnet", "conv2d_1", "1x64x55x55"},
        {"overfeat", "conv2d_2", "1x256x24x24"},
        {"googlenet", "inception3a.concat", "1x256x28x28"},
        {"googlenet", "inception4e.concat", "1x832x14x14"},
        {"inception_v3", "inception_a_2[1].concat", "1x288x35x35"},
        {"inception_v3", "inception_b.concat", "1x768x17x17"},
        {"inception_v3", "inception_d.concat", "1x1280x8x8"},
        {"resnet50", "max_pool2d", "1x64x56x56"},
        {"resnet50", "stage1.bottleneck[0].conv_bn_1.conv2d", "1x64x56x56"},
        {"resnet50", "stage1.bottleneck[2].add", "1x256x56x56"},
        {"resnet50", "stage3.bottleneck[5].add", "1x1024x14x14"},
        {"densenet121", "dense_layer_1[5].concat", "1x256x56x56"},
        {"densenet121", "transition_3.avg_pool2d", "1x512x7x7"},
        {"shufflenet_v2_x1_0", "stage3.unit[6].channel_shuffle", "1x232x14x14"},
        {"mobilenet_v2", "stage_2.inverted_residual[1].add", "1x24x56x56"},
        {"vit_b_16", "concat", "1x197x768"},
        {"vit_b_16", "encoder[11].add_2", "1x197x768"},
        {"vit_b_16", "encoder[0].self_attention.scaled_dot_product_attention", "1x12x197x64"},
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; ++i) {
        jc_graph *graph = load(places[i].network, 1);
        size_t n = 0;
        const jc_layer *layers = jc_graph_layers(graph, &n);
        size_t n_found = 0;
        for (size_t l = 0; l < n; ++l) {
            char name[JC_LAYER_NAME_SIZE];
            char shape[JC_SHAPE_TEXT_SIZE];
            if (strcmp(jc_layer_name(graph, l, name), places[i].layer) == 0) {
                ++n_found;
                cr_expect_str_eq(jc_shape_format(&layers[l].output, shape), places[i].shape,
                                 "%s %s", places[i].network, places[i].layer);
            }
        }
        cr_expect_eq(n_found, 1, "%s has %zu layers called %s", places[i].network, n_found,
                     places[i].layer);
        jc_graph_free(graph);
    }
}

Test(zoo, only_work_and_batch_axes_grow_with_the_batch) {
    enum { BATCH = 8 };
    for (size_t i = 0; i < N_NETWORKS; ++i) {
        jc_graph *one = load(networks[i].name, 1);
        jc_graph *many = load(networks[i].name, BATCH);
        size_t n = 0;
        size_t n_many = 0;
        const jc_layer *a = jc_graph_layers(one, &n);
        const jc_layer *b = jc_graph_layers(many, &n_many);
        cr_assert_eq(n, n_many);
        for (size_t l = 0; l < n; ++l) {
            jc_shape expected = a[l].output;
            expected.dim[0] *= BATCH;
            cr_assert_eq(memcmp(&expected, &b[l].output, sizeof expected), 0, "%s, line %d",
                         networks[i].name, b[l].line);
            cr_assert_eq(b[l].params, a[l].params);
            cr_assert_eq(b[l].work.macs, BATCH * a[l].work.macs);
        }
        jc_graph_free(one);
        jc_graph_free(many);
    }
}

// Names of layers are how a reader of a report finds the place: no two may be the same.
static int compare_names(const void *a, const void *b) {
    return strcmp(a, b);
}

Test(zoo, layers_of_a_network_have_different_names) {
    for (size_t i = 0; i < N_NETWORKS; ++i) {
        jc_graph *graph = load(networks[i].name, 1);
        size_t n = 0;
        (void)jc_graph_layers(graph, &n);
        char(*names)[JC_LAYER_NAME_SIZE] = malloc(n * sizeof *names);
        cr_assert_not_null(names);
        for (size_t l = 0; l < n; ++l) {
            (void)jc_layer_name(graph, l, names[l]);
        }
        qsort(names, n, sizeof *names, compare_names);
        for (size_t l = 1; l < n; ++l) {
            cr_expect_str_neq(names[l - 1], names[l], "%s: %s twice", networks[i].name, names[l]);
        }
        free(names);
        jc_graph_free(graph);
    }
}

static bool is_tested(const char *file) {
    for (size_t i = 0; i < N_NETWORKS; ++i) {
        const size_t length = strlen(networks[i].name);
        if (strncmp(file, networks[i].name, length) == 0 && strcmp(file + length, ".yaml") == 0) {
            return true;
        }
    }
    return false;
}

Test(zoo, every_file_is_tested_and_states_its_source) {
    DIR *folder = opendir(zoo_folder);
    cr_assert_not_null(folder);
    size_t n_files = 0;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        const char *dot = strrchr(entry->d_name, '.');
        if (dot == NULL || strcmp(dot, ".yaml") != 0) {
            continue;
        }
        ++n_files;
        cr_expect(is_tested(entry->d_name), "%s has no row in the table", entry->d_name);
        char path[1024];
        char text[1024] = "";
        (void)snprintf(path, sizeof path, "%s/%s", zoo_folder, entry->d_name);
        FILE *file = fopen(path, "r");
        cr_assert_not_null(file);
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        (void)fclose(file);
        cr_expect_not_null(strstr(text, "# SPDX-License-Identifier: Apache-2.0\n"));
        cr_expect_not_null(strstr(text, "\nsource: \""), "%s", entry->d_name);
    }
    (void)closedir(folder);
    cr_expect_eq(n_files, N_NETWORKS);
}
