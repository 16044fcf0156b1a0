/*
 * ipam: which address a new node gets. Pure: what is known of a prefix comes
 * from a book (the store's, or a test's), one address goes out.
 *
 *   first      network            last
 *     |.........|xxxxoxxxxoox|.......|      x held  o free again  . never used
 *                            ^ highest + 1: the usual answer, one look-up
 *
 * In order: above the highest ever used; else the lowest gap (an operator may
 * have placed a node high up); else what has been free the longest, so that an
 * address comes back as late as can be; else the prefix is exhausted. The
 * network address and IPv4's broadcast address are never given.
 */
#ifndef MESHD_IPAM_H
#define MESHD_IPAM_H

#include "base/auto.h"
#include "base/err.h"
#include "base/ipnet.h"

#include <stdbool.h>

/* First and last address that may be given; false: there is none. */
WARN_UNUSED bool ipam_range(const struct ipnet *prefix,
	struct ipaddr *ret_first, struct ipaddr *ret_last);

/* Hears of used addresses in ascending order; false: heard enough. */
typedef bool (*ipam_used_fn)(void *arg, const struct ipaddr *used);

/* Each answers 0 or -errno with ERR. Used: held by a node or free again.
 * "None" is an address of family IP_NONE. */
struct ipam_book {
	int (*highest)(void *arg, const struct ipaddr *first,
		const struct ipaddr *last, struct ipaddr *ret_addr,
		struct err *err);
	int (*each_used)(void *arg, const struct ipaddr *first,
		const struct ipaddr *last, ipam_used_fn fn, void *fn_arg,
		struct err *err);
	int (*longest_free)(void *arg, const struct ipaddr *first,
		const struct ipaddr *last, struct ipaddr *ret_addr,
		struct err *err);
	void *arg;
};

/* -ENOSPC when PREFIX is exhausted; else what the book failed with. */
WARN_UNUSED int ipam_pick(const struct ipam_book *book,
	const struct ipnet *prefix, struct ipaddr *ret_addr, struct err *err);

#endif
