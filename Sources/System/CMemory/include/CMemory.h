#ifndef ODOGRAPH_MEMORY_H
#define ODOGRAPH_MEMORY_H

/* Gives free memory back to the system; the header that malloc_trim stands in is no part of Swift's Glibc. */
void memory_give_back(void);

#endif
