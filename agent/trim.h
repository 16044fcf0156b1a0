/*
 * trim: gives back what only the start needed. Starting, and the first TLS
 * handshake, touch the code of thirty libraries; none of it is needed while a
 * long poll waits. What is needed again comes back from the page cache.
 */
#ifndef AGENT_TRIM_H
#define AGENT_TRIM_H

/* Freed heap, and the pages of read-only file mappings. */
void trim_memory(void);

#endif
