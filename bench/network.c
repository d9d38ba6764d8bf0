#include "network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

network network_make(int64_t rows, const char *widths, const char *activation)
{
    network net = { .rows = rows, .activation = activation, .n_layers = -1 };
    char *end = (char *)(uintptr_t)widths;
    do {
        net.width[++net.n_layers] = strtoll(end, &end, 10);
    } while (*end++ == '-' && net.n_layers < NETWORK_MOST_LAYERS);
    if (net.n_layers < 1 || end[-1] || net.width[net.n_layers] < 1) {
        fprintf(stderr, "'%s' are no widths of layers\n", widths);
        exit(1);
    }
    net.x = floats_make(rows * net.width[0], -1, 1);
    for (int i = 0; i < net.n_layers; i++) {
        net.w[i] = floats_make(net.width[i] * net.width[i + 1], -0.06f, 0.05f);
        net.b[i] = floats_make(net.width[i + 1], -1, 1);
        net.y[i] = floats_make(rows * net.width[i + 1], 0, 0);
    }
    return net;
}

void network_free(network *net)
{
    free(net->x);
    for (int i = 0; i < net->n_layers; i++) {
        free(net->w[i]);
        free(net->b[i]);
        free(net->y[i]);
    }
}

size_t network_weight_bytes(const network *net)
{
    size_t n = 0;
    for (int i = 0; i < net->n_layers; i++)
        n += (size_t)(net->width[i] * net->width[i + 1]) * sizeof(float);
    return n;
}

double network_flop(const network *net)
{
    return 2.0 * (double)net->rows * (double)network_weight_bytes(net) / sizeof(float);
}

int network_activates(const network *net, int layer)
{
    return layer + 1 < net->n_layers || net->n_layers == 1;
}

const char *activation_text(const char *activation)
{
    if (strcmp(activation, "relu") == 0)
        return "fn act(x) = relu(x)\n";
    if (strcmp(activation, "gelu") == 0)
        return "fn act(x) = gelu(x)\n";
    return "fn act(x) = 0.1*x + x/(1 + abs(x))\n"; /* the user's own */
}

static void append(char text[NETWORK_TEXT], const char *more)
{
    strncat(text, more, NETWORK_TEXT - 1 - strlen(text));
}

/* The parameters of layer i. */
static void append_params(const network *net, int i, char *text)
{
    char more[160];
    long long k = net->width[i], n = net->width[i + 1];
    (void)snprintf(more, sizeof more, "  param W%d: [%lld,%lld] = 0\n", i, k, n);
    append(text, more);
    (void)snprintf(more, sizeof more, "  param b%d: [%lld] = 0\n", i, n);
    append(text, more);
}

/* The arguments of layer i, and their types as prepared. */
static void append_layer(const network *net, int i, char *text, char *signature)
{
    char more[160];
    int bare = strcmp(net->activation, "none") == 0;
    long long k = net->width[i], n = net->width[i + 1];
    (void)snprintf(more, sizeof more, ", W%d: [%lld,%lld]", i, k, n);
    append(text, more);
    (void)snprintf(more, sizeof more, ", f32[%lld,%lld]", k, n);
    append(signature, more);
    if (bare)
        return;
    (void)snprintf(more, sizeof more, ", b%d: [%lld]", i, n);
    append(text, more);
    (void)snprintf(more, sizeof more, ", f32[%lld]", n);
    append(signature, more);
}

/* h1 = act(x @ W0 + b0), of h1 the next, and the last one is the result. */
static void append_value(const network *net, int i, char *text)
{
    char more[160], bias[16], of[16], to[24];
    int bare = strcmp(net->activation, "none") == 0, last = i + 1 == net->n_layers;
    (void)snprintf(of, sizeof of, i ? "h%d" : "x", i);
    (void)snprintf(to, sizeof to, last ? "return " : "let h%d = ", i + 1);
    (void)snprintf(bias, sizeof bias, " + b%d", i);
    (void)snprintf(more, sizeof more, "  %s%s(%s @ W%d%s)\n", to,
                   bare || !network_activates(net, i) ? "" : "act", of, i, bare ? "" : bias);
    append(text, more);
}

void network_text(const network *net, enum network_form form, char text[NETWORK_TEXT],
                  char signature[NETWORK_TEXT])
{
    char more[160];
    const char *rows = form == NETWORK_MATRIX ? "m," : "";
    text[0] = 0;
    append(text, strcmp(net->activation, "none") == 0 ? "" : activation_text(net->activation));
    (void)snprintf(more, sizeof more, "fn f(x: [%s%lld]", rows, (long long)net->width[0]);
    append(text, more);
    (void)snprintf(signature, NETWORK_TEXT, "f32[B,%lld]", (long long)net->width[0]);
    for (int i = 0; form != NETWORK_KEPT && i < net->n_layers; i++)
        append_layer(net, i, text, signature);
    (void)snprintf(more, sizeof more, ") -> [%s%lld] {\n", rows,
                   (long long)net->width[net->n_layers]);
    append(text, more);
    for (int i = 0; form == NETWORK_KEPT && i < net->n_layers; i++)
        append_params(net, i, text);
    for (int i = 0; i < net->n_layers; i++)
        append_value(net, i, text);
    append(text, "}\n");
}
