// SPDX-License-Identifier: Apache-2.0
// Bytes to a model, by nanopb. All fields are callbacks (onnx.options), so that nothing is copied
// and what is not asked for is skipped: contents of large tensors, texts for people, subgraphs.
// Without subgraphs nothing in a file nests deeper than attributes of nodes, however deep it is.
#include "model.h"

#include "names.h"
#include "onnx.pb.h"
#include "read_numbers.h"

#include <pb_decode.h>

#include <inttypes.h>
#include <string.h>

/** Grows an array of parts; false where out of memory or over the limit. */
static void *add_part(onnx_reader *r, void **array, size_t n, size_t *capacity, size_t size) {
    if (r->n_parts++ >= ONNX_MAX_PARTS) {
        r->is_over_limit = true;
        return NULL;
    }
    void *grown = jc_arena_grow(r->arena, *array, n, capacity, size);
    if (grown == NULL) {
        r->is_out_of_memory = true;
        return NULL;
    }
    *array = grown;
    void *part = (char *)grown + n * size;
    memset(part, 0, size);
    return part;
}

// --- Tensors --------------------------------------------------------------------------------

// Contents of a tensor are kept while they are few.
#define KEEP_REALS(name, decode)                                                                   \
    static bool name(pb_istream_t *stream, const pb_field_t *field, void **arg) {                  \
        (void)field;                                                                               \
        number_target *t = *arg;                                                                   \
        return decode(t, stream, ONNX_MAX_CONTENTS);                                               \
    }
KEEP_REALS(keep_floats, onnx_read_floats)
KEEP_REALS(keep_doubles, onnx_read_doubles)
KEEP_REALS(keep_ints, onnx_read_varints)

static bool read_tensor(onnx_reader *r, pb_istream_t *stream, onnx_tensor *tensor) {
    number_target dims = {.reader = r};
    number_target type = {.reader = r};
    number_target reals = {.reader = r};
    number_target ints = {.reader = r};
    text_target name = {r, &tensor->name};
    text_target raw = {r, &tensor->raw};
    onnx_TensorProto message = {
        .dims = {{keep_ints}, &dims},
        .data_type = {{keep_ints}, &type},
        .name = {{onnx_read_text}, &name},
        .raw_data = {{onnx_read_text}, &raw},
        .float_data = {{keep_floats}, &reals},
        .double_data = {{keep_doubles}, &reals},
        .int32_data = {{keep_ints}, &ints},
        .int64_data = {{keep_ints}, &ints},
        .uint64_data = {{keep_ints}, &ints},
    };
    if (!pb_decode_ex(stream, onnx_TensorProto_fields, &message, PB_DECODE_NOINIT)) {
        return false;
    }
    tensor->rank = dims.n > ONNX_MAX_RANK ? ONNX_MAX_RANK + 1 : (int)dims.n;
    for (int i = 0; i < tensor->rank && i < ONNX_MAX_RANK; ++i) {
        tensor->dim[i] = dims.ints[i];
    }
    tensor->type = type.n > 0 ? type.ints[type.n - 1] : 0;
    tensor->is_large = reals.is_cut || ints.is_cut;
    return onnx_number_keep_reals(&reals, &tensor->reals, &tensor->n_reals) &&
           onnx_number_keep_ints(&ints, &tensor->ints, &tensor->n_ints);
}

static bool read_initializer(pb_istream_t *stream, const pb_field_t *field, void **arg) {
    (void)field;
    onnx_reader *r = *arg;
    onnx_tensor *tensor = add_part(r, (void **)&r->model->tensors, r->model->n_tensors,
                                   &r->tensor_capacity, sizeof *tensor);
    return tensor != NULL && read_tensor(r, stream, tensor) && ++r->model->n_tensors > 0;
}

// --- Nodes ----------------------------------------------------------------------------------

static bool read_attribute_tensor(pb_istream_t *stream, const pb_field_t *field, void **arg) {
    (void)field;
    onnx_reader *r = *arg;
    onnx_tensor *tensor = jc_arena_alloc(r->arena, 1, sizeof *tensor);
    if (tensor == NULL || r->n_parts++ >= ONNX_MAX_PARTS) {
        r->is_out_of_memory = tensor == NULL;
        r->is_over_limit = tensor != NULL;
        return false;
    }
    r->attribute->tensor = tensor;
    return read_tensor(r, stream, tensor);
}

