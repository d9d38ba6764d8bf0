/* A line on the terminal that is drawn over again. */
#define _DEFAULT_SOURCE

#include "progress.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { BAR = 20, LINE = 200, COLUMNS = 80 };
#define PERIOD 0.1 /* s */

double progress_clock(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void progress_begin(progress *p, const console *c)
{
    *p = (progress){ .began = progress_clock(), .value = (double)NAN };
    if (isatty(fileno(c->err)))
        p->f = c->err;
}

const char *progress_rate(double rate, char text[32])
{
    bool mega = rate >= 999500, kilo = rate >= 9995;
    double shown = mega ? rate * 1e-6 : kilo ? rate * 1e-3 : rate;
    if (!isfinite(rate))
        shown = 0;
    (void)snprintf(text, 32, shown < 9.95 && mega ? "%.1f%s samples/s" : "%.0f%s samples/s",
                   shown,
                   mega   ? " M"
                   : kilo ? " k"
                          : "");
    return text;
}

static size_t columns(const progress *p)
{
    struct winsize w;
    bool known = ioctl(fileno(p->f), TIOCGWINSZ, &w) == 0 && w.ws_col > 0;
    return known ? w.ws_col : COLUMNS;
}

static const char *bar(double share, char text[BAR + 4])
{
    int full = (int)(share * (double)BAR);
    text[0] = '[';
    for (int i = 0; i < BAR; i++)
        text[i + 1] = i < full ? '=' : i == full ? '>' : ' ';
    (void)strcpy(text + BAR + 1, "] ");
    return text;
}

void progress_draw(progress *p, const progress_place *at)
{
    char line[LINE], drawn[BAR + 4], rate[32], metric[64] = "";
    double now = progress_clock();
    if (!p->f || now - p->drawn < PERIOD)
        return;
    double share = (double)at->samples / (double)at->of;
    double speed = (double)(at->trained + at->samples) / (now - p->began);
    double left = ((double)(at->epochs - at->epoch + 1) - share) * (double)at->of / speed;
    if (p->metric && !isnan(p->value))
        (void)snprintf(metric, sizeof metric, "  %.20s %.4f", p->metric, p->value);
    size_t most = columns(p) - 1;
    for (bool whole = true;;
         whole = false) { /* without the bar where there is no room for it */
        int n = snprintf(
            line, sizeof line,
            "epoch %2" PRId64 "/%" PRId64 " %s%.0f %%  loss %.4f%s  %s  ETA %d:%02d", at->epoch,
            at->epochs, whole ? bar(share, drawn) : "", floor(100 * share), at->loss, metric,
            progress_rate(speed, rate), (int)(left / 60), (int)left % 60);
        if (!whole || (size_t)n <= most)
            break;
    }
    if (most < sizeof line)
        line[most] = 0;
    (void)fprintf(p->f, "\r%s\033[K", line);
    (void)fflush(p->f);
    p->drawn = now;
    p->stands = true;
}

void progress_clear(progress *p)
{
    if (!p->f || !p->stands)
        return;
    (void)fputs("\r\033[K", p->f);
    (void)fflush(p->f);
    p->stands = false;
}
