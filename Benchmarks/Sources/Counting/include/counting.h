#ifndef COUNTING_H
#define COUNTING_H

// Marks what a run under callgrind counts; does nothing elsewhere, or where valgrind's headers were not there.

// Whether the program runs under valgrind and was built with its headers.
int counting_is_on(void);
// Begins to count from zero.
void counting_begin(void);
// Writes what was counted since, under a name.
void counting_end(const char *name);
#endif