static bool note_graph(pb_istream_t *stream, const pb_field_t *field, void **arg) {
    (void)field;
    onnx_reader *r = *arg;
    r->attribute->has_graph = true;
    return pb_read(stream, NULL, stream->bytes_left);
}

#define ATTRIBUTE_NUMBERS(name, decode)                                                            \
    static bool name(pb_istream_t *stream, const pb_field_t *field, void **arg) {                  \
        (void)field;                                                                               \
        return decode(*arg, stream, ONNX_MAX_NUMBERS);                                             \
    }
ATTRIBUTE_NUMBERS(all_floats, onnx_read_floats)
ATTRIBUTE_NUMBERS(all_ints, onnx_read_varints)

static bool read_attribute(pb_istream_t *stream, const pb_field_t *field, void **arg) {
    (void)field;
    onnx_reader *r = *arg;
    onnx_attribute *a =
        add_part(r, (void **)&r->attributes, r->n_attributes, &r->attribute_capacity, sizeof *a);
    if (a == NULL) {
        return false;
    }
    r->attribute = a;
    r->n_attributes++;
    number_target i = {.reader = r};
    number_target f = {.reader = r};
    number_target ints = {.reader = r};
    number_target floats = {.reader = r};
    text_target name = {r, &a->name};
    text_target s = {r, &a->s};
    onnx_AttributeProto message = {
        .name = {{onnx_read_text}, &name},
        .s = {{onnx_read_text}, &s},
        .i = {{all_ints}, &i},
        .f = {{all_floats}, &f},
        .ints = {{all_ints}, &ints},
        .floats = {{all_floats}, &floats},
        .t = {{read_attribute_tensor}, r},
        .g = {{note_graph}, r},
    };
    if (!pb_decode_ex(stream, onnx_AttributeProto_fields, &message, PB_DECODE_NOINIT)) {
        return false;
    }
    a->has_i = i.n > 0;
    a->i = i.n > 0 ? i.ints[i.n - 1] : 0;
    a->has_f = f.n > 0;
    a->f = f.n > 0 ? f.reals[f.n - 1] : 0;
    return onnx_number_keep_ints(&ints, &a->ints, &a->n_ints) &&
           onnx_number_keep_reals(&floats, &a->floats, &a->n_floats);
}

static bool read_name(onnx_reader *r, pb_istream_t *stream, text_list *list) {
    if (r->n_names++ >= ONNX_MAX_NAMES) {
        r->is_over_limit = true;
        return false;
    }
    onnx_text *texts =
        jc_arena_grow(r->arena, list->texts, list->n, &list->capacity, sizeof *texts);
    if (texts == NULL) {
        r->is_out_of_memory = true;
        return false;
    }
    list->texts = texts;
    text_target target = {r, &texts[list->n++]};
    void *arg = &target;
    return onnx_read_text(stream, NULL, &arg);
}

static bool read_input_name(pb_istream_t *stream, const pb_field_t *field, void **arg) {
    (void)field;
    onnx_reader *r = *arg;
    return read_name(r, stream, &r->inputs);
}

static bool read_output_name(pb_istream_t *stream, const pb_field_t *field, void **arg) {
    (void)field;
    onnx_reader *r = *arg;
    return read_name(r, stream, &r->outputs);
}

// Copies of exactly the size of what was collected: most nodes have few inputs and attributes.
static bool keep_node_lists(onnx_reader *r, onnx_node *node) {
    onnx_text *inputs = jc_arena_take(r->arena, r->inputs.n, sizeof *inputs);
    onnx_text *outputs = jc_arena_take(r->arena, r->outputs.n, sizeof *outputs);
    node->inputs = jc_arena_take(r->arena, r->inputs.n, sizeof *node->inputs);
    node->outputs = jc_arena_take(r->arena, r->outputs.n, sizeof *node->outputs);
    node->attributes = jc_arena_take(r->arena, r->n_attributes, sizeof *node->attributes);
    if (inputs == NULL || outputs == NULL || node->inputs == NULL || node->outputs == NULL ||
        node->attributes == NULL) {
        r->is_out_of_memory = true;
        return false;
    }
    node->n_inputs = r->inputs.n;
    node->n_outputs = r->outputs.n;
    node->n_attributes = r->n_attributes;
    for (size_t i = 0; i < r->inputs.n; ++i) {
        inputs[i] = r->inputs.texts[i];
    }
    for (size_t i = 0; i < r->outputs.n; ++i) {
        outputs[i] = r->outputs.texts[i];
    }
    for (size_t i = 0; i < r->n_attributes; ++i) {
        node->attributes[i] = r->attributes[i];
    }
    node->input_names = inputs;
    node->output_names = outputs;
    return true;
}

