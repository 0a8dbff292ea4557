// What a program written for the reference calculator alone costs in C: no expressions, no columns that may be absent,
// no states to resume from. It is the limit that the general evaluation is compared with.
#include "limit.h"
#include <math.h>

static const double radius = 6371.0088, degree = M_PI / 180;

// Haversine distances of neighbours by a series for small steps, so that the compiler can make vectors of it.
static void distances(const double *restrict lat, const double *restrict lon, double *restrict out, long count) {
    for (long i = 1; i < count; i++) {
        double x = (lat[i] - lat[i - 1]) * (degree / 2), y = (lon[i] - lon[i - 1]) * (degree / 2);
        double m = (lat[i] + lat[i - 1]) * (degree / 2), m2 = m * m;
        double c = 1 - m2 / 2 * (1 - m2 / 12 * (1 - m2 / 30 * (1 - m2 / 56 * (1 - m2 / 90 * (1 - m2 / 132)))));
        double x2 = x * x, y2 = y * y;
        double sx = x2 * (1 - x2 / 3 + 2 * x2 * x2 / 45), sy = y2 * (1 - y2 / 3 + 2 * y2 * y2 / 45);
        double h = sx + (c * c - sx) * sy;
        out[i] = 2 * radius * sqrt(h) * (1 + h / 6 + 3 * h * h / 40);
    }
}

static int moves(const LimitColumns *c, long i) { return c->ignition[i] != 0 || c->speed[i] > 3; }

void limit_trips(const LimitColumns *c, double *scratch, LimitResult *result) {
    long i = 0;
    while (i < c->count) {
        while (i < c->count && !moves(c, i)) i++;
        if (i >= c->count) break;
        long begin = i++;
        while (i < c->count && moves(c, i) && c->seconds[i] - c->seconds[i - 1] <= 300) i++;
        if (c->seconds[i - 1] - c->seconds[begin] < 60) continue;
        distances(c->latitude + begin, c->longitude + begin, scratch, i - begin);
        double kilometres = 0, maximum = 0, sum = 0;
        for (long k = 1; k < i - begin; k++) kilometres += scratch[k];
        for (long k = begin; k < i; k++) {
            sum += c->speed[k];
            maximum = c->speed[k] > maximum ? c->speed[k] : maximum;
        }
        result->trips++;
        result->messages += i - begin;
        result->kilometres += kilometres;
        result->maximumSpeeds += maximum;
        result->speeds += sum / (i - begin);
        result->fuel += c->fuel[i - 1] - c->fuel[begin];
        result->ends += c->latitude[begin] + c->longitude[begin] + c->latitude[i - 1] + c->longitude[i - 1];
    }
}
