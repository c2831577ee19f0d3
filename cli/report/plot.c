// SPDX-License-Identifier: Apache-2.0
// A plot as SVG inside an HTML page: no script, and colours that follow the page's.
#include "report.h"

#include <math.h>
#include <stdio.h>

// In the units of the drawing; its axes meet at (LEFT, BOTTOM).
enum { WIDTH = 640, HEIGHT = 360, LEFT = 80, RIGHT = 620, TOP = 20, BOTTOM = 310, TICKS = 5 };

enum { ELEMENT_SIZE = 192 };

#define APPEND(out, ...)                                                                           \
    do {                                                                                           \
        char element[ELEMENT_SIZE];                                                                \
        (void)snprintf(element, sizeof element, __VA_ARGS__);                                      \
        text_append(out, element);                                                                 \
    } while (0)

// The largest of 1, 2 and 5 times a power of ten of which at least TICKS - 2 fit.
static double step_to(double largest) {
    const double rough = largest / (TICKS - 2);
    const double power = pow(10, floor(log10(rough)));
    const double digit = rough / power;
    return (digit >= 5 ? 5 : digit >= 2 ? 2 : 1) * power;
}

static double largest_of(const report_plot *plot, bool is_y) {
    double largest = 0;
    for (size_t i = 0; i < plot->n; ++i) {
        const double value = is_y ? plot->points[i].y : plot->points[i].x;
        largest = isfinite(value) ? fmax(largest, value) : largest;
    }
    return largest > 0 ? largest : 1; // all is 0: any scale will do
}

static double across(double x, double largest) {
    return LEFT + (RIGHT - LEFT) * x / largest;
}

static double down(double y, double largest) {
    return BOTTOM - (BOTTOM - TOP) * y / largest;
}

static void append_ticks(text_buffer *out, const report_axis *axis, double largest, bool is_y) {
    const double step = step_to(largest);
    for (int i = 0; i * step <= largest * (1 + 1e-9); ++i) {
        char quantity[REPORT_QUANTITY_SIZE];
        (void)report_format_quantity(i * step, axis->unit, quantity);
        const double x = is_y ? LEFT : across(i * step, largest);
        const double y = is_y ? down(i * step, largest) : BOTTOM;
        APPEND(out, "<path d=\"M%.1f %.1fH%.1fV%.1f\" class=\"grid\"/>", x, y,
               is_y ? (double)RIGHT : x, is_y ? y : (double)TOP);
        APPEND(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", is_y ? x - 6 : x,
               is_y ? y + 4 : y + 18, is_y ? "end" : "middle", quantity);
    }
}

static void append_title(text_buffer *out, const char *place, const char *title) {
    APPEND(out, "<text %s text-anchor=\"middle\">", place);
    text_append_html(out, title);
    text_append(out, "</text>\n");
}

void report_append_svg(text_buffer *out, const report_plot *plot) {
    const double x_largest = largest_of(plot, false);
    const double y_largest = largest_of(plot, true);
    APPEND(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\">\n<title>", WIDTH, HEIGHT);
    text_append_html(out, plot->title);
    text_append(out, "</title>\n");
    append_ticks(out, &plot->x, x_largest, false);
    append_ticks(out, &plot->y, y_largest, true);
    char place[ELEMENT_SIZE / 2];
    (void)snprintf(place, sizeof place, "x=\"%d\" y=\"%d\"", (LEFT + RIGHT) / 2, HEIGHT - 8);
    append_title(out, place, plot->x.title);
    (void)snprintf(place, sizeof place, "transform=\"translate(16 %d) rotate(-90)\"",
                   (TOP + BOTTOM) / 2);
    append_title(out, place, plot->y.title);
    text_append(out, "<polyline class=\"front\" points=\"");
    for (size_t i = 0; i < plot->n; ++i) {
        if (plot->points[i].is_marked) {
            APPEND(out, "%.1f,%.1f ", across(plot->points[i].x, x_largest),
                   down(plot->points[i].y, y_largest));
        }
    }
    text_append(out, "\"/>\n");
    for (size_t i = 0; i < plot->n; ++i) {
        const report_plot_point *p = &plot->points[i];
        if (isfinite(p->x) && isfinite(p->y)) {
            APPEND(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\"%s/>\n", across(p->x, x_largest),
                   down(p->y, y_largest), p->is_marked ? " class=\"marked\"" : "");
        }
    }
    text_append(out, "</svg>\n");
}