static bool read_node(pb_istream_t *stream, const pb_field_t *field, void **arg) {
    (void)field;
    onnx_reader *r = *arg;
    onnx_node *node =
        add_part(r, (void **)&r->model->nodes, r->model->n_nodes, &r->node_capacity, sizeof *node);
    if (node == NULL) {
        return false;
    }
    r->inputs.n = 0;
    r->outputs.n = 0;
    r->n_attributes = 0;
    text_target name = {r, &node->name};
    text_target op_type = {r, &node->op_type};
    text_target domain = {r, &node->domain};
    onnx_NodeProto message = {
        .input = {{read_input_name}, r},
        .output = {{read_output_name}, r},
        .name = {{onnx_read_text}, &name},
        .op_type = {{onnx_read_text}, &op_type},
        .domain = {{onnx_read_text}, &domain},
        .attribute = {{read_attribute}, r},
    };
    r->model->n_nodes++;
    return pb_decode_ex(stream, onnx_NodeProto_fields, &message, PB_DECODE_NOINIT) &&
           keep_node_lists(r, node);
}

// --- Inputs, outputs and shapes in between --------------------------------------------------

static bool read_dim(pb_istream_t *stream, const pb_field_t *field, void **arg) {
    (void)field;
    onnx_reader *r = *arg;
    onnx_value_info *info = r->info;
    onnx_dim spare = {0};
    onnx_dim *dim = info->rank < ONNX_MAX_RANK ? &info->dim[info->rank] : &spare;
    number_target size = {.reader = r};
    text_target symbol = {r, &dim->symbol};
    onnx_TensorShapeProto_Dimension message = {
        .dim_value = {{keep_ints}, &size},
        .dim_param = {{onnx_read_text}, &symbol},
    };
    if (!pb_decode_ex(stream, onnx_TensorShapeProto_Dimension_fields, &message, PB_DECODE_NOINIT)) {
        return false;
    }
    dim->size = size.n > 0 ? size.ints[size.n - 1] : 0;
    info->rank++;
    return true;
}

static bool read_shape(pb_istream_t *stream, const pb_field_t *field, void **arg) {
    (void)field;
    onnx_reader *r = *arg;
    r->info->has_shape = true;
    onnx_TensorShapeProto message = {.dim = {{read_dim}, r}};
    return pb_decode_ex(stream, onnx_TensorShapeProto_fields, &message, PB_DECODE_NOINIT);
}

static bool read_tensor_type(pb_istream_t *stream, const pb_field_t *field, void **arg) {
    (void)field;
    onnx_reader *r = *arg;
    r->info->is_tensor = true;
    number_target type = {.reader = r};
    onnx_TypeProto_Tensor message = {
        .elem_type = {{keep_ints}, &type},
        .shape = {{read_shape}, r},
    };
    if (!pb_decode_ex(stream, onnx_TypeProto_Tensor_fields, &message, PB_DECODE_NOINIT)) {
        return false;
    }
    r->info->type = type.n > 0 ? type.ints[type.n - 1] : 0;
    return true;
}

static bool read_type(pb_istream_t *stream, const pb_field_t *field, void **arg) {
    (void)field;
    onnx_TypeProto message = {.tensor_type = {{read_tensor_type}, *arg}};
    return pb_decode_ex(stream, onnx_TypeProto_fields, &message, PB_DECODE_NOINIT);
}

static bool read_info(onnx_reader *r, pb_istream_t *stream, onnx_value_info **infos, size_t *n,
                      size_t *capacity) {
    onnx_value_info *info = add_part(r, (void **)infos, *n, capacity, sizeof *info);
    if (info == NULL) {
        return false;
    }
    r->info = info;
    text_target name = {r, &info->name};
    onnx_ValueInfoProto message = {
        .name = {{onnx_read_text}, &name},
        .type = {{read_type}, r},
    };
    ++*n;
    return pb_decode_ex(stream, onnx_ValueInfoProto_fields, &message, PB_DECODE_NOINIT);
}

