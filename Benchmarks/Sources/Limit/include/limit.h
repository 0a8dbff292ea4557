#ifndef LIMIT_H
#define LIMIT_H
#include <stdint.h>

// One device's messages as the columns that the job reads.
typedef struct {
    const int64_t *seconds;
    const double *latitude, *longitude, *speed, *ignition, *fuel;
    long count;
} LimitColumns;

// A trip, or the sums over many.
typedef struct {
    long trips, messages;
    double kilometres, maximumSpeeds, speeds, fuel, ends;
} LimitResult;

// Adds the trips of one device to a result. `scratch` has room for `count` doubles.
void limit_trips(const LimitColumns *columns, double *scratch, LimitResult *result);
#endif