static bool read_graph_input(pb_istream_t *stream, const pb_field_t *field, void **arg) {
    (void)field;
    onnx_reader *r = *arg;
    return read_info(r, stream, &r->model->inputs, &r->model->n_inputs, &r->input_capacity);
}

static bool read_graph_output(pb_istream_t *stream, const pb_field_t *field, void **arg) {
    (void)field;
    onnx_reader *r = *arg;
    return read_info(r, stream, &r->model->outputs, &r->model->n_outputs, &r->output_capacity);
}

static bool read_value_info(pb_istream_t *stream, const pb_field_t *field, void **arg) {
    (void)field;
    onnx_reader *r = *arg;
    return read_info(r, stream, &r->model->infos, &r->model->n_infos, &r->info_capacity);
}

// --- The file -------------------------------------------------------------------------------

static bool read_graph(pb_istream_t *stream, const pb_field_t *field, void **arg) {
    (void)field;
    onnx_reader *r = *arg;
    if (r->has_graph) {
        PB_RETURN_ERROR(stream, "it has two graphs");
    }
    r->has_graph = true;
    onnx_GraphProto message = {
        .node = {{read_node}, r},
        .initializer = {{read_initializer}, r},
        .input = {{read_graph_input}, r},
        .output = {{read_graph_output}, r},
        .value_info = {{read_value_info}, r},
    };
    return pb_decode_ex(stream, onnx_GraphProto_fields, &message, PB_DECODE_NOINIT);
}

static bool read_opset(pb_istream_t *stream, const pb_field_t *field, void **arg) {
    (void)field;
    onnx_reader *r = *arg;
    onnx_text domain_text = {0};
    text_target domain = {r, &domain_text};
    number_target version = {.reader = r};
    onnx_OperatorSetIdProto message = {
        .domain = {{onnx_read_text}, &domain},
        .version = {{keep_ints}, &version},
    };
    if (!pb_decode_ex(stream, onnx_OperatorSetIdProto_fields, &message, PB_DECODE_NOINIT)) {
        return false;
    }
    if (version.n > 0 && (domain_text.size == 0 || onnx_text_is(domain_text, "ai.onnx"))) {
        r->model->opset = version.ints[version.n - 1];
    }
    return true;
}

jc_status onnx_read(const void *bytes, size_t length, const char *file, jc_arena *arena,
                    onnx_model *out_model, jc_error *err) {
    onnx_model model = {0};
    onnx_reader r = {.bytes = bytes, .length = length, .arena = arena, .model = &model};
    onnx_ModelProto message = {
        .opset_import = {{read_opset}, &r},
        .graph = {{read_graph}, &r},
    };
    pb_istream_t stream = pb_istream_from_buffer(bytes, length);
    const bool good = pb_decode_ex(&stream, onnx_ModelProto_fields, &message, PB_DECODE_NOINIT);
    if (r.is_out_of_memory) {
        return jc_error_set(err, JC_ENOMEM, file, 0, "out of memory");
    }
    if (r.is_over_limit) {
        return jc_error_set(err, JC_EPARSE, file, 0,
                            "it has more than %d nodes, attributes, tensors and shapes, or more "
                            "than %d names or %d numbers",
                            ONNX_MAX_PARTS, ONNX_MAX_NAMES, ONNX_MAX_NUMBERS);
    }
    if (!good) {
        return jc_error_set(err, JC_EPARSE, file, 0, "it is not an ONNX file, or damaged: %s",
                            PB_GET_ERROR(&stream));
    }
    if (!r.has_graph || model.n_nodes == 0) {
        return jc_error_set(err, JC_EPARSE, file, 0,
                            "it has no graph with nodes: it is empty, or not an ONNX file");
    }
    if (model.opset == 0) {
        return jc_error_set(err, JC_EUNSUPPORTED, file, 0,
                            "it does not say of which opset its operators are: export it anew, "
                            "with one from %d to %d",
                            ONNX_FIRST_OPSET, ONNX_LAST_OPSET);
    }
    if (model.opset < ONNX_FIRST_OPSET || model.opset > ONNX_LAST_OPSET) {
        return jc_error_set(err, JC_EUNSUPPORTED, file, 0,
                            "its operators are of opset %" PRId64
                            ": export it anew, with one from %d to %d",
                            model.opset, ONNX_FIRST_OPSET, ONNX_LAST_OPSET);
    }
    *out_model = model;
    return onnx_resolve_names(out_model, file, arena, err);
}
